"""The commands that a document shows, and the answers that it promises."""

import json
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
_FENCED: Final = re.compile(r"^```(\S+) (run|answer)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PYTHON: Final = "python"  # run by the tests of the client
_FENCE: Final = re.compile(r"^( *)```(\S*) ?(.*)\n((?:.*\n)*?)\1```$", re.MULTILINE)
ELLIPSIS: Final = "…"


class Shown(NamedTuple):
    """A block of commands, and the answer of its last one where the document shows it."""

    commands: str
    answer: Any = None


class Block(NamedTuple):
    """What stands between two fences."""

    language: str
    mark: str  # what follows the language
    text: str


def documents() -> list[Path]:
    """Return every document for people that is in the repository."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def blocks_of(document: Path) -> list[Shown]:
    """Return the blocks that are marked to be run, in their order."""
    shown: list[Shown] = []
    for language, mark, text in _FENCED.findall(document.read_text()):
        if language == _PYTHON:
            continue
        if mark == "run":
            shown.append(Shown(text))
        else:
            shown[-1] = Shown(shown[-1].commands, json.loads(text))
    return shown


def pages_of(document: Path) -> Mapping[str, list[Block]]:
    """Return the blocks of each page, by its title, whatever their marks."""
    _, *parts = re.split(r"^## (.+)$", document.read_text(), flags=re.MULTILINE)
    return {
        title: [Block(language, mark, textwrap.dedent(text)) for _, language, mark, text in _FENCE.findall(content)]
        for title, content in zip(parts[::2], parts[1::2], strict=True)
    }


def python_blocks_of(document: Path) -> list[str]:
    """Return the blocks of Python that are marked to be run, in their order."""
    return [text for language, _, text in _FENCED.findall(document.read_text()) if language == _PYTHON]


def is_as_promised(found: Any, promised: Any) -> bool:
    """Return whether `found` is what was promised: `…` ends a text that goes on, and stands for further members."""
    if isinstance(promised, dict) and isinstance(found, dict):
        named = {name for name in promised if name != ELLIPSIS}
        known = named <= found.keys() if ELLIPSIS in promised else named == found.keys()
        return known and all(is_as_promised(found[name], promised[name]) for name in named)
    if isinstance(promised, list) and isinstance(found, list):
        return len(found) == len(promised) and all(map(is_as_promised, found, promised))
    if isinstance(promised, str) and promised.endswith(ELLIPSIS):
        return isinstance(found, str) and found.startswith(promised.removesuffix(ELLIPSIS).rstrip())
    return type(found) is type(promised) and bool(found == promised)
