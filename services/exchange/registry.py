"""Who may talk to this node: enrolment by one-time code, and the tokens already used."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import IntegrityError

from compliance.sealing import IdentityPublic, KeyBundle, SealingError
from services.exchange.errors import EnrolmentError
from services.exchange.models import EnrolledNode, EnrolmentCode, SeenToken
from services.store.database import Database
from services.store.rows import changed as rows_changed
from services.store.rows import idle

CODE_VALIDITY = timedelta(hours=24)
SECRET_BYTES = 10


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.upper().encode()).hexdigest()


class Registry:
    """Enrolled children of one node."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def new_code(self, level: str, pins: Sequence[str], *, valid: timedelta = CODE_VALIDITY) -> str:
        """Make a one-time code ``SECRET.PIN[.PIN]``.

        Args:
            level: tier of the node that may use it.
            pins: fingerprints of this node and of those above it, which the new node will check.
            valid: how long it can be used.
        """
        secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
        with self._database.transaction() as session:
            session.add(
                EnrolmentCode(
                    digest=_digest(secret), level=level, expires=datetime.now(UTC) + valid
                )
            )
        return ".".join((secret, *pins))

    def enrol(self, code: str, bundle: KeyBundle) -> str:
        """Use a code up and remember the node; the same node may repeat it with the same code.

        A node that was revoked needs a new code.

        Returns the node's fingerprint.

        Raises:
            EnrolmentError: code or keys are not good.
        """
        now = datetime.now(UTC)
        try:
            bundle.verify(now)
        except SealingError as error:
            raise EnrolmentError("The keys that were sent are not valid.") from error
        identity = bundle.identity_public()
        fingerprint, digest = identity.fingerprint, _digest(code.partition(".")[0])
        with self._database.transaction() as session:
            known = session.get(EnrolledNode, fingerprint)
            free: ColumnElement[bool] = EnrolmentCode.used_by.is_(None)
            if known is None or known.revoked is None:
                free = free | (EnrolmentCode.used_by == fingerprint)
            used = session.execute(
                update(EnrolmentCode)
                .where(
                    EnrolmentCode.digest == digest,
                    EnrolmentCode.level == bundle.level,
                    EnrolmentCode.expires > now,
                    free,
                )
                .values(used_by=fingerprint)
            )
            if rows_changed(used) != 1:
                raise EnrolmentError("This code is wrong, expired, or was used before.")
            session.merge(
                EnrolledNode(
                    fingerprint=fingerprint,
                    name=bundle.node,
                    level=bundle.level,
                    identity=identity.to_text(),
                    bundle=bundle.model_dump_json(),
                    enrolled=now,
                    revoked=None,
                )
            )
        return fingerprint

    def lookup(self, fingerprint: str) -> IdentityPublic | None:
        """The identity of an enrolled node, or None."""
        with self._database.reading() as session:
            node = session.get(EnrolledNode, fingerprint)
            if node is None or node.revoked is not None:
                return None
            return IdentityPublic.from_text(node.identity)

    def level_of(self, fingerprint: str) -> str | None:
        """The tier of an enrolled node, or None."""
        with self._database.reading() as session:
            node = session.get(EnrolledNode, fingerprint)
            return node.level if node is not None and node.revoked is None else None

    def revoke(self, fingerprint: str) -> bool:
        """Refuse every further call of a node; returns whether it was enrolled."""
        with self._database.transaction() as session:
            changed = session.execute(
                update(EnrolledNode)
                .where(EnrolledNode.fingerprint == fingerprint)
                .values(revoked=datetime.now(UTC))
            )
            return rows_changed(changed) == 1

    def nodes(self) -> list[EnrolledNode]:
        """Every node that ever enrolled, by name."""
        with self._database.reading() as session:
            return list(session.scalars(select(EnrolledNode).order_by(EnrolledNode.name)))

    def first_use(self, token_id: str, expires: datetime) -> bool:
        """Remember a token id; False when it was there (see `services.exchange.tokens`)."""
        try:
            with self._database.transaction() as session:
                session.add(SeenToken(id=token_id[:64], expires=expires))
        except IntegrityError:
            return False
        return True

    def forget_expired(self) -> int:
        """Delete tokens and codes that can no longer be used; returns how many."""
        now = datetime.now(UTC)
        with self._database.transaction() as session:
            tokens = session.execute(
                delete(SeenToken).where(idle(SeenToken, SeenToken.expires < now))
            )
            codes = session.execute(
                delete(EnrolmentCode).where(
                    idle(EnrolmentCode, EnrolmentCode.expires < now - CODE_VALIDITY)
                )
            )
            return rows_changed(tokens) + rows_changed(codes)
