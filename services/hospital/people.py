"""Accounts as administrators change them: each change is written down first, and ends sessions.

Nobody changes their own account here, and an administrator who can sign in is always left. What a
person chooses for themselves (`Own`) is a password and which of their sessions go on. A password is
never typed by somebody else: a new account, and one whose password was lost, gets a code that is
shown once, good once and for a day. Rights that are given are told to privacy officers and to the
other administrators.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.hospital.accounts import ROLES, Accounts, staff_list
from services.hospital.audited import SHELL, Auditor, Caller
from services.hospital.errors import (
    AccountRefusedError,
    CodeOverError,
    NotAllowedError,
    SignInError,
)
from services.hospital.factors import Factors
from services.hospital.models import PendingSignIn, User
from services.hospital.notices import notify
from services.hospital.notices.telling import people
from services.hospital.passwords import check_password
from services.hospital.pending import Pending, PendingSignIns
from services.hospital.sessions import end_sessions
from services.store.database import Database

ADMIN = "admin"
CODE_LASTS = timedelta(days=1)
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""None of them is taken for another on paper."""
_GROUPS, _GROUP = 5, 5
SHORTEST_WHY, LONGEST_WHY = 5, 200


@dataclass(frozen=True)
class Named:
    """What an account is made of."""

    username: str
    display_name: str
    role: str
    acts_as: Sequence[str] = ()


class People:
    """The accounts of one hospital, as its administrators see them.

    Args:
        database: where they are.
        accounts: hashes passwords, makes accounts.
        factors: second factors.
        pending: keeps the codes.
        auditor: writes every change down.
    """

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        factors: Factors,
        pending: PendingSignIns,
        auditor: Auditor,
    ) -> None:
        self.database, self.accounts, self.factors = database, accounts, factors
        self._pending, self._auditor = pending, auditor

    def add(self, named: Named, by: Caller) -> tuple[User, str]:
        """Make an account without a password; returns it with the code for the first one.

        Raises:
            NotAllowedError: who asks is no administrator.
            BadInputError: the role is unknown, or it would stand for something else than staff.
            AccountRefusedError: the name is empty or taken.
            AuditError: it could not be written down; there is no account.
        """
        made = self.accounts.new_user(
            named.username, secrets.token_urlsafe(32), named.display_name, named.role,
            acts_as=named.acts_as,
        )  # fmt: skip
        with self.database.transaction() as session:
            _let(session, by)
            taken = session.scalar(select(User.id).where(User.username == made.username))
            if taken is not None or not made.username or made.username.startswith("provider:"):
                raise AccountRefusedError("name", "There is a user of this name already.")
            self._auditor.account(by, made.id, "made", role=made.role)
            session.add(made)
            _tell(session, made.id, by)
        return made, self._code(made)

    def new_code(self, id_: str, by: Caller) -> str:
        """Make the password void and give a code for a new one; its sessions and codes end.

        Raises:
            AccountRefusedError: it is one's own, or the identity provider's.
            NotAllowedError, NotFoundError, AuditError: as elsewhere.
        """
        with self._changing(id_, by) as (session, user):
            if user.subject is not None:
                raise AccountRefusedError("provider", "The identity provider has its password.")
            self._auditor.account(by, id_, "password-voided")
            user.password = self.accounts.hashed(secrets.token_urlsafe(32))
            end_sessions(session, id_)
            _forget_codes(session, id_)
            _tell(session, id_, by)
        return self._code(user)

    def set_role(self, id_: str, role: str, why: str, by: Caller) -> None:
        """Give another role, for a reason; its sessions end.

        Raises:
            AccountRefusedError: it is one's own, the last administrator's, the provider's, or
                there is no reason.
            NotAllowedError, NotFoundError, AuditError: as elsewhere.
        """
        if role not in ROLES:
            raise AccountRefusedError("role", "There is no such role.")
        if len(why.strip()) < SHORTEST_WHY:
            raise AccountRefusedError("why", "A change of role has a reason.")
        with self._changing(id_, by) as (session, user):
            if user.subject is not None:
                raise AccountRefusedError("provider", "The identity provider gives its role.")
            if role != ADMIN:
                _keep_an_admin(session, user)
            said = why.strip()[:LONGEST_WHY]
            self._auditor.account(by, id_, "role", said, role=role, before=user.role)
            user.role = role
            end_sessions(session, id_)
            _tell(session, id_, by)

    def set_disabled(self, id_: str, by: Caller, *, disabled: bool) -> None:
        """Shut an account, at once, or open it again.

        Raises:
            AccountRefusedError: it is one's own, or the last administrator's.
            NotAllowedError, NotFoundError, AuditError: as elsewhere.
        """
        with self._changing(id_, by) as (session, user):
            if disabled:
                _keep_an_admin(session, user)
                end_sessions(session, id_)
                _forget_codes(session, id_)
            self._auditor.account(by, id_, "disabled" if disabled else "enabled")
            user.disabled, user.failures, user.locked_until = disabled, 0, None

    def set_acts_as(self, id_: str, acts_as: Sequence[str], by: Caller) -> None:
        """Say what an account stands for in the record; its charts open or close at once.

        Raises:
            BadInputError: something else than staff is named.
            AccountRefusedError: it is one's own.
            NotAllowedError, NotFoundError, AuditError: as elsewhere.
        """
        kept = staff_list(acts_as)
        with self._changing(id_, by) as (session, user):
            self._auditor.account(by, id_, "acts-as", to=kept or "-")
            user.acts_as = kept
            _tell(session, id_, by)

    def end_sessions(self, id_: str, by: Caller) -> int:
        """Sign an account out everywhere; returns of how many sessions."""
        with self._changing(id_, by) as (session, _user):
            self._auditor.account(by, id_, "sessions-ended")
            return end_sessions(session, id_)

    def reset_factor(self, id_: str, by: Caller) -> bool:
        """Take a lost second factor away, and end the sessions; returns whether there was one."""
        with self._changing(id_, by) as (session, user):
            end_sessions(session, id_)
            _tell(session, id_, by)
        return self.factors.remove(user, by)

    def redeem(self, code: str, password: str, client: str | None) -> User:
        """Choose a password by a code, which is used up; returns whose it is.

        Raises:
            CodeOverError: one word for a code that is wrong, used, too old or of a shut account.
            WeakPasswordError: the password is not taken; the code stays good.
            AuditError: it could not be written down; the password is not changed.
        """
        found, user = self._invited(code, client)
        check_password(password, user.username)
        hashed = self.accounts.hashed(password)
        if not self._pending.end(found):
            raise CodeOverError("This code is not good.")
        with self.database.transaction() as session:
            row = session.get_one(User, user.id)
            by = Caller.user(user.id, user.role, client)
            self._auditor.account(by, user.id, "password-chosen")
            row.password, row.failures, row.locked_until = hashed, 0, None
            end_sessions(session, user.id)
        return user

    def _invited(self, code: str, client: str | None) -> tuple[Pending, User]:
        """What a code stands for; one that is not good counts as a failed sign-in does.

        Raises:
            CodeOverError, AuditError: as of `redeem`.
        """
        try:
            self.accounts.admit("code", client)
            found = self._pending.find(_plain(code), "welcome")
            user = self.accounts.user(found.user) if found and found.user else None
            if found is None or user is None or user.disabled:
                self.accounts.refuse(None, "code", client)
        except SignInError:
            raise CodeOverError("This code is not good.") from None
        return found, user

    def change_password(self, user: User, password: str, *, keep: str, client: str | None) -> None:
        """Take a person's own new password; their other sessions end.

        The caller has looked at the old one.

        Raises:
            AccountRefusedError: the identity provider has it.
            WeakPasswordError: it is not taken.
            AuditError: it could not be written down; the old one stays.
        """
        if user.subject is not None:
            raise AccountRefusedError("provider", "The identity provider has its password.")
        check_password(password, user.username)
        hashed = self.accounts.hashed(password)
        with self.database.transaction() as session:
            by = Caller.user(user.id, user.role, client)
            self._auditor.account(by, user.id, "password-changed")
            session.get_one(User, user.id).password = hashed
            end_sessions(session, user.id, but=keep)
            _forget_codes(session, user.id)

    def end_others(self, user: User, *, keep: str, client: str | None) -> int:
        """Sign a person out everywhere but here; returns of how many sessions."""
        with self.database.transaction() as session:
            self._auditor.account(Caller.user(user.id, user.role, client), user.id, "signed-out")
            return end_sessions(session, user.id, but=keep)

    def waiting(self) -> frozenset[str]:
        """Ids of accounts that have a code which was not used yet."""
        query = select(PendingSignIn.user_id).where(PendingSignIn.kind == "welcome")
        with self.database.reading() as session:
            return frozenset(id_ for id_ in session.scalars(query) if id_)

    def listed(self, by: Caller, count: int) -> None:
        """Write down that the list of accounts is given out."""
        self._auditor.account(by, "all", "listed", count=str(count))

    @contextmanager
    def _changing(self, id_: str, by: Caller) -> Iterator[tuple[Session, User]]:
        """One transaction on somebody else's account, by who may."""
        self.accounts.user(id_)
        with self.database.transaction() as session:
            _let(session, by)
            if by.person is not None and by.person.id == id_:
                raise AccountRefusedError("own", "Nobody changes their own account here.")
            yield session, session.get_one(User, id_)

    def _code(self, user: User) -> str:
        parts = ["".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS)]
        self._pending.keep("".join(parts), "welcome", user.id, CODE_LASTS)
        return "-".join(parts)


