"""Looking at the log: the topic's settings, its replicas, and where it ends."""

import msgspec

from patchbay.cli.examining.finding import Finding, page, unseen, well, wrong
from patchbay.cli.whereabouts import LogAccess
from patchbay.eventlog import EventLogError, TopicMissing, end_offsets, inspect_topic


class SeenLog(msgspec.Struct, frozen=True):
    """What was found, and where each partition ends, if the log could be read."""

    findings: list[Finding]
    ends: dict[int, int] | None = None


async def look_at_log(access: LogAccess | None) -> SeenLog:
    """Return what can be seen of the log without writing to it."""
    if access is None:
        return SeenLog([unseen("log", "No address of Kafka is known.", "set KAFKA_BOOTSTRAP_SERVERS")])
    servers = access.bootstrap_servers
    try:
        state = await inspect_topic(servers, access.topic)
        ends = None if state.identity is None else await end_offsets(servers, state.identity)
    except TopicMissing as error:
        return SeenLog([wrong("log", f"{str(error).capitalize()}.", "create it with `patchbay topic create`")])
    except EventLogError as error:
        return SeenLog([wrong("log", f"The log at {servers} cannot be read: {error}.", page("kafka-is-away"))])
    findings = [wrong("topic", fault.sentence, "do as it says") for fault in state.faults]
    if state.in_sync_replicas < state.replicas:
        told = f"A partition has {state.in_sync_replicas} of its {state.replicas} replicas in step."
        findings.append(wrong("replicas", told, page("a-broker-is-lost")))
    if ends is None:
        told = f"The topic {access.topic} is there, but no API has begun the log."
        findings.append(wrong("log", told, page("start-and-stop")))
    else:
        told = f"The topic {access.topic} has {state.partitions} partitions and {sum(ends.values())} records."
        findings.append(well("log", told))
    return SeenLog(findings, ends)
