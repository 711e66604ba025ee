"""Where nothing is traced, nothing of it is there."""

import json
import subprocess
import sys
from typing import Final

from patchbay.projection import traced
from patchbay.projector.composition import PROJECTION

_PROGRAM: Final = """
import asyncio, json, sys
import patchbay.api.__main__, patchbay.projector.__main__, patchbay.routing.__main__
from patchbay.tracing import TracingSettings, open_tracing

async def main():
    async with open_tracing("api", TracingSettings(), "topic") as spans:
        application = patchbay.api.__main__.application_of(object(), spans)
        writer = object()
        print(json.dumps([
            spans is None,
            type(application).__name__,
            patchbay.api.__main__.writer_of(writer, spans) is writer,
            sorted({name.partition(".")[0] for name in sys.modules} & {"opentelemetry", "requests", "google"}),
        ]))

asyncio.run(main())
"""
_NOT_INSTALLED: Final = """
import asyncio, sys
sys.modules["opentelemetry"] = None
from patchbay.tracing import TracingSettings, open_tracing

async def main():
    async with open_tracing("api", TracingSettings(otel_exporter_otlp_endpoint="http://127.0.0.1:9"), "topic"):
        pass

asyncio.run(main())
"""


def run(program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - a constant above


def test_nothing_is_imported_and_nothing_stands_in_the_way_of_a_request() -> None:
    ran = run(_PROGRAM)

    assert json.loads(ran.stdout) == [True, "Application", True, []], ran.stderr


def test_a_projection_that_is_not_traced_is_the_same_one() -> None:
    assert traced(PROJECTION, None) is PROJECTION
    assert PROJECTION.on_committed is None


def test_traces_that_cannot_be_had_are_a_bad_setting() -> None:
    ran = run(_NOT_INSTALLED)

    assert ran.returncode == 2
    assert "pip install 'patchbay[tracing]'" in ran.stderr
    assert ran.stderr.count("\n") == 1
