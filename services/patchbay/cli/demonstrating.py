"""The walk through the four calls, and where their effects can be seen."""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from patchbay.cli.calling import Answer, Api, Body, refused, segment
from patchbay.cli.errors import Unreachable, Unsettled
from patchbay.cli.quieting import quieten_libraries
from patchbay.cli.showing import clean
from patchbay.cli.stage import Asked, Lines, Shown, Stage, Terminal
from patchbay.cli.whereabouts import ApiAccess, Endpoints, LogAccess, Whereabouts
from patchbay.eventlog import EventLogError, Record, open_log, open_reader
from patchbay.postgres import DATABASE_FAILURES, open_connection

DEMO_NUMBER: Final = "+12025550142"  # of the range that is kept for fiction
_READ_SECONDS: Final = 5.0
_ROUTE: Final = "SELECT number, account, assistant, outcome, position FROM routing.inbound WHERE number = $1"


def run(arguments: argparse.Namespace) -> None:
    """
    Walk through the four calls.

    Raises:
        NotRunning: Nothing is known of a running Patchbay.
        Unreachable: The API, the log or the database does not answer.
        Refused: An answer was not the one that was to be shown.
        Unsettled: A projection is behind.
    """
    whereabouts = Whereabouts(arguments.data_dir)
    endpoints = whereabouts.endpoints()
    quieten_libraries()
    log = LogAccess(endpoints.kafka, whereabouts.log().topic)
    stage: Stage = Lines() if arguments.json else Terminal()
    demo = _Demo(endpoints, log, stage)
    number_id = demo.have_number()
    positions = demo.end_of_log()
    first = demo.four_calls(number_id)
    demo.show_records(positions, first)
    demo.show_route()
    demo.contend(number_id)
    if not arguments.json:
        print("\nThe same calls by hand: the README's. What the log holds: patchbay log tail --from beginning\n")


