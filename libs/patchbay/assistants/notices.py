"""What is taken as it is and yet worth a word: models that are being shut down, variables that nobody will fill in."""

import re
from collections.abc import Mapping
from typing import Final

from patchbay.assistants.catalogue import Catalogue, Provider, shipped_catalogue
from patchbay.assistants.errors import Issue

VARIABLE_ROOTS: Final = ("contact", "company", "campaign")
MOST_WARNINGS: Final = 20  # of one text; a prompt of 60,000 braces is one mistake, not 30,000

_MODELS: Final = (
    ("model", "providers"),
    ("voice_model", "voice_providers"),
    ("transcriptor_model", "transcriptor_providers"),
)
_TEXTS: Final = ("first_message", "system_prompt")
_BRACES: Final = re.compile(r"\{\{|\}\}")
_VARIABLE: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[A-Za-z0-9_-]+)+")
_LONGEST_VARIABLE: Final = 100  # characters


def warnings_of(fields: Mapping[str, object], catalogue: Catalogue | None = None) -> tuple[Issue, ...]:
    """Return the warnings for the fields that a request sets, by record field name; empty if there are none."""
    known = catalogue or shipped_catalogue()
    warnings: list[Issue] = []
    for field, kind in _MODELS:
        model = fields.get(field)
        if isinstance(model, str):
            warnings += _retiring(field, model, getattr(known, kind))
    for field in _TEXTS:
        text = fields.get(field)
        if isinstance(text, str):
            warnings += check_variables(field, text)
    return tuple(warnings)


def _retiring(field: str, model: str, providers: Mapping[str, Provider]) -> list[Issue]:
    for provider in providers.values():
        known = provider.models.get(model)
        if known is not None and known.shutdown is not None:
            instead = "" if known.replacement is None else f"; {known.replacement} takes its place"
            message = f"{provider.name} shuts {model} down on {known.shutdown}{instead}."
            return [Issue(path=field, code="retiring_model", message=message)]
    return []


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
