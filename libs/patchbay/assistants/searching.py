"""How names are compared when one is searched for, or a list sorted by them."""

import unicodedata


def fold_name(name: str) -> str:
    """
    Return `name` such that two spellings of it that people take for the same are the same, whatever their case.

    Source: Unicode 16.0, 3.13 (canonical caseless matching).
    """
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
