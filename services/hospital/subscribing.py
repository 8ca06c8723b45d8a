"""Subscriptions at the hospital: its topics, its jobs, and looking for events."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy.orm import Session

from services.fhir.bulk.orders import AccessOf
from services.fhir.subscriptions.admission import JOB
from services.fhir.subscriptions.service import Subscriptions
from services.fhir.subscriptions.topics import Topic, topics_of
from services.hospital.jobs import JobHandler, Jobs, Taken, add_job
from services.hospital.settings import HospitalSettings
from services.hospital.writing.reply import REFERRAL
from services.store.database import Database
from services.web.outbound import Outbound

REPLY_SIGNED = Topic(
    "urn:caretier:topic:reply-signed",
    "A clinician signed the reply to a referral and filed it in the record",
    (("Communication", f"identifier={REFERRAL}|"),),
)
SCAN_SECONDS = 1.0
_LOG = logging.getLogger("caretier.hospital")


def subscriptions_of(
    database: Database, settings: HospitalSettings, access: AccessOf, outbound: Outbound
) -> Subscriptions:
    """Subscriptions of the hospital's store."""
    address = settings.base_url or f"http://{settings.host}:{settings.port}"
    return Subscriptions(
        database,
        topics=topics_of(REPLY_SIGNED),
        access=access,
        outbound=outbound,
        add_job=add_job,
        base=f"{address.rstrip('/')}/fhir",
    )


def subscription_handlers(subscriptions: Subscriptions, jobs: Jobs) -> dict[str, JobHandler]:
    """What delivers notifications."""

    async def deliver(taken: Taken) -> None:
        def done(session: Session) -> bool:
            return jobs.finish(session, taken)

        await subscriptions.delivery.run(taken.subject, done)

    return {JOB: deliver}


async def subscriptions_loop(subscriptions: Subscriptions) -> None:
    """Look for events and for quiet subscribers, until cancelled."""
    scan = subscriptions.scan
    while True:
        try:
            while await asyncio.to_thread(scan.step):
                pass
            await asyncio.to_thread(scan.beats)
        except Exception as error:  # noqa: BLE001 - the next round tries again
            _LOG.error("subscriptions: %s", type(error).__name__)
        await asyncio.sleep(SCAN_SECONDS)
