"""What a process that can be traced is told by its environment."""

from patchbay.process import ProcessSettings


class TracingSettings(ProcessSettings, frozen=True, kw_only=True):
    """
    Where traces go, by OpenTelemetry's own name; none: nothing is traced.

    Its other variables, such as OTEL_TRACES_SAMPLER and OTEL_EXPORTER_OTLP_HEADERS, are read by its library.
    """

    otel_exporter_otlp_endpoint: str | None = None  # http://collector:4318
