"""By what an import is held against its export."""

from tests.unit.audit.exports import audited
from tests.unit.projection.chains import Written, assistant_created, assistant_id

from patchbay.cli.audit.importing import state_of
from patchbay.eventlog import MemoryLog


def test_a_log_with_one_event_more_or_stopped_is_another() -> None:
    """Foreign records count only where none are left out."""
    written = Written(MemoryLog(2))
    account = written.account("acme")
    written.opened("acme")
    before = [state_of(audited(written.log), keeps_all=keeps_all) for keeps_all in (True, False)]
    written.log.write(0, b"x", b"a stranger's", [])
    with_foreign = [state_of(audited(written.log), keeps_all=keeps_all) for keeps_all in (True, False)]
    written.seal(account, assistant_created(assistant_id(1), account))
    longer = state_of(audited(written.log), keeps_all=False)

    assert with_foreign[0] != before[0]
    assert with_foreign[1] == before[1] != longer
