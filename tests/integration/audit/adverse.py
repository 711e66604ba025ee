"""The log on which everything has happened, as the commands get it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from tests.contract.readers.adversity import make_log
from tests.contract.readers.strangers import stranger

from patchbay.cli.audit.log_access import OpenedLog, opened_log
from patchbay.cli.whereabouts import LogAccess
from patchbay.eventlog import LogIdentity


@asynccontextmanager
async def adverse_log(kafka: str, topic: str, *, ends_with_records: bool = False) -> AsyncIterator[LogIdentity]:
    """
    Yield a log with races, redeliveries, foreign records, stopped streams, a mend and ends of transactions.

    The last thing in each partition is the end of a transaction, or else a record.
    """
    async with AsyncExitStack() as stack:
        identity, _ = await make_log(kafka, topic, stack)
    if ends_with_records:
        async with stranger(kafka, topic) as outside:
            for partition in range(identity.partition_count):
                await outside.write(partition, b"end", b"", [("x", None)])
    yield identity


@asynccontextmanager
async def log_of(kafka: str, topic: str) -> AsyncIterator[OpenedLog]:
    """Yield the log as commands open it."""
    async with opened_log(LogAccess(kafka, topic)) as log:
        yield log
