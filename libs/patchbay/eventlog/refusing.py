"""
Why brokers do not let this process in, where waiting would not help: the certificate, the login, the protocol.

aiokafka writes it into its log, and raises an error that says of all of them the same: that there is no connection.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Final

from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    NoError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
    for_code,
)
from aiokafka.protocol.admin import SaslHandShakeRequest

from patchbay.eventlog.access import Brokers
from patchbay.eventlog.errors import LogRefused

_LOOK_SECONDS: Final = 2.0
_ALERT_SECONDS: Final = 0.5  # an alert follows the handshake at once, a server that is content says nothing
# The broker knows who asks, and says no.
FORBIDDEN: Final = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)


@contextlib.asynccontextmanager
async def telling_refusals(brokers: Brokers) -> AsyncIterator[None]:
    """
    Run the body, which connects; where it cannot, look for the reason.

    Raises:
        LogRefused: The brokers do not let this process in, and say why.
    """
    try:
        yield
    except KafkaConnectionError as failure:
        reason = await why_refused(brokers)
        if reason is None:
            raise
        raise LogRefused(reason) from failure


async def why_refused(brokers: Brokers) -> str | None:
    """Return why the first of the brokers that refuses does so; None: none does, though they may be away."""
    for server in brokers.servers.split(","):
        host, _, port = server.strip().rpartition(":")
        with contextlib.suppress(ValueError):
            reason = await _why(brokers, host.strip("[]"), int(port))
            if reason is not None:
                return reason
    return None


async def _why(brokers: Brokers, host: str, port: int) -> str | None:
    options = brokers.client_options()
    del options["bootstrap_servers"]
    try:
        connection = await create_conn(host, port, request_timeout_ms=int(_LOOK_SECONDS * 1000), **options)
    except (KafkaError, OSError, TimeoutError) as error:
        return _sentence(error, brokers, f"{host}:{port}") or await _why_cut_off(brokers, host, port)
    try:
        if brokers.logs_in or not await _asks_for_a_login(connection):
            return None
    finally:
        connection.close()
    return (
        f"{host}:{port} asks for a login: KAFKA_SECURITY_PROTOCOL={brokers.protocol} has to be SASL_{brokers.protocol}"
    )


async def _why_cut_off(brokers: Brokers, host: str, port: int) -> str | None:
    """Return why a connection ended without a word, as far as TLS can tell."""
    protocol = f"KAFKA_SECURITY_PROTOCOL={brokers.protocol}"
    if not brokers.is_encrypted:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # nothing is sent
        speaks_tls, _ = await _shake_hands(context, host, port)
        return f"{host}:{port} speaks TLS: {protocol} has to be SSL or SASL_SSL" if speaks_tls else None
    _, alert = await _shake_hands(brokers.ssl_context(), host, port)
    if "certificate" in alert:
        told = f"takes no client without a certificate that it trusts ({alert})"
        return f"{host}:{port} {told}: see KAFKA_SSL_CERTIFICATE_FILE"
    return None


async def _shake_hands(context: ssl.SSLContext, host: str, port: int) -> tuple[bool, str]:
    """Return whether there was a TLS handshake, and what the server held against it afterwards."""
    is_done, alert = False, ""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_LOOK_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            is_done = True
            try:
                async with asyncio.timeout(_ALERT_SECONDS):
                    await reader.read(1)
            except ssl.SSLError as error:
                alert = (error.reason or "").lower().replace("_", " ")
            finally:
                writer.transport.abort()
    return is_done, alert


async def _asks_for_a_login(connection: AIOKafkaConnection) -> bool:
    try:
        answer = await connection.send(SaslHandShakeRequest("SCRAM-SHA-512"))
    except (KafkaError, OSError, TimeoutError):
        return False
    return for_code(answer.error_code) in (NoError, UnsupportedSaslMechanismError)


def _sentence(error: Exception, brokers: Brokers, where: str) -> str | None:
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"the certificate of {where} is not trusted ({error.verify_message}): KAFKA_SSL_CA_FILE has to hold "
                "the authority that signed it, and the certificate the name that KAFKA_BOOTSTRAP_SERVERS has"
            )
        case ssl.SSLError():
            told = (error.reason or str(error)).lower().replace("_", " ")
            return f"{where} does not do TLS as KAFKA_SECURITY_PROTOCOL={brokers.protocol} says ({told})"
        case SaslAuthenticationFailed():
            return (
                f"{where} does not take the login {brokers.username}: KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD is "
                "wrong, or there is no such user yet"
            )
        case UnsupportedSaslMechanismError():
            return f"{where} does not know KAFKA_SASL_MECHANISM={brokers.mechanism}"
        case IllegalSaslStateError():
            return f"{where} takes no logins there: KAFKA_SECURITY_PROTOCOL={brokers.protocol} is not its listener's"
    return None
