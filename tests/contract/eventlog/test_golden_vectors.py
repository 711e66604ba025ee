"""The golden vectors of schemas/golden: readers in any language come to the same digests and verdicts, for ever."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from patchbay.eventlog import (
    Envelope,
    Foreign,
    Head,
    LogIdentity,
    StoredRecord,
    advance,
    judge,
    read_envelope,
)
from patchbay.eventlog.identity import murmur2, partition_of_key

GOLDEN = Path(__file__).parents[3] / "schemas" / "golden"


def load(name: str) -> Any:
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


def identity_of(document: Any) -> LogIdentity:
    return LogIdentity(document["log"]["log_id"], "patchbay.events", document["log"]["partition_count"])


def decoded(content: str | None) -> bytes | None:
    return None if content is None else b64decode(content)


def record_of(stored: Any) -> StoredRecord:
    headers = tuple((name, decoded(value)) for name, value in stored["headers"])
    return StoredRecord(
        stored["partition"], stored["offset"], 0, decoded(stored["key"]), decoded(stored["value"]), headers
    )


VERDICTS = load("verdicts.json")
ENVELOPES = load("envelopes.json")
PARTITIONS = load("partitions.json")


@pytest.mark.parametrize("scenario", VERDICTS["scenarios"], ids=lambda scenario: scenario["name"])
def test_every_record_of_a_scenario_gets_its_verdict(scenario: Any) -> None:
    identity = identity_of(VERDICTS)
    heads: dict[str, Head] = {}
    for step in scenario["records"]:
        envelope = read_envelope(record_of(step["record"]), identity)
        assert isinstance(envelope, Envelope)
        head = heads.get(envelope.stream, Head.genesis(identity.log_id))
        verdict = judge(envelope, head)
        heads[envelope.stream] = advance(head, envelope, verdict)

        assert (envelope.stream, envelope.height, envelope.digest) == (step["stream"], step["height"], step["digest"])
        assert {"height": envelope.base.height, "digest": envelope.base.digest} == step["base"]
        assert str(verdict) == step["verdict"]
        after = heads[envelope.stream]
        assert {name: getattr(after, name) for name in after.__struct_fields__} == step["head_after"]


@pytest.mark.parametrize("case", ENVELOPES["records"], ids=lambda case: case["name"])
def test_a_record_is_ours_or_foreign_for_its_reason(case: Any) -> None:
    envelope = read_envelope(record_of(case["record"]), identity_of(ENVELOPES))

    if case["foreign"] is None:
        assert isinstance(envelope, Envelope)
        assert envelope.digest == case["digest"]
    else:
        assert isinstance(envelope, Foreign)
        assert envelope.reason == case["foreign"]


@pytest.mark.parametrize("case", PARTITIONS["keys"], ids=lambda case: str(b64decode(case["key"])))
def test_a_key_lies_in_the_partition_of_kafkas_own_partitioner(case: Any) -> None:
    key = b64decode(case["key"])

    assert murmur2(key) == case["murmur2"]
    assert {count: partition_of_key(key, int(count)) for count in case["partitions"]} == case["partitions"]


def test_the_vectors_show_every_verdict_and_every_reason_to_be_foreign() -> None:
    verdicts = {step["verdict"] for scenario in VERDICTS["scenarios"] for step in scenario["records"]}
    reasons = {case["foreign"] for case in ENVELOPES["records"]}

    assert verdicts == {"accepted", "void", "broken"}
    assert reasons == {
        None,
        "manifest",
        "stray_manifest",
        "not_an_event",
        "header_twice",
        "missing_header",
        "malformed_header",
        "digest_mismatch",
        "wrong_partition",
        "base_not_below",
    }
