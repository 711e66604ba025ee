"""Anchors of the log, and proofs that a stream was in it."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from patchbay.assistants import ids
from patchbay.audit import (
    Anchor,
    Anchored,
    AnchorUnusable,
    Audit,
    Gap,
    Proof,
    Verification,
    load_private_key,
    make_anchor,
    prove,
)
from patchbay.cli.audit.exporting import account_of
from patchbay.cli.audit.log_access import OpenedLog, run_with_log, vouched
from patchbay.cli.audit.progressing import Progress
from patchbay.cli.audit.verifying import LIVE, anchor_in, read_file, verify_log
from patchbay.cli.errors import BadFile, BadUsage
from patchbay.cli.showing import as_json
from patchbay.cli.whereabouts import Whereabouts
from patchbay.eventlog import LogIdentity, Record


def run_anchor(arguments: argparse.Namespace) -> None:
    """
    Print the signed anchor of the log, or of an export.

    Raises:
        LogUnreadable: The export is damaged.
        BadFile: The key cannot be read.
    """
    try:
        key = load_private_key(read_file(arguments.key))
    except AnchorUnusable as error:
        raise BadFile(
            f"{arguments.key}: {error}; make one with `openssl genpkey -algorithm ed25519 -out {arguments.key}`."
        ) from None
    if arguments.source == LIVE:
        audit = run_with_log(Whereabouts(arguments.data_dir).log(), audited)
    else:
        audit = vouched(_whole(Path(arguments.source)).run)
    if count := len(audit.faults()) + audit.faults_beyond:
        sys.stderr.write(
            f"patchbay: it has faults ({count}), and is anchored as it is; `patchbay audit verify` names them\n"
        )
    made_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    anchor = make_anchor(audit, key, made_at=made_at)
    told = {"log": anchor.log_id, "streams": anchor.streams, "root": anchor.root, "key": anchor.key}
    print(as_json({**told, "made_at": made_at, "anchor": anchor.text}) if arguments.json else anchor.text, end="")
    if arguments.json:
        print()


def run_prove(arguments: argparse.Namespace) -> None:
    """
    Print the proof that an account's head, or a number's, was in the log when it was anchored.

    Raises:
        LogUnreadable: It was not, or the log is not the one that was anchored.
    """
    anchor = anchor_in(arguments.anchor, None)
    if arguments.source == LIVE:
        access = Whereabouts(arguments.data_dir).log()
        proof = run_with_log(access, lambda log: prove_by_log(log, anchor, arguments.name))
    else:
        proof = _prove_by_export(Path(arguments.source), anchor, arguments.name)
    print(as_json(msgspec.to_builtins(proof)))


async def prove_by_log(log: OpenedLog, anchor: Anchor, name: str) -> Proof:
    """
    Read the log as far as the anchor went, and return the proof for what `name` names.

    Raises:
        NotAnchored: It had no event then, or the log is not the one that was anchored.
        BadUsage: Nothing can have that name.
    """
    anchored, progress = Anchored(anchor, log.identity), Progress("reading", log.offsets)
    stream, reached = stream_of(log.identity, name), dict(log.ends)
    async for batch in log.read_all(progress):
        for record in () if isinstance(batch, Gap) else batch:
            anchored.take(record)
    progress.end()
    anchored.check(reached)
    return prove(anchored, stream)


def stream_of(identity: LogIdentity, name: str) -> str:
    """
    Return the stream that a slug, an id or a phone number names.

    Raises:
        BadUsage: Nothing can have that name.
    """
    if ids.kind_of(name) in (ids.ACCOUNT, ids.NUMBER, ids.OPERATORS):
        return name
    if name.startswith("+"):
        return ids.number_id(identity.log_id, name)
    return account_of(identity, name)


async def audited(log: OpenedLog) -> Audit:
    """Read the whole log, and return what it is."""
    return (await verify_log(log, anchor=None, account=None, known=())).audit


def _whole(folder: Path) -> Verification:
    verification = vouched(lambda: Verification(folder))
    if verification.manifest.account is not None:
        raise BadUsage("An anchor is of all streams: this is an export of one account.")
    return verification


def _prove_by_export(folder: Path, anchor: Anchor, name: str) -> Proof:
    verification = _whole(folder)
    identity = verification.manifest.identity
    stream = stream_of(identity, name)

    def work() -> Proof:
        anchored = Anchored(anchor, identity)

        def take(record: Record, *_: object) -> None:
            anchored.take(record)

        anchored.check(verification.run(take).next_offsets)
        return prove(anchored, stream)

    return vouched(work)
