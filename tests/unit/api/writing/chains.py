"""Records without an engine around them."""

from secrets import token_hex

from patchbay.api.writing.attempts import Attempt, PendingRecord
from patchbay.api.writing.outcomes import Write
from patchbay.assistants.commands import UnassignNumber
from patchbay.assistants.events import KeyRevoked
from patchbay.assistants.states import Account
from patchbay.eventlog import Head, SealedRecord

ROOT = Head(4, "4" * 64, "")


def chain(length: int, *, on: Head = ROOT, session: int = 1, size_bytes: int = 1000) -> list[PendingRecord]:
    """Return records of one session, each chained on the one before."""
    records: list[PendingRecord] = []
    for _ in range(length):
        write = Write(
            stream="acct_1",
            command=UnassignNumber(number_id="pn_1"),
            command_id=token_hex(32),
            request_digest="0" * 64,
            actor="key_1",
        )
        sealed = SealedRecord("acct_1", b"acct_1", on.height + 1, token_hex(32), "", b"{}", [], size_bytes)
        attempt, event, state = Attempt(write, lambda _: None), KeyRevoked(key_id="key_1"), Account(id="acct_1")
        record = PendingRecord(attempt, sealed, event, state, parent=on, session=session, on_verdict=lambda _: None)
        attempt.sent.append(record)
        records.append(record)
        on = sealed.as_head()
    return records
