"""What must have been true of every answer, and of every table, once all is over."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from tests.simulation.clients import Clients, Try
from tests.simulation.database.reading import routes
from tests.simulation.system import PHONES, System, account_ids, number_ids
from tests.simulation.trouble import Troublemaker
from tests.simulation.truth import Accepted, Truth, lists_of_numbers

from patchbay.api.idempotency import command_id, derived_command_id
from patchbay.assistants.events import NumberReleased
from patchbay.assistants.states import Account, Number

WRITE_SECONDS: Final = 4.0
READ_SECONDS: Final = 8.0  # the key, then the question: each is given up after some seconds
SLACK_SECONDS: Final = 0.5  # both ways on the network


class Checks:
    """Everything that is looked at after a seed."""

    def __init__(self, system: System, clients: Clients, trouble: Troublemaker, truth: Truth) -> None:
        self._system = system
        self._clients = clients
        self._trouble = trouble
        self._truth = truth
        self._tries = clients.tries
        self._accounts = account_ids()
        self._numbers = dict(zip(PHONES, number_ids(), strict=True))

    def all(self) -> None:
        """Check everything."""
        assert not self._truth.broken, self._truth.broken
        self._each_command_counts_once()
        for told in self._tries:
            self._answer_came_in_time(told)
            if told.is_definite_no:
                self._nothing_is_left_of(told)
            if told.status == 200:
                self._true_of(told)
            elif 400 <= told.status < 500:
                self._refusal_is_true(told)
            else:
                assert told.status in (0, 202, 503), (told.status, told.answer)
        self._order_is_kept()
        self._tables_are_the_fold()
        self._a_number_has_one_assistant()

    # What a write did.

    def _account(self, told: Try) -> str:
        return self._accounts[told.team]

    def _number(self, told: Try) -> str:
        if told.method == "POST":
            return self._numbers[(told.body or {})["phoneNumber"]]
        return told.path.rpartition("/")[2]

    def _stream(self, told: Try) -> str:
        return self._number(told) if told.kind in ("number", "release", "read number") else self._account(told)

    def _command_of(self, told: Try) -> str | None:
        if told.key is None:
            return None
        first = command_id(self._account(told), told.key)
        return derived_command_id(first, "release") if told.kind == "release" else first

    def _effects_of(self, told: Try) -> list[Accepted]:
        """Return the accepted events of a write: of its command, or where it has no key, of this try."""
        command = self._command_of(told)
        found = self._truth.of_try(told.traceparent) if command is None else self._truth.of_command(command)
        return [each for each in found if each.envelope.stream == self._stream(told)]

    def _effects_by_then(self, told: Try) -> list[Accepted]:
        """Return those that had landed when it was answered: what changes nothing is decided again at a repetition."""
        return [each for each in self._effects_of(told) if each.landed_at <= told.ended_at]

    def _each_command_counts_once(self) -> None:
        seen = set()
        for history in self._truth.history.values():
            for accepted in history:
                if (command := accepted.envelope.command_id) is not None:
                    assert command not in seen, accepted.envelope
                    seen.add(command)

    def _nothing_is_left_of(self, told: Try) -> None:
        effects = self._truth.of_try(told.traceparent)
        if told.kind == "release":  # a release that ends in between has let go of the number, which a repetition finds
            effects = [each for each in effects if isinstance(each.event, NumberReleased)]
        assert not effects, (told, effects)

    # What a reader may see: the states of a stream from what was surely visible on, up to what had landed.

    def _surely_visible(self, stream: str, moment: float, *, routed: bool = False) -> int:
        height = 0
        for told in self._tries:
            if told.status == 200 and told.ended_at <= moment and told.method != "GET":
                for each in self._effects_by_then(told):
                    if each.envelope.stream == stream and (not routed or _is_routed(told)) and _tells(told, each):
                        height = max(height, each.envelope.height)
        return height

    def _window(self, told: Try, stream: str, *, routed: bool = False) -> range:
        low = self._surely_visible(stream, told.started_at, routed=routed)
        return range(low, self._truth.landed_by(stream, told.ended_at) + 1)

    def _states(self, told: Try, stream: str, *, routed: bool = False) -> Iterator[Any]:
        return (self._truth.state(stream, height) for height in self._window(told, stream, routed=routed))

    def _told_of(self, told: Try, effects: Sequence[Accepted], stream: str) -> list[Any]:
        """Return the states that an answer may tell: after its own event; or after an earlier try's, or as it was."""
        own = [each.state for each in effects if each.envelope.traceparent == told.traceparent]
        return own or [*(each.state for each in effects), *self._states(told, stream)]

    def _true_of(self, told: Try) -> None:
        match told.kind:
            case "create" | "update" | "assign":
                self._shows_assistant(told, self._effects_by_then(told))
            case "read":
                self._shows_assistant(told, [])
            case "number" | "read number":
                self._shows_number(told)
            case "release":
                if not any(isinstance(each.event, NumberReleased) for each in self._effects_of(told)):
                    owners = {s.account_id for s in self._states(told, self._number(told))}
                    assert owners - {self._account(told)}, (told, owners)  # somebody else has released it meanwhile
            case "route":
                self._shows_route(told)
            case "status":
                self._tells_outcome(told)

    def _shows_assistant(self, told: Try, effects: Sequence[Accepted]) -> None:
        shown = told.answer["assistant"]
        states = self._told_of(told, effects, self._account(told))
        found = [s.assistants.get(shown["id"]) for s in states if isinstance(s, Account)]

        assert shown in [json.loads(msgspec.json.encode(assistant)) for assistant in found], (told, found)
        assert told.version in (None, shown["version"]), told

    def _shows_number(self, told: Try) -> None:
        shown = told.answer.get("phone_number", told.answer)
        effects = self._effects_by_then(told) if told.method != "GET" else []
        states = self._told_of(told, effects, self._stream(told))
        facts = [(s.account_id, s.phone_number, s.status, s.fallback, s.updated_at) for s in states]

        names = ("account_id", "phone_number", "status", "fallback", "updated_at")
        assert tuple(shown[name] for name in names) in facts, (told, facts)

    def _shows_route(self, told: Try) -> None:
        phone = told.path.rpartition("/")[2]
        number_id = self._numbers[phone]
        shown = (told.answer["outcome"], told.answer["assistant_id"])
        possible: set[tuple[str, str | None]] = set()
        for number in self._states(told, number_id, routed=True):
            if number.account_id is None:
                possible.add(("unknown_number", None))
                continue
            for account in self._states(told, number.account_id, routed=True):
                possible.add(_route(number, account))
        if told.team != 0 or any(p[0] == "unknown_number" for p in possible):
            return  # another account's number looks as if nobody had it
        owners = {s.account_id for s in self._states(told, number_id, routed=True)}
        if owners == {self._account(told)}:
            assert shown in possible, (told, possible)

    def _tells_outcome(self, told: Try) -> None:
        asked = [each for each in self._tries if each.location == told.path]
        for each in asked:
            status = told.answer["command"]["status"]
            took_effect = bool(self._effects_of(each))
            assert (status == "accepted") == took_effect, (told, each)

    def _refusal_is_true(self, told: Try) -> None:
        account = self._account(told)
        match told.status, told.kind:
            case 412, "update":
                path = told.path.rpartition("/")[2]
                versions = {s.assistants[path].version for s in self._states(told, account) if path in s.assistants}
                assert versions - {told.if_match}, told
            case 409, "assign":
                assistant_id = told.path.split("/")[3]
                holders = [
                    holding.assistant_id
                    for state in self._states(told, account)
                    for number, holding in state.holders.items()
                    if holding is not None and number in (told.body or {})["phoneNumberIds"]
                ]
                assert set(holders) - {assistant_id}, (told, holders)
            case 404, "assign":
                wanted = (told.body or {})["phoneNumberIds"]
                owners = [s.account_id for number in wanted for s in self._states(told, number)]
                assert set(owners) - {account}, (told, owners)
            case 409, "number":
                owners = [s.account_id for s in self._states(told, self._stream(told))]
                assert set(owners) - {account, None}, (told, owners)
            case ((403 | 404), ("number" | "release" | "read number")):
                owners = [s.account_id for s in self._states(told, self._stream(told))]
                assert set(owners) - {account}, (told, owners)
            case _:
                raise AssertionError(told)

    # In what order.

    def _order_is_kept(self) -> None:
        """What was asked for after an answer stands above it."""
        written: dict[str, list[tuple[Try, int]]] = {}
        seen: set[str] = set()
        for told in self._tries:
            command = self._command_of(told) or told.traceparent
            if told.method != "GET" and told.status == 200 and command not in seen:
                for each in self._effects_of(told):
                    if each.envelope.traceparent == told.traceparent:
                        written.setdefault(each.envelope.stream, []).append((told, each.envelope.height))
            seen.add(command)
        for pairs in written.values():
            for earlier, below in pairs:
                for later, above in pairs:
                    assert not (earlier.ended_at < later.started_at and below > above), (earlier, later)

    def _answer_came_in_time(self, told: Try) -> None:
        if told.status == 0 or self._was_paused(told):
            return
        bound = READ_SECONDS if told.method == "GET" or told.kind in ("release", "number") else WRITE_SECONDS
        assert told.ended_at - told.started_at <= bound + SLACK_SECONDS, told

    def _was_paused(self, told: Try) -> bool:
        return any(
            node is told.node and begin < told.ended_at and end > told.started_at
            for node, begin, end in self._trouble.paused
        )

    # What is left.

    def _tables_are_the_fold(self) -> None:
        at = self._system.server.view()
        expected = self._truth.tables()
        for projection in ("read_model", "routing"):
            tables = self._system.server.schemas[f"{projection}_{at.live(projection)}"]
            shown: dict[str, Any] = {
                "holdings": {key: (g["assistant_id"], g["registration"]) for key, g in tables["assignments"].items()},
                "numbers": {
                    key: (n["account_id"], n["registration"], n["status"], n["fallback"])
                    for key, n in tables["numbers"].items()
                },
                "heads": {stream: head["height"] for stream, head in tables["heads"].items()},
            }
            if projection == "routing":
                shown["answering"] = set(tables["assistants"])
            else:
                shown["assistants"] = {key: (a["version"], a["record"]) for key, a in tables["assistants"].items()}
            for name, rows in shown.items():
                assert rows == expected[projection][name], (projection, name, rows, expected[projection][name])
            assert not any(head["stopped_by"] for head in tables["heads"].values())
            assert not tables["quarantine"], tables["quarantine"]
        self._history_is_the_log()
        assert routes(at) is not None

    def _history_is_the_log(self) -> None:
        kept = self._system.server.schemas["history"]["events"]
        digests = {key: line["digest"].hex() for key, line in kept.items()}

        assert digests == {
            (stream, each.envelope.height): each.envelope.digest
            for stream, history in self._truth.history.items()
            for each in history
        }

    def _a_number_has_one_assistant(self) -> None:
        for account in self._accounts:
            for lists in lists_of_numbers(self._truth.history[account]):
                held = [number for numbers in lists.values() for number in numbers]
                assert len(held) == len(set(held)), lists


def _tells(told: Try, effect: Accepted) -> bool:
    """True if the answer shows that it knows of the effect: a repetition may find that there was nothing to change."""
    if effect.envelope.traceparent == told.traceparent:
        return True
    shown, state = told.answer.get("assistant") or told.answer.get("phone_number"), effect.state
    if shown is None or not isinstance(state, Account | Number):
        return False
    if isinstance(state, Number):
        return bool(shown["updated_at"] == state.updated_at)
    assistant = state.assistants.get(shown["id"])
    return assistant is not None and shown["version"] >= assistant.version


def _is_routed(told: Try) -> bool:
    return told.kind in ("assign", "number", "release") or "inbound_enabled" in (told.body or {})


def _route(number: Number, account: Account) -> tuple[str, str | None]:
    """Return who answers a number, by the states of both streams."""
    holding = account.holders.get(number.id)
    if holding is None or holding.registration != number.registration:
        return ("suspended" if number.status != "active" else "unassigned"), None
    assistant = account.assistants.get(holding.assistant_id)
    answers = assistant is not None and assistant.inbound_enabled
    outcome = "routed" if answers else "inbound_disabled"
    return (outcome if number.status == "active" else "suspended"), holding.assistant_id
