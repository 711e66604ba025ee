"""GET /api/openapi.json and GET /api/docs, without a key."""

import pytest
from tests.contract.api.service import Service

from patchbay.api.application import ROUTES
from patchbay.api.description.document import describe


async def test_programs_get_the_description_of_what_runs(service: Service) -> None:
    reply = await service.caller(None).send("GET", "/api/openapi.json")

    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.json == describe(ROUTES)


async def test_people_get_a_page_that_may_load_nothing(service: Service) -> None:
    reply = await service.caller(None).send("GET", "/api/docs")

    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert reply.body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/docs"])
async def test_what_a_client_has_already_is_not_sent_again(service: Service, path: str) -> None:
    nobody = service.caller(None)
    etag = (await nobody.send("GET", path)).headers["ETag"]
    again = await nobody.send("GET", path, headers={"If-None-Match": etag})
    weak = await nobody.send("GET", path, headers={"If-None-Match": f'"other", W/{etag}'})
    other = await nobody.send("GET", path, headers={"If-None-Match": '"other"'})

    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", etag)
    assert (weak.status, other.status) == (304, 200)
