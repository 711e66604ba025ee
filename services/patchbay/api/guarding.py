"""How many connections there may be, of whom, and how long each may take for what it does."""

import asyncio
import resource
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Protocol

import msgspec
import structlog

from patchbay.process import FromText
from patchbay.process.metrics import connections_closed, connections_open, connections_refused

# Files and connections of the process's own: the log's, the database's, standard ones.
RESERVED_FILES: Final = 200
REFUSED_AT_ONCE: Final = 256  # that still wait for the word that there is no room; further ones are cut off at once
LONGEST_PAUSE_SECONDS: Final = 1.0  # between two looks
_LOOKS_PER_DEADLINE: Final = 4
_ROOM_SECONDS: Final = 0.25  # who is idlest is not found out more often than this, however many knock
_IPV6_SITE_BITS: Final = 64  # what one customer of a provider has at least

_log = structlog.get_logger()


class Networks(FromText):
    """Networks, written with commas between: `10.0.0.0/8, 2001:db8::/32`; an address is a network of its own."""

    def __init__(self, text: str = "") -> None:
        self._text = text
        self._networks = tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())

    def __repr__(self) -> str:
        return self._text

    def holds(self, host: str) -> bool:
        """Return whether this address is in one of them."""
        address = ip_address(host.partition("%")[0])
        return any(address in network for network in self._networks)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What connections may take, and how long."""

    connections: int = 4_000
    connections_per_peer: int = 1_000
    trusted_proxies: Networks | None = None  # stand for many clients: only the total bounds them
    head_seconds: float = 10.0  # from the connection's opening, or a head's first byte, to its last
    body_seconds: float = 5.0  # for a body; and one more second for each `BODY_BYTES_PER_SECOND` that have come
    idle_seconds: float = 75.0  # between an answer and the next request
    unread_seconds: float = 30.0  # while the client takes nothing of what was answered
    request_seconds: float = 10.0  # for an answer, the body's time left out

    @property
    def pause_seconds(self) -> float:
        """How long it is from one look to the next: a deadline is overrun by this and no more."""
        deadlines = (self.head_seconds, self.idle_seconds, self.unread_seconds, self.request_seconds)
        return min(LONGEST_PAUSE_SECONDS, min(deadlines) / _LOOKS_PER_DEADLINE)


class Guarded(Protocol):
    """A connection, as the guard sees it."""

    peer: str  # whom it counts for

    def look(self, now: float) -> None:
        """End what has taken too long."""

    def idle_since(self) -> float | None:
        """Return since when it was seen to wait for a request; None: it is not to be disturbed."""

    def cut(self, reason: str) -> None:
        """End the connection at once."""


class Guard:
    """
    Knows every connection, and looks at each again and again.

    What a connection does is not noted as it happens: a look compares it with what the look before has seen. So
    deadlines cost a request nothing.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._most = _affordable(limits.connections)
        self._connections: dict[Guarded, None] = {}
        self._of_peer: dict[str, dict[Guarded, None]] = {}
        self._refused: dict[Guarded, None] = {}
        self._idlest: dict[str, tuple[float, list[Guarded]]] = {}  # found when, the idlest last; of all: ""

    def admit(self, connection: Guarded, now: float) -> bool:
        """Return whether there is room for it, made by ending the idlest where that is needed."""
        peer = connection.peer
        own = self._of_peer.get(peer)
        if peer and own is not None and len(own) >= self.limits.connections_per_peer:
            if not self._make_room(peer, own, now):
                connections_refused.labels("peer").inc()
                return False
        elif len(self._connections) >= self._most and not self._make_room("", self._connections, now):
            connections_refused.labels("total").inc()
            return False
        self._connections[connection] = None
        self._of_peer.setdefault(peer, {})[connection] = None
        connections_open.set(len(self._connections))
        return True

    def refuse(self, connection: Guarded) -> bool:
        """Return whether it may wait for the word that it is refused."""
        if len(self._refused) >= REFUSED_AT_ONCE:
            return False
        self._refused[connection] = None
        return True

    def forget(self, connection: Guarded) -> None:
        """Give its place to others."""
        self._refused.pop(connection, None)
        if connection in self._connections:
            del self._connections[connection]
            own = self._of_peer[connection.peer]
            del own[connection]
            if not own:
                del self._of_peer[connection.peer]
                self._idlest.pop(connection.peer, None)
            connections_open.set(len(self._connections))

    async def run(self) -> None:
        """Look at all connections until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.limits.pause_seconds)
            now = loop.time()
            for connection in (*self._connections, *self._refused):
                connection.look(now)

    def peer_of(self, host: str) -> str:
        """Return whom a connection from this address counts for; a proxy that was named as one: nobody."""
        proxies = self.limits.trusted_proxies
        if not host or (proxies is not None and proxies.holds(host)):
            return ""
        return peer_of(host)

    def _make_room(self, scope: str, among: dict[Guarded, None], now: float) -> bool:
        found_at, idlest = self._idlest.get(scope, (-_ROOM_SECONDS, []))
        if not idlest and now - found_at >= _ROOM_SECONDS:
            waiting = [(since, n, each) for n, each in enumerate(among) if (since := each.idle_since()) is not None]
            idlest = [each for _, _, each in sorted(waiting, reverse=True)]
            self._idlest[scope] = now, idlest
        while idlest:
            connection = idlest.pop()
            if connection in among and connection.idle_since() is not None:
                connection.cut("made_room")
                self.forget(connection)
                return True
        return False


def count_closed(reason: str) -> None:
    """Count a connection that was ended from here."""
    connections_closed.labels(reason).inc()


def peer_of(host: str) -> str:
    """Return whom a connection from this address counts for: an IPv4 address, or a site's IPv6 network."""
    if ":" not in host:
        return host
    address = IPv6Address(host.partition("%")[0])
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, _IPV6_SITE_BITS), strict=False))


def _affordable(wanted: int) -> int:
    """Return how many connections the process may hold, after asking for as many files as it may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted + RESERVED_FILES and soft != hard:
        soft = wanted + RESERVED_FILES if hard == resource.RLIM_INFINITY else min(wanted + RESERVED_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted + RESERVED_FILES:
        return wanted
    affordable = max(1, soft - RESERVED_FILES)
    _log.warning("connections_bounded_by_open_files", wanted=wanted, connections=affordable, open_files=soft)
    return affordable