def _let(session: Session, by: Caller) -> None:
    """Look at the role again, in the transaction: it may have been taken away meanwhile.

    Raises:
        NotAllowedError: who asks is no administrator, or no longer.
    """
    if by.application == SHELL:
        return
    # administrators are changed in turn, or two could shut each other out
    held = select(User).where(User.role == ADMIN).order_by(User.id).with_for_update()
    admins = {user.id for user in session.scalars(held) if not user.disabled}
    if by.person is None or by.person.id not in admins:
        raise NotAllowedError("Only an administrator changes accounts.")


def _keep_an_admin(session: Session, user: User) -> None:
    """Refuse to take the last administrator who can sign in.

    Raises:
        AccountRefusedError: this is the last one.
    """
    if user.role != ADMIN or user.disabled:
        return
    left = select(User.id).where(User.role == ADMIN, User.disabled.is_(False), User.id != user.id)
    if session.scalar(left.limit(1)) is None:
        raise AccountRefusedError("last", "This is the last administrator.")


def _tell(session: Session, account: str, by: Caller) -> None:
    """Tell privacy officers and the other administrators of rights, or a way in, that were given.

    An administrator sees no patient, but could make themselves a clinician's account, or a code to
    somebody's; whoever does is seen by others.
    """
    doing = {account, *([by.person.id] if by.person else [])}
    for role, kind in (("privacy", "rights-given"), (ADMIN, "rights-given-by")):
        for id_ in people(session, role):
            if id_ not in doing:
                notify(session, id_, kind, account)


def _forget_codes(session: Session, user: str) -> None:
    session.execute(
        delete(PendingSignIn).where(PendingSignIn.user_id == user, PendingSignIn.kind == "welcome")
    )


def _plain(code: str) -> str:
    """A code as it is kept, however it was typed."""
    return "".join(part for part in code.upper()[:80] if part in _LETTERS)
