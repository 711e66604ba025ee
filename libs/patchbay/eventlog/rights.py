"""What each kind of login may do with the topic, what brokers say that this one may, and making them say so."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, NoError, TopicAuthorizationFailedError, for_code
from aiokafka.protocol.admin import CreateAclsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

from patchbay.eventlog.access import BootstrapServers
from patchbay.eventlog.brokers import bounded, open_admin
from patchbay.eventlog.errors import LogRefused, LogUnavailable

Operation = Literal["Read", "Write", "Create", "Describe", "AlterConfigs", "DescribeConfigs", "IdempotentWrite"]

# Source: org.apache.kafka.common.acl.AclOperation, .resource.ResourceType, .PatternType, .AclPermissionType.
_CODES: Final[Mapping[Operation, int]] = {
    "Read": 3,
    "Write": 4,
    "Create": 5,
    "Describe": 8,
    "DescribeConfigs": 10,
    "AlterConfigs": 11,
    "IdempotentWrite": 12,
}
_TOPIC, _CLUSTER, _LITERAL, _ALLOW = 2, 4, 3, 3
_CLUSTER_NAME: Final = "kafka-cluster"
_NOT_TOLD: Final = -(2**31)  # by brokers that do not know what is asked

READS: Final[frozenset[Operation]] = frozenset({"Read", "Describe"})
APPENDS: Final[frozenset[Operation]] = READS | {"Write", "DescribeConfigs"}


class Rights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one kind of login may do."""

    user: Annotated[str, msgspec.Meta(min_length=1)]  # its usual name
    why: str
    topic: tuple[Operation, ...]
    cluster: tuple[Operation, ...] = ()


# One file for the command, the tests and the Helm chart, which reads it by a link.
RIGHTS: Final[Mapping[str, Rights]] = msgspec.json.decode(
    Path(__file__).with_name("rights.json").read_bytes(), type=dict[str, Rights]
)


async def check_rights(
    admin: AIOKafkaAdminClient, topic: str, needed: frozenset[Operation], bootstrap_servers: BootstrapServers
) -> None:
    """
    See that this login may do with the topic what it is there for; a topic that is not there yet is no fault.

    Raises:
        LogRefused: It may not.
        KafkaError: The brokers do not answer.
    """
    answer = await admin._send_request(_RightsRequest(topic))  # noqa: SLF001 - aiokafka's own way asks for less
    ((code, _, _, _, granted),) = answer.topics
    if for_code(code) is TopicAuthorizationFailedError:
        granted = 0
    elif code or granted == _NOT_TOLD:
        return
    missing = [operation for operation in sorted(needed) if not granted >> _CODES[operation] & 1]
    if missing:
        user = getattr(bootstrap_servers, "username", None)
        who = f"the login {user}" if user else "this process"
        raise LogRefused(
            f"{who} may not {', '.join(missing)} topic {topic}: `patchbay topic rights` tells who needs what"
        )


async def grant_rights(
    bootstrap_servers: BootstrapServers, topic: str, users: Mapping[str, str], *, timeout_seconds: float = 15.0
) -> None:
    """
    Have the brokers allow each user what its kind needs; what they allow already stays.

    Args:
        bootstrap_servers: With a login that may alter the cluster.
        topic: The log's.
        users: By kind, as in `RIGHTS`, the principal: `User:patchbay-api`.
        timeout_seconds: The bound on all of it.

    Raises:
        LogRefused: This login may not.
        LogUnavailable: The brokers did not answer within the bound, or refuse.
    """
    async with bounded(timeout_seconds, "granting rights"), open_admin(bootstrap_servers) as admin:
        for kind, principal in users.items():
            for resource_type, name, operations in resources_of(RIGHTS[kind], topic):
                for operation in operations:
                    await _allow(admin, (resource_type, name, _LITERAL, principal, "*", _CODES[operation], _ALLOW))


def resources_of(rights: Rights, topic: str) -> Sequence[tuple[int, str, Sequence[Operation]]]:
    """Return by type and name of a resource what may be done with it."""
    found = [(_TOPIC, topic, rights.topic), (_CLUSTER, _CLUSTER_NAME, rights.cluster)]
    return [each for each in found if each[2]]


async def _allow(admin: AIOKafkaAdminClient, creation: tuple[int, str, int, str, str, int, int]) -> None:
    answer = await admin._send_request(CreateAclsRequest(*creation))  # noqa: SLF001 - aiokafka has no other way
    for code, message in answer.creation_responses:
        error = for_code(code)
        if error is not NoError:
            if issubclass(error, KafkaError) and error.__name__.endswith("AuthorizationFailedError"):
                raise LogRefused("granting rights: this login may not; it takes one that may Alter the cluster")
            raise LogUnavailable(f"granting rights: {error.__name__} {message or ''}".strip())


# Source: KIP-430. Version 8 is the first that tells what is allowed; it creates no topic by being asked for it.
class _RightsResponse(Response):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            Array(("node_id", Int32), ("host", String("utf-8")), ("port", Int32), ("rack", String("utf-8"))),
        ),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String("utf-8")),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _RightsRequestVersion8(RequestStruct):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _RightsResponse
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _RightsRequest(Request[_RightsRequestVersion8]):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 3

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401 - aiokafka's own types are not seen by mypy
        return request_struct_class([self._topic], False, False, True)  # noqa: FBT003 - by position, as in the protocol
