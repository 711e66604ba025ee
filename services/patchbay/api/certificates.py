"""The certificate that the API's listener shows; one that was renewed is shown to whoever connects from then on."""

import asyncio
import ssl
from pathlib import Path
from typing import Final

import structlog

LOOK_SECONDS: Final = 10.0

_Signature = tuple[tuple[int, int, int], ...]
_log = structlog.get_logger()


class ServerCertificate:
    """A certificate with its key, as their files are now."""

    def __init__(self, certificate_file: str, key_file: str | None) -> None:
        """
        Read the files, both PEM; without a key's file the key stands with the certificate.

        Raises:
            ValueError: They cannot be used; the sentence says why.
        """
        self._files = tuple(Path(each) for each in (certificate_file, key_file) if each is not None)
        try:
            self._signature = self._look()
        except OSError as error:
            raise ValueError(f"the file {error.filename} cannot be read: {error.strerror}") from None
        self._current = self._load()
        self.context = _new_context()  # the listener's; it has no certificate, and takes the current one's context
        self.context.sni_callback = self._choose

    async def run(self) -> None:
        """Look at the files now and then, until cancelled. What cannot be used leaves the old certificate in force."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.renew()

    async def renew(self) -> None:
        """Show from now on what is in the files, if they have changed."""
        try:
            signature = await asyncio.to_thread(self._look)
            if signature == self._signature:
                return
            self._current = await asyncio.to_thread(self._load)
        except (OSError, ValueError) as error:
            _log.warning("certificate_not_renewed", reason=str(error))
        else:
            self._signature = signature
            _log.info("certificate_renewed", file=str(self._files[0]))

    def _choose(self, handshake: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _listener: ssl.SSLContext) -> None:
        handshake.context = self._current

    def _look(self) -> _Signature:
        return tuple((seen.st_ino, seen.st_mtime_ns, seen.st_size) for seen in map(Path.stat, self._files))

    def _load(self) -> ssl.SSLContext:
        context = _new_context()
        certificate, key = self._files[0], self._files[-1]
        try:
            # With a pass phrase of its own, or else OpenSSL would ask for one at the terminal.
            context.load_cert_chain(certificate, key, password="")
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            told = str(reason).lower().replace("_", " ")
            raise ValueError(f"{certificate} with the key in {key} cannot be used: {told}") from None
        return context


def _new_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
