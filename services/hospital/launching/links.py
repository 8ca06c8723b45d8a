"""Which account here stands for whom at an EHR; an operator says so."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from compliance.errors import BadInputError, NotFoundError
from services.hospital.audited import Auditor, Caller
from services.hospital.errors import SignInError
from services.hospital.id_token import subject_of
from services.hospital.models import User
from services.store.database import Database


class Links:
    """The links of one hospital; an account has at most one.

    Args:
        database: where the accounts are.
        auditor: writes down who was linked.
    """

    def __init__(self, database: Database, auditor: Auditor) -> None:
        self._database, self._auditor = database, auditor

    def user_of(self, subject: str) -> User | None:
        """The account that stands for somebody, see `subject_of`."""
        with self._database.reading() as session:
            return session.scalar(select(User).where(User.subject == subject))

    def link(self, username: str, issuer: str, id_: str, by: Caller) -> None:
        """Let an account stand for somebody at an EHR.

        Raises:
            NotFoundError: there is no such account.
            BadInputError: the account stands for somebody already, somebody else's account does
                for this person, or that is no name.
            AuditError: it could not be written down; nothing is linked.
        """
        try:
            self._set(username, subject_of(issuer, id_), by)
        except SignInError:
            raise BadInputError("Issuer and id together have 1 to 255 characters.") from None
        except IntegrityError:
            raise BadInputError("Another account stands for this person already.") from None

    def unlink(self, username: str, by: Caller) -> None:
        """Take a link away; errors as `link`."""
        self._set(username, None, by)

    def _set(self, username: str, subject: str | None, by: Caller) -> None:
        name = username.strip().lower()
        with self._database.transaction() as session:
            user = session.scalar(select(User).where(User.username == name))
            if user is None:
                raise NotFoundError("There is no such account.")
            if subject is not None and user.subject is not None:
                raise BadInputError("The account stands for somebody already; unlink it first.")
            session.execute(update(User).where(User.id == user.id).values(subject=subject))
            self._auditor.key(by, f"link:{user.id}", "made" if subject else "revoked")
