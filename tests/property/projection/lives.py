"""Random lives of accounts and numbers: what their events say is allowed, wise or not."""

from random import Random

from tests.unit.projection.chains import Chains, assistant_created, assistant_id, numbers_assigned

from patchbay.assistants.events import (
    AssistantDeleted,
    AssistantUpdated,
    Event,
    NumberRegistered,
    NumberReleased,
    NumberUpdated,
)

SLUGS = ("a", "b")
PHONE_NUMBERS = ("+15550001", "+15550002", "+15550003")
STATUSES = ("active", "active", "suspended")
FALLBACKS = (None, "+15559999", "sip:desk@pbx.example.com")
ASSISTANTS_PER_ACCOUNT = 3


class Lives:
    """Makes up one event after another; each fits the stream that it is for."""

    def __init__(self, chains: Chains, random: Random) -> None:
        self.chains = chains
        self.random = random
        self._count = 0
        self.created: dict[str, list[str]] = {chains.account(slug): [] for slug in SLUGS}

    def next(self) -> tuple[str, Event]:
        """Return a stream and its next event."""
        if self.random.random() < 0.3:
            return self._of_number(self.random.choice(PHONE_NUMBERS))
        return self._of_account(self.random.choice(sorted(self.created)))

    def _of_number(self, phone_number: str) -> tuple[str, Event]:
        number = self.chains.number(phone_number)
        account = self.random.choice(sorted(self.created))
        kind = self.random.random()
        if kind < 0.2:
            return number, NumberUpdated(number_id=number, status=self.random.choice(STATUSES))
        if kind < 0.4:
            return number, NumberUpdated(number_id=number, fallback=self.random.choice(FALLBACKS))
        if kind < 0.8:
            return number, NumberRegistered(number_id=number, phone_number=phone_number, account_id=account)
        return number, NumberReleased(number_id=number, account_id=account)

    def _of_account(self, account: str) -> tuple[str, Event]:
        created = self.created[account]
        if not created or (len(created) < ASSISTANTS_PER_ACCOUNT and self.random.random() < 0.3):
            self._count += 1
            assistant = assistant_id(self._count)
            created.append(assistant)
            return account, assistant_created(assistant, account, inbound_enabled=self.random.random() < 0.5)
        assistant = self.random.choice(created)
        kind = self.random.random()
        if kind < 0.25:
            return account, AssistantUpdated(assistant_id=assistant, inbound_enabled=self.random.random() < 0.6)
        if kind < 0.35:
            created.remove(assistant)
            return account, AssistantDeleted(assistant_id=assistant)
        if kind < 0.45:
            return account, AssistantUpdated(assistant_id=assistant, name=f"N{self.random.random()}")
        numbers = self.random.sample(PHONE_NUMBERS, self.random.randint(0, len(PHONE_NUMBERS)))
        held = [(self.chains.number(number), self.random.choice([1, 1, 2, 3])) for number in numbers]
        # Whom the event says it takes them from is sometimes wrong: the table must not depend on it.
        taken_from = tuple(other for other in created if other != assistant and self.random.random() < 0.5)
        return account, numbers_assigned(assistant, *held, taken_from=taken_from)
