"""A log on which everything has happened that a subscriber must be ready for."""

from contextlib import AsyncExitStack
from typing import Final

from tests.contract.readers.racing import race, sealed
from tests.contract.readers.strangers import Stranger, send, stranger, transaction
from tests.unit.projection.chains import Chains, assistant_created, assistant_id, numbers_assigned

from patchbay.assistants.codec import encode_event
from patchbay.assistants.events import (
    AssistantDeleted,
    AssistantUpdated,
    Event,
    NumberReleased,
    NumberUpdated,
    StreamMended,
)
from patchbay.eventlog import Appender, Head, LogIdentity, SealedRecord, open_appender, open_log
from patchbay.eventlog.digest import Digester

PARTITIONS: Final = 4  # as in the golden vectors, whose foreign records it holds
ONE, TWO, THREE = (assistant_id(number) for number in (1, 2, 3))
ENDS: Final = "+15559999"


class Writer(Chains):
    """Appends what it seals, one after the other."""

    def __init__(self, identity: LogIdentity, appender: Appender, outside: Stranger) -> None:
        super().__init__(identity)
        self.appender = appender
        self.outside = outside

    async def put(self, *records: SealedRecord) -> None:
        """Append records, and wait until each is stored."""
        for record in records:
            await self.appender.append([record], session=self.appender.session)

    async def say(self, stream: str, *events: Event) -> None:
        """Append events to a stream."""
        for event in events:
            await self.put(self.seal(stream, event))

    async def account_with(self, slug: str, *assistants: str) -> str:
        """Open an account with assistants that answer calls; return its id."""
        account = self.account(slug)
        await self.put(self.opened(slug))
        for assistant in assistants:
            await self.say(account, assistant_created(assistant, account, inbound_enabled=True))
        return account

    async def numbers_of(self, account: str, *phone_numbers: str) -> list[tuple[str, int]]:
        """Register numbers; return each with its registration."""
        for phone_number in phone_numbers:
            await self.put(self.registered(phone_number, account))
        numbers = [self.number(phone_number) for phone_number in phone_numbers]
        return [(number, self.heads[number].height) for number in numbers]


async def make_log(kafka: str, topic: str, stack: AsyncExitStack) -> tuple[LogIdentity, dict[int, int]]:
    """
    Make a log of every adversity.

    Until `stack` is closed a transaction is open in every partition; its end is then the last thing in the log.

    Returns:
        The log, and for each partition the offset behind its last record.
    """
    identity = await open_log(kafka, topic, create_with_partitions=PARTITIONS)
    outside = await stack.enter_async_context(stranger(kafka, topic))
    appender = await stack.enter_async_context(open_appender(kafka, identity))
    other = await stack.enter_async_context(open_appender(kafka, identity))
    writer = Writer(identity, appender, outside)
    await _races(kafka, writer, other)
    await _moves_and_releases(writer)
    await _redeliveries(writer)
    await _quarantines(writer)
    await _stops_and_mends(writer)
    await outside.write_foreign_records(PARTITIONS)
    await _odd_events(writer)
    await _transactions(kafka, topic, writer, stack)
    ends = [await outside.write(partition, b"end", b"", [("x", None)]) + 1 for partition in range(PARTITIONS)]
    return identity, dict(enumerate(ends))


async def _races(kafka: str, writer: Writer, other: Appender) -> None:
    account = await writer.account_with("racing", ONE, TWO)
    numbers = await writer.numbers_of(account, "+15550001", "+15550002", "+15550003", "+15550004")
    heads = await race(
        kafka,
        writer.identity,
        (writer.appender, other),
        stream=account,
        assistants=(ONE, TWO),
        numbers=numbers,
        rounds=12,
    )
    writer.heads[account] = heads[account]


async def _moves_and_releases(writer: Writer) -> None:
    account = await writer.account_with("moving", ONE, TWO, THREE)
    neighbour = await writer.account_with("neighbour", assistant_id(4))
    moved, kept, again, sold, gone = await writer.numbers_of(
        account, "+15550011", "+15550012", "+15550013", "+15550014", "+15550015"
    )
    await writer.say(account, numbers_assigned(ONE, moved, kept, again, sold, gone))
    await writer.say(account, numbers_assigned(TWO, moved, taken_from=(ONE,)))
    await writer.say(account, AssistantUpdated(assistant_id=ONE, inbound_enabled=False))
    await writer.say(account, numbers_assigned(THREE, *await writer.numbers_of(account, "+15550016")))
    await writer.say(account, AssistantUpdated(assistant_id=THREE, inbound_enabled=False))
    await writer.say(account, AssistantUpdated(assistant_id=THREE, inbound_enabled=True, name="Ü \u2028 <&>"))
    for number, _ in (again, sold, gone):
        await writer.say(number, NumberReleased(number_id=number, account_id=account))
    await writer.numbers_of(account, "+15550013")
    await writer.numbers_of(neighbour, "+15550014")
    suspended, redirected, restored = await writer.numbers_of(account, "+15550017", "+15550018", "+15550019")
    await writer.say(account, numbers_assigned(TWO, suspended, redirected, restored))
    for number, _ in (suspended, restored, gone):
        await writer.say(number, NumberUpdated(number_id=number, status="suspended", fallback="sip:desk@example.org"))
    await writer.say(restored[0], NumberUpdated(number_id=restored[0], status="active"))
    await writer.say(redirected[0], NumberUpdated(number_id=redirected[0], fallback="+15550000"))
    await writer.numbers_of(account, "+15550015")  # once suspended, then released: nothing of that is left
    # One that is deleted holds nothing; who is given its number answers.
    orphaned, left = await writer.numbers_of(account, "+15550061", "+15550062")
    await writer.say(account, assistant_created(assistant_id(5), account, inbound_enabled=True))
    await writer.say(account, numbers_assigned(assistant_id(5), orphaned, left))
    await writer.say(account, AssistantDeleted(assistant_id=assistant_id(5), number_ids=(orphaned[0], left[0])))
    await writer.say(account, numbers_assigned(THREE, orphaned))
    # A type of a later version that says nothing about routing: the stream goes on.
    await writer.put(writer.seal_raw(neighbour, "AssistantGreeted", b"[]", affects=("configuration",)))
    await writer.say(neighbour, numbers_assigned(assistant_id(4), (sold[0], 3)))


