"""Why Postgres does not let this process in, or not do what it has to, where waiting would not help."""

import ssl
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import asyncpg

_PORT: Final = 5432


def why_refused(error: BaseException, database_url: str) -> str | None:
    """
    Return, for an error at a process' start, the sentence that says what a person has to mend; None: waiting may help.

    Args:
        error: One of DATABASE_FAILURES.
        database_url: Where it came from; its password is not told.
    """
    if isinstance(error, OSError):
        return _bad_file(database_url) or _of_connecting(error, _where(database_url))
    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            where = _where(database_url)
            return f"{where} does not let this login in ({error}): see user, password and sslmode in DATABASE_URL"
        case asyncpg.InsufficientPrivilegeError():
            return (
                f"this login may not do what it has to at {_where(database_url)} ({error}): an administrator may run "
                "`patchbay database prepare`"
            )
        case asyncpg.exceptions.ClientConfigurationError():
            return f"DATABASE_URL cannot be used: {error}"
    return None


def _of_connecting(error: OSError, where: str) -> str | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {where} is not trusted ({error.verify_message}): sslrootcert in DATABASE_URL has to "
            "name the authority that signed it, and the certificate the name that DATABASE_URL has"
        )
    if "rejected SSL upgrade" in str(error):
        return f"{where} does not speak TLS, which sslmode in DATABASE_URL asks for"
    return None


def _bad_file(database_url: str) -> str | None:
    named = parse_qs(urlsplit(database_url).query)
    for option in ("sslrootcert", "sslcert", "sslkey"):
        for path in named.get(option, []):
            try:
                if option == "sslrootcert":
                    ssl.create_default_context(cafile=path)
                else:
                    Path(path).read_bytes()
            except OSError as error:
                reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
                return f"DATABASE_URL: {option} cannot be used: {path}: {reason}"
    return None


def _where(database_url: str) -> str:
    parts = urlsplit(database_url)
    return f"Postgres at {parts.hostname or 'the host of the environment'}:{parts.port or _PORT}"
