"""What the catalogue says of a model from day to day."""

from datetime import date

import pytest

from patchbay.api.published_catalogue import publish_catalogue
from patchbay.assistants.catalogue import merge, shipped_catalogue

ADDITION = b"""{"providers": {"acme": {"name": "Acme", "default_model": "one", "models": {
    "one": {}, "old": {"shutdown": "2027-01-14", "replacement": "one"}}}}}"""


@pytest.mark.parametrize(
    ("today", "status"),
    [(date(2027, 1, 13), "retiring"), (date(2027, 1, 14), "retired"), (date(2030, 1, 1), "retired")],
)
def test_a_model_is_retired_from_its_last_day_on(today: date, status: str) -> None:
    """One that an operator has added, too."""
    published = publish_catalogue(merge(shipped_catalogue(), ADDITION), today)
    (acme,) = [provider for provider in published.providers if provider.id == "acme"]

    assert [(model.id, model.status, model.replacement) for model in acme.models] == [
        ("one", "available", None),
        ("old", status, "one"),
    ]
