"""Write `artifacts.json` anew: the jars that a broker needs, and Postgres for each platform."""

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from jgo.maven import MavenContext

from patchbay.embedded.artifacts import Artifact, Lock

KAFKA = ("org.apache.kafka", "kafka_2.13", "4.4.0")
BESIDE_KAFKA = (
    ("org.slf4j", "slf4j-jdk14", "1.7.36"),
)  # Kafka logs through slf4j; this writes with the JDK's own means
POSTGRES = ("io.zonky.test.postgres", "embedded-postgres-binaries", "18.3.0")
PLATFORMS = ("linux-amd64", "linux-arm64v8", "darwin-amd64", "darwin-arm64v8")

# Never loaded by a broker of one node: OAuth, tiered storage, what a validator of
# network addresses declares but does not use, and compile-time reflection.
NOT_NEEDED = frozenset(
    {
        "caffeine", "commons-beanutils", "commons-collections", "commons-digester", "commons-logging",
        "jackson-dataformat-yaml", "jackson-datatype-jdk8", "jose4j", "jspecify", "scala-reflect", "snakeyaml",
    }
)  # fmt: skip


def main() -> None:
    """Resolve, download, measure, and write the lock file beside this module."""
    with tempfile.TemporaryDirectory() as workspace:
        context = MavenContext(repo_cache=Path(workspace))
        inputs, others = context.resolver.resolve([context.create_dependency(":".join(KAFKA))])
        jars = [one.artifact for one in [*inputs, *others] if one.scope not in {"test", "provided"}]
        jars += [_artifact(context, *coordinates) for coordinates in BESIDE_KAFKA]
        kafka = tuple(_measure(jar) for jar in jars if jar.artifactId not in NOT_NEEDED)
        group, name, version = POSTGRES
        postgres = {key: _measure(_artifact(context, group, f"{name}-{key}", version)) for key in PLATFORMS}
    lock = Lock(kafka=tuple(sorted(kafka, key=lambda one: (one.group, one.name))), postgres=postgres)
    target = Path(__file__).with_name("artifacts.json")
    target.write_bytes(msgspec.json.format(msgspec.json.encode(lock), indent=2) + b"\n")
    size_bytes = sum(one.size_bytes for one in kafka)
    sys.stdout.write(f"{target}: {len(kafka)} jars of {size_bytes / 1e6:.1f} MB, {len(postgres)} platforms\n")


def _artifact(context: Any, group: str, name: str, version: str) -> Any:  # noqa: ANN401 -- jgo has no types
    return context.project(group, name).at_version(version).artifact()


def _measure(artifact: Any) -> Artifact:  # noqa: ANN401 -- jgo has no types
    content = artifact.resolve().read_bytes()
    return Artifact(
        group=artifact.groupId,
        name=artifact.artifactId,
        version=artifact.version,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


if __name__ == "__main__":
    main()
