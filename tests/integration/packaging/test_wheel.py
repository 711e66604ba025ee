"""What is released: a wheel that works where nothing of this tree is."""

import os
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import version
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pytest

ROOT: Final = Path(__file__).parents[3]
_SECONDS: Final = 120
_IMPORT_ALL: Final = """
import importlib, pkgutil, patchbay
names = [found.name for found in pkgutil.walk_packages(patchbay.__path__, "patchbay.")]
for name in names:
    if not name.endswith((".__main__", ".child")):
        importlib.import_module(name)
print(len(names), *patchbay.__path__)
"""


def run(*command: str | Path, code: int = 0, cwd: Path = ROOT) -> str:
    """Run a command with nothing in its environment that leads to this tree; return what it printed."""
    ran = subprocess.run(  # noqa: S603 - of our own making
        command,
        cwd=cwd,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_with_its_data_and_no_more(wheel: Path) -> None:
    with ZipFile(wheel) as opened:
        names = {name for name in opened.namelist() if ".dist-info/" not in name}
        metadata = next(name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        told = opened.read(metadata).decode()
    data = {path.name for part in ("libs", "services") for path in (ROOT / part).rglob("*") if is_data(path)}

    assert names
    assert all(name.startswith("patchbay/") for name in names), names
    assert data
    assert data <= {name.rpartition("/")[2] for name in names}
    assert f"Version: {version('patchbay')}" in told
    assert "License-Expression: Apache-2.0" in told
    assert {"embedded", "tracing"} <= {line.split(": ")[1] for line in told.splitlines() if "Provides-Extra" in line}


def is_data(path: Path) -> bool:
    return path.is_file() and path.suffix not in (".py", ".pyc")


def test_it_works_in_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    """Every module, the command, each service; the dependencies come from here, the package from the wheel alone."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    # A folder that is named so has its packages found, and not its own .pth files: those lead into this tree.
    here = [path for path in sys.path if path.endswith("site-packages")] or [sysconfig.get_path("purelib")]
    (packages / "dependencies.pth").write_text("\n".join(here))

    count, place = run(python, "-c", _IMPORT_ALL, cwd=tmp_path).split()
    assert int(count) > 200
    assert place == str(packages / "patchbay")
    assert "usage: patchbay" in run(home / "bin" / "patchbay", "--help", cwd=tmp_path)
    for service in ("api", "projector", "routing"):
        said = run(python, "-m", f"patchbay.{service}", code=2, cwd=tmp_path)
        assert "bad setting: KAFKA_BOOTSTRAP_SERVERS is not set" in said
