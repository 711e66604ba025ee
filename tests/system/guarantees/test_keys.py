"""Keys hold for every process of the API, and so does their end; a restart of everything changes nothing."""

import time
from typing import Any

from tests.servers import eventually
from tests.system.guarantees.accounts import Team, new_phone_number, open_team
from tests.system.guarantees.clients import Client, Reply
from tests.system.guarantees.cluster import KAFKA, POSTGRES, SERVICES, Cluster
from tests.system.guarantees.folding import read_log
from tests.system.guarantees.noting import Note
from tests.system.guarantees.tables import differences

REVOKED_WITHIN_SECONDS = 1.0
ROUNDS = 5
BOTH = (0, 1)


async def test_a_revoked_key_is_refused_by_every_process_within_a_second(cluster: Cluster, note: Note) -> None:
    """Used without a break until it is refused, through both processes; once refused, never let in again."""
    slowest = 0.0
    async with open_team(cluster) as team:
        assistant_id = await team.assistant()
        path = f"/api/assistants/{assistant_id}"
        for number in range(ROUNDS):
            key = await _issue(team)
            async with cluster.client(key["secret"]) as holder:
                assert {(await holder.get(api, path)).status for api in BOTH} == {200}
                await team.client.written(number % 2, "DELETE", f"/api/keys/{key['id']}")
                revoked_at = time.monotonic()
                for api in BOTH:

                    async def is_refused(api: int = api, holder: Client = holder) -> bool:
                        return (await holder.get(api, path)).status == 401

                    await eventually(is_refused, REVOKED_WITHIN_SECONDS)
                slowest = max(slowest, time.monotonic() - revoked_at)
                after = [await holder.get(api, path) for api in BOTH * 10]
                write = await holder.request(0, "PATCH", path, {"accountSlug": team.slug, "name": "Intruder"})

            assert {reply.status for reply in after} == {401}
            assert write.status == 401
    note(f"{ROUNDS} keys, refused by both after {slowest:.2f} s at most")

    assert slowest < REVOKED_WITHIN_SECONDS


async def test_a_key_of_another_account_opens_nothing(cluster: Cluster) -> None:
    """Neither reads nor writes, through no process, and nothing of what it tries is in the log."""
    async with open_team(cluster) as team, open_team(cluster) as other:
        assistant_id, (number_id, phone_number) = await team.assistant(), await team.number()
        height = (await read_log(cluster.kafka)).heads[team.account_id].height
        own_id = await other.assistant()
        for api in BOTH:
            statuses = [reply.status for reply in await _try_all(other, api, team, assistant_id, number_id)]
            look_up = await other.client.get(api, f"/api/routing/inbound/{phone_number}")
            taken = await other.client.request(
                api,
                "PATCH",
                f"/api/assistants/{own_id}/telephony/phone-numbers",
                {"accountSlug": other.slug, "phoneNumberIds": [number_id], "reassign": True},
            )

            assert statuses == [403, 403, 403, 403, 403, 403]
            assert taken.status == 404
            assert (look_up.json["outcome"], look_up.json["account_id"]) == ("unknown_number", None)
        log = await read_log(cluster.kafka)

    assert log.heads[team.account_id].height == height
    assert log.heads[other.account_id].height == 3  # opened, a key, an assistant


async def test_a_restart_of_every_process_keeps_everything(cluster: Cluster, note: Note) -> None:
    """Asked to stop in order and started again: the same answers to the same key, and the same tables."""
    async with open_team(cluster) as team:
        assistant_id, (number_id, phone_number) = await team.assistant(inbound_enabled=True), await team.number()
        path = f"/api/assistants/{assistant_id}"
        body = {"accountSlug": team.slug, "phoneNumberIds": [number_id]}
        await team.client.written(1, "PATCH", f"{path}/telephony/phone-numbers", body)
        async with cluster.operator() as operator:
            suspended = {"accountSlug": team.slug, "status": "suspended", "fallback": new_phone_number()}
            await operator.written(0, "PATCH", f"/api/phone-numbers/{number_id}", suspended)
        paths = (path, f"/api/routing/inbound/{phone_number}", "/api/phone-numbers")
        before = [(await team.client.get(api, each)).body for each in paths for api in BOTH]
        await cluster.stop(*reversed(SERVICES), POSTGRES, KAFKA)
        begun_at = time.monotonic()
        await cluster.start(KAFKA, POSTGRES)
        await cluster.start(*SERVICES)
        note(f"everything is ready {time.monotonic() - begun_at:.1f} s after a stop")

        assert [(await team.client.get(api, each)).body for each in paths for api in BOTH] == before

        renamed = [
            await team.client.written(api, "PATCH", path, {"accountSlug": team.slug, "name": f"After {api}"})
            for api in BOTH
        ]

        assert [reply.json["assistant"]["version"] for reply in renamed] == [3, 4]
        await cluster.catch_up()

    assert await differences(await read_log(cluster.kafka), cluster.database_url) == []


async def _issue(team: Team) -> dict[str, Any]:
    body = {"accountSlug": team.slug, "name": "to be revoked", "requestsPerHour": None}
    key: dict[str, Any] = (await team.client.written(0, "POST", "/api/keys", body)).json["key"]
    return key


async def _try_all(other: Team, api: int, team: Team, assistant_id: str, number_id: str) -> list[Reply]:
    """Read and write what belongs to `team` with the key of `other`."""
    path, slug = f"/api/assistants/{assistant_id}", team.slug
    client = other.client
    return [
        await client.get(api, path),
        await client.get(api, f"/api/phone-numbers/{number_id}"),
        await client.request(api, "PATCH", path, {"accountSlug": slug, "name": "Intruder"}),
        await client.request(api, "PATCH", path, {"accountSlug": other.slug, "name": "Intruder"}),
        await client.request(api, "POST", "/api/assistants", {"accountSlug": slug, "name": "Intruder"}),
        await client.request(api, "DELETE", f"/api/phone-numbers/{number_id}"),
    ]
