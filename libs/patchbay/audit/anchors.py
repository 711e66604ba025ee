"""
Anchors: what a log is at one moment, signed, and small enough to print; and proofs that a stream was in it.

An anchor is text. What is signed are its bytes up to the line `signature`.
"""

from collections.abc import Iterable, Mapping, Sequence
from re import compile as pattern
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from patchbay.audit.auditing import Audit, Placed
from patchbay.audit.errors import AnchorUnusable, NotAnchored
from patchbay.audit.merkle import leaf_hash, path_of, root_of
from patchbay.eventlog import LogIdentity, Record

_TITLE: Final = "patchbay-anchor 1"
_SIGNATURE: Final = "signature "
_HASH: Final = "[0-9a-f]{64}"
_shape: Final = pattern(
    rf"{_TITLE}\nlog (?P<log>{_HASH})\nmade-at (?P<made_at>[0-9T:.Z-]{{20,27}})\n"
    rf"(?P<ends>(?:partition [0-9]{{1,9}} [0-9]{{1,18}} {_HASH}\n)+)"
    rf"streams (?P<streams>[0-9]{{1,18}})\nroot (?P<root>{_HASH})\nkey (?P<key>{_HASH})\n"
    r"signature (?P<signature>[0-9a-f]{128})\n"
).fullmatch


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """What a log was."""

    log_id: str
    made_at: str  # ISO 8601, UTC; by the clock of whoever made it
    ends: Sequence[tuple[int, str]]  # of each partition in order: next offset, and the trail of all before
    streams: int  # how many have an accepted event
    root: str  # of the Merkle tree over their heads, by stream
    key: str  # public, Ed25519
    text: str = ""  # as it was signed, its signature included

    @property
    def offsets(self) -> Mapping[int, int]:
        """The first offset of each partition that the anchor says nothing of."""
        return {partition: end for partition, (end, _) in enumerate(self.ends)}


def leaf_of(log_id: str, head: Placed) -> bytes:
    """Return what a head is in the tree; no other text of ours begins with the same words."""
    return f"patchbay-head-1 {log_id} {head.stream} {head.height} {head.digest} {head.partition} {head.offset}".encode()


def load_private_key(content: bytes) -> Ed25519PrivateKey:
    """
    Return the key in a PEM file, as `openssl genpkey -algorithm ed25519` writes it.

    Raises:
        AnchorUnusable: It holds none.
    """
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AnchorUnusable(f"it is no private key in PEM without a password ({error})") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise AnchorUnusable("its key is not an Ed25519 key")
    return key


def public_key_of(content: bytes) -> str:
    """
    Return a public key as an anchor names it: of a PEM file, private or public, or of its own 64 digits.

    Raises:
        AnchorUnusable: It holds none.
    """
    text = content.decode("ascii", "replace").strip()
    if pattern(_HASH).fullmatch(text):
        return text
    if "PRIVATE" in text:
        return load_private_key(content).public_key().public_bytes_raw().hex()
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise AnchorUnusable(f"it is no public key in PEM, nor 64 hex digits ({error})") from None
    if not isinstance(key, Ed25519PublicKey):
        raise AnchorUnusable("its key is not an Ed25519 key")
    return key.public_bytes_raw().hex()


def make_anchor(audit: Audit, key: Ed25519PrivateKey, *, made_at: str) -> Anchor:
    """Return the anchor of all that was audited."""
    log_id = audit.identity.log_id
    hashes = [leaf_hash(leaf_of(log_id, head)) for head in audit.heads()]
    ends = [(audit.next_offsets[p], audit.trails[p].hex()) for p in range(audit.identity.partition_count)]
    public = key.public_key().public_bytes_raw().hex()
    lines = [_TITLE, f"log {log_id}", f"made-at {made_at}"]
    lines += [f"partition {partition} {end} {trail}" for partition, (end, trail) in enumerate(ends)]
    lines += [f"streams {len(hashes)}", f"root {root_of(hashes).hex()}", f"key {public}", ""]
    signed = "\n".join(lines)
    text = f"{signed}{_SIGNATURE}{key.sign(signed.encode()).hex()}\n"
    return read_anchor(text)


