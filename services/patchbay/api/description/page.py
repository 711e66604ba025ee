"""The document as one page for people: plain HTML, no script, nothing loaded from anywhere."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import msgspec

from patchbay.api.description.marking import anchor, code, escaped, paragraphs, plain_line
from patchbay.api.description.tables import fields_of, parameters_of, resolve

Document = Mapping[str, Any]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The page, and what a browser is allowed to do with it."""

    html: str
    policy: str  # the value of Content-Security-Policy


def render(document: Document) -> Page:
    """Return the page of a document."""
    style = resources.files("patchbay.api.description").joinpath("page.css").read_text(encoding="utf-8")
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    title = f"{document['info']['title']} API {document['info']['version']}"
    body = "".join([_navigation(document), '<main id="main">', *_main(document, title), "</main>"])
    head = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escaped(title)}</title><style>{style}</style></head><body>"
    )
    return Page(html=f"{head}{body}</body></html>\n", policy=policy)


def _operations(document: Document, tag: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield method.upper(), path, operation


def _navigation(document: Document) -> str:
    parts = ['<a class="skip" href="#main">Skip to the content</a><nav aria-label="Operations">']
    for tag in document["tags"]:
        parts.append(f'<h2><a href="#{anchor(tag["name"])}">{escaped(tag["name"])}</a></h2><ul>')
        parts += [
            f'<li><a href="#{operation["operationId"]}">{escaped(operation["summary"])}</a></li>'
            for _, _, operation in _operations(document, tag["name"])
        ]
        parts.append("</ul>")
    parts.append('<h2><a href="#schemas">Schemas</a></h2></nav>')
    return "".join(parts)


def _main(document: Document, title: str) -> Iterator[str]:
    yield f"<h1>{escaped(title)}</h1>{paragraphs(document['info']['description'])}"
    yield '<p>For programs: <a href="openapi.json">openapi.json</a>, OpenAPI 3.1.</p><h2>Keys</h2>'
    yield from (paragraphs(scheme["description"]) for scheme in document["components"]["securitySchemes"].values())
    for tag in document["tags"]:
        yield f'<h2 id="{anchor(tag["name"])}">{escaped(tag["name"])}</h2>{paragraphs(tag["description"])}'
        for method, path, operation in _operations(document, tag["name"]):
            yield from _operation(document, method, path, operation)
    yield '<h2 id="schemas">Schemas</h2>'
    for name, schema in document["components"]["schemas"].items():
        yield f'<section class="operation" id="schema-{name}"><h3>{escaped(name)}</h3>'
        yield paragraphs(schema.get("description", ""))
        yield fields_of(document, schema, f"Members of {name}")
        yield "</section>"


def _operation(document: Document, method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section class="operation" id="{operation["operationId"]}"><h3>{escaped(operation["summary"])}</h3>'
    yield f'<p><code><span class="method">{method}</span> {escaped(path)}</code> {_who_may(operation)}</p>'
    if operation["description"] != operation["summary"]:
        yield paragraphs(operation["description"])
    yield parameters_of(document, operation["parameters"])
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]
        first = next(iter(content.values()))
        yield f"<h4>Body</h4><p class='soft'>{' or '.join(code(media_type) for media_type in content)}</p>"
        yield fields_of(document, first["schema"], "Fields of the body")
        yield _example(first)
    yield "<h4>Answers</h4><table><thead><tr><th>Status</th><th>What it says</th></tr></thead><tbody>"
    for status, given in operation["responses"].items():
        response = resolve(document, given)
        yield f'<tr><th scope="row">{status}</th><td>{"".join(_answer(document, response))}</td></tr>'
    yield "</tbody></table></section>"


def _who_may(operation: Mapping[str, Any]) -> str:
    if not operation["security"]:
        return '<span class="soft">needs no key</span>'
    scopes = operation["security"][0]["key"]
    return f'<span class="soft">scope</span> {code(scopes[0])}' if scopes else ""


def _answer(document: Document, response: Mapping[str, Any]) -> Iterator[str]:
    yield plain_line(response["description"])
    headers = [
        name for name in response.get("headers", {}) if name not in ("Request-Id", "RateLimit", "RateLimit-Policy")
    ]
    if headers:
        yield f' <span class="soft">With</span> {", ".join(code(name) for name in headers)}.'
    for media_type, content in response.get("content", {}).items():
        codes = [
            choice
            for part in content["schema"].get("allOf", ())
            for choice in resolve(document, part)["properties"]["code"].get("enum", ())
        ]
        if codes:
            yield f' <span class="soft">Codes:</span> {", ".join(code(choice) for choice in codes)}.'
        elif media_type != "application/json":
            yield f' <span class="soft">As</span> {code(media_type)}.'
        yield _example(content)


def _example(content: Mapping[str, Any]) -> str:
    if "example" not in content:
        return ""
    example = content["example"]
    text = example if isinstance(example, str) else msgspec.json.format(msgspec.json.encode(example)).decode()
    return f"<details><summary>Example</summary><pre>{escaped(text)}</pre></details>"
