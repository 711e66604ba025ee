"""What makes Kafka's start quick is made once, for one Java and its jars, and never stands in the way."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from patchbay.embedded import Launch
from patchbay.embedded.quick_start import make_quick_start_file, quick_start_file, quick_start_options

# Stands for Java: gets ready, and when it is to stop writes the file that its first option names.
_RECORDS = """#!/bin/sh
trap 'echo made > "${1#*=}"; exit 0' TERM
touch "$(dirname "$0")/ready"
while :; do sleep 0.02; done
"""
_ENDS = "#!/bin/sh\necho 'no memory'\nexit 1\n"


def launching(folder: Path, script: str) -> Callable[[Path], Launch]:
    """Return what plans the start of a script in a directory."""
    folder.mkdir(exist_ok=True)
    program = folder / "java"
    program.write_text(script)
    program.chmod(0o755)

    async def is_ready() -> bool:
        return (folder / "ready").exists()

    return lambda directory: Launch(
        name="java", command=(str(program), "-Xmx1m"), environ={}, log_path=directory / "log", probe=is_ready
    )


def java_of(folder: Path, version: str) -> Path:
    """Return a Java that says it is of this version."""
    (folder / "bin").mkdir(parents=True)
    (folder / "release").write_text(f'IMPLEMENTOR="Somebody"\nJAVA_VERSION="{version}"\n')
    java = folder / "bin" / "java"
    java.touch()
    return java


def test_a_file_is_made_once(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "kafka.aot"

    assert quick_start_options(file) == ()
    assert make_quick_start_file(file, launching(tmp_path / "java", _RECORDS))
    assert make_quick_start_file(file, launching(tmp_path / "other", _ENDS))
    assert file.read_text() == "made\n"
    assert f"-XX:AOTCache={file}" in quick_start_options(file)
    assert "-XX:+VerifySharedSpaces" in quick_start_options(file)  # what is damaged is not used


def test_what_cannot_be_made_is_not_tried_again_at_each_start(tmp_path: Path) -> None:
    file = tmp_path / "kafka.aot"

    assert not make_quick_start_file(file, launching(tmp_path / "first", _ENDS))
    assert not make_quick_start_file(file, launching(tmp_path / "second", _RECORDS))
    file.with_suffix(".none").unlink()
    assert make_quick_start_file(file, launching(tmp_path / "second", _RECORDS))


def test_whoever_interrupts_the_making_leaves_nothing_behind(tmp_path: Path) -> None:
    file, interrupted = tmp_path / "kafka.aot", threading.Event()
    interrupted.set()

    assert not make_quick_start_file(file, launching(tmp_path / "java", "#!/bin/sh\nexec sleep 100\n"), interrupted)
    assert not file.with_suffix(".none").exists()
    assert make_quick_start_file(file, launching(tmp_path / "java", _RECORDS))


@pytest.mark.parametrize(("version", "is_made"), [("25.0.2", True), ("26", True), ("21.0.5", False), ("1.8.0", False)])
def test_only_a_java_that_knows_how_makes_one(tmp_path: Path, version: str, *, is_made: bool) -> None:
    assert (quick_start_file(java_of(tmp_path / "java", version), [], tmp_path) is not None) == is_made


def test_another_java_and_other_jars_have_a_file_of_their_own(tmp_path: Path) -> None:
    first, second = java_of(tmp_path / "a", "25.0.2"), java_of(tmp_path / "b", "25.0.2")
    jar = tmp_path / "kafka.jar"
    jar.write_bytes(b"")

    files = {quick_start_file(java, jars, tmp_path) for java in (first, second) for jars in ([], [jar])}

    assert len(files) == 4
    assert quick_start_file(tmp_path / "nowhere" / "bin" / "java", [], tmp_path) is None
