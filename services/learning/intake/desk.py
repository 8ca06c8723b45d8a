"""Taking contributions and giving them up again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from compliance.errors import BadInputError, NotFoundError
from services.learning.contribution import ContributionManifest, check_contribution, read_manifest
from services.learning.errors import ContributionRefusedError
from services.learning.intake.acts import Change
from services.learning.intake.withdrawal import Withdrawn, withdraw
from services.learning.models import HERE, StoredContribution
from services.learning.rounds import Rounds
from services.learning.rounds.probe import READMITTED
from services.learning.trust import BOUND, LOW, Decision, Trust

Audit = Callable[[Any, str, Change], None]
"""Writes down who does what with ``contribution:ID``; raises where it cannot."""


@dataclass(frozen=True)
class Sender:
    """Who sends or takes back.

    Attributes:
        who: as the audit trail names it.
        node: fingerprint of the node; None for an operator, who may take back anybody's.
    """

    who: Any
    node: str | None


class ContributionDesk:
    """Where contributions come to, and from where they go again.

    Args:
        rounds: of the parent.
        trust: in its nodes.
        audit: called before anything happens.
    """

    def __init__(self, rounds: Rounds, trust: Trust, audit: Audit) -> None:
        self.rounds, self.trust, self._audit = rounds, trust, audit
        self._one_at_a_time = threading.Lock()  # a check holds the whole change in memory

    def standings(self) -> list[dict[str, Any]]:
        """On what a contribution stands now, by domain."""
        found = [self.rounds.standing(domain) for domain in sorted(self.rounds.policy.domains)]
        return [{"domain": one.domain, "epoch": one.epoch, "parent": one.parent} for one in found]

    def place(self) -> Path:
        """Where a file may be put until it is taken."""
        path = self.rounds.files.contribution(str(uuid4())).with_suffix(".coming")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def take(self, path: Path, who: Any, node: str) -> StoredContribution:
        """Take the file that lies at ``path``; the same one again changes nothing.

        Raises:
            ContributionRefusedError: naming the rule; nothing is kept of it.
            AuditError: it could not be written down; it is not here then.
        """
        id_ = "unreadable"
        with self._one_at_a_time:
            try:
                manifest, _ = read_manifest(path)
                id_ = manifest.id
                known = self._known(manifest, node)
                if known is not None:
                    return known
                self._check(path, manifest, node)
            except ContributionRefusedError as error:
                self._audit(who, f"contribution:{id_}", "refused")
                self.trust.refused(node, error.reason)
                raise
            low = self.trust.of(node) < BOUND
            self._audit(who, f"contribution:{id_}", "quarantined" if low else "waiting")
            return self._store(path, manifest, LOW if low else None)

    def withdraw(self, id_: str, sender: Sender) -> Withdrawn:
        """Delete a contribution, and have what was made with it made anew (`intake.withdrawal`).

        Raises:
            NotFoundError: there is none, or it is another node's.
            AuditError: it could not be written down; nothing was done.
        """
        with self.rounds.database.reading() as session:
            own(session, id_, sender)
        self._audit(sender.who, f"contribution:{id_}", "withdrawn")
        return withdraw(self.rounds, id_)

    def readmit(self, id_: str, who: Any) -> StoredContribution:
        """Let a contribution that was put aside wait for a round; it is not tried alone again.

        Raises:
            NotFoundError: none of this id is put aside.
            AuditError: it could not be written down; it stays aside.
        """
        with self.rounds.database.reading() as session:
            _aside(session, id_)
        self._audit(who, f"contribution:{id_}", "readmitted")
        with self.rounds.database.transaction() as session:
            row = _aside(session, id_)
            row.state, row.reason = "waiting", READMITTED
        return row

    def judge(self, number: int, decision: Decision, who: Any) -> float:
        """Lift what took trust from a node, or let it stand; returns the trust in it then.

        Raises:
            NotFoundError: there is no such event.
            AuditError: it could not be written down; nothing was decided.
        """
        self._audit(who, f"trust:{number}", decision)
        return self.trust.decide(number, decision)

    def _known(self, manifest: ContributionManifest, node: str) -> StoredContribution | None:
        """The row of the very same contribution, when it is here already."""
        with self.rounds.database.reading() as session:
            row = session.get(StoredContribution, manifest.id)
        if row is None:
            return None
        if row.key != node or row.manifest != manifest.model_dump_json():
            raise ContributionRefusedError("Another one has this id.", reason="replayed")
        if row.state in {"refused", "withdrawn"}:
            raise ContributionRefusedError("It was here before.", reason=row.reason or row.state)
        return row

    def _check(self, path: Path, manifest: ContributionManifest, node: str) -> None:
        """Check by every rule; the node that sends has to be the one that signed."""
        try:
            expected = self.rounds.expected(manifest.domain, self._taken)
        except BadInputError as error:
            raise ContributionRefusedError(error.message, reason="wrong-domain") from None
        enrolled = expected.signer
        own = replace(expected, signer=lambda key: enrolled(key) if key == node else None)
        check_contribution(path, own)

    def _taken(self, manifest: ContributionManifest) -> bool:
        with self.rounds.database.reading() as session:
            return _held(session, manifest)

    def _store(
        self, path: Path, manifest: ContributionManifest, aside: str | None
    ) -> StoredContribution:
        row = StoredContribution(
            id=manifest.id,
            domain=manifest.domain,
            epoch=manifest.epoch,
            key=manifest.key,
            site=manifest.site,
            state="quarantined" if aside else "waiting",
            reason=aside,
            manifest=manifest.model_dump_json(),
            bytes=path.stat().st_size,
            received=datetime.now(UTC),
        )
        twice = ContributionRefusedError("It came twice at once.", reason="replayed")
        try:
            with self.rounds.database.transaction() as session:
                if _held(session, manifest):
                    raise twice
                session.add(row)
                session.flush()
                path.replace(self.rounds.files.contribution(row.id))
        except IntegrityError:  # another process took one of this node meanwhile
            raise twice from None
        return row


def _held(session: Session, manifest: ContributionManifest) -> bool:
    """Whether this id is here, or this node's contribution of the epoch."""
    one = (
        (StoredContribution.key == manifest.key)
        & (StoredContribution.domain == manifest.domain)
        & (StoredContribution.epoch == manifest.epoch)
        & StoredContribution.state.in_(HERE)
    )
    query = select(StoredContribution.id).where(or_(StoredContribution.id == manifest.id, one))
    return session.scalar(query.limit(1)) is not None


def _aside(session: Session, id_: str) -> StoredContribution:
    row = session.get(StoredContribution, id_, with_for_update=True)
    if row is None or row.state != "quarantined":
        raise NotFoundError("No contribution of that id is put aside.")
    return row


def own(session: Session, id_: str, sender: Sender) -> StoredContribution:
    """A contribution of a node, for that node or an operator.

    Raises:
        NotFoundError: there is none, or it is another node's.
    """
    row = session.get(StoredContribution, id_)
    if row is None or sender.node not in {None, row.key}:
        raise NotFoundError("There is no contribution of that id from this node.")
    return row
