"""Which account a list or a write is about, and whether it is open."""

from typing import Final

from patchbay.api.errors import InvalidRequest
from patchbay.api.exchange import Exchange
from patchbay.assistants.errors import Issue
from patchbay.assistants.rejections import AccountNotOpened

ACCOUNT_SLUG: Final = "accountSlug"


async def account_of_query(exchange: Exchange) -> str:
    """
    Return the account that a list is of: the key's own; an operator's key must name one.

    Raises:
        InvalidRequest: An operator's key, and no account.
        OtherAccount: The slug of another account.
        AccountNotOpened: Nobody has opened the account.
    """
    slug = exchange.query.get(ACCOUNT_SLUG)
    principal = exchange.principal
    if slug is None:
        if principal.account_id is not None:
            return principal.account_id
        message = "an operator's key must say which account"
        raise InvalidRequest([Issue(path=ACCOUNT_SLUG, code="required", message=message)])
    account_id = principal.account_of_slug(slug, exchange.backend.log_id)
    await demand_opened(exchange, account_id)
    return account_id


async def demand_opened(exchange: Exchange, account_id: str) -> None:
    """
    Go on only with an account that is open. A key's own is: else it had no key.

    Raises:
        AccountNotOpened: Nobody has opened it.
    """
    if exchange.principal.is_operator and await exchange.backend.accounts.find(account_id) is None:
        raise AccountNotOpened(account_id)
