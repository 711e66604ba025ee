"""A broker's storage is made by Kafka's own tool once; the next directories get copies, each with ids of its own."""

from pathlib import Path

import pytest

from patchbay.embedded.errors import ServerNotStarted
from patchbay.embedded.kafka_storage import format_storage, is_formatted, storage_file

# Stands for the tool: notes that it was run, and writes what it was told.
_TOOL = """
echo run >> "$0.runs"
mkdir -p "$0/__cluster_metadata-0"
echo features > "$0/__cluster_metadata-0/0.checkpoint"
echo "cluster.id=$5" > "$0/meta.properties"
"""


class Brokers:
    """Directories of brokers with the same jars."""

    def __init__(self, folder: Path, script: str = _TOOL) -> None:
        self.kept = folder / "kafka.storage"
        self._folder, self._script = folder, script
        self.runs = 0

    def make(self, name: str, **passwords: str) -> dict[str, str]:
        """Return the files of a new storage, but for the temporary ones."""
        directory = self._folder / name
        data = directory / "data"
        directory.mkdir()
        (directory / "server.properties").write_text("process.roles=broker\nnode.id=3\nlog.dirs=data\n")
        format_storage(
            ("/bin/sh", "-c", self._script, str(data)),
            directory, kept=self.kept, cluster_id=f"cluster-{name}", passwords=passwords, log_path=directory / "log",
        )  # fmt: skip
        self.runs += data.with_name("data.runs").exists()

        assert is_formatted(directory)
        return {str(path.relative_to(data)): path.read_text() for path in data.rglob("*") if path.is_file()}


def test_the_next_directories_are_copies_with_ids_of_their_own(tmp_path: Path) -> None:
    brokers = Brokers(tmp_path)
    first, second, third = (brokers.make(name) for name in ("first", "second", "third"))
    identities = [
        dict(line.split("=") for line in each.pop("meta.properties").splitlines()) for each in (second, third)
    ]
    del first["meta.properties"]

    assert brokers.runs == 1
    assert first == second == third
    assert [(each["cluster.id"], each["node.id"], each["version"]) for each in identities] == [
        ("cluster-second", "3", "1"),
        ("cluster-third", "3", "1"),
    ]
    assert len({each["directory.id"] for each in identities}) == 2


def test_one_with_passwords_is_neither_copied_nor_kept(tmp_path: Path) -> None:
    brokers = Brokers(tmp_path)
    brokers.make("secured", somebody="secret")
    assert not brokers.kept.exists()

    brokers.make("plain")
    brokers.make("also secured", somebody="secret")

    assert brokers.runs == 3


def test_what_is_not_as_it_was_kept_is_made_anew(tmp_path: Path) -> None:
    brokers = Brokers(tmp_path)
    brokers.make("first")
    brokers.kept.write_bytes(brokers.kept.read_bytes()[:-1] + b"x")
    brokers.make("second")
    brokers.make("third")

    assert brokers.runs == 2


def test_a_tool_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServerNotStarted, match="cannot be formatted"):
        Brokers(tmp_path, "exit 3").make("first")


def test_other_jars_have_another_file(tmp_path: Path) -> None:
    jars = [tmp_path / "one.jar", tmp_path / "two.jar"]
    for jar in jars:
        jar.touch()

    assert storage_file(jars, tmp_path) != storage_file(jars[:1], tmp_path)
