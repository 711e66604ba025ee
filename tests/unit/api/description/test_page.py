"""The page is well-formed HTML that needs nothing but itself, and tells of every operation."""

import hashlib
from base64 import b64encode
from html.parser import HTMLParser

import pytest

from patchbay.api.application import ROUTES
from patchbay.api.description.document import describe
from patchbay.api.description.page import Page, render

EMPTY = {"meta"}  # elements without an end


class Reading(HTMLParser):
    """What is in a page; an element that is not closed in order is an error."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.texts: dict[str, str] = {}
        self.feed(page.html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + data


@pytest.fixture(scope="module")
def page() -> Page:
    return render(describe(ROUTES))


def test_the_page_loads_nothing_and_runs_nothing(page: Page) -> None:
    """It works without the internet, and under the strictest policy."""
    found = Reading(page)

    assert not found.tags & {"script", "img", "link", "iframe", "form", "object", "base"}
    assert all(link.startswith("#") or link == "openapi.json" for link in found.links)
    assert not {name for name in found.attributes if name.startswith("on") or name == "style"}


def test_the_policy_lets_the_page_have_its_own_style_and_nothing_else(page: Page) -> None:
    style = Reading(page).texts["style"]
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert page.policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


def test_every_operation_has_its_place_and_every_link_its_end(page: Page) -> None:
    found = Reading(page)
    operations = {op["operationId"] for methods in describe(ROUTES)["paths"].values() for op in methods.values()}

    assert operations <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)


def test_words_cannot_become_markup() -> None:
    document = describe(ROUTES)
    document["paths"]["/livez"]["get"]["summary"] = "<script>alert(1)</script> & `code`"
    html = render(document).html

    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in html
