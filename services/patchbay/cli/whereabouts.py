"""Where Patchbay is, and with which key: as `patchbay up` has written it down, or as the environment says."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from patchbay.cli.errors import BadUsage, NotRunning
from patchbay.settings import KafkaSettings, Secret, SettingsError, decode_settings

if TYPE_CHECKING:  # a command that needs no Kafka does not wait until its client is loaded
    from patchbay.eventlog import BootstrapServers, Brokers

DEFAULT_DATA_DIR: Final = ".patchbay"
ENDPOINTS_FILE: Final = "endpoints.json"
OPERATOR_KEY_FILE: Final = "operator.key"


class CommandSettings(KafkaSettings, frozen=True, kw_only=True):
    """What the environment tells the commands; where Patchbay is told by it, nothing is read from the directory."""

    data_dir: str = DEFAULT_DATA_DIR
    patchbay_api: str | None = None
    patchbay_operator_key: Secret | None = None
    patchbay_key: Secret | None = None
    kafka_bootstrap_servers: str | None = None
    database_url: Secret | None = None
    topic: str = "patchbay.events"

    @property
    def brokers(self) -> "Brokers | None":
        """The brokers, if they are named: what they ask of a client is told of these alone."""
        return None if self.kafka_bootstrap_servers is None else self.brokers_at(self.kafka_bootstrap_servers)


class PhoneNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number that `patchbay up` has registered."""

    id: str
    phone_number: str  # E.164


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """What `patchbay up` writes down for scripts."""

    api: str
    kafka: str
    database: str
    account_slug: str = ""  # a copy of the past has none of its own
    account_id: str = ""
    api_key: str = ""
    phone_numbers: tuple[PhoneNumber, ...] = ()
    pids: Mapping[str, int] = {}

    def __repr__(self) -> str:
        return f"Endpoints(api={self.api!r}, …)"  # some of the others are secrets


class ApiAccess(msgspec.Struct, frozen=True):
    """The API and a key for it."""

    url: str
    key: str

    def __repr__(self) -> str:
        return f"ApiAccess({self.url!r})"


class LogAccess(msgspec.Struct, frozen=True):
    """The brokers and the topic."""

    bootstrap_servers: "BootstrapServers"
    topic: str


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Where the parts of an installation are, as far as is known."""

    api: str | None
    log: LogAccess | None
    database: str | None
    data_dir: Path

    def __repr__(self) -> str:
        return f"Site(api={self.api!r}, …)"  # a database's address may hold a password


class Whereabouts:
    """Finds what a command needs. A data directory that was named counts more than the environment."""

    def __init__(self, data_dir: str | None, environ: Mapping[str, str] = os.environ) -> None:
        """`data_dir` None: none was named."""
        self._named = data_dir is not None
        self._settings = read_settings(environ)
        self._data_dir = Path(data_dir or self._settings.data_dir)

    def api(self) -> ApiAccess:
        """
        Return the API and the operator's key.

        Raises:
            NotRunning: Nothing is known of either.
            BadUsage: The environment names one of the two alone: the other one's would be sent to a stranger.
        """
        url, key = self._settings.patchbay_api, self._settings.patchbay_operator_key
        if not self._named and (url or key):
            if not url or not key:
                missing = "PATCHBAY_OPERATOR_KEY" if url else "PATCHBAY_API"
                raise BadUsage(f"{missing} is not set: PATCHBAY_API and PATCHBAY_OPERATOR_KEY go together.")
            return ApiAccess(url, key.reveal())
        return ApiAccess(self.endpoints().api, self._operator_key())

    def client_api(self, account: str | None) -> ApiAccess:
        """
        Return the API, and the account's own key where one is known, else the operator's.

        Args:
            account: Slug, if one was named.

        Raises:
            NotRunning: Nothing is known of either.
            BadUsage: The environment names the API or a key alone.
        """
        url, key = self._settings.patchbay_api, self._settings.patchbay_key
        if not self._named and key:
            if not url:
                raise BadUsage("PATCHBAY_API is not set: PATCHBAY_API and PATCHBAY_KEY go together.")
            return ApiAccess(url, key.reveal())
        if self._named or not url:
            found = self.endpoints()
            if found.api_key and account in (None, found.account_slug):
                return ApiAccess(found.api, found.api_key)
        return self.api()

    @property
    def topic(self) -> str:
        """The log's topic."""
        return self._settings.topic

    def log(self) -> LogAccess:
        """
        Return the brokers and the topic.

        Raises:
            NotRunning: Nothing is known of them.
        """
        brokers = None if self._named else self._settings.brokers
        return LogAccess(brokers or self.endpoints().kafka, self._settings.topic)

    def site(self) -> Site:
        """
        Return where everything is: as the environment says, where it names any part, else as `patchbay up` wrote down.

        Raises:
            NotRunning: Nothing is known of any part.
        """
        told = self._settings
        if not self._named and (told.patchbay_api or told.kafka_bootstrap_servers or told.database_url):
            log = None if told.brokers is None else LogAccess(told.brokers, told.topic)
            database = None if told.database_url is None else told.database_url.reveal()
            return Site(api=told.patchbay_api, log=log, database=database, data_dir=self._data_dir)
        found = self.endpoints()
        log = LogAccess(found.kafka, told.topic)
        return Site(api=found.api, log=log, database=found.database, data_dir=self._data_dir)

    def database(self) -> str:
        """
        Return the database's URL, a secret.

        Raises:
            NotRunning: Nothing is known of it.
        """
        url = None if self._named else self._settings.database_url
        return self.endpoints().database if url is None else url.reveal()

    def default_account(self) -> str:
        """
        Return the slug of the account that `patchbay up` has opened.

        Raises:
            BadUsage: There is none, so the account has to be named.
        """
        if self._named or not self._settings.patchbay_api:
            try:
                slug = self.endpoints().account_slug
            except NotRunning:
                slug = ""
            if slug:
                return slug
        raise BadUsage("Which account? Name it with --account SLUG.")

    def endpoints(self) -> Endpoints:
        """
        Return what `patchbay up` has written down.

        Raises:
            NotRunning: There is no such file, or it cannot be read.
        """
        path = self._data_dir / ENDPOINTS_FILE
        return _decode(path, self._read(path))

    def _operator_key(self) -> str:
        return self._read(self._data_dir / OPERATOR_KEY_FILE).decode("ascii", "replace").strip()

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise NotRunning(
                f"There is no {path}: start Patchbay with `make run`, or say with --data-dir where its state is."
            ) from None
        except OSError as error:
            raise NotRunning(
                f"{path} cannot be read ({error.strerror}): run this as the user who started it."
            ) from None


def read_settings(environ: Mapping[str, str]) -> CommandSettings:
    """
    Return what the environment says; a variable that is set to the empty text counts as absent.

    Raises:
        BadUsage: A variable cannot be used; one sentence for each.
    """
    try:
        return decode_settings(CommandSettings, environ)
    except SettingsError as error:
        raise BadUsage(" ".join(f"Bad setting: {fault}." for fault in error.faults)) from None


def _decode(path: Path, content: bytes) -> Endpoints:
    try:
        return msgspec.json.decode(content, type=Endpoints)
    except msgspec.DecodeError as error:
        raise NotRunning(f"{path} is not what `patchbay up` writes ({error}): start it anew with `make run`.") from None
