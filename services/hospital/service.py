"""The hospital: its keys, its referrals, and the jobs that put drafts on the desk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy.orm import Session

from compliance.access.takeout import collection
from compliance.audit import AuditTrail
from compliance.errors import NotFoundError
from compliance.retention import Schedule, Sweeper
from services.bricks.store import BrickStore
from services.consult.messages import Level
from services.consult.node import Node
from services.engines.protocol import EngineCard
from services.exchange.keys import NodeKeys
from services.exchange.registry import Registry
from services.exchange.signals import SignalIntake
from services.experts import Experts
from services.experts.adapters import host_of
from services.fhir.store import FhirStore
from services.fhir.validate import ID
from services.hospital.accounts import Accounts
from services.hospital.audited import Auditor, Caller
from services.hospital.bulk import RULE as BULK
from services.hospital.bulk import bulk_handlers, bulk_of
from services.hospital.cds import Cds
from services.hospital.chart import Charts
from services.hospital.desk import Desk
from services.hospital.doing import Doing
from services.hospital.ehr.service import Ehr
from services.hospital.enrolling import Enrolling
from services.hospital.erasure import Erasures
from services.hospital.explorer import Explorer
from services.hospital.factors import Factors
from services.hospital.gateway import Gateway
from services.hospital.holds import Holds
from services.hospital.intake import HospitalIntake
from services.hospital.jobs import JobHandler, Jobs
from services.hospital.launching import Launching
from services.hospital.learning import round_handlers, rounds_of
from services.hospital.models import ReferralStep, User
from services.hospital.notices import Notices, notify
from services.hospital.notices.watch import Eyes, Watch
from services.hospital.oidc import provider_of
from services.hospital.opening import Opening
from services.hospital.operations import Operations, Sight
from services.hospital.opinions import Opinions
from services.hospital.opinions.service import Around
from services.hospital.pending import PendingSignIns
from services.hospital.people import People
from services.hospital.phrases import Phrases
from services.hospital.previsit import Alerts, Intakes
from services.hospital.record_erasure import RecordErasures
from services.hospital.relations import Relations
from services.hospital.rollout import rollout_of
from services.hospital.secret_file import TextKey, load_or_create
from services.hospital.settings import HospitalSettings
from services.hospital.signals import HospitalSignals
from services.hospital.smart.service import Smart
from services.hospital.sources import source_handlers, sources_of
from services.hospital.standing import Standing
from services.hospital.studies import Studies
from services.hospital.subscribing import subscription_handlers, subscriptions_of
from services.hospital.text_keys import TextKeys
from services.hospital.throttle import Throttle
from services.hospital.tidying import hospital_sweeper
from services.hospital.versions import ReplyVersions
from services.hospital.worklist import Holding, Texts, Waits, Worklist
from services.hospital.writing import Filings
from services.learning.lineage import Lineage
from services.store.database import Database
from services.web.outbound import Outbound

PACKAGES = (
    "services.exchange",
    "services.experts",
    "services.fhir",
    "services.hospital",
    "services.learning",
)
TIDY_SECONDS = 3600.0
TAKE_OVER = timedelta(seconds=15)
"""A job that no worker took for so long is done by the hospital's own process."""
_LOG = logging.getLogger("caretier.hospital")


def _tell(session: Session, step: ReferralStep) -> None:
    """Give a colleague a notice of what is handed over to them."""
    if step.to:
        notify(session, step.to, "handed-over", step.referral)


