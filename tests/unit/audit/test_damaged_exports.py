"""Whatever is changed in an export is found, and the place is named."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import msgspec
import pytest
from tests.unit.audit.exports import compressed, cover_up, eventful_log, export, lines_of, seal_manifest

from patchbay.audit import Damaged, ExportUnusable, read_manifest, verify_export
from patchbay.audit.manifest import HEADS_FILE, MANIFEST_FILE, SUMS_FILE

Lines = list[bytes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an export that each test leaves as it was."""
    made = tmp_path_factory.mktemp("export")
    export(eventful_log(), made)
    return made


@contextmanager
def changed(path: Path, content: bytes) -> Iterator[None]:
    """Have a file hold something else for a while."""
    before = path.read_bytes()
    assert content != before
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


def byte_changed(random: Random, content: bytes) -> bytes:
    at = random.randrange(len(content))
    return content[:at] + bytes([content[at] ^ random.randint(1, 255)]) + content[at + 1 :]


def _change(random: Random, lines: Lines) -> Lines:
    at = random.randrange(len(lines))
    return [*lines[:at], byte_changed(random, lines[at]), *lines[at + 1 :]]


def _cut(random: Random, lines: Lines) -> Lines:
    at = random.randrange(len(lines))
    return [*lines[:at], lines[at][: random.randrange(len(lines[at]))]]


def _swap(random: Random, lines: Lines) -> Lines:
    one, other = sorted(random.sample(range(len(lines)), 2))
    swapped = list(lines)
    swapped[one], swapped[other] = lines[other], lines[one]
    return swapped


def _insert(random: Random, lines: Lines) -> Lines:
    at = random.randrange(len(lines) + 1)
    return [*lines[:at], random.choice(lines), *lines[at:]]


def _remove(random: Random, lines: Lines) -> Lines:
    at = random.randrange(len(lines))
    return [*lines[:at], *lines[at + 1 :]]


@pytest.mark.parametrize("damage", [_change, _cut, _swap, _insert, _remove])
def test_damage_to_lines_is_found_at_the_line(folder: Path, damage: Callable[[Random, Lines], Lines]) -> None:
    """160 times each; the first line that is wrong is named, or where it should be."""
    random = Random(1)
    parts = [part.name for part in read_manifest(folder).files if part.lines > 1]
    found = 0
    for _ in range(160):
        path = folder / random.choice(parts)
        lines = lines_of(path)
        after = damage(random, lines)
        first = next((i for i, (one, other) in enumerate(zip(lines, after, strict=False)) if one != other), None)
        expected = min(len(lines), len(after)) if first is None else first
        with changed(path, compressed(after)), pytest.raises(Damaged) as caught:
            verify_export(folder)
        assert caught.value.file == path.name
        assert caught.value.line == expected + 1
        found += 1

    assert found == 160


def test_damage_to_bytes_of_any_file_is_found(folder: Path) -> None:
    """200 single bytes, in compressed files, the manifest and the sums alike."""
    random = Random(2)
    names = sorted(path.name for path in folder.iterdir())
    found = 0
    for _ in range(200):
        path = folder / random.choice(names)
        with changed(path, byte_changed(random, path.read_bytes())), pytest.raises((Damaged, ExportUnusable)):
            verify_export(folder)
        found += 1

    assert found == 200
    verify_export(folder)  # and it was the damage that was found


def test_files_that_are_gone_or_strange_are_found(folder: Path, tmp_path: Path) -> None:
    for name in (read_manifest(folder).files[1].name, HEADS_FILE, SUMS_FILE):
        copy = shutil.copytree(folder, tmp_path / name)
        (copy / name).unlink()
        with pytest.raises(Damaged, match=name):
            verify_export(copy)
    (copy := shutil.copytree(folder, tmp_path / "more")).joinpath("more.zst").write_bytes(b"")
    with pytest.raises(Damaged, match=r"more\.zst"):
        verify_export(copy)
    (copy / MANIFEST_FILE).unlink()
    with pytest.raises(ExportUnusable, match="no export"):
        verify_export(copy)


def test_who_mends_the_checks_and_sums_is_found_by_the_digests(folder: Path, tmp_path: Path) -> None:
    """Any byte of what a digest covers."""
    random = Random(3)
    covered = 0
    for part in read_manifest(folder).files[:4]:
        lines = lines_of(folder / part.name)
        for at, line in enumerate(lines):
            begin = line.find(b'"logverdict":"accepted"')
            if begin < 0 or covered >= 40:
                continue
            text = random.choice([b'"name":"', b'"actor":"', b'"time":"', b'"id":"', b'"digest":"'])
            where = line.find(text)
            if where < 0:
                continue
            where += len(text)
            forged = line[:where] + (b"1" if line[where : where + 1] != b"1" else b"2") + line[where + 1 :]
            copy = shutil.copytree(folder, tmp_path / f"{part.name}-{at}")
            cover_up(copy, part.name, [*lines[:at], forged, *lines[at + 1 :]])
            with pytest.raises(Damaged, match="no event any more"):
                verify_export(copy)
            covered += 1

    assert covered >= 20


def test_who_takes_a_line_out_and_mends_the_sums_is_found_by_the_offsets(folder: Path, tmp_path: Path) -> None:
    part = read_manifest(folder).files[0]
    copy = shutil.copytree(folder, tmp_path / "copy")
    lines = lines_of(copy / part.name)
    cover_up(copy, part.name, [*lines[:3], *lines[4:]])

    with pytest.raises(Damaged, match=r"line 4 \(partition 0, offset 4\): offset 3 must follow"):
        verify_export(copy)


def test_a_name_that_leads_outside_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    manifest = read_manifest(copy)
    part = msgspec.structs.replace(manifest.files[0], name="../secret")
    seal_manifest(copy, msgspec.structs.replace(manifest, files=(part, *manifest.files[1:])))

    with pytest.raises(ExportUnusable, match="outside"):
        verify_export(copy)


def test_a_manifest_that_claims_more_partitions_than_it_tells_of_is_refused(folder: Path, tmp_path: Path) -> None:
    """Before anything is made for them."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    seal_manifest(copy, msgspec.structs.replace(read_manifest(copy), partition_count=10**12))

    with pytest.raises(ExportUnusable, match="where each partition ends"):
        verify_export(copy)
