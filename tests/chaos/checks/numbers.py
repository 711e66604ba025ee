"""Who holds which number, at every prefix of the log; told from the events alone, not by the fold that they test."""

from collections import defaultdict
from collections.abc import Iterable

from tests.system.guarantees.folding import Accepted

from patchbay.assistants.events import AssistantDeleted, NumbersAssigned


def held_twice(accepted: Iterable[Accepted]) -> list[str]:
    """Return every event after which a number has two assistants."""
    accounts: defaultdict[str, dict[str, set[str]]] = defaultdict(dict)  # by assistant: its numbers
    found = []
    for one in accepted:
        event, held = one.event, accounts[one.envelope.stream]
        if isinstance(event, AssistantDeleted):
            held.pop(event.assistant_id, None)
        if not isinstance(event, NumbersAssigned):
            continue
        numbers = {number.number_id for number in event.numbers}
        for loser in event.taken_from:
            held[loser] = held.get(loser, set()) - numbers
        held[event.assistant_id] = numbers
        found += [
            f"after height {one.envelope.height} of {one.envelope.stream}, {other} and {event.assistant_id} both have "
            f"{sorted(others & numbers)}"
            for other, others in held.items()
            if other != event.assistant_id and others & numbers
        ]
    return found
