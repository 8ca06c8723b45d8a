"""Accounts of the portal: Argon2id passwords, sessions with automatic logoff, keys for programs."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NoReturn, get_args
from uuid import uuid4

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import ARGON2_VERSION
from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from compliance.errors import BadInputError, NotFoundError
from services.hospital.audited import Auditor, Caller
from services.hospital.browsers import Browsers
from services.hospital.errors import NotAllowedError, SignInError
from services.hospital.keys import ApiKeys, digest_of
from services.hospital.models import PortalSession, User
from services.hospital.naming import check_names, plain_username
from services.hospital.notices.telling import notify, notify_role
from services.hospital.passwords import LONGEST_PASSWORD, check_password
from services.hospital.sessions import end_sessions
from services.hospital.throttle import Throttle
from services.store.database import Database
from services.store.rows import changed as rows_changed
from services.store.rows import idle

Role = Literal["clinician", "operator", "privacy", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
FAILURES_BEFORE_LOCK = 5
LOCK = timedelta(minutes=5)
LONGEST_LOCK = timedelta(hours=1)
"""A lock is twice as long each time, up to this, until somebody signs in."""
LONGEST_SESSION = timedelta(hours=12)
FRESH = timedelta(minutes=10)
"""A proof of who somebody is counts for so long where accounts are changed."""
_STAFF = re.compile(
    r"(Practitioner|PractitionerRole|Organization|HealthcareService)/[A-Za-z0-9.-]{1,64}"
)
LONGEST_STAFF = 400


def staff_list(acts_as: Sequence[str]) -> str | None:
    """What an account stands for, as it is kept.

    Raises:
        BadInputError: something else than staff is named, or too much.
    """
    kept = " ".join(acts_as)
    if len(kept) > LONGEST_STAFF or not all(_STAFF.fullmatch(one) for one in acts_as):
        raise BadInputError("An account stands for Practitioner/id, Organization/id and such.")
    return kept or None


def _decoy(hasher: PasswordHasher) -> str:
    """The hash of no password: it takes as long to look at as any other, and none to make."""
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, drawn = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
        for size in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${drawn}"


@dataclass(frozen=True)
class SignedIn:
    """A user with the CSRF token of the session, and the address that the request came from.

    ``session`` is the digest of the cookie, ``proved`` when the person last proved who they are.
    """

    user: User
    csrf: str
    client: str | None = None
    session: str = ""
    proved: datetime | None = None

    def is_fresh(self) -> bool:
        """Whether the person proved who they are a short while ago."""
        return self.proved is not None and datetime.now(UTC) - self.proved <= FRESH

    def check_csrf(self, token: str | None) -> None:
        """Compare a form's token in constant time.

        Raises:
            NotAllowedError: it is not this session's.
        """
        if token is None or not hmac.compare_digest(token.encode(), self.csrf.encode()):
            raise NotAllowedError("The form did not come from this session.")


class Accounts:
    """Users, sessions and API keys of one hospital.

    Args:
        database: where they are.
        idle: a session ends after so long without a request.
        auditor: writes down who signs in and which keys are made; None in tests of other things.
        throttle: counts the failures of addresses.
    """

    def __init__(
        self,
        database: Database,
        *,
        idle: timedelta = timedelta(minutes=20),
        auditor: Auditor | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        self._database, self._idle, self._auditor = database, idle, auditor
        self._throttle = throttle or Throttle(0)
        self.browsers = Browsers(database)
        self.keys = ApiKeys(database, auditor)
        self._hasher = PasswordHasher()
        self._decoy = _decoy(self._hasher)

    def add_user(
        self,
        username: str,
        password: str,
        display_name: str,
        role: Role,
        *,
        acts_as: Sequence[str] = (),
    ) -> User:
        """Make an account.

        Args:
            username: to sign in with.
            password: first one.
            display_name: that patients see under a signed reply.
            role: of the account.
            acts_as: what it stands for in the record, see `services.hospital.treatment`.

        Raises:
            BadInputError: the name is taken, the password is too short or too long, or
                ``acts_as`` names something else than staff.
        """
        user = self.new_user(username, password, display_name, role, acts_as=acts_as)
        try:
            with self._database.transaction() as session:
                session.add(user)
        except IntegrityError:
            raise BadInputError("There is a user of this name already.") from None
        return user

    def new_user(
        self,
        username: str,
        password: str,
        display_name: str,
        role: str,
        *,
        acts_as: Sequence[str] = (),
    ) -> User:
        """An account that is not kept yet; arguments and errors as of `add_user`."""
        name = plain_username(username)
        check_names(name, display_name)
        check_password(password, name)
        if role not in ROLES:
            raise BadInputError("A role is clinician, operator, privacy or admin.")
        return User(
            id=str(uuid4()),
            username=name,
            display_name=display_name,
            role=role,
            password=self.hashed(password),
            acts_as=staff_list(acts_as),
            created=datetime.now(UTC),
        )

    def hashed(self, password: str) -> str:
        """The Argon2id hash under which a password is kept."""
        return self._hasher.hash(password)

    def sign_in(self, username: str, password: str, *, client: str | None = None) -> str:
        """Check a password and open a session; returns the cookie's value.

        Args:
            username: as typed.
            password: as typed.
            client: network address of the browser, for the audit trail.

        Raises:
            SignInError: one sentence for every cause.
            AuditError: it could not be written down; there is no session.
        """
        user = self.check(username, password, client=client)
        return self.open_session(user, "password", client=client)

    def check(
        self,
        username: str,
        password: str,
        *,
        client: str | None = None,
        cookie: str | None = None,
    ) -> User:
        """The user of a name and password; an unknown name takes as long as a wrong password.

        Args:
            username: as typed.
            password: as typed.
            client: network address of the browser, for the audit trail.
            cookie: by which the account may know the browser (`services.hospital.browsers`).

        Raises:
            SignInError: one sentence for every cause.
            AuditError: the failure could not be written down.
        """
        name = plain_username(username.replace("\x00", "\ufffd"))  # PostgreSQL takes no NUL
        with self._database.reading() as session:
            user = session.scalar(select(User).where(User.username == name))
        known = self.browsers.knows(user.id if user else "", cookie)
        if not known:
            self._admit_address("password", client)
        fits = len(password) <= LONGEST_PASSWORD
        given = password if fits else ""  # hashing megabytes would be an attack on this process
        good = self._matches(user.password if user else self._decoy, given) and fits
        if user is None or user.disabled or (user.is_locked() and not known):
            self.refuse(user, "password", client)
        if not good:
            self.count_failure(user, cookie)
            self.refuse(user, "password", client)
        return user

    def admit(
        self,
        method: str,
        client: str | None,
        user: User | None = None,
        cookie: str | None = None,
    ) -> None:
        """Look at no proof where too many were wrong lately, good or not.

        Too many of an address, or for an account that does not know the browser.

        Raises:
            SignInError: one sentence for every cause.
            AuditError: it could not be written down.
        """
        if user is not None and not user.disabled and self.browsers.knows(user.id, cookie):
            return
        self._admit_address(method, client)
        if user is not None and user.is_locked():
            self.refuse(user, method, client)

    def _admit_address(self, method: str, client: str | None) -> None:
        """Turn an address away that failed too often lately.

        That it has to wait is written down once in that time: nobody fills the trail by asking.
        """
        if self._throttle.is_full(client):  # which is no further failure: it would never end
            if self._throttle.is_news(client):
                self._turn_away(None, method, client)
            raise SignInError("You could not be signed in.")

    def refuse(self, user: User | None, method: str, client: str | None) -> NoReturn:
        """Write a failed sign-in down, and say the one sentence for every cause.

        What was typed as a name is not written: it may be a password.

        Raises:
            SignInError: always.
        """
        self._throttle.failed(client)
        self._turn_away(user, method, client)

    def _turn_away(self, user: User | None, method: str, client: str | None) -> NoReturn:
        """Write it down and say the one sentence."""
        if self._auditor is not None:
            id_, role = (user.id, user.role) if user else ("unknown", "unknown")
            self._auditor.sign_in(Caller.user(id_, role, client), method, "4")
        raise SignInError("You could not be signed in.")

    def open_session(
        self,
        user: User,
        method: str,
        *,
        client: str | None = None,
        browser: str | None = None,
        cookie: str | None = None,
        fresh: bool = True,
    ) -> str:
        """Open a session for a user who has proved who they are; returns the cookie's value.

        Args:
            user: whose proof was just looked at.
            method: how it was proved, ``password+totp`` for example.
            client: network address of the browser.
            browser: its kind, see `services.hospital.sessions.browser_of`.
            cookie: by which the account may know it; what others failed at stays counted then.
            fresh: whether the proof is one by which accounts may be changed.

        Raises:
            SignInError: the account was locked or disabled meanwhile.
            AuditError: it could not be written down; there is no session.
        """
        now = datetime.now(UTC)
        token = secrets.token_urlsafe(32)
        with self._database.transaction() as session:
            mine = update(User).where(User.id == user.id, User.disabled.is_(False))
            if not self.browsers.still_knows(session, user.id, cookie):
                # looked at again: of many tries at once, only those before the lock count
                free = or_(User.locked_until.is_(None), User.locked_until <= now)
                mine = mine.where(free).values(failures=0, locked_until=None)
            opened = session.execute(mine.values(last_seen=now))
            if rows_changed(opened) != 1:
                raise SignInError("You could not be signed in.")
            if self._auditor is not None:
                self._auditor.sign_in(Caller.user(user.id, user.role, client), method)
            session.add(
                PortalSession(
                    digest=digest_of(token),
                    user_id=user.id,
                    csrf=secrets.token_urlsafe(24),
                    seen=now,
                    expires=now + LONGEST_SESSION,
                    proved=now if fresh else None,
                    client=(client or "")[:64] or None,
                    browser=browser,
                )
            )
        return token

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except VerifyMismatchError:
            return False

    def count_failure(self, user: User, cookie: str | None = None) -> None:
        """Count a wrong proof: of a browser that the account knows, or of everybody else.

        After so many of the others the account is locked for a while to browsers that it does not
        know, and its owner and the administrators are told.
        """
        now = datetime.now(UTC)
        with self._database.transaction() as session:
            more = self.browsers.failed(session, user.id, cookie)
            if not more:
                return
            mine = User.id == user.id
            session.execute(update(User).where(mine).values(failures=User.failures + more))
            failures = session.scalar(select(User.failures).where(mine)) or 0
            locks = failures // FAILURES_BEFORE_LOCK
            if locks > (failures - more) // FAILURES_BEFORE_LOCK:
                until = now + min(LOCK * 2 ** min(locks - 1, 10), LONGEST_LOCK)
                session.execute(update(User).where(mine).values(locked_until=until))
                notify(session, user.id, "guessed", user.id)
                notify_role(session, "admin", "guessed-at", user.id)

    def signed_in(self, token: str | None, *, touch: bool = True) -> SignedIn | None:
        """The user of a session cookie, or None.

        Args:
            token: out of the cookie.
            touch: move the automatic logoff on; not where a page asks by itself.
        """
        if not token:
            return None
        now = datetime.now(UTC)
        with self._database.reading() as session:
            row = session.get(PortalSession, digest_of(token))
            user = session.get(User, row.user_id) if row else None
        if row is None or user is None or user.disabled:
            return None
        if row.expires < now or row.seen + self._idle < now:
            self.sign_out(token)
            return None
        if touch and now - row.seen > timedelta(seconds=30):
            with self._database.transaction() as session:
                session.execute(update(User).where(User.id == user.id).values(last_seen=now))
                session.execute(
                    update(PortalSession).where(PortalSession.digest == row.digest).values(seen=now)
                )
        return SignedIn(user, row.csrf, session=row.digest, proved=row.proved)

    def is_open(self, digest: str) -> bool:
        """Whether a session, named by the digest of its cookie, has not ended."""
        now = datetime.now(UTC)
        with self._database.reading() as session:
            row = session.get(PortalSession, digest)
        return row is not None and row.expires >= now and row.seen + self._idle >= now

    def from_provider(self, subject: str, name: str, role: Role) -> User:
        """The account of somebody whom the identity provider knows, with the role that it says.

        Raises:
            SignInError: the account was disabled here.
        """
        try:
            return self._from_provider(subject, name, role)
        except IntegrityError:  # they came for the first time twice at once
            return self._from_provider(subject, name, role)

    def _from_provider(self, subject: str, name: str, role: Role) -> User:
        with self._database.transaction() as session:
            user = session.scalar(select(User).where(User.subject == subject))
            if user is None:
                user = User(
                    id=str(uuid4()),
                    username=f"provider:{digest_of(subject)[:32]}",
                    password=self._hasher.hash(secrets.token_urlsafe(32)),
                    subject=subject,
                    created=datetime.now(UTC),
                    disabled=False,
                    failures=0,
                )
                session.add(user)
            elif user.role != role:
                if self._auditor is not None:
                    by = Caller.user(user.id, user.role)
                    self._auditor.account(by, user.id, "role", role=role, before=user.role)
                end_sessions(session, user.id)
            user.display_name, user.role = name, role
        if user.disabled:
            raise SignInError("You could not be signed in.")
        return user

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._database.transaction() as session:
            session.execute(delete(PortalSession).where(PortalSession.digest == digest_of(token)))

    def users(self) -> list[User]:
        """Every account, by name."""
        with self._database.reading() as session:
            return list(session.scalars(select(User).order_by(User.username)))

    def user(self, id_: str) -> User:
        """One account; raises NotFoundError."""
        with self._database.reading() as session:
            user = session.get(User, id_)
        if user is None:
            raise NotFoundError("There is no such user.")
        return user

    def new_key(self, name: str, scopes: str, *, patient: str | None = None) -> str:
        """Make an API key, see `ApiKeys.make`; it is shown this once."""
        return self.keys.make(name, scopes, patient=patient)

    def key_allows(self, key: str, scope: str) -> bool:
        """Whether an API key is good and has a plain scope."""
        found = self.keys.find(key)
        return found is not None and found.scopes.has(scope)

    def forget_expired(self) -> int:
        """Delete sessions that are over; returns how many."""
        with self._database.transaction() as session:
            over = idle(PortalSession, PortalSession.expires < datetime.now(UTC))
            return rows_changed(session.execute(delete(PortalSession).where(over)))
