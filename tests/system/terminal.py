"""A shell that stays open: what one block sets, the next one has, as in an operator's terminal."""

import asyncio
import contextlib
import os
import re
import secrets
import signal
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
from tests.system.documents import Block

from patchbay.embedded import free_port

TYPED_SECONDS = 60.0  # on a machine that runs other tests at the same time
DOCUMENTED_PORTS = re.compile(r"\b80[89]\d\b")  # others are taken instead: somebody may use Patchbay here


class Terminal:
    """Bash, and a database whose SQL is typed beside it."""

    def __init__(self, shell: asyncio.subprocess.Process, database_url: str) -> None:
        self.database_url = database_url
        self._shell = shell
        self._ports: dict[str, str] = {}

    async def type(self, *blocks: Block, code: int = 0) -> str:
        """
        Type blocks as they stand in the document, and return what they printed; each command has to succeed.

        Args:
            blocks: In their order.
            code: With which the last command ends that does not.
        """
        printed = [await self._type_one(block, code) for block in blocks]
        return "\n".join(printed)

    async def _type_one(self, block: Block, expected: int) -> str:
        assert block.mark == "run"
        match block.language:
            case "sh":
                code, printed = await self.enter(block.text)

                assert code == expected, f"{block.text}\n{printed}"
                return printed
            case "sql":
                return "\n".join(str(dict(row)) for row in await self._query(block.text))
        raise AssertionError(f"nobody types {block.language}")

    async def enter(self, commands: str) -> tuple[int, str]:
        """Return the exit code of the last command that failed, 0 if none did, and what all printed."""
        end = f"end-{secrets.token_hex(8)}"
        typed = DOCUMENTED_PORTS.sub(lambda found: self.port(found[0]), commands)
        script = f"failed=0\n{{ {typed}\n}} </dev/null\nprintf '\\n{end} %s\\n' \"$failed\"\n"
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(script.encode())
        printed: list[str] = []
        try:
            async with asyncio.timeout(TYPED_SECONDS):
                while line := (await self._shell.stdout.readline()).decode():
                    if line.startswith(end):
                        return int(line.split()[1]), "".join(printed)
                    printed.append(line)
        except TimeoutError:
            self._shell.kill()  # what comes next would be typed into the midst of this
        raise AssertionError(f"the shell has ended, or does not:\n{commands}\n{''.join(printed)}")

    async def _query(self, sql: str) -> list[Any]:
        connection = await asyncpg.connect(self.database_url)
        try:
            return list(await connection.fetch(sql))
        finally:
            await connection.close()

    def port(self, documented: str) -> str:
        """Return the port that stands for one of the document's."""
        return self._ports.setdefault(documented, str(free_port()))


@contextlib.asynccontextmanager
async def terminal_in(directory: Path, environ: Mapping[str, str], database_url: str) -> AsyncIterator[Terminal]:
    """Yield a terminal; whatever was started in it and still runs is killed afterwards."""
    shell = await asyncio.create_subprocess_exec(
        *("bash", "--norc", "-o", "pipefail"),
        cwd=directory, env=environ, stdin=PIPE, stdout=PIPE, stderr=STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        terminal = Terminal(shell, database_url)
        await terminal.enter("trap 'failed=$?' ERR")
        yield terminal
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
        await shell.wait()
