"""Wrong passphrases of late: after so many, no more are looked at for a while.

Whoever reaches the device's address could use that up on purpose and keep the owner out. So a
browser in which a record was opened before is counted by itself. It holds a cookie that says so,
for this record alone; only the right passphrase gives one, and it opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from fastapi import Response

from patient_app.errors import TooManyTriesError

TRIES = 5
TRY_SECONDS = 60.0
"""So many wrong passphrases are taken in so many seconds: for all people together from browsers
that are not known, and from each that is."""
KNOWN = "caretier_known_"
"""Name of the cookie, before what stands for the person."""
KNOWN_SECONDS = 365 * 24 * 3600
_ID_BYTES = 12


class Tries:
    """Counts tries; a try counts from when it begins, so that many at once do not pass together.

    Args:
        key: under which cookies are made; the same after a restart.
        secure: whether cookies are for TLS only.
    """

    def __init__(self, key: str, *, secure: bool) -> None:
        self._key, self._secure = key.encode(), secure
        self._begun: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def one(self, person: str, cookies: Mapping[str, str]) -> Iterator[None]:
        """One try, inside; where it raises, it counts as wrong.

        Raises:
            TooManyTriesError: there were too many of late.
        """
        browser, now = self._known(person, cookies), time.monotonic()
        with self._lock:
            late = [t for t in self._begun.get(browser, []) if now - t < TRY_SECONDS]
            if len(late) >= TRIES:
                raise TooManyTriesError("Too many wrong passphrases.")
            self._begun[browser] = [*late, now]
        yield
        with self._lock:
            self._begun[browser].remove(now)

    def remember(self, person: str, cookies: Mapping[str, str], response: Response) -> None:
        """Let the browser be known, in which this person's record was just opened."""
        id_ = self._known(person, cookies) or secrets.token_urlsafe(_ID_BYTES)
        response.set_cookie(
            _name(person),
            f"{id_}.{self._mark(person, id_)}",
            max_age=KNOWN_SECONDS,
            path="/",
            httponly=True,
            samesite="strict",
            secure=self._secure,
        )

    def _known(self, person: str, cookies: Mapping[str, str]) -> str:
        """Id of a browser that is known for this person; empty for every other."""
        id_, _, mark = cookies.get(_name(person), "").partition(".")
        good = hmac.compare_digest(mark.encode(), self._mark(person, id_).encode())
        return id_ if id_ and good else ""

    def _mark(self, person: str, id_: str) -> str:
        said = f"caretier/known-browser\0{person}\0{id_}".encode()
        return hmac.digest(self._key, said, hashlib.sha256).hex()


def _name(person: str) -> str:
    return KNOWN + hashlib.sha256(person.encode()).hexdigest()[:16]
