"""Names of accounts: what is signed in with, and what patients read under a reply.

A name that looks like a colleague's, or turns the text around it about, would sign in their place.
"""

from __future__ import annotations

import re
import unicodedata

from services.hospital.errors import AccountRefusedError

_PARTS = re.compile(r"[^\W\d_]+")
_MIXING = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE")
"""Scripts whose letters look alike."""


def plain_username(typed: str) -> str:
    """What is typed to sign in, as it is kept and looked for: one form of each letter."""
    return unicodedata.normalize("NFKC", typed).strip().lower()


def check_names(username: str, display_name: str) -> None:
    """Let the names of a new account pass.

    Args:
        username: as it is kept.
        display_name: that patients see.

    Raises:
        AccountRefusedError: one holds what cannot be seen, or letters of scripts that look alike.
    """
    spaced = any(letter.isspace() for letter in username)
    if spaced or _is_hidden(username + display_name):
        raise AccountRefusedError("name", "A name is made of what can be seen.")
    if len(_scripts(username)) > 1 or any(
        len(_scripts(part)) > 1 for part in _PARTS.findall(display_name)
    ):
        raise AccountRefusedError("name", "A name is written in one script.")


def _is_hidden(text: str) -> bool:
    """Whether something has no shape of its own: controls, marks of direction, half letters."""
    return any(unicodedata.category(letter)[0] == "C" for letter in text)


def _scripts(text: str) -> set[str]:
    """The scripts of its letters, of those that look alike; every other one is its own."""
    names = (unicodedata.name(letter, "").partition(" ")[0] for letter in text if letter.isalpha())
    return {name for name in names if name in _MIXING}
