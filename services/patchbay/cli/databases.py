"""Preparing the database, and printing the SQL of its roles."""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from contextlib import suppress
from typing import Final

import asyncpg

from patchbay.cli.errors import Unreachable, Unwell
from patchbay.cli.quieting import quieten_libraries
from patchbay.cli.showing import as_json, clean
from patchbay.cli.whereabouts import Whereabouts
from patchbay.postgres import DATABASE_FAILURES, open_connection, why_refused
from patchbay.projection import CLOSE_DATABASE, GRANT_RIGHTS, MAKE_ROLES, ROLES, missing_roles

_MODULES: Final = {"read_model": "patchbay.projector", "routing": "patchbay.routing"}
_pause_seconds: Final = 1.0


def show_roles(arguments: argparse.Namespace) -> None:
    """Print the SQL."""
    sql = f"{MAKE_ROLES}{CLOSE_DATABASE}{GRANT_RIGHTS}"
    print(as_json({"roles": ROLES, "sql": sql}) if arguments.json else sql, end="\n" if arguments.json else "")


def prepare(arguments: argparse.Namespace) -> None:
    """
    Make roles and tables that are missing, and grant what is not granted.

    Raises:
        NotRunning: Nothing is known of a database.
        Unreachable: It does not answer, or lets this login not in.
        Unwell: Something of it could not be made; the sentence says what.
    """
    url = Whereabouts(arguments.data_dir).database()
    quieten_libraries()
    missing = asyncio.run(_make_roles(url, arguments.wait_seconds))
    for name, module in _MODULES.items():
        _prepare_one(name, module, url)
    if missing:
        raise Unwell(
            f"The tables are there, but not the roles {', '.join(missing)}, which this login may not make: have an "
            "administrator run `patchbay database roles | psql …`, then repeat this."
        )
    if arguments.json:
        print(as_json({"roles": ROLES, "projections": list(_MODULES)}))
    else:
        print(f"The database is prepared. {', '.join(ROLES)} may do what their processes need.")
        print("Nobody can log in under a role that an administrator has not given a password, or a member.")


async def _make_roles(url: str, wait_seconds: int) -> list[str]:
    """Make the roles; return which are not there, since this login may not."""
    ends_at = time.monotonic() + wait_seconds
    while True:
        try:
            async with open_connection(url, name="command") as connection:
                await connection.execute(CLOSE_DATABASE)
                if await missing_roles(connection):
                    with suppress(asyncpg.InsufficientPrivilegeError):
                        await connection.execute(MAKE_ROLES)
                return await missing_roles(connection)
        except DATABASE_FAILURES as error:
            refusal = why_refused(error, url)
            if refusal is not None or time.monotonic() + _pause_seconds > ends_at:
                raise Unreachable(
                    f"{refusal or f'Postgres does not answer ({str(error) or type(error).__name__})'}."
                ) from None
        await asyncio.sleep(_pause_seconds)


def _prepare_one(name: str, module: str, url: str) -> None:
    environ = {k: v for k, v in os.environ.items() if k != "DATABASE_URL_FILE"}
    done = subprocess.run(  # noqa: S603 - our own program
        (sys.executable, "-m", module, "prepare"),
        env={**environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        told = done.stderr.strip().rpartition("\n")[2] or f"its program ended with exit code {done.returncode}"
        raise Unwell(f"The tables of {name} could not be prepared: {clean(told)}.")
