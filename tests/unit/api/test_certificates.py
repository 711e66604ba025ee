"""The API's listener by TLS: whom it shows what, also after the files were renewed."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509

from patchbay.api.certificates import ServerCertificate
from patchbay.api.settings import ApiSettings
from patchbay.embedded.certificates import Authority
from patchbay.settings import SettingsError, decode_settings

REQUIRED = {"KAFKA_BOOTSTRAP_SERVERS": "k:9092", "DATABASE_URL": "postgresql://nobody@nowhere"}


@asynccontextmanager
async def listening(certificate: ServerCertificate) -> AsyncIterator[int]:
    """Listen with it, and say what arrives back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=certificate.context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def shown(port: int, authority: Authority) -> str:
    """Return the name on the certificate that somebody is shown who trusts the authority."""
    context = ssl.create_default_context(cafile=authority.file)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
        await writer.wait_closed()
    return x509.load_der_x509_certificate(der).subject.rfc4514_string()


async def test_a_renewed_certificate_is_shown_to_who_comes_next_and_a_broken_one_to_nobody(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    first, second = authority.issue("first"), authority.issue("second")
    certificate = ServerCertificate(str(first.certificate), str(first.key))
    async with listening(certificate) as port:
        assert await shown(port, authority) == "CN=first"
        first.certificate.write_bytes(second.certificate.read_bytes())
        await certificate.renew()
        assert await shown(port, authority) == "CN=first"  # the key is still the first one's
        first.key.write_bytes(second.key.read_bytes())
        await certificate.renew()

        assert await shown(port, authority) == "CN=second"
        first.certificate.unlink()
        await certificate.renew()
        assert await shown(port, authority) == "CN=second"


async def test_a_file_may_hold_both_and_old_protocols_are_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with listening(ServerCertificate(str(authority.issue("both").both), None)) as port:
        assert await shown(port, authority) == "CN=both"
        old = ssl.create_default_context(cafile=authority.file)
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSVersion"):
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await asyncio.open_connection("127.0.0.1", port, ssl=old)


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    first, second = authority.issue("first"), authority.issue("second")
    with pytest.raises(ValueError, match=r"the file /nowhere/tls\.crt cannot be read: No such file or directory"):
        ServerCertificate("/nowhere/tls.crt", None)
    with pytest.raises(ValueError, match="cannot be used: key values mismatch"):
        ServerCertificate(str(first.certificate), str(second.key))
    with pytest.raises(SettingsError, match="API_TLS_KEY_FILE: there is no API_TLS_CERTIFICATE_FILE"):
        decode_settings(ApiSettings, REQUIRED | {"API_TLS_KEY_FILE": str(first.key)})


def test_without_files_there_is_no_tls_and_nothing_beyond_loopback() -> None:
    settings = decode_settings(ApiSettings, REQUIRED)

    assert settings.certificate() is None
    assert settings.api_host == "127.0.0.1"
