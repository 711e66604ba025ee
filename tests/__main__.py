"""
Run every test: those on whole systems beside all others, since both mostly wait.

Each half is a run of pytest with servers of its own. The other half's output is shown when it has ended.
"""

import subprocess
import sys
import tempfile
from contextlib import suppress

SYSTEM = ["tests/system"]
OTHERS = ["tests", "--ignore=tests/system", "--ignore=tests/benchmarks"]


def main(arguments: list[str]) -> int:
    """
    Run both halves, each with `arguments` for pytest added.

    Returns:
        0 if both passed, else the first exit code that says something else.
    """
    pytest = [sys.executable, "-m", "pytest", "-o", "cache_dir=.pytest_cache"]
    with tempfile.TemporaryFile() as output:
        system = subprocess.Popen([*pytest, *SYSTEM, *arguments], stdout=output, stderr=subprocess.STDOUT)  # noqa: S603 - our own command
        try:
            others = subprocess.run([*pytest, *OTHERS, *arguments], check=False).returncode  # noqa: S603 - our own command
            print("\nThe tests on whole systems run since the beginning; their output comes when they end.", flush=True)
            whole = system.wait()
        except KeyboardInterrupt:
            with suppress(KeyboardInterrupt):  # both got it from the terminal: what they started ends with them
                system.wait()
            return 130
        output.seek(0)
        sys.stdout.buffer.write(output.read())
        sys.stdout.flush()
    return others or whole


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
