"""
The Merkle tree over heads, and proofs that a head is in it.

Source: RFC 6962, 2.1: a leaf is hashed behind a byte 00, a node behind a byte 01, so that none can pass for the other.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

LEAF = b"\x00"
NODE = b"\x01"


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of one leaf."""
    return sha256(LEAF + content).digest()


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the root of the tree over the leaves, in their order; memory grows with its depth alone."""
    stack: list[tuple[int, bytes]] = []  # (leaves below, hash); each has at least twice the leaves of the next
    for leaf in leaf_hashes:
        size, node = 1, leaf
        while stack and stack[-1][0] == size:
            size *= 2
            node = sha256(NODE + stack.pop()[1] + node).digest()
        stack.append((size, node))
    if not stack:
        return sha256(b"").digest()
    node = stack.pop()[1]
    while stack:
        node = sha256(NODE + stack.pop()[1] + node).digest()
    return node


def path_of(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the inclusion proof of a leaf: the hashes beside its way to the root, the lowest first."""
    path: list[bytes] = []
    begin, end = 0, len(leaf_hashes)
    while end - begin > 1:
        middle = begin + (1 << (end - begin - 1).bit_length() - 1)
        if index < middle:
            path.append(root_of(leaf_hashes[middle:end]))
            end = middle
        else:
            path.append(root_of(leaf_hashes[begin:middle]))
            begin = middle
    return path[::-1]


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """
    Return the root that a proof leads to; None if it has not the shape of one.

    Source: RFC 9162, 2.1.3.2.
    """
    if not 0 <= index < size:
        return None
    node, last = leaf, size - 1
    for sibling in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            node = sha256(NODE + sibling + node).digest()
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            node = sha256(NODE + node + sibling).digest()
        index >>= 1
        last >>= 1
    return node if last == 0 else None
