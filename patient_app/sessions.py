"""Sessions: which browser or program may speak for which person.

A browser gets a cookie after the passphrase was given; a program on the same machine sends the
token from the file ``token`` below the data folder, which only the device's user can read.
Sessions live in memory: when the process ends, everything is locked again.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import Request, Response

from compliance.errors import NotFoundError
from patient_app import recovering
from patient_app.errors import ForeignRequestError, LockedError
from patient_app.member import Member
from patient_app.newcomers import (
    LABELS,
    MAX_PEOPLE,
    Labels,
    Newcomer,
    UnfitError,
    check_passphrase,
    new_id,
)
from patient_app.pages import PersonChoice
from patient_app.service import Device
from patient_app.tries import Tries
from patient_app.vault import RecoveryCode, WrongPassphraseError

COOKIE = "caretier_device"
UNASKED = "x-caretier-unasked"
"""Header of what a page asks by itself: no session is kept alive by that."""
IDLE_LOOK_SECONDS = 15.0
"""How often is looked for sessions that were idle too long."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass
class Session:
    """An unlocked record in one browser (see `patient_app.pages.DeviceSession`).

    Attributes:
        first: the passphrase was chosen in this session.
    """

    member: Member
    label: str = ""
    first: bool = False
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    seen: float = field(default_factory=time.monotonic)

    @property
    def language(self) -> str:
        """The person's language."""
        return str(self.member.profile["language"])

    @property
    def person_label(self) -> str:
        """What the top bar calls the person: what they chose, else the id of the vault."""
        return self.label or self.member.id

    @property
    def person_id(self) -> str:
        """The id of the vault."""
        return self.member.id

    @property
    def reminds(self) -> bool:
        """Whether to ask now, once, for a recovery code; not on the day that offered it."""
        return not self.first and recovering.reminds(self.member)


