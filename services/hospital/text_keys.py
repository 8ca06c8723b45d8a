"""One key for each referral, in files outside the database: without it, its texts are noise.

Texts of a referral stand in the database sealed under its own key. Erasing destroys the key first,
and with it every copy of those texts, in backups of the database too. So the folder of keys must
not be kept in the same backup as the database: back it up by itself, and keep only its newest copy.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from services.hospital.errors import UnreadableError
from services.hospital.secret_file import KEY_BYTES, TextKey, load_or_create

MARK = "sealed:1:"
"""In front of a sealed text; what has none was written before there were keys."""
_ID = re.compile(r"[0-9a-f-]{36}")


class TextKeys:
    """The keys of a hospital's referrals.

    Args:
        folder: that holds them, each in a file of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def seal(self, id_: str, column: str, text: str) -> str:
        """Seal a text of a referral; its key is made when it has none.

        Raises:
            UnreadableError: its key was destroyed.
        """
        if self._grave(id_).exists():
            raise UnreadableError("This referral was erased.")
        return MARK + TextKey(load_or_create(self._path(id_))).seal(text, f"{id_}/{column}")

    def open(self, id_: str, column: str, stored: str) -> str:
        """Open a text of a referral.

        Raises:
            UnreadableError: its key is not here, or it was sealed to another place.
        """
        if not stored.startswith(MARK):
            return stored
        try:
            key = self._path(id_).read_bytes()
        except OSError:
            raise UnreadableError("The key of this referral is not here.") from None
        if len(key) != KEY_BYTES:
            raise UnreadableError("A key file is damaged.")
        return TextKey(key).open(stored.removeprefix(MARK), f"{id_}/{column}")

    def destroy(self, ids: Iterable[str]) -> int:
        """Destroy keys; returns how many there were.

        Overwriting means little on flash memory; use full-disk encryption under it.
        """
        gone = 0
        for id_ in ids:
            path = self._path(id_)
            self._grave(id_).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._grave(id_).touch(mode=0o600)  # a worker that is at it must not make a new key
            try:
                with path.open("r+b") as file:
                    file.write(secrets.token_bytes(KEY_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
                path.unlink()
                gone += 1
            except FileNotFoundError:
                continue
        return gone

    def forget_graves(self, ids: Iterable[str]) -> None:
        """Take away the marks of destroyed keys whose rows are gone as well."""
        for id_ in ids:
            self._grave(id_).unlink(missing_ok=True)

    def _path(self, id_: str) -> Path:
        if not _ID.fullmatch(id_):
            raise UnreadableError("This is no referral.")
        return self._folder / id_[:2] / id_

    def _grave(self, id_: str) -> Path:
        path = self._path(id_)
        return path.with_name(f"{path.name}.gone")
