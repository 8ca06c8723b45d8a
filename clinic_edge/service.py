"""The clinic: its keys, its referrals, and the loop that answers them."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from clinic_edge.bricks import ClinicBricks
from clinic_edge.learning import ClinicLearning
from clinic_edge.measuring import measures_of
from clinic_edge.settings import ClinicSettings
from clinic_edge.tidying import clinic_sweeper
from compliance.audit import Agent, AuditError, AuditTrail
from compliance.consent import while_permitted
from compliance.errors import DisclosureRefusedError
from compliance.receipt import LONGEST_VALIDITY
from compliance.retention import Schedule
from compliance.sealing import IdentityPublic, KeyBundle
from services.bricks.updater.acts import brick_changed, by_node
from services.bricks.updater.source import Source
from services.consult.messages import Answer, Level, Question, Status
from services.consult.node import Node, Outcome
from services.exchange.bricks import repository_above
from services.exchange.courier import Courier
from services.exchange.errors import EnrolmentError, ReferralRefusedError
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.exchange.link import Link, enrol
from services.exchange.messages import Envelope
from services.exchange.models import StoredParcel
from services.exchange.registry import Registry
from services.exchange.rotation import successors
from services.exchange.sealed import (
    Opened,
    device_of,
    open_sealed,
    seal_question,
    seal_reply,
)
from services.exchange.signals import SignalIntake
from services.exchange.witness import Witness
from services.learning.signals import SentSignal
from services.store.database import Database

IDLE_SECONDS = 0.1
TIDY_SECONDS = 3600.0
KEEP_ENDED = LONGEST_VALIDITY + timedelta(days=1)
"""An ended referral stays at least as long as its receipt could be good: it must not come twice."""
_LOG = logging.getLogger("caretier.clinic")


class Clinic:
    """Everything that a clinic node holds.

    Args:
        settings: of this node.
        node: runs the consult path; opened on first use when None.
    """

    def __init__(self, settings: ClinicSettings, node: Node | None = None) -> None:
        self.settings = settings
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.keys = NodeKeys.load_or_create(
            settings.data / "keys", name=settings.name, level=Level.CLINIC
        )
        self.database = Database(settings.database_url)
        self.database.migrate("services.exchange", "services.learning")
        self.registry = Registry(self.database)
        trail = AuditTrail.open(settings.data, "clinic", node=settings.name)
        self.witness = Witness(self.keys.identity, trail)
        self.intake = Intake(self.database, Level.CLINIC, trail)
        path = settings.retention
        schedule = Schedule.load(path) if path else Schedule.load()
        self.signals = SignalIntake(self.intake, schedule.rule("clinic.signal").keep)
        self.sweeper = clinic_sweeper(
            schedule,
            self.intake,
            self.registry,
            shortest=KEEP_ENDED,
        )
        self._node = node
        self._parent = settings.data / "hospital.json"
        self.bricks = ClinicBricks(
            settings.data,
            self.repository,
            write=lambda line: trail.record(brick_changed(by_node(settings.name), line)),
            node=self.keys.fingerprint,
        )
        self.measures = measures_of(
            settings, self.database, self.bricks, self.keys.identity, self._hospital_identity
        )
        self.learning = ClinicLearning(
            settings, self.database, self.keys.identity, trail, self._hospital_identity
        )
        self.signals.on_unlearned = self.learning.unlearn

    @property
    def node(self) -> Node:
        """The consult path with the clinic's knowledge."""
        if self._node is None:
            self._node = Node.open(Level.CLINIC, bricks=self.settings.data / "bricks")
        return self._node

    def hospital(self) -> KeyBundle | None:
        """Keys of the hospital, once this clinic has enrolled there."""
        if not self._parent.is_file():
            return None
        return KeyBundle.parse(self._parent.read_bytes())

    def _hospital_identity(self) -> IdentityPublic | None:
        hospital = self.hospital()
        return hospital.identity_public() if hospital else None

    async def enrol(self, code: str) -> KeyBundle:
        """Enrol at the hospital with a one-time code.

        Raises:
            EnrolmentError, LinkDownError: see `services.exchange.link.enrol`.
        """
        bundle, _none = await enrol(self.settings.hospital_url, code, self.keys.bundle())
        if bundle.level != Level.HOSPITAL:
            raise EnrolmentError("The code is not one of a hospital.")
        _write(self._parent, bundle.model_dump_json())
        return bundle

    def device_code(self) -> str:
        """A one-time code for a device; pins this clinic and, if there is one, the hospital."""
        hospital = self.hospital()
        pins = [self.keys.fingerprint]
        if hospital is not None:
            pins.append(hospital.identity_public().fingerprint)
        return self.registry.new_code(Level.DEVICE, pins)

    def above(self) -> tuple[KeyBundle, ...]:
        """Keys that devices get besides the clinic's own."""
        hospital = self.hospital()
        return (hospital,) if hospital else ()

    def link(self) -> Link | None:
        """A line to the hospital, or None before enrolment."""
        hospital = self.hospital()
        if hospital is None:
            return None
        peer = hospital.identity_public().fingerprint
        return Link(self.settings.hospital_url, self.keys.identity, peer, witness=self.witness)

    def repository(self) -> tuple[Source, IdentityPublic] | None:
        """The hospital's repository of bricks and its identity, or None before enrolment."""
        hospital = self.hospital()
        if hospital is None:
            return None
        identity = hospital.identity_public()
        url, peer = self.settings.hospital_url, identity.fingerprint
        return repository_above(url, self.keys.identity, peer), identity

    def courier(self) -> Courier | None:
        """The courier to the hospital, or None before enrolment."""
        link = self.link()
        return Courier(self.intake, link, Level.HOSPITAL) if link else None

    async def refresh(self, link: Link | None = None) -> bool:
        """Take the hospital's keys of now; returns whether there were any to take.

        Raises:
            EnrolmentError, LinkDownError: the keys held stay in use.
        """
        hospital, line = self.hospital(), link or self.link()
        if hospital is None or line is None:
            return False
        try:
            (newer,) = successors([hospital], await line.keys())
        finally:
            await line.close()
        _write(self._parent, newer.model_dump_json())
        return True

    async def answer_loop(self) -> None:
        """Answer what is sealed to this clinic, until cancelled."""
        while True:
            try:
                due = await asyncio.to_thread(self.intake.due, "received")
                for row in due:
                    await self._guarded(row)
            except Exception as error:  # noqa: BLE001 - a loop that dies leaves referrals lying
                _LOG.error("answer loop: %s", type(error).__name__)
                due = []
            await asyncio.sleep(0 if due else IDLE_SECONDS)

    async def carry_loop(self) -> None:
        """Carry to the hospital, from the moment this clinic is enrolled there."""
        while (courier := self.courier()) is None:  # noqa: ASYNC110 - another process enrols it
            await asyncio.sleep(1)
        await courier.run()

    def tidy(self) -> dict[str, int]:
        """Delete what is over by the retention schedule; returns how many by rule."""
        return self.sweeper.sweep(datetime.now(UTC))

    async def tidy_loop(self) -> None:
        """Tidy and fetch the hospital's keys, at the start and every hour, until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.tidy)
                await self.refresh()
            except Exception as error:  # noqa: BLE001 - the next hour tries again
                _LOG.error("tidy: %s", type(error).__name__)
            await asyncio.sleep(TIDY_SECONDS)

    async def _guarded(self, row: StoredParcel) -> None:
        """Work on one referral; one that fails is tried later and holds up no other."""
        try:
            await self._work(row)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others must be answered
            _LOG.error("referral: %s", type(error).__name__)
            await asyncio.to_thread(self.intake.later, row.id, row.attempts)

    async def _work(self, row: StoredParcel) -> None:
        if not await asyncio.to_thread(self.intake.is_wanted, row.id):
            return  # withdrawn since the rows were read
        envelope = Envelope.model_validate_json(row.envelope)
        try:
            opened = open_sealed(envelope, self.keys.sealing, Level.CLINIC)
            if isinstance(opened, SentSignal):
                await asyncio.to_thread(self.signals.take, envelope, opened)
                return
            began = time.monotonic()
            answer = await self._consult(opened)
            took, abstained = time.monotonic() - began, answer.status is Status.ABSTAINED
            passed_on = abstained and await self._pass_on(envelope, opened)
            self.measures.count(took, abstained=abstained, referred=passed_on)
            if not passed_on:
                await self._reply(envelope, opened, answer)
        except DisclosureRefusedError:  # the consent was withdrawn: its row is empty already
            return
        except ReferralRefusedError as error:
            await asyncio.to_thread(self.intake.refused, row.id, error.message)
        except AuditError:
            await asyncio.to_thread(self.intake.later, row.id, row.attempts)

    async def _consult(self, opened: Opened) -> Answer:
        asked = opened.question
        question = Question(
            id=asked.referral,
            text=asked.text,
            person=asked.person,
            history=asked.history,
            facts=asked.facts,
            asked=datetime.now(UTC).date(),
        )
        if asked.reason == "needs-clinician":
            raise ReferralRefusedError("This question is for a clinician at the hospital.")
        outcome: Outcome | None = None
        wanted = partial(self.intake.is_wanted, asked.referral)
        async for event in while_permitted(self.node.consult(question), wanted):
            if isinstance(event, Outcome):
                outcome = event
        if outcome is None:
            raise ReferralRefusedError("The consult came to no end.")
        return outcome.answer

    async def _pass_on(self, envelope: Envelope, opened: Opened) -> bool:
        """Seal the question anew to the hospital, if the receipt allows it to read."""
        hospital = self.hospital()
        if hospital is None or Level.HOSPITAL not in envelope.receipt.readers:
            return False
        outgoing = seal_question(
            opened.text,
            opened.salt,
            envelope.receipt,
            device=device_of(envelope),
            destination=Level.HOSPITAL,
            to=hospital.sealing_public(),
        )
        await asyncio.to_thread(self.intake.pass_on, envelope.id, outgoing)
        return True

    async def _reply(self, envelope: Envelope, opened: Opened, answer: Answer) -> None:
        reply = seal_reply(
            answer,
            referral=envelope.id,
            by=Level.CLINIC,
            identity=self.keys.identity,
            reply_to=opened.question.reply_to,
        )
        if not await asyncio.to_thread(self.intake.is_wanted, envelope.id):
            return  # withdrawn while it was answered
        model = Agent("model", answer.model.name)
        await asyncio.to_thread(
            self.intake.record,
            "answer",
            envelope,
            source=Level.CLINIC,
            destination=Level.DEVICE,
            model=model,
        )
        await asyncio.to_thread(self.intake.answer, envelope.id, reply)

    def ready(self) -> dict[str, bool]:
        """Checks for ``/readyz``."""
        try:
            self.intake.due("received", limit=1)
        except Exception:  # noqa: BLE001 - any failure means not ready
            return {"database": False}
        return {"database": True}

    async def close(self) -> None:
        """Free the engine and the database."""
        if self._node is not None:
            await self._node.close()
        self.database.close()


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
