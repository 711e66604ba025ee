"""What Schemathesis cannot know: values that only a service gives out, whose key is whose, what no schema can say."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData
from tests.fuzzing import facts

AnyCase: TypeAlias = Case[Any]

_FACTS: Final = facts.read()
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_BARE_KEY: Final = re.compile(r"[!#-~][!-~]{0,199}")
_NOBODYS_KEY: Final = "key_01h455vb4pex5vsknk084sn02q"
_HOLDS_SELDOM: Final = re.compile(r'(?:W/)?"[0-9]+"(?:, "other")?')
_OPENS_ACCOUNTS: Final = "/api/accounts"
_NUMBERS: Final = "/api/phone-numbers"
# Issues of values that are well-formed by their schema: what a country's numbers are like, which languages there are,
# which models belong to whom, when now is, and what excludes each other. A cursor is of one list; which characters
# can be seen, only tables of them tell.
_BEYOND_SCHEMAS: Final = frozenset(
    {
        *("invalid_call_target", "invalid_language", "invalid_phone_number", "invalid_time", "in_the_past"),
        *("in_the_future", "before_the_log"),
        *("model_of_another_provider", "not_with_cursor", "not_with_assistant_id"),
    }
)

_digits: Final = st.text("0123456789", min_size=4, max_size=4)
_numbers: Final = st.one_of(
    _digits.map("+1415555{}".format),
    _digits.map("+4930123{}".format),
    _digits.map("+44 20 7946 {}".format),
    _digits.map(" +1 (415) 555-{}".format),
)
_future: Final = st.integers(2100, 2900).map("{}-02-18T14:22:31.114207Z".format)  # that is when keys may expire
_versions: Final = st.integers(1, 9)
for _name, _strategy in {
    "phone-number": _numbers,
    "call-target": st.one_of(_numbers.map(str.strip), _digits.map("sip:desk{}@pbx.example.com;transport=tls".format)),
    "language-tag": st.sampled_from(["en-US", "de", "pt-br", "zh-Hant-TW", "es-419"]),
    "date-time": st.one_of(st.sampled_from(_FACTS.times), _future),
    "point": st.one_of(st.sampled_from(_FACTS.times), _versions.map(str)),
    "reason": st.from_regex(r"[!-$&-~](?:[ -$&-~]|%[23][0-9]){0,60}[!-$&-~]", fullmatch=True),
    "entity-tags": st.one_of(st.just("*"), _versions.map('"{}"'.format), _versions.map('W/"{}", "other"'.format)),
    **{format_: st.sampled_from(values) for format_, values in _FACTS.formats.items()},
}.items():
    schemathesis.openapi.format(_name, _strategy)


@schemathesis.hook
def before_call(context: HookContext, case: AnyCase, kwargs: dict[str, Any]) -> None:  # noqa: ARG001 - its signature
    """
    Let a request be about the account of its key, be no other's repetition, and take no key out of the run.

    A slug that the schema takes becomes the own one, else nearly every request would end at 403; what the schema does
    not take stays as it is.
    """
    slug = _FACTS.slugs.get(case.auth_identity or "", _FACTS.slugs["first"])
    body = case.body
    if isinstance(body, dict) and _is_slug(body.get("accountSlug")) and case.operation.path != _OPENS_ACCOUNTS:
        body["accountSlug"] = slug
    if case.query and _is_slug(case.query.get("accountSlug")):
        case.query["accountSlug"] = slug
    if case.query and case.query.get("cursor") in _FACTS.formats["cursor"] and case.operation.path != _NUMBERS:
        del case.query["cursor"]  # of another list
    if _HOLDS_SELDOM.fullmatch(str(case.headers.get("If-Match"))) and case.id[-1].islower():
        case.headers["If-Match"] = "*"  # else nearly all would be 412
    idempotency_key = case.headers.get("Idempotency-Key")
    if isinstance(idempotency_key, str) and _BARE_KEY.fullmatch(idempotency_key):
        case.headers["Idempotency-Key"] = f"{idempotency_key}-{case.id}"  # examples repeat themselves: all would be 422
    if case.operation.path.startswith("/api/keys/") and case.path_parameters.get("id") in _FACTS.keys:
        case.path_parameters["id"] = _NOBODYS_KEY


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: AnyCase, response: Response) -> bool:  # noqa: ARG001
    """Pass over a refusal of what is right by its schema, if all that is wrong is beyond what a schema can say."""
    if not isinstance(failure, RejectedPositiveData):
        return True
    issues = response.json().get("issues", ())
    return not issues or not all(_is_beyond_schemas(issue, case) for issue in issues)


def _is_slug(value: object) -> bool:
    return isinstance(value, str) and 3 <= len(value) <= 40 and _SLUG.fullmatch(value) is not None


def _is_beyond_schemas(issue: Mapping[str, str], case: AnyCase) -> bool:
    value = (case.query or {}).get(issue["path"])
    if issue["path"] == "cursor" or (isinstance(value, str) and not value.isprintable()):
        return True
    return issue["code"] in _BEYOND_SCHEMAS
