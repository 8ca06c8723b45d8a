"""Keys for programs: made once, kept as a digest, narrowed by scopes and by patient."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select, update

from compliance.access import Scopes
from compliance.errors import BadInputError, NotFoundError
from services.hospital.audited import Auditor, Caller
from services.hospital.models import ApiKey
from services.store.database import Database
from services.store.rows import changed

KEY_ID_CHARS = 16
"""The first digits of a key's digest name it; they open nothing."""
LONGEST_SCOPES = 400
STUDY = "study"
"""Scope of a key that may have records de-identified, and may read nothing in the clear."""


def digest_of(token: str) -> str:
    """The SHA-256 under which a secret is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True)
class Credential:
    """What a good key stands for.

    ``requests`` and ``tokens`` are what it may send to models a minute: 0 for no limit, None where
    those of the hospital hold.
    """

    id: str
    name: str
    scopes: Scopes
    requests: int | None = None
    tokens: int | None = None


class ApiKeys:
    """The keys of one hospital.

    Args:
        database: where they are.
        auditor: writes down that one is made or revoked; None in tests of something else.
    """

    def __init__(self, database: Database, auditor: Auditor | None = None) -> None:
        self._database, self._auditor = database, auditor

    def make(
        self,
        name: str,
        scopes: str,
        *,
        patient: str | None = None,
        requests: int | None = None,
        tokens: int | None = None,
        by: Caller | None = None,
    ) -> str:
        """Make a key; it is shown this once.

        Args:
            name: of the program.
            scopes: separated by spaces, see `compliance.access.Scopes`.
            patient: logical id of the one Patient whose record it may read.
            requests: that it may send to models a minute; 0 for no limit, None for the hospital's.
            tokens: of models, in the same way.
            by: who makes it.

        Raises:
            BadInputError: a scope is not understood, or one does not go with another.
            AuditError: it could not be written down; there is no key.
        """
        parsed = Scopes.parse(scopes, patient)
        if parsed.has(STUDY) and (parsed.reads or patient is not None):
            raise BadInputError("A key for studies reads nothing in the clear: make two keys.")
        if parsed.has_context("user"):
            raise BadInputError("A key has no person: ask for patient/ or system/ scopes.")
        if len(parsed.text) > LONGEST_SCOPES:
            raise BadInputError(f"Scopes have at most {LONGEST_SCOPES} characters.")
        key = f"ctk_{secrets.token_urlsafe(32)}"
        digest = digest_of(key)
        if self._auditor is not None:
            self._auditor.key(by or Caller.shell(), digest[:KEY_ID_CHARS], "made")
        row = ApiKey(
            digest=digest,
            name=name,
            scopes=parsed.text,
            patient=patient,
            requests=requests,
            tokens=tokens,
            created=datetime.now(UTC),
        )
        with self._database.transaction() as session:
            session.add(row)
        return key

    def find(self, key: str) -> Credential | None:
        """What a key stands for, or None when it is unknown or revoked."""
        with self._database.reading() as session:
            return _credential(session.get(ApiKey, digest_of(key)))

    def named(self, id_: str) -> Credential | None:
        """What the key with an id stands for now, or None when it is unknown or revoked."""
        if len(id_) != KEY_ID_CHARS or not id_.isalnum():
            return None
        with self._database.reading() as session:
            found = session.scalars(select(ApiKey).where(ApiKey.digest.startswith(id_))).all()
        return _credential(found[0]) if len(found) == 1 else None

    def listing(self) -> list[ApiKey]:
        """Every key that was made, the newest first."""
        with self._database.reading() as session:
            return list(session.scalars(select(ApiKey).order_by(ApiKey.created.desc())))

    def revoke(self, id_: str, *, by: Caller | None = None) -> None:
        """Refuse every further call with a key.

        Raises:
            NotFoundError: no key has this id, or it was revoked before.
            AuditError: it could not be written down; the key is still good.
        """
        if len(id_) != KEY_ID_CHARS or not id_.isalnum():
            raise NotFoundError("There is no such key.")
        if self._auditor is not None:
            self._auditor.key(by or Caller.shell(), id_, "revoked")
        with self._database.transaction() as session:
            done = session.execute(
                update(ApiKey)
                .where(ApiKey.digest.startswith(id_), ApiKey.revoked.is_(None))
                .values(revoked=datetime.now(UTC))
            )
            if changed(done) != 1:
                raise NotFoundError("There is no such key.")


def _credential(row: ApiKey | None) -> Credential | None:
    if row is None or row.revoked is not None:
        return None
    try:
        scopes = Scopes.parse(row.scopes, row.patient)
    except BadInputError:  # a scope of a later version grants nothing here
        return None
    return Credential(row.digest[:KEY_ID_CHARS], row.name, scopes, row.requests, row.tokens)
