"""Assistants as files: `patchbay pull`, `plan` and `apply`, as they are typed, against the real API."""

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest_asyncio
from tests.contract.api.service import Service
from tests.integration.cli.commands import patchbay_in

from patchbay.client import Patchbay


class Desk(NamedTuple):
    """An account of its own, a directory, and the commands in it."""

    client: Patchbay
    path: Path
    variables: dict[str, str]

    @property
    def files(self) -> Path:
        return self.path / "assistants"

    async def type(self, command: str, *more: str, code: int = 0) -> str:
        """Return what a command prints, on standard error if it is to fail."""
        ran = await patchbay_in(self.path, command, "assistants", *more, **self.variables)
        assert ran.code == code, ran.out + ran.err
        return ran.err if code else ran.out

    async def done(self, command: str, *more: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (await self.type(command, "--json", *more)).splitlines()]

    def edit(self, file: str, before: str, after: str) -> None:
        path = self.files / file
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))


@pytest_asyncio.fixture(loop_scope="session")
async def desk(service: Service, tmp_path: Path) -> AsyncIterator[Desk]:
    """Give an account with nothing in it, and its key in the environment."""
    slug = f"files-{secrets.token_hex(4)}"
    async with Patchbay(service.url, service.operator.secret or "") as operator:
        await operator.accounts.open(slug)
        key = await operator.for_account(slug).keys.issue("files", requests_per_hour=None)
    async with Patchbay(service.url, key.secret or "", account=slug) as client:
        yield Desk(client, tmp_path, {"PATCHBAY_API": service.url, "PATCHBAY_KEY": key.secret or ""})


async def test_files_are_pulled_planned_and_applied(desk: Desk) -> None:
    """One write each, and afterwards there is nothing to do."""
    sales = await desk.client.assistants.create("Sales Agent", template="outbound-setter")
    await desk.client.assistants.create("Front desk", template="inbound-support")

    assert "2 assistants" in await desk.type("pull")
    assert sorted(path.name for path in desk.files.iterdir()) == [
        ".patchbay.lock.json",
        "front-desk.yaml",
        "sales-agent.yaml",
    ]
    assert "system_prompt: |" in (desk.files / "sales-agent.yaml").read_text()
    assert "Nothing to do." in await desk.type("plan", "--exit-code")

    desk.edit("sales-agent.yaml", "temperature: 0.7", "temperature: 0.4")
    desk.edit("sales-agent.yaml", "You are a friendly", "You are a patient")
    (desk.files / "new.yaml").write_text("name: New one\ntemplate: custom\nsystem_prompt: |\n  Be kind.\n")
    planned = await desk.type("plan")
    assert "temperature: 0.7 → 0.4" in planned
    assert "[-friendly-]{+patient+}" in planned
    assert "1 to create, 1 to update, 0 to delete" in planned
    await desk.type("plan", "--exit-code", code=4)
    assert await desk.type("apply", "--dry-run") == planned
    assert (await desk.client.assistants.get(sales.id)).version == 1

    applied = await desk.done("apply", "--reason", "Calmer calls")
    assert [(one["file"], one["action"]) for one in applied] == [
        ("sales-agent.yaml", "updated"),
        ("new.yaml", "created"),
    ]
    found = await desk.client.assistants.get(sales.id)
    assert (found.version, found.temperature) == (2, 0.4)
    assert (await desk.client.assistants.get(applied[1]["assistant_id"])).system_prompt == "Be kind.\n"
    assert await desk.done("apply") == []


