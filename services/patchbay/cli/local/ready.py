"""What is printed when Patchbay is ready."""

import shlex
from pathlib import Path

from patchbay.cli.local.directory import ACCOUNT_KEY_FILE
from patchbay.cli.local.opening import Opened


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
