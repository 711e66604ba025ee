"""The description as it is sent: bytes that are made once, when the process starts."""

import hashlib
from collections.abc import Iterable

import msgspec

from patchbay.api.answers import encode
from patchbay.api.description.document import describe
from patchbay.api.description.page import render
from patchbay.api.routes import Route


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One document."""

    body: bytes
    etag: str  # strong, with its quotes


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """Every document that is sent as it is."""

    openapi: Document
    page: Document
    page_policy: str  # the value of the page's Content-Security-Policy


def publish(routes: Iterable[Route]) -> Published:
    """
    Return the documents that describe these routes.

    Raises:
        Undescribed: Routes and entries do not match.
    """
    document = describe(routes)
    page = render(document)
    return Published(openapi=_document(encode(document)), page=_document(page.html.encode()), page_policy=page.policy)


def _document(body: bytes) -> Document:
    return Document(body=body, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"')
