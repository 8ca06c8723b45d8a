"""Making a person on this device: what they say of themselves, and who may let them in.

A vault is made without a session only while the device has none, by whoever set it up. From then
on somebody with an open record lets the next one in: another user of the machine, who reaches the
same loopback address, can neither fill the disk with vaults nor put a name among the people.

What the list of people calls each is kept beside the vaults, for it is shown before one opens.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from compliance.errors import BadInputError

MAX_PEOPLE = 12
"""Vaults on one device: each costs memory while it opens, and a list must stay readable."""
MAX_LABEL_CHARS = 40
MIN_PASSPHRASE_CHARS = 10
LEAST_DIFFERENT = 5
"""Different characters that a passphrase has at least."""
LEAST_OWN = 6
"""Characters that it has at least beside words and runs that are guessed first."""
OLDEST_YEARS = 130
_GUESSED_FIRST = re.compile(
    "pass(word|phrase|code)|contraseña|qwert[yz]|asdf(gh)?|letmein|iloveyou|tequiero|welcome|caretier"
)
_RUN = re.compile(r"\d{3,}")
_NUMBER = re.compile(r"[\d\s./-]+")
_DIGITS = "01234567890"


class UnfitError(BadInputError):
    """What a newcomer wrote cannot be taken; ``reason`` names the sentence of the catalogue."""

    def __init__(self, reason: str) -> None:
        super().__init__("The form cannot be taken as it is.")
        self.reason = reason


def may_be_born(day: date, today: date) -> bool:
    """Whether somebody who lives may be born on a day."""
    return day <= today and today.year - day.year <= OLDEST_YEARS


@dataclass(frozen=True)
class Newcomer:
    """Somebody who is to have a vault here.

    Attributes:
        label: what the list of people calls them, on this device only.
        language: ``en`` or ``es``.
        born: day of birth; None when it was not said.
        carer: somebody who cares for them asks for them.
    """

    label: str
    language: str
    born: date | None = None
    carer: bool = False

    @classmethod
    def read(cls, label: str, language: str, born: str, *, carer: bool, today: date) -> Newcomer:
        """Check what a form says.

        Raises:
            UnfitError: the name is missing or too long, or the day is none to be born on.
        """
        name = " ".join(label.split())
        if not name or len(name) > MAX_LABEL_CHARS or not name.isprintable():
            raise UnfitError("label")
        try:
            day = date.fromisoformat(born) if born else None
        except ValueError:
            raise UnfitError("born") from None
        if day is not None and not may_be_born(day, today):
            raise UnfitError("born")
        return cls(name, language, day, carer)

    def profile(self) -> dict[str, Any]:
        """The profile to begin with."""
        return {"language": self.language, "born": self.born, "carer": self.carer}


def check_passphrase(passphrase: str, again: str, label: str) -> None:
    """Refuse a passphrase that a guess would find, or that was mistyped.

    Raises:
        UnfitError: too short, too plain, holds the name, or differs from the second one.
    """
    if len(passphrase) < MIN_PASSPHRASE_CHARS:
        raise UnfitError("short")
    rest = passphrase.lower().replace(label.lower(), "") if label else passphrase.lower()
    if len(rest) < MIN_PASSPHRASE_CHARS:
        raise UnfitError("named")
    if len(set(passphrase.lower())) < LEAST_DIFFERENT or _is_plain(rest):
        raise UnfitError("plain")
    require_same(passphrase, again)


def require_same(passphrase: str, again: str) -> None:
    """Refuse a passphrase that was mistyped.

    Raises:
        UnfitError: it differs from the second one.
    """
    if passphrase != again:
        raise UnfitError("again")


def _is_plain(passphrase: str) -> bool:
    """Whether too little is left of it without what is guessed first; a date or number is."""
    rest = _RUN.sub(lambda run: "" if run[0] in _DIGITS else run[0], passphrase)
    rest = _GUESSED_FIRST.sub("", rest).strip()
    return len(rest) < LEAST_OWN or not _NUMBER.sub("", rest)


LABELS = "people.json"
"""The file of `Labels`, in the device's data folder."""


class Labels:
    """What the list calls each person: one small file that only the device's user reads.

    Args:
        path: of the file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> dict[str, str]:
        """Label by the id of the vault; a file that cannot be read names nobody."""
        try:
            held = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(k): str(v) for k, v in held.items()} if isinstance(held, dict) else {}

    def put(self, person: str, label: str, here: list[str]) -> None:
        """Name a person; those who have no vault ``here`` any more are forgotten."""
        kept = {id_: name for id_, name in self.all().items() if id_ in here}
        self._write(kept | {person: label})

    def forget(self, person: str) -> None:
        """Forget a person whose vault is gone."""
        held = self.all()
        if held.pop(person, None) is not None:
            self._write(held)

    def _write(self, held: dict[str, str]) -> None:
        draft = self._path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(held, file, ensure_ascii=False)
        draft.replace(self._path)


def new_id() -> str:
    """An id for a vault's folder, which tells no name."""
    return f"p-{secrets.token_hex(4)}"
