"""What changed in a text, word by word."""

import re
from difflib import SequenceMatcher
from typing import Final

from patchbay.cli.showing import clean

_WORDS: Final = re.compile(r"\s+|[^\s]+")
_MOST_WORDS: Final = 4_000  # of both; longer texts are compared line by line, which takes a fraction of the time
_CONTEXT: Final = 12  # words and spaces that are shown on each side of a change
_MARKS: Final = {"-": ("[-", "-]"), "+": ("{+", "+}")}
_COLOURS: Final = {"-": ("\x1b[31m[-", "-]\x1b[0m"), "+": ("\x1b[32m{+", "+}\x1b[0m")}


def word_diff(before: str, after: str, *, in_colour: bool) -> str:
    """Return what went in brackets, what came in braces, and some of what is between; the rest is left out."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) + len(new) > _MOST_WORDS:
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    marks = _COLOURS if in_colour else _MARKS
    shown = []
    operations = SequenceMatcher(a=old, b=new).get_opcodes()  # what is everywhere, as spaces are, anchors nothing
    for index, (operation, begin, end, new_begin, new_end) in enumerate(operations):
        if operation == "equal":
            shown.append(_kept(old[begin:end], is_first=index == 0, is_last=index == len(operations) - 1))
            continue
        for sign, words in (("-", old[begin:end]), ("+", new[new_begin:new_end])):
            if words:
                opening, closing = marks[sign]
                shown.append(f"{opening}{clean(''.join(words))}{closing}")
    return "".join(shown)


def _kept(words: list[str], *, is_first: bool, is_last: bool) -> str:
    left = 0 if is_first else _CONTEXT
    right = 0 if is_last else _CONTEXT
    if len(words) > left + right + 1:
        ending = words[len(words) - right :] if right else []
        words = [*words[:left], " … ", *ending]
    return clean("".join(words))