async def _redeliveries(writer: Writer) -> None:
    account = await writer.account_with("redelivered", ONE)
    [number] = await writer.numbers_of(account, "+15550021")
    first = writer.seal(account, numbers_assigned(ONE, number))
    await writer.put(first, first)
    await writer.say(account, numbers_assigned(ONE))
    await writer.put(first)


async def _quarantines(writer: Writer) -> None:
    """Each stream says something that cannot be understood, and then something that could be."""
    later = "urn:patchbay:NumbersAssigned:2"
    for index, (type_name, dataschema, data) in enumerate(
        [
            ("CallsForwarded", "urn:patchbay:CallsForwarded:1", b"{}"),
            ("NumbersAssigned", later, b'{"assistant_id":"x","numbers":[]}'),
            ("NumbersAssigned", "urn:patchbay:NumbersAssigned:1", b'{"assistant_id":"x","numbers":[{}]}'),
            ("NumbersAssigned", "urn:patchbay:NumbersAssigned:1", b"no JSON"),
            ("NumbersAssigned", "urn:patchbay:NumbersAssigned:1", b'{"assistant_id":"\xff","numbers":[]}'),
            ("NumbersAssigned", "urn:patchbay:NumberReleased:1", b'{"number_id":"x","account_id":"x"}'),
            ("NumberReleased", "urn:patchbay:NumberReleased:1", b'{"number_id":"x","account_id":"x"}'),
        ]
    ):
        account = await writer.account_with(f"quarantined-{index}", ONE)
        numbers = await writer.numbers_of(account, f"+1555010{index}", f"+1555011{index}")
        await writer.say(account, numbers_assigned(ONE, numbers[0]))
        await writer.put(
            writer.seal_raw(account, type_name, data, dataschema=dataschema, affects=("configuration", "routing"))
        )
        await writer.say(account, numbers_assigned(ONE, *numbers))
        await writer.say(numbers[0][0], NumberReleased(number_id=numbers[0][0], account_id=account))


async def _stops_and_mends(writer: Writer) -> None:
    for slug, phone_number in (("mended", "+15550031"), ("stopped", "+15550032")):
        account = await writer.account_with(slug, ONE)
        numbers = await writer.numbers_of(account, phone_number)
        head = writer.heads[account]
        unheard = Head(head.height + 5, "ab" * 32)  # a base that this log does not have
        time = "2026-02-18T16:00:00.000000Z"
        forged = sealed(account, numbers_assigned(ONE, *numbers), parent=unheard, base=unheard, time=time)
        await writer.put(forged)
        await writer.say(account, numbers_assigned(ONE, *numbers))  # broken as well: the stream has stopped
        writer.heads[account] = head
        if slug == "mended":
            mend = StreamMended(stream=account, reason="forged")
            name, dataschema, affects, data = encode_event(mend)
            await writer.put(
                writer.seal_raw(account, name, data, dataschema=dataschema, affects=affects, mends=forged.digest)
            )
            await writer.say(account, numbers_assigned(ONE, *numbers))


async def _odd_events(writer: Writer) -> None:
    """Events of ours with headers that somebody added on the way."""
    account = await writer.account_with("odd", ONE)
    for index, name in enumerate(("x-note", "constructor", "__proto__", "traceparent")):
        [number] = await writer.numbers_of(account, f"+1555004{index}")
        record = writer.seal(account, numbers_assigned(ONE, number))
        headers = [*record.headers, (name, None if index % 2 else b"1")]
        await writer.outside.write(writer.identity.partition_of(account), record.key, record.value, headers)
    # An attribute that is null, under the digest that it would have if it were empty: foreign.
    accepted = writer.heads[account]
    record = writer.seal(account, numbers_assigned(ONE))
    attributes = {**dict(record.headers), "ce_later": b""}
    digest = Digester(tuple(attributes)).digest(record.key, tuple(attributes.values()), record.value)
    forged = attributes | {"ce_later": None, "ce_digest": digest.encode()}
    await writer.outside.write(writer.identity.partition_of(account), record.key, record.value, list(forged.items()))
    writer.heads[account] = accepted


async def _transactions(kafka: str, topic: str, writer: Writer, stack: AsyncExitStack) -> None:
    """All readers read uncommitted: an event in an aborted transaction counts, an open one holds nobody up."""
    account = await writer.account_with("transacted", ONE)
    numbers = await writer.numbers_of(account, "+15550051")
    partition = writer.identity.partition_of(account)
    async with transaction(kafka, topic, "aborted") as producer:
        await send(producer, topic, partition, writer.seal(account, numbers_assigned(ONE, *numbers)))
    producer = await stack.enter_async_context(transaction(kafka, topic, "open"))
    for each in range(PARTITIONS):
        await producer.send_and_wait(topic, b"{}", key=b"k", partition=each)