def read_anchor(text: str, *, trusted_key: str | None = None) -> Anchor:
    """
    Return the anchor that `text` is, its signature verified.

    Args:
        text: Of the file.
        trusted_key: The key that must have signed it; None: whichever it names, which anybody could have done.

    Raises:
        AnchorUnusable: It is none, its signature is wrong, or another key's.
    """
    found = _shape(text.replace("\r\n", "\n"))
    if found is None:
        raise AnchorUnusable("it is no anchor, or it was changed")
    signed = found.string[: found.string.rindex(_SIGNATURE)]
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(found["key"])).verify(
            bytes.fromhex(found["signature"]), signed.encode()
        )
    except (InvalidSignature, ValueError):
        raise AnchorUnusable("its signature is not that of its text: it was changed") from None
    if trusted_key is not None and found["key"] != trusted_key:
        raise AnchorUnusable(f"it is signed by the key {found['key']}, not by {trusted_key}")
    rows = [line.split(" ")[1:] for line in found["ends"].splitlines()]
    if [int(partition) for partition, _, _ in rows] != list(range(len(rows))):
        raise AnchorUnusable("its partitions are not in order")
    return Anchor(
        log_id=found["log"],
        made_at=found["made_at"],
        ends=[(int(end), trail) for _, end, trail in rows],
        streams=int(found["streams"]),
        root=found["root"],
        key=found["key"],
        text=found.string,
    )


class Anchored:
    """Reads a log as far as an anchor went, and compares."""

    def __init__(self, anchor: Anchor, identity: LogIdentity) -> None:
        """
        Begin.

        Raises:
            NotAnchored: The anchor is another log's, or of one with another number of partitions.
        """
        if anchor.log_id != identity.log_id:
            raise NotAnchored(f"the anchor is of the log {anchor.log_id}, this is {identity.log_id}")
        if len(anchor.ends) != identity.partition_count:
            raise NotAnchored(
                f"the anchor is of a log of {len(anchor.ends)} partitions, this one has {identity.partition_count}: it "
                "was imported under another count; verify the export that it came from, and anchor it anew"
            )
        self.anchor = anchor
        self.audit = Audit(identity)

    def take(self, record: Record) -> None:
        """Take a record, which may lie behind the anchor."""
        if record.offset < self.anchor.ends[record.partition][0]:
            self.audit.take(record)

    def check(self, reached: Mapping[int, int]) -> None:
        """
        Compare what was read with the anchor.

        Args:
            reached: How far each partition was read: next offsets.

        Raises:
            NotAnchored: Something was cut, changed or inserted.
        """
        for partition, (end, trail) in enumerate(self.anchor.ends):
            if reached[partition] < end:
                raise NotAnchored(
                    f"partition {partition} ends at offset {reached[partition]}, but had reached {end} when it was "
                    "anchored: its end was cut off"
                )
            if self.audit.trails[partition].hex() != trail:
                raise NotAnchored(
                    f"partition {partition}: what lies before offset {end} is not what was anchored: a record was "
                    "changed, inserted or taken out"
                )
        if (
            root_of(leaf_hash(leaf_of(self.anchor.log_id, head)) for head in self.audit.heads()).hex()
            != self.anchor.root
        ):
            raise NotAnchored("the heads of the streams are not those that were anchored")


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """That a stream's head was in the log when it was anchored."""

    leaf: str
    index: int
    size: int
    path: tuple[str, ...]  # the lowest first
    anchor: str


def prove(anchored: Anchored, stream: str) -> Proof:
    """
    Return the proof for a stream.

    Raises:
        NotAnchored: It had no event then.
    """
    heads: Iterable[Placed] = anchored.audit.heads()
    log_id = anchored.anchor.log_id
    leaf, index, hashes = b"", -1, []
    for number, head in enumerate(heads):
        content = leaf_of(log_id, head)
        hashes.append(leaf_hash(content))
        if head.stream == stream:
            leaf, index = content, number
    if index < 0:
        raise NotAnchored(f"{stream} had no event when the log was anchored, at {anchored.anchor.made_at}")
    path = tuple(node.hex() for node in path_of(hashes, index))
    return Proof(leaf=leaf.decode(), index=index, size=len(hashes), path=path, anchor=anchored.anchor.text)
