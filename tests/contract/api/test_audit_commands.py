"""`patchbay audit …` as people run it, on what runs."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.contract.api.service import OPERATOR_SECRET, Service, fresh_account
from tests.integration.cli.commands import Ran, patchbay

DOCUMENT = Path(__file__).parents[3] / "docs" / "audit.md"


async def audit(service: Service, *arguments: str, **environ: str) -> Ran:
    """Run `patchbay audit` with these arguments."""
    places = {
        "KAFKA_BOOTSTRAP_SERVERS": service.kafka,
        "DATABASE_URL": service.environment["DATABASE_URL"],
        "TOPIC": service.topic,
        "PATCHBAY_API": service.url,
        "PATCHBAY_OPERATOR_KEY": OPERATOR_SECRET,
    }
    ran = await patchbay("audit", *arguments, **(places | environ))
    assert ran.code in (0, 1), ran
    return ran


async def run(*command: str) -> str:
    """Run something else, and return what it says."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    output, _ = await process.communicate()
    return output.decode()


async def test_every_command_does_its_work_on_what_runs(service: Service, tmp_path: Path) -> None:
    """History, show, route, verify, export, import, anchor, prove, parquet and compare, of one account's life."""
    async with fresh_account(service) as caller:
        slug = caller.slug
        one = await caller.create("One", templateId="inbound-support", temperature=0.1)
        number = await caller.register()
        await caller.assign(one["id"], number["id"])
        await caller.patch(one["id"], {"Patchbay-Reason": "warmer"}, temperature=0.9)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "anchor.key").write_bytes(pem)
    account, phone = number["account_id"], number["phone_number"]
    anchored = await audit(service, "anchor", "--key", f"{tmp_path}/anchor.key")
    (tmp_path / "anchor.txt").write_text(anchored.out)
    anchor = ("--anchor", f"{tmp_path}/anchor.txt")
    of_one, of_account, of_number, shown, routed, verified, proven, exported, own, compared = await asyncio.gather(
        audit(service, "history", one["id"], "--field", "temperature", "--json"),
        audit(service, "history", slug, "--json"),
        audit(service, "history", phone, "--json"),
        audit(service, "show", one["id"], "--at", "1", "--json"),
        audit(service, "route", phone, "--at", one["created_at"], "--json"),
        audit(service, "verify", "--account", slug, *anchor, "--json"),
        audit(service, "prove", slug, *anchor),
        audit(service, "export", f"{tmp_path}/all", "--json"),
        audit(service, "export", f"{tmp_path}/own", "--account", slug, "--json"),
        audit(service, "compare", "--json"),
    )
    (tmp_path / "proof.json").write_text(proven.out)
    (tmp_path / "check_proof.py").write_text(
        next(code for code in re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL) if "PROVEN" in code)
    )
    key = re.search(r"^key (.*)$", anchored.out, re.MULTILINE)
    imported, again, proof, tabled = await asyncio.gather(
        audit(service, "import", f"{tmp_path}/all", "--partitions", "3", "--json", TOPIC=f"{service.topic}.again"),
        audit(service, "history", one["id"], "--from", f"{tmp_path}/own", "--json"),
        run(sys.executable, f"{tmp_path}/check_proof.py", f"{tmp_path}/proof.json", "" if key is None else key[1]),
        audit(service, "parquet", f"{tmp_path}/own", f"{tmp_path}/own.parquet", "--json"),
    )

    assert [ran.code for ran in (of_one, of_account, of_number, shown, routed, verified, exported, own)] == [0] * 8
    assert [ran.code for ran in (imported, again, tabled)] == [0] * 3
    assert [change["after"] for entry in of_one.records for change in entry["changes"]] == [0.1, 0.9]
    assert of_one.records[1]["reason"] == "warmer"
    assert again.records[-1]["changes"][0] == {"field": "temperature", "before": 0.1, "after": 0.9}
    assert {entry["type"] for entry in of_account.records} >= {"AccountOpened", "KeyIssued", "NumberRegistered"}
    assert [entry["type"] for entry in of_number.records] == ["NumberRegistered", "NumbersAssigned"]
    assert shown.records[0]["temperature"] == 0.1
    assert routed.records[0]["outcome"] == "unknown_number"  # it was registered later
    assert verified.records[0]["intact"] is True
    assert proof.startswith(f"PROVEN: {account} had "), proof
    assert own.records[0]["account"] == account
    assert imported.records[0]["log"] == exported.records[0]["log"] == verified.records[0]["log"]
    assert tabled.records[0]["rows"] == own.records[0]["records"]
    mine = (account, one["id"], number["id"], phone)
    assert not [line for line in compared.out.splitlines() if any(name in line for name in mine)]
    assert compared.code in (0, 1)  # other tests have damaged what is theirs
