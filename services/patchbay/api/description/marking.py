"""Words as HTML: escaped, with the two marks that the entries use, `code` and **weight**."""

import re
from html import escape as escaped
from typing import Final

__all__ = ["anchor", "code", "escaped", "paragraphs", "plain_line"]

_CODE: Final = re.compile(r"`([^`]+)`")
_STRONG: Final = re.compile(r"\*\*([^*]+)\*\*")


def plain_line(words: str) -> str:
    """Return one line of words."""
    return _STRONG.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", escaped(words)))


def paragraphs(words: str) -> str:
    """Return words in paragraphs, which an empty line divides."""
    return "".join(f"<p>{plain_line(part)}</p>" for part in words.strip().split("\n\n") if part)


def code(text: str) -> str:
    """Return text as it is to be typed."""
    return f"<code>{escaped(text)}</code>"


def anchor(name: str) -> str:
    """Return what a heading is linked by."""
    return "about-" + name.lower().replace(" ", "-")
