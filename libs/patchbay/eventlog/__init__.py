"""Chains of events on Kafka: envelope, digest, verdict, append, read, topic."""

from patchbay.eventlog.access import BootstrapServers, Brokers, brokers_at
from patchbay.eventlog.appender import KafkaAppender, open_appender
from patchbay.eventlog.calming import calm_client
from patchbay.eventlog.contract import MAX_GROUP_BYTES, MAX_RECORD_BYTES, Appender, LogReader
from patchbay.eventlog.envelope import Base, Envelope, Foreign, read_envelope
from patchbay.eventlog.errors import (
    AppendError,
    EventLogError,
    LogDamaged,
    LogMismatch,
    LogRecreated,
    LogRefused,
    LogTruncated,
    LogUnavailable,
    ManifestsMissing,
    NotALog,
    NotSent,
    OutcomeUnknown,
    ReadError,
    RecordTooLarge,
    TopicError,
    TopicMissing,
)
from patchbay.eventlog.identity import LogIdentity
from patchbay.eventlog.inspecting import TopicState, end_offsets, inspect_topic
from patchbay.eventlog.memory import Fault, MemoryAppender, MemoryLog, MemoryReader
from patchbay.eventlog.opening import check_topic, open_log
from patchbay.eventlog.reader import KafkaReader, open_reader
from patchbay.eventlog.record import Record, StoredRecord, fingerprint
from patchbay.eventlog.rights import RIGHTS, Rights, grant_rights, resources_of
from patchbay.eventlog.seal import NewEvent, SealedRecord, seal
from patchbay.eventlog.topic import TopicFault, create_topic
from patchbay.eventlog.verdict import Head, Verdict, advance, judge

__all__ = [
    "MAX_GROUP_BYTES",
    "MAX_RECORD_BYTES",
    "RIGHTS",
    "AppendError",
    "Appender",
    "Base",
    "BootstrapServers",
    "Brokers",
    "Envelope",
    "EventLogError",
    "Fault",
    "Foreign",
    "Head",
    "KafkaAppender",
    "KafkaReader",
    "LogDamaged",
    "LogIdentity",
    "LogMismatch",
    "LogReader",
    "LogRecreated",
    "LogRefused",
    "LogTruncated",
    "LogUnavailable",
    "ManifestsMissing",
    "MemoryAppender",
    "MemoryLog",
    "MemoryReader",
    "NewEvent",
    "NotALog",
    "NotSent",
    "OutcomeUnknown",
    "ReadError",
    "Record",
    "RecordTooLarge",
    "Rights",
    "SealedRecord",
    "StoredRecord",
    "TopicError",
    "TopicFault",
    "TopicMissing",
    "TopicState",
    "Verdict",
    "advance",
    "brokers_at",
    "calm_client",
    "check_topic",
    "create_topic",
    "end_offsets",
    "fingerprint",
    "grant_rights",
    "inspect_topic",
    "judge",
    "open_appender",
    "open_log",
    "open_reader",
    "read_envelope",
    "resources_of",
    "seal",
]
