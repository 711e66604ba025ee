"""`at=`: a version, or a moment of the log, and which moments can be asked for."""

import re
from datetime import UTC, datetime

import msgspec

from patchbay.api.errors import InvalidRequest
from patchbay.api.reading.log_times import LogTimes
from patchbay.assistants.errors import Issue
from patchbay.assistants.fields import InvalidValue
from patchbay.assistants.formats import time as check_time

_VERSION = re.compile(r"[0-9]+")
_VERSION_DIGITS = 9  # more versions than this no assistant has


class Moment(msgspec.Struct, frozen=True):
    """
    A point in time. Every stream is meant as it was after its last event up to and with this time.

    Streams have clocks of their own, each strictly growing: one stream's events never tie, and where two streams' do,
    both events are included.
    """

    text: str  # ISO 8601, UTC, six digits: compares as the events' own times do

    @property
    def time(self) -> datetime:
        """The same for the database."""
        return datetime.fromisoformat(self.text)


def parse_point(text: str, path: str) -> int | Moment:
    """
    Return the version or the time that a parameter says.

    Raises:
        InvalidRequest: It is neither.
    """
    if _VERSION.fullmatch(text) is None:
        return parse_moment(text, path, "must be a version or an ISO 8601 time, such as 2027-01-31T12:00:00.000000Z")
    version = int(text[-_VERSION_DIGITS - 1 :]) if len(text) <= _VERSION_DIGITS else 10**_VERSION_DIGITS
    if version == 0:
        raise InvalidRequest([Issue(path=path, code="out_of_range", message="versions begin at 1")])
    return version


def parse_moment(
    text: str, path: str, message: str = "must be an ISO 8601 time, such as 2027-01-31T12:00:00.000000Z"
) -> Moment:
    """
    Return the time that a parameter says.

    Raises:
        InvalidRequest: It says none.
    """
    try:
        return Moment(str(check_time(text)))
    except InvalidValue as invalid:
        raise InvalidRequest([Issue(path=path, code=invalid.code, message=message)]) from None


async def demand_past(moment: Moment, path: str, log_times: LogTimes, *streams: str) -> None:
    """
    Go on only with a moment that has been, by this clock or, where another copy's is ahead, by the streams' own.

    Raises:
        InvalidRequest: It lies in the future.
    """
    now = Moment(str(check_time(datetime.now(UTC).isoformat(timespec="microseconds"))))
    if moment.text > now.text and moment.text > await log_times.newest(streams):
        message = f"lies in the future; it is {now.text} now"
        raise InvalidRequest([Issue(path=path, code="in_the_future", message=message)])


async def demand_since_beginning(moment: Moment, path: str, log_times: LogTimes) -> None:
    """
    Go on only with a moment since which there is a log. To be asked where nothing was found.

    Raises:
        InvalidRequest: It lies before the log's first event.
    """
    beginning = await log_times.beginning()
    if beginning is None or moment.time < beginning:
        raise InvalidRequest([Issue(path=path, code="before_the_log", message="lies before the log's first event")])
