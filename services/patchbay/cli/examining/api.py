"""Looking at the API from outside: whether it answers, what keeps it from being ready, and what its metrics tell."""

from collections.abc import Iterator
from http import HTTPStatus
from importlib.metadata import version
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from patchbay.cli.calling import Answer, Api
from patchbay.cli.errors import CliError
from patchbay.cli.examining.finding import Finding, page, unseen, well, wrong
from patchbay.cli.whereabouts import ApiAccess

_NO_KEY: Final = ""  # what is looked at here needs none
_FEW_REQUESTS: Final = 20
_FAILED_RATIO: Final = 0.01
_READINESS: Final = "/readyz"  # 503 there is how a copy that starts or leaves says so: nobody's request has failed

# The names of the API's own readiness checks, and what to do about each.
_REMEDIES: Final = {
    "log": "see whether the brokers run and can be reached from the API: `patchbay topic check`",
    "clock": page("the-clock-is-off"),
    "topic": "set what the sentence names; `patchbay topic check` tells all of it",
    "database": page("postgres-is-away"),
    "projections": page("nobody-projects"),
}


def look_at_api(url: str | None) -> list[Finding]:
    """Return what can be seen of the copy of the API that answers at `url`."""
    if url is None:
        return [unseen("api", "No address of an API is known.", "set PATCHBAY_API")]
    try:
        api = Api(ApiAccess(url, _NO_KEY))
        ready = api.call("GET", _READINESS)
        return [*_readiness(url, ready), *_metrics(api)]
    except CliError as error:
        return [wrong("api", str(error), f"start it, or {page('start-and-stop')}")]


def _readiness(url: str, answer: Answer) -> Iterator[Finding]:
    body = answer.body
    faults = body.get("faults")
    if not isinstance(faults, dict) or "ready" not in body:
        yield wrong("api", f"What answers at {url} is not Patchbay's API.", "check PATCHBAY_API")
        return
    if answer.status == HTTPStatus.OK:
        yield well("api", f"The API at {url} is ready.")
    for name, fault in faults.items():
        yield wrong(f"api_{name}", f"The API is not ready: {fault}.", _REMEDIES.get(name, page("start-and-stop")))


def _metrics(api: Api) -> Iterator[Finding]:
    answer = api.call("GET", "/metrics")
    if answer.status != HTTPStatus.OK:
        yield unseen(
            "api_metrics", f"/metrics answers {answer.status}.", "ask the API itself, not what stands before it"
        )
        return
    samples = [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(answer.content.decode("utf-8", "replace"))
        for sample in family.samples
    ]
    yield from judge_samples(samples)


def judge_samples(samples: list[tuple[str, dict[str, str], float]]) -> Iterator[Finding]:
    """Return what the numbers of one copy of the API tell; each is a name, its labels and its value."""
    values = {name: value for name, labels, value in samples if not labels}
    if values.get("patchbay_usage_shared") == 0:
        yield wrong(
            "usage",
            "This copy of the API counts requests for itself: limits hold for each copy alone.",
            page("usage-is-not-shared"),
        )
    ended = sum(value for name, _, value in samples if name == "patchbay_append_sessions_ended_total")
    if ended:
        yield well(
            "producer",
            f"The API has replaced its producer {ended:.0f} times since it started: {page('producer-replaced')}.",
        )
    yield _failures(samples)
    runs = next((labels["version"] for name, labels, _ in samples if name == "patchbay_build_info"), None)
    here = version("patchbay")
    if runs == here:
        yield well("version", f"The API and this command are version {here}.")
    else:
        yield wrong(
            "version",
            f"The API is version {runs or 'unknown'}, this command {here}.",
            f"use the same; {page('upgrade')}",
        )


def _failures(samples: list[tuple[str, dict[str, str], float]]) -> Finding:
    asked = [
        (labels["status"], value)
        for name, labels, value in samples
        if name == "patchbay_requests_total" and labels.get("route") != _READINESS
    ]
    total = sum(value for _, value in asked)
    failed = sum(value for status, value in asked if status.startswith("5"))
    if total >= _FEW_REQUESTS and failed / total > _FAILED_RATIO:
        return wrong(
            "requests",
            f"{failed:.0f} of the API's {total:.0f} answers since its start were 5xx.",
            page("the-api-answers-5xx"),
        )
    return well("requests", f"{failed:.0f} of the API's {total:.0f} answers since its start were 5xx.")
