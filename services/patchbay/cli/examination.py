"""Looking at all parts of an installation, and saying what was found."""

import argparse
import asyncio
from collections.abc import Sequence

import msgspec

from patchbay.cli.errors import Unexamined, Unwell
from patchbay.cli.examining.api import look_at_api
from patchbay.cli.examining.database import look_at_database
from patchbay.cli.examining.finding import Finding
from patchbay.cli.examining.log import look_at_log
from patchbay.cli.examining.machine import look_at_disk
from patchbay.cli.quieting import quieten_libraries
from patchbay.cli.showing import as_json, clean
from patchbay.cli.whereabouts import Site, Whereabouts

_MARKS = {True: "well   ", False: "WRONG  ", None: "unseen "}


def examine(arguments: argparse.Namespace) -> None:
    """
    Look at everything that is known of.

    Raises:
        NotRunning: Nothing is known of any part.
        Unwell: Something is wrong.
        Unexamined: Nothing wrong was found, but not everything could be looked at.
    """
    quieten_libraries()
    findings = asyncio.run(_look(Whereabouts(arguments.data_dir).site()))
    for finding in findings:
        _show(finding, is_json=arguments.json)
    _conclude(findings)


async def _look(site: Site) -> list[Finding]:
    of_api = await asyncio.to_thread(look_at_api, site.api)
    log = await look_at_log(site.log)
    of_database = await look_at_database(site.database, log.ends)
    return [*of_api, *log.findings, *of_database, *look_at_disk(site.data_dir)]


def _show(finding: Finding, *, is_json: bool) -> None:
    if is_json:
        print(as_json(msgspec.to_builtins(finding)))
        return
    print(f"{_MARKS[finding.is_well]} {finding.check:<22} {clean(finding.sentence)}")
    if finding.remedy is not None:
        print(f"{'':31}→ {clean(finding.remedy)}")


def _conclude(findings: Sequence[Finding]) -> None:
    wrong = sum(finding.is_well is False for finding in findings)
    unseen = sum(finding.is_well is None for finding in findings)
    if wrong:
        raise Unwell(f"{wrong} of {len(findings)} things that were looked at {'are' if wrong > 1 else 'is'} wrong.")
    if unseen:
        raise Unexamined(f"Nothing wrong was found, but {unseen} of {len(findings)} things could not be looked at.")