async def test_what_the_server_moved_is_refused_until_it_is_pulled(desk: Desk) -> None:
    """Who moved it is told; a pull brings it together with what was changed here."""
    assistant = await desk.client.assistants.create("Front desk", temperature=0.7)
    await desk.type("pull")
    await desk.client.because("quieter").assistants.update(assistant.id, max_tokens=99)
    desk.edit("front-desk.yaml", "temperature: 0.7", "temperature: 0.2  # calm")

    told = await desk.type("plan", code=3)
    assert "front-desk.yaml is at version 2, and the file was made from 1" in told
    assert f'version 2 by {(await desk.client.identity()).key.id} ("files") at 20' in told
    assert 'max_tokens, "quieter"' in told
    assert json.loads(await desk.type("apply", "--json", code=3))["code"] == "moved"
    assert (await desk.client.assistants.get(assistant.id)).version == 2

    assert "changed" in await desk.type("pull")
    assert "max_tokens: 99\n" in (desk.files / "front-desk.yaml").read_text()
    await desk.type("apply")
    found = await desk.client.assistants.get(assistant.id)
    assert (found.temperature, found.max_tokens, found.version) == (0.2, 99, 3)
    assert "# calm" in (desk.files / "front-desk.yaml").read_text()


async def test_what_both_sides_have_changed_is_a_conflict(desk: Desk) -> None:
    """Nothing is lost without `--force`."""
    assistant = await desk.client.assistants.create("Front desk", temperature=0.7)
    await desk.type("pull")
    await desk.client.assistants.update(assistant.id, temperature=0.1)
    desk.edit("front-desk.yaml", "temperature: 0.7", "temperature: 0.9")

    assert "front-desk.yaml: changed here and there" in await desk.type("pull", code=3)
    assert "temperature: 0.9" in (desk.files / "front-desk.yaml").read_text()
    await desk.type("pull", "--force")
    assert "temperature: 0.1" in (desk.files / "front-desk.yaml").read_text()


async def test_a_file_that_is_gone_deletes_only_when_pruned(desk: Desk) -> None:
    """And an assistant that is gone takes its file along."""
    for name in ("One", "Two"):
        await desk.client.assistants.create(name)
    await desk.type("pull")
    (desk.files / "one.yaml").unlink()

    assert "--prune deletes it" in await desk.type("apply")
    assert len(await desk.client.assistants.list().all()) == 2
    (deleted,) = await desk.done("apply", "--prune")
    assert (deleted["file"], deleted["action"]) == ("one.yaml", "deleted")
    (two,) = await desk.client.assistants.list().all()
    await desk.client.assistants.delete(two.id)
    await desk.type("pull")
    assert [path.name for path in desk.files.iterdir()] == [".patchbay.lock.json"]


async def test_a_repeated_apply_after_a_crash_has_one_effect(desk: Desk) -> None:
    """Whatever was lost: the lock of before the apply is put back, as if its end had never been written."""
    assistant = await desk.client.assistants.create("Front desk", temperature=0.7)
    await desk.type("pull")
    lock = desk.files / ".patchbay.lock.json"
    before = lock.read_text()
    desk.edit("front-desk.yaml", "temperature: 0.7", "temperature: 0.2")
    (desk.files / "new.yaml").write_text("name: New one\n")
    for _ in range(3):
        await desk.type("apply")
        after = lock.read_text()
        lock.write_text(before)
    await desk.type("apply")

    assert (await desk.client.assistants.get(assistant.id)).version == 2
    assert len(await desk.client.assistants.list().all()) == 2
    assert lock.read_text() == after


async def test_bad_files_and_other_accounts_are_told_before_anything_is_done(desk: Desk, service: Service) -> None:
    """Exit code 2: somebody has to look."""
    await desk.client.assistants.create("Front desk")
    await desk.type("pull")
    (desk.files / "bad.yaml").write_text("name: x\ntemprature: 1\n")
    assert "line 2: nobody knows the field 'temprature'" in await desk.type("apply", code=2)
    (desk.files / "bad.yaml").unlink()

    other = Desk(desk.client, desk.path, {"PATCHBAY_API": service.url, "PATCHBAY_KEY": service.other.secret or ""})
    assert "belongs to another account" in await other.type("apply", code=1)
    assert "another account or another Patchbay" in await other.type("apply", "--account", "other-team", code=2)
