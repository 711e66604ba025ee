"""What the log says, judged and folded from its first record on, in memory: what every table has to agree with."""

from collections import Counter, defaultdict

import msgspec
from tests.system.guarantees.cluster import TOPIC

from patchbay.assistants.codec import decode_event, touched_assistants
from patchbay.assistants.events import Event, KeyIssued
from patchbay.assistants.evolve import evolve_account, evolve_assistant, evolve_number, evolve_operators
from patchbay.assistants.states import Account, Number, Operators
from patchbay.eventlog import (
    BootstrapServers,
    Envelope,
    Foreign,
    Head,
    LogIdentity,
    Record,
    Verdict,
    advance,
    judge,
    open_log,
    open_reader,
    read_envelope,
)

_FETCH_RECORDS = 5_000
_encode = msgspec.json.Encoder().encode


class Accepted(msgspec.Struct, frozen=True):
    """An accepted event, and where it stands in the log."""

    envelope: Envelope
    event: Event
    partition: int
    offset: int


class Log:
    """Every record of the log with its verdict, and the state that follows from the accepted ones."""

    def __init__(self, identity: LogIdentity) -> None:
        self.identity = identity
        self.records: list[Record] = []
        self.verdicts: Counter[str] = Counter()
        self.accepted: list[Accepted] = []
        self.heads: dict[str, Head] = {}
        self.accounts: dict[str, Account] = {}
        self.numbers: dict[str, Number] = {}
        self.operators = Operators()
        self.versions: dict[tuple[str, int], tuple[str, int]] = {}  # which event made which version
        self.records_of_versions: dict[tuple[str, int], bytes] = {}  # the assistant's record, as clients see it
        self.secrets: dict[str, bytes] = {}  # by key id
        self._by_trace: defaultdict[str, list[Accepted]] = defaultdict(list)

    def by_trace(self, traceparent: str) -> list[Accepted]:
        """Return the accepted events that the request with this trace context led to."""
        return self._by_trace.get(traceparent, [])

    def by_stream(self, stream: str) -> list[Accepted]:
        """Return the accepted events of a stream, in order."""
        return [accepted for accepted in self.accepted if accepted.envelope.stream == stream]

    def take(self, record: Record) -> None:
        """Judge and fold the next record of its partition."""
        self.records.append(record)
        envelope = read_envelope(record, self.identity)
        if isinstance(envelope, Foreign):
            self.verdicts[envelope.reason] += 1
            return
        head = self.heads.get(envelope.stream) or Head.genesis(self.identity.log_id)
        verdict = judge(envelope, head)
        self.verdicts[verdict.value] += 1
        self.heads[envelope.stream] = advance(head, envelope, verdict)
        if verdict is Verdict.ACCEPTED:
            event = decode_event(envelope.type, envelope.dataschema, envelope.value)
            accepted = Accepted(envelope, event, record.partition, record.offset)
            self.accepted.append(accepted)
            self._by_trace[envelope.traceparent or ""].append(accepted)
            self._fold(accepted)

    def _fold(self, accepted: Accepted) -> None:
        event, stream = accepted.event, accepted.envelope.stream
        height, time = accepted.envelope.height, accepted.envelope.time
        if isinstance(event, KeyIssued):
            self.secrets[event.key_id] = bytes.fromhex(event.secret_sha256)
        if stream.startswith("pn_"):
            number = self.numbers.get(stream) or Number(id=stream)
            self.numbers[stream] = evolve_number(number, event, height=height, time=time)
        elif stream.startswith("oper_"):
            self.operators = evolve_operators(self.operators, event, height=height, time=time)
        else:
            before = self.accounts.get(stream) or Account(id=stream)
            self.accounts[stream] = evolve_account(before, event, height=height, time=time)
            for assistant_id in dict.fromkeys(touched_assistants(event)):
                earlier = before.assistants.get(assistant_id)
                assistant = evolve_assistant(earlier, event, assistant_id=assistant_id, time=time)
                self.versions[assistant_id, assistant.version] = (stream, height)
                self.records_of_versions[assistant_id, assistant.version] = _encode(assistant)


async def read_log(bootstrap_servers: BootstrapServers, topic: str = TOPIC) -> Log:
    """Return the whole log as it is now, read with a consumer of its own."""
    identity = await open_log(bootstrap_servers, topic)
    log = Log(identity)
    async with open_reader(bootstrap_servers, identity, dict.fromkeys(range(identity.partition_count), 0)) as reader:
        ends = await reader.end_offsets()
        while any(reader.positions[partition] < end for partition, end in ends.items()):
            for record in await reader.fetch(max_records=_FETCH_RECORDS, timeout_seconds=0.5):
                if record.offset < ends[record.partition]:
                    log.take(record)
    return log
