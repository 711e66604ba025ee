"""A snapshot is taken over whole or not at all, however it is cut on its way."""

import pytest

from patchbay.callrouting import Answer, Outcome, SnapshotUnusable
from patchbay.callrouting.snapshot import SnapshotReader
from patchbay.eventlog import Head, LogIdentity

LOG = LogIdentity("ab" * 32, "memory", 2)
BEGINNING = f'["snapshot","{LOG.log_id}",2]'
BODY = [
    f'["position", 0, 12, "{"01" * 32}"]',
    '["position", 1, 1, null]',
    '["blocked", "acct_b"]',
    '["number", "pn_1", "+15550001", "acct_a", 1, "active", null]',
    '["number", "pn_2", "+15550002", "acct_a", 3, "suspended", "+15550009"]',
    '["number", "pn_3", "+15550003", null, 1, "active", null]',
    '["answering", "acct_a", "asst_1"]',
    '["holding", "acct_a", "asst_1", "pn_1", 1]',
    '["holding", "acct_a", "asst_1", "pn_4", 1]',
    f'["head", "pn_1", 1, "{"02" * 32}", null]',
    f'["head", "acct_b", 7, "{"03" * 32}", "{"04" * 32}"]',
]


def text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


WHOLE = text(BEGINNING, *BODY, f'["end",{len(BODY) + 1}]')


@pytest.mark.parametrize("size", [1, 7, 64, len(WHOLE)])
def test_all_of_it_is_taken_over_however_it_is_cut(size: int) -> None:
    reader = SnapshotReader(LOG)
    for start in range(0, len(WHOLE), size):
        reader.feed(WHOLE[start : start + size])
    following = reader.finish()
    table, heads = following.table, following.heads

    assert following.next_offsets == {0: 12, 1: 1}
    assert following.fingerprints == {0: b"\x01" * 32}
    assert following.blocked == {"acct_b"}
    assert table.look_up("+15550001") == Answer(Outcome.ROUTED, "asst_1", "acct_a", "pn_1")
    assert table.look_up("+15550002") == Answer(Outcome.SUSPENDED, None, "acct_a", "pn_2", "+15550009")
    assert table.look_up("+15550003") == Answer(Outcome.UNKNOWN_NUMBER)
    assert heads.of("pn_1") == Head(1, "02" * 32)
    assert heads.of("acct_b") == Head(7, "03" * 32, "", "04" * 32)
    assert heads.of("pn_9") == Head.genesis(LOG.log_id)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        text(BEGINNING, *BODY),
        WHOLE[:-1],
        WHOLE[:-20],
        text(BEGINNING, *BODY, '["end",5]'),
        text(*BODY, BEGINNING, f'["end",{len(BODY) + 1}]'),
        WHOLE + text(BODY[0]),
        text(BEGINNING.replace("ab", "cd"), '["end",1]'),
        text(BEGINNING.replace(",2]", ",3]"), '["end",1]'),
        text(BEGINNING, '["position",2,1,null]', '["end",2]'),
        text(BEGINNING, '["later",1]', '["end",2]'),
        text(BEGINNING, f'["head", "pn_1", 1, "{"0g" * 32}", null]', '["end",2]'),
        text(BEGINNING, f'["head", "pn_1", 1, "{"02" * 31}", null]', '["end",2]'),
        text(BEGINNING, BODY[3], BODY[3].replace("pn_1", "pn_2"), '["end",3]'),
        b"<html>\n",
        b"\xff\xfe\n",
    ],
)
def test_what_is_not_all_of_it_or_of_another_log_is_refused(content: bytes) -> None:
    def take_over() -> None:
        reader = SnapshotReader(LOG)
        reader.feed(content)
        reader.finish()

    with pytest.raises(SnapshotUnusable):
        take_over()
