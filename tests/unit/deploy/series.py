"""What a Prometheus can know of Patchbay: every series and its labels, from the code."""

import re
from typing import Final

from prometheus_client import Counter, Gauge, Histogram, Info

from patchbay.process import metrics

OF_SCRAPING: Final = frozenset({"instance", "job"})
OF_THE_LIBRARY: Final = frozenset({"process_cpu_seconds_total", "process_resident_memory_bytes"})
_SUFFIXES: Final = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "info": ("_info",),
}
_SERIES: Final = re.compile(r"\b((?:patchbay|process)_\w+)(\{[^}]*\})?")
_GROUPING: Final = re.compile(r"\b(?:by|without) \(([^)]*)\)")
_MATCHER: Final = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


def definitions() -> list[Counter | Gauge | Histogram | Info]:
    """Return every metric of ours, in the order of the code."""
    return [value for value in vars(metrics).values() if isinstance(value, Counter | Gauge | Histogram | Info)]


def known_series() -> dict[str, frozenset[str]]:
    """Return the labels of each series, by its name."""
    found: dict[str, frozenset[str]] = {}
    for metric in definitions():
        for suffix in _SUFFIXES[metric._type]:
            labels = {*metric._labelnames, *OF_SCRAPING}
            labels |= {"le"} if suffix == "_bucket" else set()
            labels |= set(metric._value) if isinstance(metric, Info) else set()
            found[metric._name + suffix] = frozenset(labels)
    return found | dict.fromkeys(OF_THE_LIBRARY, OF_SCRAPING)


def check_expression(expression: str) -> set[str]:
    """
    Return the series that the expression reads, after seeing that each is known with the labels it is asked for.

    Raises:
        AssertionError: One is not, or there are none.
    """
    known = known_series()
    read = _SERIES.findall(expression)
    assert read, expression
    admitted: set[str] = set()
    for name, matchers in read:
        assert name in known, f"{name} in {expression}"
        admitted |= known[name]
        for label in _MATCHER.findall(re.sub(r'"[^"]*"', "", matchers)):
            assert label in known[name], f"{name}{{{label}}} in {expression}"
    for group in _GROUPING.findall(expression):
        assert {label.strip() for label in group.split(",")} <= admitted, f"({group}) in {expression}"
    return {name for name, _ in read}
