"""A server that is ready to be started, and how it is reached."""

import msgspec

from patchbay.embedded.launch import Launch


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A plan to start a server, with the address that clients need."""

    launch: Launch
    address: str  # Kafka: host:port; Postgres: a URL with the password in it
