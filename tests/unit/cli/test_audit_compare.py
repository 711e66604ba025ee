"""The read model that `patchbay audit compare` folds."""

from tests.unit.projection.chains import Written, assistant_created, assistant_id, numbers_assigned

from patchbay.assistants.events import AssistantDeleted
from patchbay.audit import Audit
from patchbay.cli.audit.model_fold import ModelFold
from patchbay.eventlog import Envelope, MemoryLog, Verdict

ONE, TWO = assistant_id(1), assistant_id(2)


def test_a_number_that_was_taken_stays_with_the_one_who_took_it() -> None:
    """The one who had it may get another list, or be deleted, afterwards."""
    log = MemoryLog(1)
    written = Written(log)
    account, number = written.account("acme"), written.number("+15550001")
    written.opened("acme")
    written.registered("+15550001", account)
    written.seal(account, assistant_created(ONE, account))
    written.seal(account, assistant_created(TWO, account))
    written.seal(account, numbers_assigned(ONE, (number, 1)))
    written.seal(account, numbers_assigned(TWO, (number, 1), taken_from=(ONE,)))
    written.seal_raw(account, "OfALaterVersion", b"{}")
    written.seal(account, AssistantDeleted(assistant_id=ONE, number_ids=()))
    audit, model = Audit(log.identity), ModelFold()
    for record in log.records(0):
        envelope, verdict = audit.take(record)
        if verdict is Verdict.ACCEPTED and isinstance(envelope, Envelope):
            model.take(envelope)

    rows = {table: dict(rows.items()) for table, rows in model.tables().items()}

    assert rows["assignments"] == {(account, number): (TWO, 1)}
    assert list(rows["assistants"]) == list(rows["listed_assistants"]) == [(TWO,)]
    assert list(rows["numbers"]) == [(number,)]
    assert [(key[0], key[1]) for key in rows["versions"]] == [
        (ONE, 1),
        (ONE, 2),
        (ONE, 3),
        (ONE, 4),
        (TWO, 1),
        (TWO, 2),
    ]
    assert list(rows["number_events"].values()) == [(None, None), (ONE, 1), (TWO, 1)]
