"""What is compared: a system that runs whole, who sends requests to it, and what there is to ask for."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

ACCOUNTS: Final = 64
ASSISTANTS_WITH_NUMBERS: Final = 4  # of each account
NUMBERS_OF_EACH: Final = 2
_AT_ONCE: Final = 16


class SideFailed(Exception):
    """A system runs, but not as it has to for a comparison."""


class Account(msgspec.Struct, frozen=True):
    """Somebody who sends requests."""

    slug: str
    key: str
    account_id: str


class Side(msgspec.Struct, frozen=True):
    """A system that runs."""

    name: str
    base_url: str
    pids: Mapping[str, int]  # by process
    durability: str  # what has happened to a write before it is answered, as the servers themselves tell
    accounts: tuple[Account, ...]
    directory: Path  # for what its load reads
    environ: Mapping[str, str] = {}  # of Patchbay's processes
    operator_key: str = ""
    metrics_urls: Mapping[str, str] = {}  # by process

    def accounts_file(self, count: int) -> str:
        """Return a file with the first `count` accounts, for create.lua."""
        path = self.directory / f"accounts-{count}"
        lines = [f"{one.slug} {one.key} {one.account_id}\n" for one in self.accounts[:count]]
        path.write_text("".join(lines))
        return str(path)

    @property
    def assistants_file(self) -> str:
        """The file with all assistants that were created to be read."""
        return str(self.directory / "assistants")

    @property
    def units_file(self) -> str:
        """The file with assistants and the numbers that are theirs alone, for assign.lua."""
        return str(self.directory / "units")

    @property
    def numbers_file(self) -> str:
        """The file with all phone numbers, for lookup.lua."""
        return str(self.directory / "numbers")


def unasked_accounts() -> tuple[Account, ...]:
    """Return the accounts of a system that asks nobody for a key."""
    names = [f"bench-{index}" for index in range(ACCOUNTS)]
    return tuple(Account(slug=name, key=f"not-asked-for-{name}", account_id=f"acct_{name}") for name in names)


async def register_numbers(side: Side) -> None:
    """Register phone numbers, and write down whose they are to be."""
    gate = asyncio.Semaphore(_AT_ONCE)
    async with aiohttp.ClientSession(side.base_url) as session:

        async def unit(index: int, account: Account) -> list[str]:
            async with gate:
                body = {"accountSlug": account.slug, "name": f"Agent {index}", "templateId": "inbound-support"}
                assistant = await post(session, account.key, "/api/assistants", body)
                numbers = [f"+1415{index * NUMBERS_OF_EACH + each:07d}" for each in range(NUMBERS_OF_EACH)]
                held = [
                    await post(
                        session, account.key, "/api/phone-numbers", {"accountSlug": account.slug, "phoneNumber": number}
                    )
                    for number in numbers
                ]
            ids = [each["phone_number"]["id"] for each in held]
            return [f"{account.slug} {account.key} {assistant['assistant']['id']} {' '.join(ids)}", *numbers]

        owners = [account for account in side.accounts for _ in range(ASSISTANTS_WITH_NUMBERS)]
        units = await asyncio.gather(*[unit(index, account) for index, account in enumerate(owners)])
    lines = [f"{number} {owner.key}\n" for one, owner in zip(units, owners, strict=True) for number in one[1:]]
    _write(side.units_file, [f"{one[0]}\n" for one in units])
    _write(side.numbers_file, lines)


async def post(session: aiohttp.ClientSession, key: str, path: str, body: Mapping[str, object]) -> dict[str, Any]:
    """
    Return what is answered.

    Raises:
        SideFailed: It is not 200.
    """
    async with session.post(path, json=body, headers={"Authorization": f"Bearer {key}"}) as answer:
        if answer.status != 200:
            raise SideFailed(f"POST {path}: {answer.status} {await answer.text()}")
        decoded: dict[str, Any] = await answer.json()
        return decoded


def _write(path: str, lines: Sequence[str]) -> None:
    Path(path).write_text("".join(lines))
