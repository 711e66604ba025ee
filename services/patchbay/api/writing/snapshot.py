"""What one statement saw of many streams, put together for deciding."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from patchbay.api.writing.outcomes import Position, State
from patchbay.assistants.states import Account, Assistant, Holding, Key, Number, Operators, OwnedNumber
from patchbay.eventlog import Head, LogIdentity

if TYPE_CHECKING:
    from asyncpg import Record


class Wanted(msgspec.Struct, frozen=True):
    """What to load of one stream: its head always, its commands and parts as named."""

    stream: str
    command_ids: tuple[str, ...] = ()
    assistants: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()  # with who holds them in this account
    holders_of: frozenset[str] = frozenset()  # numbers whose holding assistant is wanted with all its holdings
    holdings_of: frozenset[str] = frozenset()  # assistants whose every holding is wanted
    keys: frozenset[str] = frozenset()
    numbers_of: frozenset[str] = frozenset()  # assistants whose every number is wanted, with who holds it
    names: frozenset[str] = frozenset()  # with who has them


class KnownCommand(msgspec.Struct, frozen=True):
    """A command whose event is accepted."""

    height: int
    request_digest: str


class Loaded(msgspec.Struct, frozen=True):
    """One stream as one snapshot saw it. `head.stopped_by` and `quarantined_in` tell that nothing may be appended."""

    head: Head
    state: State
    commands: dict[str, KnownCommand]  # by command id
    quarantined_in: frozenset[str]  # projections that do not fold this stream
    position: Position  # of the snapshot, in the stream's partition
    remembered: bool = False  # not read now: an event may be decided on it, a rejection or "no change" may not


_decode_assistant = msgspec.json.Decoder(Assistant).decode
_decode_scopes = msgspec.json.Decoder(tuple[str, ...]).decode


class Snapshot:
    """The rows of one statement, sorted by what they are. A row is its kind, six texts, two integers, two bytes."""

    def __init__(self, rows: "Iterable[Record]", identity: LogIdentity) -> None:
        self._identity = identity
        self._heads: dict[str, Head] = {}
        self._next_offsets: dict[int, int] = {}
        self._quarantines: dict[str, set[str]] = {}
        self._accounts: dict[str, tuple[str, str, str]] = {}
        self._commands: dict[str, dict[str, KnownCommand]] = {}
        self._assistants: dict[str, Assistant] = {}
        self._numbers: dict[str, Number] = {}
        self._holdings: dict[str, dict[str, Holding]] = {}  # by account, by number
        self._keys: dict[str, Key] = {}
        self._named: dict[tuple[str, str], list[str]] = {}  # by account and name
        for row in rows:
            self._TAKE[row[0]](self, row)

    def _pass_over(self, row: "Record") -> None:
        """The pointers: looked at before."""

    def _take_position(self, row: "Record") -> None:
        self._next_offsets[row["n"]] = row["m"]

    def _take_head(self, row: "Record") -> None:
        _, stream, time, *_, height, _, digest, stopped_by = row
        self._heads[stream] = Head(height, digest.hex(), time, stopped_by.hex() if stopped_by else None)

    def _take_quarantine(self, row: "Record") -> None:
        self._quarantines.setdefault(row["a"], set()).add(row["b"])

    def _take_account(self, row: "Record") -> None:
        self._accounts[row["a"]] = (row["b"], row["c"], row["d"])

    def _take_command(self, row: "Record") -> None:
        request_digest = row["y"].hex() if row["y"] else ""
        self._commands.setdefault(row["a"], {})[row["x"].hex()] = KnownCommand(row["n"], request_digest)

    def _take_assistant(self, row: "Record") -> None:
        self._assistants[row["a"]] = _decode_assistant(row["x"])

    def _take_number(self, row: "Record") -> None:
        _, number_id, phone_number, account_id, status, created_at, updated_at, registration, _, fallback, _ = row
        self._numbers[number_id] = Number(
            id=number_id,
            phone_number=phone_number,
            account_id=account_id,
            registration=registration,
            status=status,
            fallback=None if fallback is None else fallback.decode(),
            created_at=created_at,
            updated_at=updated_at,
        )

    def _take_holding(self, row: "Record") -> None:
        holding = Holding(assistant_id=row["c"], registration=row["n"])
        self._holdings.setdefault(row["b"], {})[row["a"]] = holding

    def _take_key(self, row: "Record") -> None:
        _, key_id, account_id, name, hint, expires_at, revoked_at, requests_per_hour, _, scopes, created_at = row
        self._keys[key_id] = Key(
            id=key_id,
            account_id=account_id,
            name=name,
            hint=hint,
            scopes=_decode_scopes(scopes),
            expires_at=expires_at,
            requests_per_hour=requests_per_hour,
            created_at=created_at.decode(),
            revoked_at=revoked_at,
        )

    def _take_named(self, row: "Record") -> None:
        _, assistant_id, account_id, name, *_, record, _ = row
        self._named.setdefault((account_id, name), []).append(assistant_id)
        if record is not None:
            self._assistants[assistant_id] = _decode_assistant(record)

    _TAKE = {  # noqa: RUF012 - never changed
        "live": _pass_over,
        "at": _take_position,
        "head": _take_head,
        "quarantine": _take_quarantine,
        "account": _take_account,
        "command": _take_command,
        "assistant": _take_assistant,
        "number": _take_number,
        "holding": _take_holding,
        "key": _take_key,
        "named": _take_named,
    }

    def of_each(self, wanted: Iterable[Wanted]) -> list[Loaded]:
        """Return what each asked for."""
        return [self._of(w) for w in wanted]

    def _of(self, wanted: Wanted) -> Loaded:
        partition = self._identity.partition_of(wanted.stream)
        return Loaded(
            head=self._heads.get(wanted.stream) or Head.genesis(self._identity.log_id),
            state=self._state(wanted),
            commands=self._commands.get(wanted.stream, {}),
            quarantined_in=frozenset(self._quarantines.get(wanted.stream, ())),
            position=Position(partition, self._next_offsets.get(partition, 0)),
        )

    def _state(self, wanted: Wanted) -> Account | Number | Operators:
        stream = wanted.stream
        if stream.startswith("pn_"):
            return self._numbers.get(stream) or Number(id=stream)
        if stream.startswith("oper_"):
            return Operators(keys={key: self._key_of(key, None) for key in wanted.keys})
        slug, name, created_at = self._accounts.get(stream, (None, None, None))
        held = self._holdings.get(stream, {})
        holders = {number: held.get(number) for number in wanted.numbers | wanted.holders_of}
        of_whom = wanted.holdings_of | wanted.numbers_of | {h.assistant_id for h in holders.values() if h}
        holders.update({number: holding for number, holding in held.items() if holding.assistant_id in of_whom})
        numbers = wanted.numbers | {n for n, holding in held.items() if holding.assistant_id in wanted.numbers_of}
        named = {name: tuple(sorted(self._named.get((stream, name), ()))) for name in wanted.names}
        assistants = wanted.assistants | {h.assistant_id for n in wanted.holders_of if (h := held.get(n))}
        assistants |= {one for having in named.values() for one in having if one in self._assistants}
        return Account(
            id=stream,
            slug=slug,
            name=name,
            created_at=created_at,
            assistants={assistant: self._assistant_of(assistant, stream) for assistant in assistants},
            holders=holders,
            numbers={number: self._owned(number, stream) for number in numbers},
            keys={key: self._key_of(key, stream) for key in wanted.keys},
            named=named,
        )

    def _assistant_of(self, assistant_id: str, account_id: str) -> Assistant | None:
        assistant = self._assistants.get(assistant_id)
        return assistant if assistant and assistant.account_id == account_id else None

    def _key_of(self, key_id: str, account_id: str | None) -> Key | None:
        key = self._keys.get(key_id)
        return key if key and key.account_id == account_id else None

    def _owned(self, number_id: str, account_id: str) -> OwnedNumber | None:
        number = self._numbers.get(number_id)
        if number is None or number.account_id != account_id or number.phone_number is None:
            return None
        return OwnedNumber(
            id=number.id, phone_number=number.phone_number, registration=number.registration, status=number.status
        )
