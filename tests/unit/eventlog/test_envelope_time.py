"""What counts as a time in an envelope, in every version of Python."""

import pytest

from patchbay.eventlog import Envelope, Foreign, Head, LogIdentity, NewEvent, StoredRecord, read_envelope, seal

IDENTITY = LogIdentity("0" * 64, "topic", 1)


@pytest.mark.parametrize(
    ("time", "kind"),
    [("2026-02-18T23:59:59.999999Z", Envelope), ("2026-02-18T24:00:00.000000Z", Foreign)],
    ids=["last microsecond of a day", "hour 24"],
)
def test_a_day_ends_before_its_hour_24(time: str, kind: type) -> None:
    """Some versions of Python read hour 24 as the next day's first; a verdict must not depend on the version."""
    event = NewEvent(type="Noted", source="/notes", data=b"{}", dataschema="urn:note", actor="key_a")
    genesis = Head.genesis(IDENTITY.log_id)
    sealed = seal(event, stream="note_a", parent=genesis, base=genesis, time=time, event_id="1")
    read = read_envelope(StoredRecord(0, 1, 0, sealed.key, sealed.value, tuple(sealed.headers)), IDENTITY)

    assert isinstance(read, kind)
