"""What happened to a number is one row for each event that changed something of it, whatever the batches."""

from random import Random

from msgspec.structs import replace
from tests.integration.projection.running import READ_MODEL, connected, log_with, passed, running
from tests.property.projection.lives import Lives

from patchbay.assistants.events import (
    AssistantDeleted,
    Event,
    NumberRegistered,
    NumberReleased,
    NumbersAssigned,
    NumberUpdated,
)

Row = tuple[str, str, str, int, str | None, int | None]  # number, account, stream, height, assistant, registration


class Told:
    """The rows that follow from events, one event at a time."""

    def __init__(self) -> None:
        self.rows: set[Row] = set()
        self._owners: dict[str, str | None] = {}
        self._holders: dict[tuple[str, str], tuple[str, int]] = {}

    def take(self, stream: str, height: int, event: Event) -> None:
        """Take over what the event changes."""
        match event:
            case NumberRegistered():
                self._owners[stream] = event.account_id
                self.rows.add((stream, event.account_id, stream, height, None, None))
            case NumberReleased():
                self._owners[stream] = None
                self.rows.add((stream, event.account_id, stream, height, None, None))
            case NumberUpdated():
                if (owner := self._owners.get(stream)) is not None:
                    self.rows.add((stream, owner, stream, height, None, None))
            case NumbersAssigned():
                now = {number.number_id: (event.assistant_id, number.registration) for number in event.numbers}
                self._hold(stream, height, event.assistant_id, now)
            case AssistantDeleted():
                self._hold(stream, height, event.assistant_id, {})

    def holders_but(self, account: str, event: NumbersAssigned) -> tuple[str, ...]:
        """Return who loses a number by the event."""
        holders = (self._holders.get((account, number.number_id)) for number in event.numbers)
        return tuple(dict.fromkeys(held[0] for held in holders if held is not None and held[0] != event.assistant_id))

    def _hold(self, account: str, height: int, assistant_id: str, now: dict[str, tuple[str, int]]) -> None:
        for (whose, number), (holder, _) in list(self._holders.items()):
            if (whose, holder) == (account, assistant_id) and number not in now:
                del self._holders[whose, number]
                self.rows.add((number, account, account, height, None, None))
        for number, held in now.items():
            if self._holders.get((account, number)) != held:
                self._holders[account, number] = held
                self.rows.add((number, account, account, height, *held))


async def test_each_event_that_changes_something_of_a_number_is_a_row(database_url: str) -> None:
    log, written = log_with()
    random = Random(11)
    lives, told = Lives(written, random), Told()
    async with connected(database_url) as database, running(READ_MODEL, log, database_url):
        for _ in range(25):
            for _ in range(random.choice([1, 3, 40, 90])):
                stream, event = lives.next()
                if isinstance(event, NumbersAssigned):
                    event = replace(event, taken_from=told.holders_but(stream, event))
                written.seal(stream, event)
                told.take(stream, written.heads[stream].height, event)
            if random.random() < 0.5:
                await passed(database, "read_model_1", log)
        await passed(database, "read_model_1", log)
        rows = await database.fetch(
            "SELECT number_id, account_id, stream, height, assistant_id, registration FROM read_model_1.number_events"
        )

        assert len(told.rows) > 100
        assert {tuple(row) for row in rows} == told.rows
