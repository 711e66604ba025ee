"""What a statement does, told by its text."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from tests.simulation.database import projecting, reading, writes
from tests.simulation.database.deciding import load, loaded_parts
from tests.simulation.database.registering import KNOWN, LOCKING, Work
from tests.simulation.database.tables import Access, Row
from tests.simulation.database.writes import UnknownStatement

from patchbay.projection import statement

__all__ = ["locks", "projecting", "reading", "work_of"]  # the two register what they know


def locks(template: str) -> bool:
    """True if a statement waits for other transactions that hold rows of its generation, and then holds them itself."""
    return template in LOCKING or template.startswith("\nWITH moved")


def _commit(own: str, text: str, at: Access, *arguments: Any) -> Sequence[Row]:
    writes.commit(at, at.schemas[own], text, arguments)
    return ()


def work_of(template: str) -> Work:
    """
    Return what a statement does, given its text with the generations' names in place of their schemas.

    Raises:
        UnknownStatement: It is to be taught.
    """
    known = KNOWN.get(template)
    if known is not None:
        return known
    names = loaded_parts(template)
    if names is not None:
        return lambda at, *arguments: load(at, names, arguments)
    for own in ("read_model", "routing"):
        if template.startswith(statement._MOVE.replace("{schema}", f"{{{own}}}")):
            text = template.replace(f"{{{own}}}", "{schema}")
            writes.parts_of(text)
            return partial(_commit, own, text)
    raise UnknownStatement(template)
