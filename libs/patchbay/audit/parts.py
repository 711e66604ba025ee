"""The files of an export, read back line by line and held against what the manifest says of them."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from patchbay.audit.auditing import AT_ONCE
from patchbay.audit.errors import Damaged
from patchbay.audit.files import LinesOf
from patchbay.audit.lines import NO_CHECK, Line
from patchbay.audit.manifest import HeadsFile, PartFile
from patchbay.audit.skimming import LineReader


def lines_of_part(folder: Path, part: PartFile) -> Iterator[Line]:
    """
    Return the lines of a file.

    Raises:
        Damaged: One of them is not what was written, or the file is not; at the latest behind its last line.
    """
    file, reader, number = LinesOf(folder / part.name), LineReader(NO_CHECK), 0
    for content in file:
        number += 1
        try:
            line = reader.read(content)
        except ValueError as error:
            raise Damaged(str(error), file=part.name, line=number) from None
        yield line
    if number != part.lines:
        raise Damaged(f"it has {number} lines, but had {part.lines}", file=part.name, line=number + 1)
    if reader.check.hex() != part.check:
        raise Damaged("its lines are not those that were written", file=part.name)
    check_bytes(part, file)


def many_of_part(folder: Path, part: PartFile) -> Iterator[list[Line]]:
    """
    Return the lines of a file, many at once: all of them before one that is not what was written.

    Raises:
        Damaged: As `lines_of_part`.
    """
    lines = lines_of_part(folder, part)
    while True:
        many: list[Line] = []
        try:
            many.extend(islice(lines, AT_ONCE))
        except Damaged:
            if many:
                yield many
            raise
        if not many:
            return
        yield many


def check_bytes(described: PartFile | HeadsFile, file: LinesOf) -> None:
    """
    Hold the bytes of a file that was read against what is said of them.

    Raises:
        Damaged: They are others.
    """
    if (file.bytes, file.sha256) != (described.bytes, described.sha256):
        raise Damaged("its bytes are not those that were written, its lines are", file=described.name)
