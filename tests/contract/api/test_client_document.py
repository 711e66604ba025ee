"""What docs/client.md shows of the Python client works as it stands there."""

import textwrap
from typing import Any

from tests.contract.api.service import Service
from tests.system.documents import ROOT, python_blocks_of

DOCUMENT = ROOT / "docs" / "client.md"


async def test_every_example_runs(service: Service) -> None:
    """In the order of the document, in one scope, with the names that it speaks of."""
    blocks = python_blocks_of(DOCUMENT)
    text = "async def examples():\n" + textwrap.indent("\n".join(blocks), "    ")
    scope: dict[str, Any] = {"URL": service.url, "KEY": service.own.secret}
    exec(compile(text, str(DOCUMENT), "exec"), scope)  # noqa: S102 - our own document

    await scope["examples"]()

    assert len(blocks) >= 5
