"""What a stock Kafka client finds in the topic: CloudEvents 1.0 in binary mode, readable without a line of ours."""

import asyncio
import json
import re
import shutil
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.system.guarantees.accounts import Team, open_team
from tests.system.guarantees.cluster import TOPIC, Cluster
from tests.system.guarantees.noting import Note

from patchbay.eventlog import Brokers, brokers_at

_ATTRIBUTE = re.compile(r"[a-z0-9]{1,20}")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_READING_SECONDS = 30.0


@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed (Debian, Ubuntu: apt install kcat)")
async def test_kcat_sees_valid_cloudevents_in_binary_mode(cluster: Cluster, note: Note) -> None:
    """Every record of the topic, the manifests too, keeps the rules of CloudEvents and of its Kafka binding."""
    async with open_team(cluster) as team:
        await _do_everything(cluster, team)
    # By a certificate: librdkafka before 2.2 computes a SCRAM proof that brokers do not take any more.
    secured = cluster.secured
    records = await _read_with_kcat(
        brokers_at(cluster.kafka) if secured is None else await secured.let_in_by_certificate("kcat")
    )
    types = {_attributes(record)["type"] for record in records}
    note(f"{len(records)} records, {len(types)} types: {', '.join(sorted(types))}")

    assert [
        f"{record['partition']}:{record['offset']} {fault}" for record in records for fault in _faults(record)
    ] == []
    assert len({(a["source"], a["id"]) for a in map(_attributes, records)}) == len(records)
    assert types >= {
        *("AccountOpened", "KeyIssued", "KeyRevoked", "AssistantCreated", "AssistantUpdated"),
        *("NumberRegistered", "NumberUpdated", "NumbersAssigned", "NumberReleased", "LogManifest"),
    }


async def _do_everything(cluster: Cluster, team: Team) -> None:
    """Have one event of every type written."""
    assistant_id, (number_id, _) = await team.assistant(), await team.number()
    path, body = f"/api/assistants/{assistant_id}", {"accountSlug": team.slug}
    await team.client.written(0, "PATCH", path, body | {"name": "Zoë, “twice”", "first_message": "Hi,\nhow=are you?"})
    await team.client.written(1, "PATCH", f"{path}/telephony/phone-numbers", body | {"phoneNumberIds": [number_id]})
    body["fallback"] = "sip:reception@example.com"
    await team.client.written(0, "PATCH", f"/api/phone-numbers/{number_id}", body)
    await team.client.written(0, "DELETE", f"/api/phone-numbers/{number_id}")
    async with cluster.operator() as operator:
        await operator.written(1, "DELETE", f"/api/keys/{team.key_id}")


def _settings_of(brokers: Brokers) -> list[str]:
    """Return librdkafka's own settings of TLS."""
    if not brokers.is_encrypted:
        return []
    return [
        "security.protocol=SSL",
        f"ssl.ca.location={brokers.ca_file}",
        f"ssl.certificate.location={brokers.certificate_file}",
        f"ssl.key.location={brokers.key_file}",
        "ssl.endpoint.identification.algorithm=none",  # librdkafka 2.0 knows no addresses in certificates
    ]


async def _read_with_kcat(brokers: Brokers) -> list[dict[str, Any]]:
    """Return every record as kcat prints it: key and payload as text, headers as a flat list of names and values."""
    kcat = await asyncio.create_subprocess_exec(
        *("kcat", "-C", "-q", "-J", "-e", "-o", "beginning", "-X", "check.crcs=true"),
        *(option for setting in _settings_of(brokers) for option in ("-X", setting)),
        *("-b", brokers.servers, "-t", TOPIC),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(_READING_SECONDS):
        printed, complaints = await kcat.communicate()

    assert kcat.returncode == 0, complaints
    return [json.loads(line) for line in printed.splitlines()]


def _headers(record: dict[str, Any]) -> list[tuple[str, str]]:
    flat = record["headers"]
    return list(zip(flat[::2], flat[1::2], strict=True))


def _attributes(record: dict[str, Any]) -> dict[str, str]:
    return {name.removeprefix("ce_"): value for name, value in _headers(record) if name.startswith("ce_")}


def _faults(record: dict[str, Any]) -> list[str]:
    """
    Return the rules that a record breaks.

    Source: CloudEvents 1.0.2, 3 (context attributes); its Kafka protocol binding 1.0.2, 3.1 (key) and 3.2 (binary
    mode); its extensions "partitioning" and "sequence".
    """
    headers, attributes = _headers(record), _attributes(record)
    names = [name for name, _ in headers]
    content_type = dict(headers).get("content-type", "")
    rules = {
        "a header comes twice": len(set(names)) == len(names),
        "specversion": attributes.get("specversion") == "1.0",
        "id": bool(attributes.get("id")),
        "type": bool(attributes.get("type")),
        "source": bool(attributes.get("source")) and _is_uri_reference(attributes["source"]),
        "subject": attributes.get("subject") != "",
        "time": _is_time(attributes.get("time", "")),
        "dataschema": "dataschema" not in attributes or bool(urlsplit(attributes["dataschema"]).scheme),
        "a name of an attribute": all(_ATTRIBUTE.fullmatch(name) for name in attributes),
        "a value of an attribute": not any(_CONTROL.search(value) for value in attributes.values()),
        "content-type": content_type == "application/json",  # of the data; not application/cloudevents: binary mode
        "data": isinstance(json.loads(record["payload"] or "null"), dict),
        "partitionkey": attributes.get("partitionkey", record["key"]) == record["key"],
        "sequence": attributes.get("sequence") != "",
    }
    return [rule for rule, is_kept in rules.items() if not is_kept]


def _is_uri_reference(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+", text) is not None


def _is_time(text: str) -> bool:
    return _RFC_3339.fullmatch(text) is not None and datetime.fromisoformat(text).tzinfo is not None