class Hospital:
    """Everything that a hospital node holds; shared by the API process and the worker.

    Args:
        settings: of this node.
        node: runs the consult path; opened on first use when None.
    """

    def __init__(self, settings: HospitalSettings, node: Node | None = None) -> None:
        self.settings = settings
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.keys = NodeKeys.load_or_create(
            settings.data / "keys", name=settings.name, level=Level.HOSPITAL
        )
        trail = AuditTrail.open(settings.data, "hospital", node=settings.name)
        self.database = Database(settings.database_url)
        self.database.migrate(*PACKAGES)
        self.registry = Registry(self.database)
        self.texts = TextKeys(settings.data / "keys" / "texts")
        self.intake = HospitalIntake(self.database, Level.HOSPITAL, trail, self.texts)
        self.outbound = Outbound(settings.outbound_origins, private=settings.outbound_private)
        self.auditor = Auditor(self._write_down, settings.name)
        self.jobs = Jobs(self.database)
        self._node = node
        self._open_people(settings)
        self._open_record(settings)
        self._open_desk(settings)
        self._open_connections(settings)
        self._open_models(settings)
        self._open_jobs()

    def _open_people(self, settings: HospitalSettings) -> None:
        """Who may come in: people, programs, apps."""
        self.accounts = Accounts(
            self.database,
            idle=timedelta(minutes=settings.session_minutes),
            auditor=self.auditor,
            throttle=Throttle(settings.address_failures),
        )
        secret = TextKey(load_or_create(settings.data / "keys" / "factors.key"))
        self.factors = Factors(self.database, secret, self.auditor, policy=settings.second_factor)
        self.pending = PendingSignIns(self.database)
        self.people = People(self.database, self.accounts, self.factors, self.pending, self.auditor)
        self.provider = provider_of(settings)
        self.smart = Smart(
            self.database,
            accounts=self.accounts,
            auditor=self.auditor,
            outbound=self.outbound,
            keys=settings.data / "keys" / "smart",
        )
        self.standing = Standing(self.accounts.keys, self.smart.clients, self.auditor)
        self.relations = Relations(
            self.database, self.auditor, required=settings.treatment_relation == "required"
        )

    def _open_record(self, settings: HospitalSettings) -> None:
        """The record, and what is checked and told when it is written."""
        self.intakes = Intakes(self.database, lambda: self.node.triage)
        self.subscriptions = subscriptions_of(
            self.database, settings, self.standing.access, self.outbound
        )
        base = f"{settings.base_url.rstrip('/')}/fhir" if settings.base_url else ""
        self.records = FhirStore(
            self.database, {**self.intakes.checks, **self.subscriptions.checks}, base
        )
        self.bulk = bulk_of(
            self.database,
            self.records,
            settings.data,
            self.standing.access,
            outbound=self.outbound,
            keep=self.schedule.rule(BULK).keep,
        )

    def _open_desk(self, settings: HospitalSettings) -> None:
        """What clinicians work at, and what is kept or erased of it."""
        self.desk = Desk(self.intake, self.keys, self.texts)
        self.desk.on_taken = lambda user, id_: self._held(user, None, "take", [id_])
        waits = Waits(settings.overdue_emergency, settings.overdue_urgent, settings.overdue_routine)
        self.worklist = Worklist(self.database, self.desk.open, waits)
        self.holding = Holding(self.database, Texts(self.desk.seal, self.desk.open), self._held)
        self.holding.on_step = _tell
        self.charts = Charts(self.database, self.audit_chart, self.relations.require)
        self.alerts = Alerts(self.database, self.relations, self.auditor)
        self.filings = Filings(
            self.database, self.records, self.charts.find, self.relations, self.auditor
        )
        self.holds = Holds(self.database, self.auditor)
        self.notices = Notices(self.database)
        self.erasures = Erasures(
            self.database, self.texts, self.holds, self.auditor, self.keys.identity
        )
        self.record_erasures = RecordErasures(
            self.database, self.records, self.bulk.orders, self.accounts.keys,
            auditor=self.auditor, identity=self.keys.identity,
        )  # fmt: skip
        self.studies = Studies(settings.study, settings.study_key)
        self.explorer = Explorer(
            self.intake.audit.path,
            settings.data / "audit" / "search.db",
            self.accounts,
            self.records,
            self.relations,
        )

    def _open_connections(self, settings: HospitalSettings) -> None:
        """The EHRs around: their calls for decisions, their records, their launches."""
        self.cds = Cds(
            self.database,
            load_or_create(settings.data / "keys" / "cds.key"),
            self.auditor,
            self.outbound,
            lambda: self.node.index.knowledge,
            everyone=settings.cds_open,
        )
        self.ehr = Ehr(
            self.database,
            self.records,
            self.jobs,
            self.outbound,
            record=self._write_down,
            node=settings.name,
            base_url=settings.base_url,
        )
        self.launching = Launching(
            settings.launch_ehrs,
            self.outbound,
            self.database,
            self.records,
            self.pending,
            self.auditor,
        )

    def _open_models(self, settings: HospitalSettings) -> None:
        """What programs may ask models, and the experts among them."""
        store = BrickStore(settings.data / "bricks")
        self.experts = Experts(self.database, store, lambda: host_of(self.node.engine))
        self.gateway = Gateway(self.experts, lambda: self.node, audit=self.auditor.chat)
        self.rollout = rollout_of(settings, self.database, self.registry, self.auditor)
        self.rounds = rounds_of(settings, self.database, self.registry, self.rollout)
        self.sources = sources_of(
            settings, self.database, self.outbound, lambda: self.node.index.embedder
        )
        self.lineage = Lineage.at(settings.data, self.rounds)
        keep_for = self.schedule.rule("hospital.signal").keep
        self.signal_intake = SignalIntake(self.intake, keep_for)

    def _open_jobs(self) -> None:
        """What is done in the background."""
        self.sweeper = self._sweeper()
        opening = Opening(
            self.database,
            self.jobs,
            intake=self.intake,
            desk=self.desk,
            keys=self.keys,
            node=lambda: self.node,
            signals=self.signal_intake,
        )
        self.signals = HospitalSignals(
            self.database,
            self.jobs,
            desk=self.desk,
            taken=self.signal_intake,
            cards=self.cds.ledger,
            edits=self.settings.learn_from_edits,
        )
        self.handlers: dict[str, JobHandler] = {
            "open-referral": opening.open,
            **bulk_handlers(self.bulk, self.jobs),
            **subscription_handlers(self.subscriptions, self.jobs),
            **self.ehr.handlers,
            **round_handlers(self.rounds, self.jobs),
            **source_handlers(self.sources, self.jobs),
            **self.signals.handlers,
        }
        self._attach()
        patience = TAKE_OVER if self.settings.redis else timedelta(0)
        self.doing = Doing(self.jobs, self.handlers, short={"open-referral"}, patience=patience)

    def _attach(self) -> None:
        """What stands beside a reply while it is written; it goes when the reply is signed."""
        self.versions = ReplyVersions(self.database, self.desk)
        self.versions.attach(self.desk)
        around = Around(lambda: self.node, self.experts, self.auditor.chat, self.gateway.desk.slots)
        self.opinions = Opinions(self.database, self.desk, around)
        self.opinions.attach(self.desk)
        self.phrases = Phrases(
            self.database,
            lambda user, what, change: self.auditor.phrase(
                Caller.user(user.id, user.role), what, change
            ),
        )

    def _sweeper(self) -> Sweeper:
        return hospital_sweeper(
            self.schedule,
            self.database,
            self.holds.active,
            desk=self.desk,
            accounts=self.accounts,
            pending=self.pending,
            registry=self.registry,
            jobs=self.jobs,
            texts=self.texts,
            bulk=self.bulk,
            subscriptions=self.subscriptions,
            alerts=self.alerts,
            notices=self.notices,
            cds=self.cds,
            rounds=self.rounds,
        )

    @cached_property
    def schedule(self) -> Schedule:
        """How long what is kept."""
        path = self.settings.retention
        return Schedule.load(path) if path else Schedule.load()

    @cached_property
    def node(self) -> Node:
        """The consult path with the hospital's knowledge and engine."""
        return self._node or Node.open(Level.HOSPITAL, bricks=self.settings.data / "bricks")

    @cached_property
    def enrolling(self) -> Enrolling:
        """What an operator does with clinics."""
        return Enrolling(self.registry, self.keys.fingerprint, self.auditor.node)

    def clinic_code(self) -> str:
        """A one-time code for a clinic; pins this hospital."""
        return self.registry.new_code(Level.CLINIC, [self.keys.fingerprint])

    async def do(self, job: str) -> bool:
        """Take a job and do it; False when there was nothing to take or it failed."""
        return await self.doing.do(job)

    async def tidy_loop(self) -> None:
        """Tidy every hour, until cancelled; where there is a queue its clock does it too."""
        while True:
            try:
                await asyncio.to_thread(self.tidy)
            except Exception as error:  # noqa: BLE001 - the next hour tries again
                _LOG.error("tidy: %s", type(error).__name__)
            await asyncio.sleep(TIDY_SECONDS)

    def _write_down(self, events: Sequence[dict[str, Any]]) -> None:
        self.intake.audit.record_all(events)

    def _held(self, user: User, client: str | None, act: str, ids: Sequence[str]) -> None:
        self.auditor.held(Caller.user(user.id, user.role, client), act, ids)

    def audit_chart(self, user: User, patient: str, client: str | None = None) -> None:
        """Write down that a person opens a chart; ``patient`` is ``Patient/id``.

        Raises:
            AuditError: it could not be written; the chart must not be shown.
        """
        self.auditor.chart(Caller.user(user.id, user.role, client), patient)

    def audit_read(self, user: User, referral: str, client: str | None = None) -> None:
        """Write down that a person looked at a referral.

        Raises:
            AuditError: it could not be written; the referral must not be shown.
        """
        self.auditor.referral(Caller.user(user.id, user.role, client), referral)

    def export(self, user: User, patient: str, client: str | None = None) -> dict[str, Any]:
        """Everything of a person's record, for that person, as a FHIR Bundle.

        Raises:
            NotFoundError: there is no such Patient.
            AuditError: it could not be written down; nothing is given out.
        """
        resources = self.records.everything(patient) if ID.fullmatch(patient) else []
        if not resources:
            raise NotFoundError("There is no such patient.")
        by = Caller.user(user.id, user.role, client)
        self.auditor.export(by, f"Patient/{patient}", f"Patient/{patient}")
        return collection(resources)

    def tidy(self) -> dict[str, int]:
        """Delete what is over by the retention schedule; returns how many by rule."""
        return self.sweeper.sweep(datetime.now(UTC))

    def ready(self) -> dict[str, bool]:
        """Checks for ``/readyz``."""
        try:
            self.jobs.counts()
        except Exception:  # noqa: BLE001 - any failure means not ready
            return {"database": False}
        return {"database": True}

    @cached_property
    def watch(self) -> Watch:
        """Tells people of what waits for them."""
        eyes = Eyes(
            whose=self.alerts.whose,
            nodes=self.operations.nodes,
            checks=self.operations.checks,
        )
        return Watch(self.database, eyes)

    def _card(self) -> EngineCard | None:
        """Of the engine, once the consult path is loaded; a look at the system loads nothing."""
        engine = self.node.engine if "node" in self.__dict__ else None
        return engine.card if engine else None

    def _kept(self) -> int:
        """Adapters that a model server of its own did not unload when it was asked to."""
        engine = self.node.engine if "node" in self.__dict__ else None
        return int(getattr(engine, "kept", 0))

    @cached_property
    def operations(self) -> Operations:
        """What operators look at."""
        sight = Sight(
            self.database,
            self.settings,
            self.jobs,
            self.registry,
            card=self._card,
            trail=self.settings.data / "audit" / "hospital.jsonl",
            kept=self._kept,
        )
        return Operations(
            sight,
            lambda: self.node,
            self.experts,
            self.rounds,
            self.sources,
            self.ehr.status,
            self.auditor.job,
        )

    async def close(self) -> None:
        """Free the engine and the database."""
        await self.doing.stop()
        await self.gateway.close()
        if "node" in self.__dict__:
            await self.node.close()
        await self.cds.close()
        self.database.close()
