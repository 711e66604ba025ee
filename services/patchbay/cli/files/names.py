"""What the file of an assistant is called."""

import re
import unicodedata
from collections.abc import Container
from typing import Final

ENDINGS: Final = (".yaml", ".yml")
_NAME_CHARACTERS: Final = 60
_ID_TAIL_CHARACTERS: Final = 6
_FILE_NAME: Final = re.compile(r"[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,199}\.ya?ml")


def is_file_name(name: str) -> bool:
    """True if an assistant's file may be called this: in the directory itself, and not hidden."""
    return _FILE_NAME.fullmatch(name) is not None


def file_name_for(name: str, assistant_id: str, taken: Container[str]) -> str:
    """
    Return a name for a new file; it stays, whatever the assistant is called later.

    Args:
        name: Of the assistant.
        assistant_id: Its end tells files of assistants of one name apart.
        taken: Names of files, in lower case, that are there.
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")[:_NAME_CHARACTERS].rstrip("-") or "assistant"
    plain = f"{stem}{ENDINGS[0]}"
    return plain if plain not in taken else f"{stem}-{assistant_id[-_ID_TAIL_CHARACTERS:]}{ENDINGS[0]}"
