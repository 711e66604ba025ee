"""What is printed when Patchbay, or a copy of the past, is ready."""

import shlex
from pathlib import Path

from patchbay.cli.local.copying import Copy
from patchbay.cli.local.directory import ACCOUNT_KEY_FILE
from patchbay.cli.local.opening import Opened
from patchbay.cli.whereabouts import OPERATOR_KEY_FILE


def ready_block(url: str, slug: str, opened: Opened, directory: Path, seconds: float) -> str:
    """Return the block: the address, the key if it is new, and one line of the API that works when pasted."""
    key_file = directory / ACCOUNT_KEY_FILE
    key = f"{opened.api_key}   (shown only now; kept in {key_file})" if opened.is_new_key else f"in {key_file}"
    numbers = ", ".join(number["phone_number"] for number in opened.phone_numbers) or "none"
    body = f'{{"accountSlug": "{slug}", "name": "Sales Agent", "templateId": "outbound-setter"}}'
    curl = (
        f'curl -s {url}/api/assistants -H "Authorization: Bearer $(cat {shlex.quote(str(key_file))})" '
        f"-H 'Content-Type: application/json' -d '{body}'"
    )
    return f"""
Patchbay is ready, {seconds:.1f} s after the start.

  API      {url}
  Account  {slug}
  Key      {key}
  Numbers  {numbers}
  Scripts  start from {directory / "endpoints.json"}

Create an assistant:

  {curl}

Ctrl-C stops everything.
"""


def copy_block(url: str, copy: Copy, directory: Path, seconds: float) -> str:
    """Return the block of a copy: whose, as of when, and the key that opens all of it."""
    key_file = directory / OPERATOR_KEY_FILE
    return f"""
Patchbay is ready, {seconds:.1f} s after the start: a copy of {copy.export}, as of {copy.until or "its end"}.

  API      {url}
  Keys     those of then, as long as they have not expired; an operator's in {key_file}
  Scripts  start from {directory / "endpoints.json"}

Read an account's assistants:

  curl -s "{url}/api/assistants?accountSlug=SLUG" -H "Authorization: Bearer $(cat {shlex.quote(str(key_file))})"

What is written here is in no other log. Ctrl-C stops everything.
"""
