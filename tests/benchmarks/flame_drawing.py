"""A flame graph as SVG: who called whom, as wide as it took time; what it is called in full is its tooltip."""

from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.saxutils import escape

import msgspec

WIDTH: Final = 1_200
_ROW: Final = 16
_HEAD: Final = 28
_LEAST: Final = 0.6  # narrower boxes, in pixels, are left out
_CHARACTER: Final = 6.2  # in pixels
_SHORTEST: Final = 5  # characters; fewer say nothing
_COLOURS: Final = ("#e8a05c", "#e6b566", "#dd8452", "#e3c27a")


class Box(msgspec.Struct, frozen=True):
    """A function in one place of the graph, in samples."""

    name: str
    depth: int
    begin: int
    width: int


def boxes_of(stacks: Iterable[tuple[Sequence[str], int]]) -> list[Box]:
    """Return the graph of stacks, the outermost function first, each with how often it was seen."""
    merged: dict[tuple[str, ...], int] = {}
    for stack, count in stacks:
        for depth in range(1, len(stack) + 1):
            place = tuple(stack[:depth])
            merged[place] = merged.get(place, 0) + count
    begins: dict[tuple[str, ...], int] = {(): 0}
    boxes = []
    for place in sorted(merged):
        begin = begins[place[:-1]]
        boxes.append(Box(place[-1], len(place) - 1, begin, merged[place]))
        begins[place[:-1]] = begin + merged[place]
        begins[place] = begin
    return boxes


def draw_flames(title: str, boxes: Sequence[Box]) -> str:
    """Return the SVG."""
    total = max((box.begin + box.width for box in boxes), default=1)
    scale = WIDTH / total
    height = _HEAD + _ROW * (1 + max((box.depth for box in boxes), default=0))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace"',
        f'  font-size="10"><rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="18" font-size="13">{escape(title)}</text>',
    ]
    for box in boxes:
        width = box.width * scale
        if width < _LEAST:
            continue
        x, y = box.begin * scale, _HEAD + box.depth * _ROW
        colour = _COLOURS[len(box.name) % len(_COLOURS)]
        fits = int((width - 4) / _CHARACTER)
        shown = box.name if len(box.name) <= fits else f"{box.name[: max(0, fits - 2)]}.."
        text = f'<text x="{x + 2:.1f}" y="{y + 11}">{escape(shown)}</text>' if fits >= _SHORTEST else ""
        area = f'x="{x:.1f}" y="{y}" width="{max(width - 0.4, 0.3):.1f}" height="{_ROW - 1}"'
        tip = f"<title>{escape(box.name)}: {100 * box.width / total:.1f} %</title>"
        lines.append(f'<g>{tip}<rect {area} fill="{colour}"/>{text}</g>')
    return "\n".join([*lines, "</svg>\n"])


def read_stacks(text: str) -> list[tuple[list[str], int]]:
    """Return what py-spy has written: a stack in a line, its functions with semicolons between, and a count."""
    stacks = []
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        stacks.append((stack.split(";"), int(count)))
    return stacks
