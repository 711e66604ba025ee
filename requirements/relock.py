"""Write the lock files anew from pyproject.toml: versions and hashes, nothing else."""

import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
OPTIONS = (
    *("--generate-hashes", "--allow-unsafe", "--strip-extras", "--no-annotate", "--quiet", "--no-emit-options"),
    *("--no-emit-find-links", "--no-emit-index-url", "--no-emit-trusted-host"),
)


def main() -> None:
    """
    Lock what `make run` installs, then parts and extensions of it in the same versions.

    An image takes what a service needs, traces included, and no more: `services.txt`, and `build.txt` to make the
    package. What only the benchmarks' peers need is in `bench.txt`.
    """
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())
    runtime = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["embedded"],
        *project["build-system"]["requires"],
    ]
    lock(runtime, HERE / "runtime.txt")
    lock(project["build-system"]["requires"], HERE / "build.txt", constraint=HERE / "runtime.txt")
    tracing = project["project"]["optional-dependencies"]["tracing"]
    extras = [*tracing, *project["project"]["optional-dependencies"]["parquet"]]
    lock([*runtime, *extras, *project["dependency-groups"]["dev"]], HERE / "dev.txt", constraint=HERE / "runtime.txt")
    lock([*project["project"]["dependencies"], *tracing], HERE / "services.txt", constraint=HERE / "dev.txt")
    lock(project["dependency-groups"]["bench"], HERE / "bench.txt", constraint=HERE / "dev.txt")


def lock(wanted: list[str], target: Path, *, constraint: Path | None = None) -> None:
    """Resolve `wanted` into `target`; versions that are there already stay unless `--upgrade` is given."""
    with tempfile.NamedTemporaryFile("w", suffix=".in") as source:
        source.write("\n".join(wanted))
        source.flush()
        command = [sys.executable, "-m", "piptools", "compile", *OPTIONS, *sys.argv[1:]]
        command += ["--output-file", str(target), source.name]
        if constraint is not None:
            command += ["--constraint", str(constraint)]
        # Without the wheel directories of this machine: every hash is one that anybody can have.
        environ = {key: value for key, value in os.environ.items() if key != "PIP_FIND_LINKS"}
        subprocess.run(command, check=True, env=environ | {"CUSTOM_COMPILE_COMMAND": "make lock"})  # noqa: S603


if __name__ == "__main__":
    main()
