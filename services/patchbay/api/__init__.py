"""The REST command API."""

from patchbay.importing import without

with without("rich"):  # structlog would take it along, for tracebacks in colours: a tenth of the start
    import structlog  # noqa: F401 -- for all who import it later
