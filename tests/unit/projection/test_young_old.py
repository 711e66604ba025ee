"""The cache keeps what was used lately, and is bounded."""

from hypothesis import given
from hypothesis import strategies as st

from patchbay.projection import YoungOld


def test_what_was_used_lately_is_kept() -> None:
    cache: YoungOld[int, int] = YoungOld(10)
    cache.put(0, 100)
    for key in range(1, 50):
        cache.put(key, key)
        assert cache.get(0) == 100

    assert cache.get(1) is None


def test_heavy_values_count_by_their_weight() -> None:
    cache: YoungOld[str, str] = YoungOld(10, len)
    cache.put("a", "x" * 9)
    cache.put("b", "x" * 9)
    cache.put("c", "x" * 9)

    assert cache.get("a") is None
    assert cache.get("c") == "x" * 9


@given(st.lists(st.tuples(st.integers(0, 9), st.integers())))
def test_it_never_tells_an_old_value(puts: list[tuple[int, int]]) -> None:
    cache: YoungOld[int, int] = YoungOld(3)
    newest: dict[int, int] = {}
    for key, value in puts:
        cache.put(key, value)
        newest[key] = value
        for each, wanted in newest.items():
            assert cache.get(each) in (wanted, None)

        assert cache.get(key) == value
