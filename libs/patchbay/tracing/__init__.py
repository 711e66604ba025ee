"""
Traces by OpenTelemetry, where they are asked for.

Where they are not, nothing of OpenTelemetry is imported, and nobody asks at a request or a batch whether to trace: who
would trace is not there.
"""

from patchbay.tracing.opening import open_tracing
from patchbay.tracing.settings import TracingSettings

__all__ = ["TracingSettings", "open_tracing"]
