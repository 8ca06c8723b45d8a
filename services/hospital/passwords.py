"""Which passwords are taken: long enough, and nothing that is tried first."""

from __future__ import annotations

import itertools
import re

from compliance.errors import BadInputError

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
FEWEST_CHARACTERS = 5
"""Different characters that a password has at least."""
LEAST_OWN = 4
"""Letters that are left when the words that everybody takes are out."""
_SPELLING = str.maketrans("013457@$!", "oieasta" + "si")
_EVERYBODYS = (
    *("password", "passwort", "passphrase", "contrasena", "contraseña", "motdepasse", "clave"),
    *("welcome", "bienvenido", "letmein", "changeme", "secret", "secreto", "login", "admin"),
    *("caretier", "hospital", "clinic", "clinica", "doctor", "nurse", "health", "salud"),
    *("monday", "summer", "winter", "spring", "autumn", "verano", "invierno", "iloveyou"),
    *("qwertyuiop", "qwerty", "asdfghjkl", "asdfgh", "zxcvbnm", "qazwsx", "dragon", "football"),
    *("abcdefghijklmnopqrstuvwxyz", "abcdefgh", "abcdef", "abcd", "abc"),
)


class WeakPasswordError(BadInputError):
    """A password that is too short, too long, or among those that are tried first."""

    kind = "weak-password"
    remedy = "Take several words that do not belong together."


def check_password(password: str, username: str = "") -> None:
    """Let a new password pass.

    Args:
        password: as chosen.
        username: of its account, which it must not be made of.

    Raises:
        WeakPasswordError: it is not taken; nothing of it stands in the message.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise WeakPasswordError(f"A password has at least {SHORTEST_PASSWORD} characters.")
    if len(set(password.lower())) < FEWEST_CHARACTERS or _is_common(password, username):
        raise WeakPasswordError("This password is among those that are tried first.")


def _is_common(password: str, username: str) -> bool:
    """Whether nothing is left of a password but words that everybody takes, runs and digits."""
    left = password.lower()
    own = [username.lower()] if len(username) > LEAST_OWN else []
    for spelled in (left, left.translate(_SPELLING)):
        rest = spelled
        for word in (*own, *_EVERYBODYS):
            rest = rest.replace(word, "")
        letters = " " + re.sub(r"[\W\d_]+", "", rest)
        own_letters = sum(ord(b) - ord(a) not in {0, 1} for a, b in itertools.pairwise(letters))
        if own_letters < LEAST_OWN and not _is_dense(password):
            return True
    return False


def _is_dense(password: str) -> bool:
    """Whether letters, digits and signs are mixed too thoroughly for a word with figures."""
    turns = sum(a.isalpha() != b.isalpha() for a, b in itertools.pairwise(password))
    return turns > len(password) // 2
