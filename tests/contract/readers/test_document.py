"""What docs/subscribing.md shows is so."""

import re
from hashlib import sha256

from tests.contract.readers.foreign import ROOT

from patchbay.assistants.codec import ROUTING, TAGS
from patchbay.eventlog.envelope import _OPTIONAL, _REQUIRED

DOCUMENT = (ROOT / "docs" / "subscribing.md").read_text(encoding="utf-8")


def test_the_digest_of_the_example_is_the_one_that_it_shows() -> None:
    block = re.search(r"```digest\n(.*?)\n= ([0-9a-f]{64})\n```", DOCUMENT, re.DOTALL)
    assert block is not None
    content = b""
    for line in block[1].splitlines():
        rest = line.encode()
        while rest:
            number, _, rest = rest.partition(b" ")
            content += bytes.fromhex(number.decode())
            if rest:
                length = int(number, 16)
                content += rest[:length]
                rest = rest[length:].removeprefix(b" ")

    assert sha256(content).hexdigest() == block[2]


def test_every_header_of_the_envelope_is_in_its_table() -> None:
    rows = re.findall(r"^\| (`[a-z_`, -]+`) \| (required|optional) \|", DOCUMENT, re.MULTILINE)
    told = {(name, need) for names, need in rows for name in re.findall(r"`([^`]+)`", names)}

    assert told == {*((name, "required") for name in _REQUIRED), *((name, "optional") for name in _OPTIONAL)}


def test_every_type_that_concerns_routing_is_told() -> None:
    told = set(re.findall(r"^\| `([A-Z][A-Za-z]+)` \|", DOCUMENT, re.MULTILINE))

    assert told == {name for name, tag in TAGS.items() if ROUTING in tag.affects}