class _Demo:
    def __init__(self, endpoints: Endpoints, log: LogAccess, stage: Stage) -> None:
        self._endpoints = endpoints
        self._slug = endpoints.account_slug
        self._log = log
        self._api = Api(ApiAccess(endpoints.api, endpoints.api_key))
        self._stage = stage

    def have_number(self) -> str:
        """Return the id of the number that is given away, registered and held by nobody."""
        self._stage.scene("A phone number", "Registered for the account; a second time changes nothing.")
        body: Body = {"accountSlug": self._slug, "phoneNumber": DEMO_NUMBER}
        number = self._show("POST", "/api/phone-numbers", body)["phone_number"]
        holder = number["assistant_id"]
        if holder is not None:
            self._stage.scene("It is taken off the assistant that an earlier demo gave it to")
            path = f"/api/assistants/{segment(holder)}"
            held = self._api.read(path)["assistant"]["phone_number_ids"]
            rest = [number_id for number_id in held if number_id != number["id"]]
            body = {"accountSlug": self._slug, "phoneNumberIds": rest}
            self._show("PATCH", f"{path}/telephony/phone-numbers", body, shown="status")
        return str(number["id"])

    def four_calls(self, number_id: str) -> Body:
        """Create, read, change, assign; return the assistant."""
        self._stage.scene("Create an assistant from a template")
        body: Body = {"accountSlug": self._slug, "name": "Sales Agent", "templateId": "outbound-setter"}
        created = self._show("POST", "/api/assistants", body)["assistant"]
        path = f"/api/assistants/{created['id']}"
        self._stage.scene("Read it", "The second time with its ETag: it has not changed.")
        self._show("GET", path)
        self._show("GET", path, headers={"If-None-Match": '"1"'}, expected=304)
        self._stage.scene("Change it", "Only what is named; If-Match makes sure that nobody else did in between.")
        body = {"accountSlug": self._slug, "temperature": 0.4, "inbound_enabled": True}
        self._show("PATCH", path, body, headers={"If-Match": '"1"'})
        self._stage.scene("Give it the phone number", "When this has answered, the next call is routed by it.")
        body = {"accountSlug": self._slug, "phoneNumberIds": [number_id], "reassign": False}
        assigned: Body = self._show("PATCH", f"{path}/telephony/phone-numbers", body)["assistant"]
        return assigned

    def contend(self, number_id: str) -> None:
        """Let a second assistant ask for the number, without and with `reassign`."""
        self._stage.scene("A second assistant asks for the same number")
        body: Body = {"accountSlug": self._slug, "name": "Reception", "templateId": "inbound-support"}
        second = self._show("POST", "/api/assistants", body, shown="status")["assistant"]
        path = f"/api/assistants/{second['id']}/telephony/phone-numbers"
        body = {"accountSlug": self._slug, "phoneNumberIds": [number_id]}
        self._show("PATCH", path, body, expected=409)
        self._stage.scene("It insists", "One event moves the number; at no time has it two assistants, or none.")
        self._show("PATCH", path, {**body, "reassign": True}, shown="in part")
        self.show_route()

    def show_records(self, positions: Mapping[int, int], assistant: Body) -> None:
        """Show the records that the calls led to."""
        self._stage.scene("What the log holds now", "CloudEvents in binary mode: any Kafka client reads them.")
        for record in asyncio.run(self._records(positions, assistant)):
            facts: dict[str, Any] = {"key": _text(record.key)}
            facts |= {name: _text(value) for name, value in record.headers}
            facts["value"] = _text(record.value)
            self._stage.facts(f"partition {record.partition}, offset {record.offset}", facts)

    def end_of_log(self) -> dict[int, int]:
        """Return the offset that the next record of the account's partition will get."""
        return asyncio.run(self._end_of_log())

    def show_route(self) -> None:
        """Show who answers a call: the row that routers read, and the look-up over HTTP."""
        self._stage.scene("Who answers a call to the number", "A row that any SIP router reads with plain SQL.")
        self._stage.facts(_ROUTE.replace("$1", f"'{DEMO_NUMBER}'"), asyncio.run(self._route()))
        self._show("GET", f"/api/routing/inbound/{segment(DEMO_NUMBER)}", shown="in part")

    def _show(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        expected: int = 200,
        shown: Shown = "whole",
    ) -> Body:
        """Make a call, show it, and return the answer's body, if it is the one to be shown."""
        answer: Answer = self._api.call(method, path, body, headers)
        self._stage.exchange(method, path, Asked(body, headers or {}, shown), answer)
        content = answer.body if answer.content else {}
        if answer.status == HTTPStatus.ACCEPTED:
            raise Unsettled("It is in the log, but the projections are behind: try again in a moment.")
        if answer.status != expected:
            raise refused(answer.status, content)
        return content

    async def _end_of_log(self) -> dict[int, int]:
        try:
            identity = await open_log(self._log.bootstrap_servers, self._log.topic, timeout_seconds=_READ_SECONDS)
            partition = identity.partition_of(self._endpoints.account_id)
            async with open_reader(self._log.bootstrap_servers, identity, {partition: 0}) as reader:
                return dict(await reader.end_offsets())
        except EventLogError as error:
            raise self._no_log(error) from None

    async def _records(self, positions: Mapping[int, int], assistant: Body) -> Sequence[Record]:
        """Return the records about the assistant: as many as it has versions."""
        found: list[Record] = []
        subject = ("ce_subject", str(assistant["id"]).encode())
        try:
            identity = await open_log(self._log.bootstrap_servers, self._log.topic, timeout_seconds=_READ_SECONDS)
            async with (
                asyncio.timeout(_READ_SECONDS),
                open_reader(self._log.bootstrap_servers, identity, positions) as reader,
            ):
                while len(found) < assistant["version"]:
                    records = await reader.fetch(max_records=1_000, timeout_seconds=0.5)
                    found += [record for record in records if subject in record.headers]
        except TimeoutError:
            raise Unreachable("The log does not show the records in time: try again.") from None
        except EventLogError as error:
            raise self._no_log(error) from None
        return found

    def _no_log(self, error: EventLogError) -> Unreachable:
        return Unreachable(f"The log at {self._log.bootstrap_servers} cannot be read ({error}): is `make run` running?")

    async def _route(self) -> dict[str, Any]:
        try:
            async with open_connection(self._endpoints.database, name="demo") as connection:
                row = await connection.fetchrow(_ROUTE, DEMO_NUMBER)
        except DATABASE_FAILURES as error:
            raise Unreachable(f"The database does not answer ({clean(str(error))}): is `make run` running?") from None
        return {} if row is None else dict(row)


def _text(content: bytes | None) -> str:
    return "null" if content is None else content.decode("utf-8", "replace")
