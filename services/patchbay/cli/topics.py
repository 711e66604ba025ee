"""Creating and checking the log's topic, and saying what it is."""

import argparse
import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from patchbay.cli.errors import LogUnreadable, Unreachable, Unwell
from patchbay.cli.quieting import quieten_libraries
from patchbay.cli.showing import as_json
from patchbay.cli.whereabouts import LogAccess, Whereabouts
from patchbay.eventlog import LogUnavailable, TopicError, TopicMissing, TopicState, create_topic, inspect_topic

_pause_seconds: Final = 1.0

T = TypeVar("T")


def create(arguments: argparse.Namespace) -> None:
    """
    Create the topic unless it is there, and check it.

    Raises:
        NotRunning: Nothing is known of a Kafka.
        Unreachable: The brokers do not answer, or refuse.
        LogUnreadable: The topic is there, and is something else than a log.
        Unwell: It is there, and not as a log needs it or as it was asked for.
    """
    access = Whereabouts(arguments.data_dir).log()
    wanted = arguments.partitions, arguments.replication_factor
    state, is_new = _run(_create(access, *wanted, wait_seconds=arguments.wait_seconds), access)
    _show(state, is_new=is_new, is_json=arguments.json)
    _refuse_faults(state)
    if (state.partitions, state.replicas) != wanted:
        raise Unwell(
            f"The topic was there already, with {state.partitions} partitions on {state.replicas} brokers each, not "
            f"{wanted[0]} on {wanted[1]}. The number of partitions is fixed for a log's life: ask for what there is, "
            "or name another topic with TOPIC."
        )


def check(arguments: argparse.Namespace) -> None:
    """
    Check the topic.

    Raises:
        NotRunning: Nothing is known of a Kafka.
        Unreachable: The brokers do not answer.
        LogUnreadable: There is no such topic, or it is something else than a log.
        Unwell: It is not as a log needs it.
    """
    access = Whereabouts(arguments.data_dir).log()
    state = _run(_patiently(access, arguments.wait_seconds), access)
    _show(state, is_new=False, is_json=arguments.json)
    _refuse_faults(state)


async def _create(
    access: LogAccess, partitions: int, replication_factor: int, *, wait_seconds: int
) -> tuple[TopicState, bool]:
    try:
        return await _patiently(access, wait_seconds), False
    except TopicMissing:
        pass
    await create_topic(
        access.bootstrap_servers, access.topic, partitions=partitions, replication_factor=replication_factor
    )
    return await inspect_topic(access.bootstrap_servers, access.topic), True


async def _patiently(access: LogAccess, wait_seconds: int) -> TopicState:
    ends_at = time.monotonic() + wait_seconds
    while True:
        try:
            return await inspect_topic(access.bootstrap_servers, access.topic)
        except LogUnavailable:
            if time.monotonic() + _pause_seconds > ends_at:
                raise
        await asyncio.sleep(_pause_seconds)


def _run(work: Coroutine[Any, Any, T], access: LogAccess) -> T:
    quieten_libraries()
    try:
        return asyncio.run(work)
    except LogUnavailable as error:
        raise Unreachable(
            f"Kafka at {access.bootstrap_servers} does not answer, or refuses ({error}): check KAFKA_BOOTSTRAP_SERVERS."
        ) from None
    except TopicMissing as error:
        raise LogUnreadable(f"{str(error).capitalize()}: create it with `patchbay topic create`.") from None
    except TopicError as error:
        raise LogUnreadable(f"{error}: TOPIC says which topic is Patchbay's.") from None


def _show(state: TopicState, *, is_new: bool, is_json: bool) -> None:
    if is_json:
        facts = {
            "topic": state.topic,
            "created": is_new,
            "partitions": state.partitions,
            "replicas": state.replicas,
            "in_sync_replicas": state.in_sync_replicas,
            "log_id": None if state.identity is None else state.identity.log_id,
            "faults": [{"setting": fault.setting, "sentence": fault.sentence} for fault in state.faults],
        }
        print(as_json(facts))
        return
    begun = "the first API that starts begins the log" if state.identity is None else f"log {state.identity.log_id}"
    made = "created, " if is_new else ""
    print(f"{state.topic}: {made}{state.partitions} partitions, {state.replicas} replicas; {begun}")
    for fault in state.faults:
        print(f"  {fault.sentence}")


def _refuse_faults(state: TopicState) -> None:
    if state.faults:
        count = len(state.faults)
        raise Unwell(
            f"{count} setting{'s are' if count > 1 else ' is'} not as a log needs {'them' if count > 1 else 'it'}."
        )
