"""What the hospital deletes by the retention schedule, rule by rule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, select

from compliance.retention import Deleter, Schedule, Sweeper
from services.exchange.models import StoredParcel
from services.exchange.registry import Registry
from services.fhir.bulk.service import Bulk
from services.fhir.subscriptions.service import Subscriptions
from services.hospital.accounts import Accounts
from services.hospital.cds import Cds
from services.hospital.desk import Desk
from services.hospital.jobs import Jobs
from services.hospital.models import ErasureReceipt, GlassBreak
from services.hospital.notices import Notices
from services.hospital.pending import PendingSignIns
from services.hospital.previsit import Alerts
from services.hospital.record_erasure import receipt_key
from services.hospital.smart.tidying import forget_expired as forget_smart
from services.hospital.text_keys import TextKeys
from services.learning.intake.tidying import forget_contributions, forget_trust
from services.learning.rounds import Rounds
from services.learning.signals import forget_over
from services.store.database import Database
from services.store.rows import changed, idle

ENDED_WITHOUT_REPLY = ("refused", "withdrawn")


def hospital_sweeper(
    schedule: Schedule,
    database: Database,
    holds: Callable[[], frozenset[str]],
    *,
    desk: Desk,
    accounts: Accounts,
    pending: PendingSignIns,
    registry: Registry,
    jobs: Jobs,
    texts: TextKeys,
    bulk: Bulk,
    subscriptions: Subscriptions,
    alerts: Alerts,
    notices: Notices,
    cds: Cds,
    rounds: Rounds,
) -> Sweeper:
    """Put the schedule's rules and what deletes by them together.

    Raises:
        RetentionError: they do not match.
    """

    def over(_before: datetime, _held: frozenset[str]) -> int:
        return (
            accounts.forget_expired() + pending.forget_expired() + accounts.browsers.forget_over()
        )

    deleters: dict[str, Deleter] = {
        "hospital.referral": desk.forget,
        "hospital.refused": lambda before, _: _refused(database, texts, before),
        "hospital.session": over,
        "hospital.token": lambda _before, _held: registry.forget_expired(),
        "hospital.smart": lambda _before, _held: forget_smart(database),
        "hospital.cds-token": lambda _before, _held: cds.ehrs.forget_expired(),
        "hospital.cds-card": lambda before, _: cds.ledger.forget(before),
        "hospital.job": lambda before, _: jobs.forget_done(before),
        "hospital.glass-break": lambda before, held: _glass_breaks(database, before, held),
        "hospital.intake-alert": lambda before, _: alerts.forget(before),
        "hospital.notice": lambda before, _: notices.forget(before),
        "hospital.bulk": lambda before, _: bulk.orders.forget(before),
        "hospital.subscription-event": lambda before, _: subscriptions.scan.forget(before),
        "hospital.contribution": lambda before, _: forget_contributions(rounds, before),
        "hospital.signal": lambda before, _: forget_over(database, before),
        "hospital.trust": lambda before, _: forget_trust(rounds, before),
        "hospital.erasure": lambda before, held: _receipts(database, before, held),
    }
    return Sweeper(schedule, "hospital", deleters, holds)


def _refused(database: Database, texts: TextKeys, before: datetime) -> int:
    over = select(StoredParcel.id).where(
        StoredParcel.state.in_(ENDED_WITHOUT_REPLY), StoredParcel.received < before
    )
    with database.transaction() as session:
        ids = list(session.scalars(over.with_for_update(skip_locked=True)))
        session.execute(delete(StoredParcel).where(StoredParcel.id.in_(ids)))
    texts.destroy(ids)
    texts.forget_graves(ids)
    return len(ids)


def _glass_breaks(database: Database, before: datetime, held: frozenset[str]) -> int:
    kept = [subject.removeprefix("patient:") for subject in held if subject[:8] == "patient:"]
    with database.transaction() as session:
        gone = session.execute(
            delete(GlassBreak).where(
                idle(GlassBreak, GlassBreak.reviewed < before, GlassBreak.patient.not_in(kept))
            )
        )
        return changed(gone)


def _receipts(database: Database, before: datetime, held: frozenset[str]) -> int:
    kept = [receipt_key(s) if s[:8] == "patient:" else s.removeprefix("referral:") for s in held]
    with database.transaction() as session:
        gone = session.execute(
            delete(ErasureReceipt).where(
                idle(
                    ErasureReceipt,
                    ErasureReceipt.erased < before,
                    ErasureReceipt.referral.not_in(kept),
                )
            )
        )
        return changed(gone)
