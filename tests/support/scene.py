"""A day of work in both clients: what the pictures of the tours show, instead of empty pages."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from support.exchange import an_answer
from support.knowledge_sources import House, label, labels, listed, notices
from support.stage import PASSWORD, PERSON, lay

from compliance.audit import AuditTrail
from patient_app.service import Device
from services.consult.messages import Citation, Fact, Level, ModelCardRef, Sentence
from services.exchange.models import EnrolledNode
from services.hospital.accounts import User
from services.hospital.models import Job
from services.hospital.notices import notify
from services.hospital.service import Hospital
from services.hospital.worklist.acts import Wish
from services.learning.models import LearningRound
from services.learning.rounds import State

ROUND = "10000000-0000-4000-8000-000000000000"
"""Id of the model update that waits for approval."""
DIGEST = "sha256:" + "a" * 64
ASKED = [
    ("My child has had a fever of 39 and a stiff neck since this morning.", "emergency", 4),
    ("I take metformin. May I drink a glass of wine with dinner?", "urgent", 50),
    ("For three days I have had a cough and a fever. Is it flu?", "routine", 130),
    ("Can I get the flu vaccine while I have a cold?", "routine", 300),
    ("My knee has hurt since I began to run again. Should I rest?", "routine", 1500),
]
CARE = "Rest and drink enough water every day."
HELP = "Get help at once when breathing becomes hard or the chest hurts."
FACTS = (
    Fact(id="Condition/1", kind="condition", text="Asthma, since 2014"),
    Fact(id="AllergyIntolerance/1", kind="allergy", text="Penicillin: rash"),
)
LEFT: dict[str, Any] = {
    "consult": "c1",
    "destination": "clinic",
    "readers": ["clinic"],
    "bytes": 412,
    "state": "answered",
    "consent": "k1",
    "text": "as written",
    "said": {
        "text": "May [NAME_1] take ibuprofen with loratadine?",
        "person": {"age_years": 54, "language": "en"},
    },
}


def drafted() -> Any:
    """A draft of two cited sentences."""
    sources = [
        Citation(
            id=f"flu#{part}",
            title="Influenza",
            source="Caretier primary care pack",
            url="https://example.org/flu",
            date="2026-10-01",
            quote=said,
        )
        for part, said in (("care", CARE), ("help", HELP))
    ]
    return an_answer(
        text=f"{CARE} {HELP}",
        tier=Level.HOSPITAL,
        model=ModelCardRef(name="record-rules", digest="d1"),
        sentences=tuple(Sentence(text=one.quote, citations=(one.id,)) for one in sources),
        citations=tuple(sources),
    )


class Scene:
    """What happened in a hospital before somebody looks.

    Attributes:
        referral: id of the one that the clinicians' tour follows.
        change: id of the knowledge change that waits.
    """

    def __init__(self, hospital: Hospital, folder: Path) -> None:
        self.hospital, self.now = hospital, datetime.now(UTC)
        hospital.intake.audit = AuditTrail.open(
            hospital.settings.data, "hospital", node=hospital.settings.name
        )
        self._leo = hospital.accounts.add_user(
            "leo", PASSWORD, "Dr. Leo Marin", "clinician", acts_as=["Practitioner/leo"]
        )
        sources = (listed(), notices("http://127.0.0.1:1"))
        self._house = House(folder, *sources, database=hospital.database)
        hospital.sources = self._house.sources
        self._desk()
        self._charts()
        self._models()
        self._nodes()
        with ThreadPoolExecutor(1) as apart:  # Playwright holds the event loop of this thread
            self.change = apart.submit(asyncio.run, self._knowledge(folder)).result()

    def user(self, name: str) -> User:
        """Somebody of the staff."""
        return next(one for one in self.hospital.accounts.users() if one.username == name)

    def _desk(self) -> None:
        ana, ids = self.user("ana"), []
        for words, urgency, minutes in ASKED:
            waited = timedelta(minutes=minutes)
            ids.append(
                lay(
                    self.hospital,
                    words,
                    draft=drafted(),
                    urgency=urgency,
                    waited=waited,
                    facts=FACTS,
                )
            )
        self.referral = ids[2]
        self._hold(Wish("handover", to=ana, note="She asked you last week."), ids[1], self._leo)
        self._hold(Wish("take"), ids[3], ana)

    def _hold(self, wish: Wish, id_: str, user: User) -> None:
        self.hospital.holding.one(wish, id_, self.hospital.desk.item(id_).version, user)

    def _charts(self) -> None:
        ana = self.user("ana")
        for patient in ("p01", "p02", "p01", PERSON):
            self.hospital.audit_chart(ana, f"Patient/{patient}", "10.0.0.9")
        self.hospital.audit_read(ana, self.referral, "10.0.0.9")
        why = "Brought in unconscious; medicines unknown"
        self.hospital.relations.break_glass(self._leo, "p03", why, category="life")

    def _models(self) -> None:
        learned = {"before": [0.0] * 84 + [1.0] * 36, "after": [1.0] * 98 + [0.0] * 22}
        kept = {"before": [1.0] * 400, "after": [1.0] * 400}
        evidence = {
            "contributions": [
                {"id": f"c{n}", "site": f"clinic-{n + 1}", "examples": 40, "norm": 1.5}
                | {"weight": 1 / 3, "key": "A" * 16, "epsilon": 2.0, "bytes": 100}
                for n in range(3)
            ],
            "suites": {"learned": learned, "protected": kept, "safety": kept},
            "shadow": [20, 1],
            "lost": 0.1,
            "epsilon": 2.0,
        }
        held = {"domain": "general", "base": DIGEST, "policy": DIGEST, "rule": "mean"}
        criteria = [{"name": "rejections", "holds": True, "needs": "none", "has": "none"}]
        with self.hospital.database.transaction() as session:
            rounds = (("2" + ROUND[1:], 0, State.RELEASED), (ROUND, 1, State.WAITING))
            for id_, epoch, state in rounds:
                when = self.now - timedelta(days=31 * (1 - epoch))
                row = LearningRound(
                    id=id_, brick=f"general@{epoch + 1}" if state == State.RELEASED else None,
                    epoch=epoch, state=state, candidate=DIGEST, evidence=evidence,
                    criteria=criteria, started=when, changed=when, **held,
                )  # fmt: skip
                session.add(row)
            notify(session, self.user("omar").id, "round-waits", ROUND)

    def _nodes(self) -> None:
        with self.hospital.database.transaction() as session:
            for number, name in enumerate(("North clinic", "Harbour clinic"), 1):
                session.add(
                    EnrolledNode(
                        fingerprint=f"{number}" * 32,
                        name=name,
                        level="clinic",
                        identity=f"{number}" * 64,
                        bundle="{}",
                        enrolled=self.now - timedelta(hours=number * 20),
                    )
                )
            job = Job(id="learn-edit:x", kind="learn-edit", subject="x", state="dead")
            job.due = job.created = self.now
            job.attempts, job.error = 20, "TimeoutError"
            session.add(job)

    async def _knowledge(self, folder: Path) -> str:
        stick = folder / "stick"
        stick.mkdir()
        dose = "Adults take at most 90 mg of zorvaxin in a day."
        given = (
            label("Zorvaxin", 1, dosage_and_administration=dose),
            label("Brimolate", 2, indications_and_usage="Brimolate is used for stiff fingers."),
        )
        (stick / "one.json").write_bytes(labels(*given, day="2026-11-20"))
        id_ = await self._house.sources.fetch("labels", stick)
        assert id_ is not None
        self._house.sources.advance(id_)
        with self.hospital.database.transaction() as session:
            notify(session, self.user("ana").id, "change-waits", id_)
        return id_


def lived_in(device: Device) -> None:
    """Put into the open vault what somebody has after some weeks: what left, and a reminder."""
    member = device.members[PERSON]
    consent = {
        "id": "k1", "purpose": "treatment", "destinations": ["clinic"], "standing": True,
        "granted": "2026-10-01T10:00:00Z", "expires": None, "withdrawn": None, "wording": "w",
    }  # fmt: skip
    with member.vault.write() as tx:
        tx.put("consent", "k1", consent)
        for number, at in enumerate(("20T09:00", "20T18:30", "21T08:00")):
            tx.put("ledger", f"r{number}", {**LEFT, "time": f"2026-11-{at}:00Z"})
