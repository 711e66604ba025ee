"""Secrets of keys and names of requests."""

import hashlib

import pytest

from patchbay.api.minting import mint_id, mint_secret, name_request
from patchbay.assistants import ids


@pytest.mark.parametrize("mode", ["live", "test"])
def test_a_secret_says_its_mode_and_is_kept_as_its_digest(mode: str) -> None:
    secret = mint_secret(mode)

    assert secret.text.startswith(f"tk_{mode}_")
    assert secret.text.replace("_", "").isalnum()
    assert len(secret.text) >= len(f"tk_{mode}_") + 32
    assert secret.sha256 == hashlib.sha256(secret.text.encode()).hexdigest()
    assert secret.text.startswith(secret.hint)


def test_a_secret_hides_itself() -> None:
    secret = mint_secret("live")

    assert secret.text not in repr(secret)
    assert secret.sha256 not in repr(secret)


def test_no_two_secrets_are_alike() -> None:
    assert len({mint_secret("live").text for _ in range(100)}) == 100


def test_a_minted_id_is_one() -> None:
    assert ids.is_id(ids.ASSISTANT, mint_id(ids.ASSISTANT))


def test_a_harmless_request_id_is_kept() -> None:
    assert name_request("0af7651916cd43dd8448eb211c80319c") == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("wanted", [None, "", "a b", "x" * 129, "a\r\nSet-Cookie: b", "ü", "-x"])
def test_any_other_is_replaced_by_one_of_ours(wanted: str | None) -> None:
    assert name_request(wanted).startswith("req_")
    assert name_request(wanted) != name_request(wanted)