class Sessions:
    """All sessions of a device; implements `patient_app.pages.Device`."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._sessions: dict[str, Session] = {}
        self._doors = threading.RLock()
        """Held while a record opens or closes: none closes under a session that begins."""
        self.labels = Labels(device.settings.data / LABELS)
        self._token = _token(device.settings.data / "token")
        self._tries = Tries(self._token, secure=device.settings.secure_cookies)

    def current(self, request: Request) -> Session | None:
        """The session of the request's cookie; ends it after too long without a request."""
        key = request.cookies.get(COOKIE, "")
        session = self._sessions.get(key)
        if session is None:
            return None
        now = time.monotonic()
        if now - session.seen > self._device.settings.session_minutes * 60:
            self._end(key)
            return None
        if UNASKED not in request.headers:
            session.seen = now
        return session

    def language(self, request: Request) -> str | None:
        """Language of the person whose record this browser has open; None without one."""
        session = self._sessions.get(request.cookies.get(COOKIE, ""))
        return session.language if session else None

    def people(self) -> Sequence[PersonChoice]:
        """Everyone with a vault here."""
        labels = self.labels.all()
        return [PersonChoice(p, labels.get(p, p)) for p in self._device.people()]

    def may_add(self, request: Request) -> bool:
        """Whether this browser may make a vault: the first one, or with a record open."""
        return not self._device.people() or self.current(request) is not None

    def add(
        self, request: Request, response: Response, newcomer: Newcomer, passphrase: str
    ) -> None:
        """Make a vault and open it in this browser; a record that was open here is closed.

        Raises:
            ForeignRequestError: there are people here, and none of them is with this browser.
            UnfitError: the device is full.
        """
        with self._doors:  # two browsers must not both be the first
            if not self.may_add(request):
                raise ForeignRequestError(
                    "Somebody has a record on this device already.",
                    remedy="Open a record on this device first, then add the next person.",
                )
            here = self._device.people()
            if len(here) >= MAX_PEOPLE:
                raise UnfitError("full")
            member = self._device.add(new_id(), passphrase)
            member.set_profile(newcomer.profile())
            self.labels.put(member.id, newcomer.label, [*here, member.id])
            self._begin(request.cookies, response, member, first=True)

    def unlock(
        self,
        request: Request,
        response: Response,
        person_id: str,
        passphrase: str,
        recovery: str | None = None,
    ) -> None:
        """Open a record and set a fresh cookie; a record that was open here is closed."""
        with self._tries.one(person_id, request.cookies), self._doors:
            if person_id not in self._device.people():
                raise WrongPassphraseError("The passphrase is wrong.")
            try:
                member = self._device.unlock(person_id, passphrase, recovery)
            except WrongPassphraseError:
                raise WrongPassphraseError("The passphrase is wrong.") from None
            self._begin(request.cookies, response, member)

    def recover(
        self,
        request: Request,
        response: Response,
        person_id: str,
        *,
        code: str,
        new: str,
        recovery: str | None = None,
    ) -> None:
        """Open a record by its recovery code, which is used up, with a passphrase from now on.

        It is not counted among the tries: no guess finds a code, and whoever holds one is not to
        be kept out by the guesses of others.
        """
        read = RecoveryCode.read(code)
        check_passphrase(new, new, self.labels.all().get(person_id, ""))
        with self._doors:
            try:
                member = self._device.recover(person_id, read, new, recovery)
            except (WrongPassphraseError, NotFoundError):
                raise WrongPassphraseError(
                    "This recovery code does not open the record.",
                    remedy="Look whose record is chosen. A code that was used or replaced is void.",
                ) from None
            self.end_others(request, member)
            self._begin(request.cookies, response, member, first=True)

    def _begin(
        self,
        cookies: Mapping[str, str],
        response: Response,
        member: Member,
        *,
        first: bool = False,
    ) -> None:
        """Let a browser speak for a person: a fresh cookie; the session that it had ends."""
        key = secrets.token_urlsafe(32)
        self._sessions[key] = Session(member, self.labels.all().get(member.id, ""), first)
        response.set_cookie(
            COOKIE,
            key,
            httponly=True,
            samesite="strict",
            secure=self._device.settings.secure_cookies,
            path="/",
        )
        self._end(cookies.get(COOKIE, ""))
        self._tries.remember(member.id, cookies, response)

    def lock(self, request: Request, response: Response) -> None:
        """End the session; the vault is closed with its last session."""
        self._end(request.cookies.get(COOKIE, ""))
        response.delete_cookie(COOKIE, path="/")

    def _end(self, key: str) -> None:
        with self._doors:
            session = self._sessions.pop(key, None)
            if session is None or any(s.member is session.member for s in self._sessions.values()):
                return
            self._device.lock(session.member.id)

    def end_idle(self) -> int:
        """End every session that was idle too long, whether or not its browser asks again.

        Returns how many; the vault of a person whose last session ends is closed.
        """
        oldest = time.monotonic() - self._device.settings.session_minutes * 60
        idle = [key for key, session in list(self._sessions.items()) if session.seen < oldest]
        for key in idle:
            self._end(key)
        return len(idle)

    async def idle_loop(self) -> None:
        """Look for idle sessions until cancelled."""
        while True:
            await asyncio.sleep(IDLE_LOOK_SECONDS)
            await asyncio.to_thread(self.end_idle)

    def tried(self, request: Request, member: Member) -> AbstractContextManager[None]:
        """One look at the passphrase of somebody whose record is open: guesses count there too."""
        return self._tries.one(member.id, request.cookies)

    def is_first(self, request: Request) -> bool:
        """Whether the passphrase was chosen in the session of this request."""
        session = self.current(request)
        return session is not None and session.first

    def end_others(self, request: Request, member: Member) -> None:
        """End every session of a person but this browser's: their passphrase is another one."""
        mine = request.cookies.get(COOKIE, "")
        with self._doors:
            for key in [k for k, s in self._sessions.items() if s.member is member and k != mine]:
                self._sessions.pop(key)

    def end_all(self, member: Member) -> None:
        """End every session of a person and forget their name (their vault is gone)."""
        with self._doors:
            self.labels.forget(member.id)
            for key in [k for k, s in self._sessions.items() if s.member is member]:
                self._sessions.pop(key)

    def member(self, request: Request) -> Member:
        """The person that an API call speaks for.

        A browser's call that changes something must carry the CSRF token; a program sends
        ``Authorization: Bearer`` and, where there are several people, ``X-Caretier-Person``.

        Raises:
            LockedError: neither a session nor the token.
            ForeignRequestError: a browser's call without the session's CSRF token.
        """
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(token.encode(), self._token.encode()):
            return self._device.member(request.headers.get("x-caretier-person"))
        session = self.current(request)
        if session is None:
            raise LockedError("The record is locked.")
        given = request.headers.get("x-csrf-token", "")
        good = hmac.compare_digest(given.encode(), session.csrf.encode())
        if request.method not in SAFE_METHODS and not good:
            raise ForeignRequestError("The call did not come from this device's own page.")
        return session.member


def _token(path: Path) -> str:
    """Read the device's API token, or make it (mode 0600)."""
    if not path.is_file():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(32))
    return path.read_text(encoding="utf-8").strip()
