"""What `patchbay projection` does, but rebuilding: it asks and moves pointers, by SQL alone."""

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from patchbay.cli.errors import CliError, Differs, Unreachable
from patchbay.cli.projection import PROJECTIONS
from patchbay.cli.quieting import quieten_libraries
from patchbay.cli.rebuilding import rebuild
from patchbay.cli.showing import as_json, as_table, clean, cut
from patchbay.cli.whereabouts import Whereabouts
from patchbay.postgres import DATABASE_FAILURES, Connection, open_connection
from patchbay.projection import (
    Comparison,
    Difference,
    Generation,
    GenerationStanding,
    ProjectionError,
    comparing,
    drop,
    read_generation_standings,
    read_pair,
    swap,
)

_COLUMNS: Final = ("projection", "generation", "state", "records", "behind", "quarantined", "projected_by", "made_at")
_TAKEN_OVER_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.02
_IS_OWNED: Final = "SELECT coalesce(bool_and(lease_until > clock_timestamp()), false) FROM {schema}.checkpoints"


class NotPossible(CliError):
    """A generation cannot be rebuilt, compared, swapped or dropped as things are."""

    default_code = "not_possible"


def run(arguments: argparse.Namespace) -> None:
    """
    Do what was asked.

    Raises:
        NotRunning: Nothing is known of a database.
        Unreachable: It does not answer.
        NotPossible: Not as things are.
        Differs: Both generations were compared, and are not equal.
    """
    whereabouts = Whereabouts(arguments.data_dir)
    quieten_libraries()
    if arguments.action == "rebuild":
        rebuild(arguments, whereabouts)
        return
    url = whereabouts.database()
    try:
        asyncio.run(_ACTIONS[arguments.action](url, arguments))
    except ProjectionError as error:
        raise NotPossible(f"{error}.") from None
    except DATABASE_FAILURES as error:
        raise Unreachable(f"The database failed it ({str(error) or type(error).__name__}).") from None


async def _list(url: str, arguments: argparse.Namespace) -> None:
    names = PROJECTIONS if arguments.name is None else (arguments.name,)
    async with open_connection(url, name="command") as connection:
        rows = [_row(name, one) for name in names for one in await read_generation_standings(connection, name)]
    if arguments.json:
        for row in rows:
            print(as_json(row))
    else:
        print(as_table(rows, _COLUMNS))


def _row(name: str, standing: GenerationStanding) -> Mapping[str, Any]:
    generation = standing.generation
    return {
        "projection": name,
        "generation": generation.generation,
        "schema": generation.schema,
        "state": standing.state,
        "records": standing.records,
        "behind": standing.behind_records,
        "quarantined": standing.quarantined,
        "projected_by": standing.owner,
        "made_at": generation.made_at.isoformat(timespec="seconds"),
        "shape": generation.shape,
    }


async def _compare(url: str, arguments: argparse.Namespace) -> None:
    count = 0
    async with comparing(url, arguments.name) as comparison:
        live, other = comparison.live.schema, comparison.other.schema
        if not arguments.json:
            at = " ".join(f"{partition}:{offset}" for partition, offset in sorted(comparison.positions.items()))
            print(f"{live} (live) and {other}, both at {at}")
        for table in comparison.tables:
            found = 0
            async for difference in comparison.differences(table):
                found += 1
                print(as_json(_record(difference)) if arguments.json else _line(difference, live, other))
            count += found
            if not arguments.json:
                print(_summary(table.name, await comparison.count(table), found, table.only_live, table.only_other))
        _name_unmatched(comparison, as_json_lines=arguments.json)
    if count:
        raise Differs(f"{count:,} row{'s differ' if count > 1 else ' differs'}.", code="rows_differ")


def _summary(table: str, rows: int, found: int, only_live: tuple[str, ...], only_other: tuple[str, ...]) -> str:
    columns = [*(f"-{column}" for column in only_live), *(f"+{column}" for column in only_other)]
    changed = f"   columns {' '.join(columns)}" if columns else ""
    return f"  {table:<20} {rows:>12,} rows   {f'{found:,} differ' if found else 'equal'}{changed}"


def _name_unmatched(comparison: Comparison, *, as_json_lines: bool) -> None:
    for table in comparison.unmatched:
        print(as_json({"only_one_has": table}) if as_json_lines else f"  only one has {table}")


def _record(difference: Difference) -> Mapping[str, Any]:
    live, other = (None if row is None else json.loads(row) for row in (difference.live, difference.other))
    return {"table": difference.table, "key": json.loads(difference.key), "live": live, "other": other}


def _line(difference: Difference, live: str, other: str) -> str:
    where = f"  {difference.table} {clean(difference.key)}"
    if difference.live is None or difference.other is None:
        return f"{where}: only in {other if difference.live is None else live}"
    before, after = json.loads(difference.live), json.loads(difference.other)
    changes = [f"{column} {_cell(before[column])} -> {_cell(after[column])}" for column in before]
    told = [change for column, change in zip(before, changes, strict=True) if before[column] != after[column]]
    return f"{where}: {', '.join(told)}"


def _cell(value: object) -> str:
    return clean(cut(json.dumps(value, ensure_ascii=False)))


async def _swap(url: str, arguments: argparse.Namespace) -> None:
    async with open_connection(url, name="command") as connection:
        before, live = await swap(
            connection,
            arguments.name,
            back=arguments.action == "rollback",
            though_quarantined=arguments.though_quarantined,
        )
        began_at = time.monotonic()
        is_owned = await _is_taken_over(connection, live, began_at)
        seconds = time.monotonic() - began_at
    if arguments.json:
        facts = {"projection": arguments.name, "live": live.generation, "before": before.generation}
        print(as_json({**facts, "taken_over_after_seconds": round(seconds, 3) if is_owned else None}))
    elif is_owned:
        print(f"{live.schema} is live instead of {before.schema}; its process took over within {seconds:.1f} s.")
    else:
        print(
            f"{live.schema} is live instead of {before.schema}, but no process of its version has taken it over yet:\n"
            f"start one, or go back; until then writes answer 202."
        )


async def _is_taken_over(connection: Connection, live: Generation, began_at: float) -> bool:
    while time.monotonic() - began_at < _TAKEN_OVER_SECONDS:
        if await connection.fetchval(_IS_OWNED.format(schema=live.schema)):
            return True
        await asyncio.sleep(_LOOK_SECONDS)
    return False


async def _drop(url: str, arguments: argparse.Namespace) -> None:
    async with open_connection(url, name="command") as connection:
        dropped = await drop(connection, arguments.name)
        live = (await read_pair(connection, arguments.name)).live
    if arguments.json:
        print(as_json({"projection": arguments.name, "dropped": dropped.generation, "live": live.generation}))
    else:
        print(f"{dropped.schema} is gone; {live.schema} is live.")


_ACTIONS: Final[Mapping[str, Callable[[str, argparse.Namespace], Coroutine[Any, Any, None]]]] = {
    "list": _list,
    "compare": _compare,
    "swap": _swap,
    "rollback": _swap,
    "drop": _drop,
}
