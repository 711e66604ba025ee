"""
Why a command ends without having done its work; each message is one sentence or two that say what to do.

CliError            exit code 1
├── NotRunning      nothing is known of a running Patchbay
├── Unreachable     the API or the log does not answer
├── Refused         the API said no
├── Unsettled       it is not known yet what became of a write
├── LogUnreadable   what the log holds is not what it was, or not a log
├── Unwell          something is wrong with what runs
├── Interrupted     Ctrl-C
├── BadUsage        exit code 2: an argument or a variable of the environment is wrong
│   └── BadFile     a file is wrong
├── Moved           exit code 3: somebody else was faster
├── Differs         exit code 4: there is something to apply
└── Unexamined      exit code 5: nothing wrong was found, but not everything could be looked at
"""

from typing import ClassVar


class CliError(Exception):
    """A command cannot do its work."""

    exit_code: ClassVar[int] = 1
    default_code: ClassVar[str] = "failed"

    def __init__(self, sentence: str, *, code: str | None = None) -> None:
        """`code` is stable snake_case, for scripts."""
        super().__init__(sentence)
        self.code = code or self.default_code


class NotRunning(CliError):
    """Nothing is known of a running Patchbay."""

    default_code = "not_running"


class Unreachable(CliError):
    """The API or the log does not answer."""

    default_code = "unreachable"


class Refused(CliError):
    """The API said no."""

    def __init__(self, sentence: str, *, status: int, code: str) -> None:
        """`status` and `code` are those of the API's answer."""
        super().__init__(sentence, code=code)
        self.status = status


class Unsettled(CliError):
    """It is not known yet what became of a write."""

    default_code = "unsettled"


class LogUnreadable(CliError):
    """What the log holds is not what it was, or not a log."""

    default_code = "log_unreadable"


class Unwell(CliError):
    """Something is wrong with what runs."""

    default_code = "unwell"


class Interrupted(CliError):
    """Somebody pressed Ctrl-C."""

    default_code = "interrupted"


class BadUsage(CliError):
    """An argument or a variable of the environment is wrong."""

    exit_code = 2
    default_code = "bad_usage"


class BadFile(BadUsage):
    """A file is wrong."""

    default_code = "bad_file"


class Moved(CliError):
    """Somebody else has changed what a file stands for."""

    exit_code: ClassVar[int] = 3
    default_code = "moved"


class Differs(CliError):
    """There is something to apply, as was asked."""

    exit_code: ClassVar[int] = 4
    default_code = "differs"


class Unexamined(CliError):
    """Nothing wrong was found, but not everything could be looked at."""

    exit_code: ClassVar[int] = 5
    default_code = "unexamined"
