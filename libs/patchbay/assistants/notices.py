"""What is taken as it is and yet worth a word: models that are being shut down, variables that nobody will fill in."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from patchbay.assistants.catalogue import Catalogue, Provider, shipped_catalogue
from patchbay.assistants.configuration import MODEL_PAIRS
from patchbay.assistants.errors import Issue
from patchbay.assistants.states import Assistant

VARIABLE_ROOTS: Final = ("contact", "company", "campaign")
MOST_WARNINGS: Final = 20  # of one text; a prompt of 60,000 braces is one mistake, not 30,000

_TEXTS: Final = ("first_message", "system_prompt")
_BRACES: Final = re.compile(r"\{\{|\}\}")
_VARIABLE: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[A-Za-z0-9_-]+)+")
_LONGEST_VARIABLE: Final = 100  # characters


def warnings_of(
    assistant: Assistant, written: Mapping[str, object], catalogue: Catalogue | None = None
) -> tuple[Issue, ...]:
    """
    Return the warnings for what a request leaves, by record field name; empty if there are none.

    Args:
        assistant: As it is now: whatever model it has, chosen by this request or long before, breaks with its provider.
        written: The fields that the request set; other texts were told of when they were written.
        catalogue: Which models there are.
    """
    named = tuple([(getattr(assistant, provider), getattr(assistant, model)) for provider, model, _ in MODEL_PAIRS])
    texts = tuple([(field, text) for field in _TEXTS if isinstance(text := written.get(field), str)])
    return _retiring(named, catalogue or shipped_catalogue()) + (_checked(texts) if texts else ())


@lru_cache(maxsize=1_024)
def _retiring(named: tuple[tuple[str, str | None], ...], catalogue: Catalogue) -> tuple[Issue, ...]:
    """Return a warning for each of an assistant's models that is being shut down."""
    warnings = []
    for (provider_id, model_id), (_, field, kind) in zip(named, MODEL_PAIRS, strict=True):
        providers: Mapping[str, Provider] = getattr(catalogue, kind)
        provider = providers.get(provider_id)
        model = None if provider is None or model_id is None else provider.models.get(model_id)
        if provider is not None and model is not None and model.shutdown is not None:
            instead = "" if model.replacement is None else f"; {model.replacement} takes its place"
            message = f"{provider.name} shuts {model_id} down on {model.shutdown}{instead}."
            warnings.append(Issue(path=field, code="retiring_model", message=message))
    return tuple(warnings)


@lru_cache(maxsize=64)  # the templates' own texts come again and again
def _checked(texts: tuple[tuple[str, str], ...]) -> tuple[Issue, ...]:
    return tuple([warning for field, text in texts for warning in check_variables(field, text)])


def check_variables(path: str, text: str) -> list[Issue]:
    """
    Return a warning for each `{{…}}` in `text` that is no variable: not closed, not opened, malformed, or unknown.

    Variables are `contact.first_name`, `company.name`, `campaign.name`, `contact.custom.<key>` and the like.
    """
    if "{{" not in text and "}}" not in text:
        return []
    warnings: list[Issue] = []
    opened: int | None = None
    for brace in _BRACES.finditer(text):
        if len(warnings) >= MOST_WARNINGS:
            break
        if brace[0] == "{{":
            if opened is not None:
                warnings.append(_malformed(path, text, opened, "is not closed by }}"))
            opened = brace.end()
        elif opened is None:
            warnings.append(_malformed(path, text, brace.start(), "}} closes nothing"))
        else:
            warnings += _check_variable(path, text, opened, text[opened : brace.start()].strip())
            opened = None
    if opened is not None and len(warnings) < MOST_WARNINGS:
        warnings.append(_malformed(path, text, opened, "is not closed by }}"))
    return warnings


def _check_variable(path: str, text: str, start: int, variable: str) -> list[Issue]:
    if len(variable) > _LONGEST_VARIABLE or _VARIABLE.fullmatch(variable) is None:
        return [_malformed(path, text, start, "is not a variable")]
    root, *rest = variable.split(".")
    if rest[0] == "custom" and len(rest) == 1:
        return [_malformed(path, text, start, "names no custom field")]
    if root not in VARIABLE_ROOTS:
        message = f"{{{{{variable}}}}} begins with none of: {', '.join(VARIABLE_ROOTS)}."
        return [Issue(path=path, code="unknown_variable", message=message)]
    return []


def _malformed(path: str, text: str, start: int, what: str) -> Issue:
    shown = " ".join(text[max(0, start - 2) : start + 30].split())
    return Issue(
        path=path,
        code="malformed_variable",
        message=f"At character {start + 1}, {shown!r}: {what}. It is stored as it is.",
    )
