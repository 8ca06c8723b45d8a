"""A hospital's desk with real envelopes on a temporary database, and a browser on its portal."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest

from compliance.audit import AuditTrail
from compliance.receipt import issue_receipt, new_salt
from compliance.sealing import IdentityKey, SealingKey
from services.consult.messages import (
    Answer,
    Citation,
    Fact,
    Level,
    ModelCardRef,
    Person,
    Sentence,
    Status,
    Step,
    Triage,
)
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.exchange.messages import ReferredQuestion
from services.exchange.models import StoredParcel
from services.exchange.sealed import open_reply, seal_question
from services.fhir.store import FhirStore
from services.hospital.accounts import Accounts
from services.hospital.chart import Charts
from services.hospital.desk import URGENCY_RANK, Desk, answered
from services.hospital.models import Referral
from services.hospital.operations import Check
from services.hospital.operations.queues import Hour, KindRow
from services.hospital.operations.service import Queues
from services.hospital.operations.versions import VersionRow
from services.hospital.portal import STATIC, portal_router
from services.hospital.portal.asking import AskingPages
from services.hospital.portal.documents import DocumentPages
from services.hospital.portal.operations import operation_pages
from services.hospital.portal.resource import ResourcePages
from services.store.database import Database
from services.web.app import create_app
from services.web.templating import mount_static

PASSWORD = "a long enough password"
DEVICE = IdentityKey.generate()
REPLY_KEY = SealingKey.generate()
HOST = "http://localhost"

SOURCE = Citation(
    id="flu-1",
    title="Flu",
    source="Primary care pack",
    url="https://example.org/flu",
    date="2026-10-01",
    quote="Most people with flu get better without treatment.",
)
DRAFT_TEXT = "Most people with flu get better without treatment."


def drafted(**changes: Any) -> Answer:
    """A draft with one cited sentence."""
    values: dict[str, Any] = {
        "id": "draft",
        "status": Status.ANSWERED,
        "text": DRAFT_TEXT,
        "tier": Level.HOSPITAL,
        "model": ModelCardRef(name="extractive-1", digest="sha256:0f0f"),
        "experts": ("primary-care",),
        "confidence": 0.83,
        "sentences": (Sentence(text=DRAFT_TEXT, citations=("flu-1",)),),
        "citations": (SOURCE,),
        "trace": (Step(step="triage", ms=1.25, detail={"level": "routine"}),),
    }
    return Answer(**(values | changes))


@dataclass
class Clinic:
    """The hospital behind the portal, and what its device and auditor would see."""

    database: Database
    keys: NodeKeys
    desk: Desk
    accounts: Accounts
    reads: list[tuple[str, str]] = field(default_factory=list)
    charts_read: list[tuple[str, str]] = field(default_factory=list)
    clients: list[str | None] = field(default_factory=list)
    audit_fails: Exception | None = None
    drafted = staticmethod(drafted)

    def audit_read(self, user: Any, referral: str, client: str | None = None) -> None:
        """Remember a read, or fail as told."""
        if self.audit_fails:
            raise self.audit_fails
        self.clients.append(client)
        self.reads.append((user.username, referral))

    def audit_chart(self, user: Any, patient: str, client: str | None = None) -> None:
        """Remember that a chart was opened, or fail as told."""
        if self.audit_fails:
            raise self.audit_fails
        self.clients.append(client)
        self.charts_read.append((user.username, patient))

    def record(self, *resources: dict[str, Any]) -> None:
        """Put resources into the hospital's record."""
        report = FhirStore(self.database).put_many(resources)
        assert not report.rejected, report.rejected

    def refer(
        self,
        text: str = "I am [PATIENT] and have had a fever since [DATE-1]. Is it flu?",
        *,
        urgency: str = "routine",
        draft: Answer | None = None,
        no_draft: bool = False,
        minutes_ago: int = 12,
        **question: Any,
    ) -> str:
        """Lay a referral on the desk; returns its id."""
        id_ = str(uuid4())
        asked = ReferredQuestion(
            **{
                "referral": id_,
                "text": text,
                "person": Person(age_years=41, sex="female"),
                "facts": (Fact(id="Condition/1", kind="condition", text="Asthma"),),
                "urgency": urgency,
                "reply_to": REPLY_KEY.public.to_text(),
            }
            | question
        )
        received = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        written = None if no_draft else (draft or drafted(triage=_triage(urgency)))
        with self.database.transaction() as session:
            session.add(_parcel(asked, self.keys, received))
            session.add(
                Referral(
                    id=id_,
                    urgency=urgency,
                    urgency_rank=URGENCY_RANK[urgency],
                    reason=asked.reason,
                    question=asked.model_dump_json(),
                    draft=written.model_dump_json() if written else None,
                    state="open",
                    language=asked.person.language,
                    drafted=answered(written),
                    received=received,
                )
            )
        return id_

    def reply(self, id_: str) -> Answer | None:
        """What the device gets, opened and checked; None while nothing was sent."""
        with self.database.reading() as session:
            sealed = session.get_one(StoredParcel, id_).reply
        if sealed is None:
            return None
        signers = {Level.HOSPITAL: self.keys.identity.public}
        return open_reply(sealed, referral=id_, key=REPLY_KEY, signers=signers)


def _triage(urgency: str) -> Triage:
    if urgency == "routine":
        return Triage()
    return Triage(level=urgency, rule="chest-pain", advice="Call 911 now.", source="Guidance")


def _parcel(asked: ReferredQuestion, keys: NodeKeys, received: datetime) -> StoredParcel:
    question, salt = asked.model_dump_json(), new_salt()
    receipt = issue_receipt(
        key=DEVICE,
        payload=question.encode(),
        salt=salt,
        referral=asked.referral,
        policy="safe-harbor-1",
        detector="caretier-deid/1",
        consent="consent-1",
        destination="hospital",
        readers=("hospital",),
        valid_for=timedelta(days=1),
        now=received,
    )
    envelope = seal_question(
        question,
        salt,
        receipt,
        device=DEVICE.public,
        destination=Level.HOSPITAL,
        to=next(iter(keys.sealing)).public,
    )
    return StoredParcel(
        id=asked.referral,
        sender="clinic",
        destination="hospital",
        digest="0" * 64,
        envelope=envelope.model_dump_json(),
        state="received",
        due=received,
        received=received,
    )


class Browser:
    """One browser on the portal: keeps cookies, finds the token of its session in the page."""

    def __init__(self, app: Any) -> None:
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url=HOST,
            headers={"Sec-Fetch-Site": "same-origin", "Accept-Language": "en"},
        )

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(path, **more)

    async def post(self, path: str, data: dict[str, Any] | None = None, **more: Any):
        return await self.http.post(path, data=data, **more)

    async def sign_in(self, user: str, password: str = PASSWORD, **form: str) -> httpx.Response:
        return await self.post("/portal/sign-in", {"user": user, "password": password, **form})

    async def csrf(self) -> str:
        """The token in the meta element, as the page's modules read it."""
        page = await self.http.get("/portal/system")
        if page.status_code == 403:
            page = await self.http.get("/portal/")
        return re.search(r'<meta name="csrf" content="([^"]*)"', page.text)[1]

    async def save(self, id_: str, text: str, version: int = 0, **more: Any) -> httpx.Response:
        headers = {"X-CSRF-Token": await self.csrf()}
        body = {"text": text, "version": version}
        return await self.http.post(
            f"/portal/api/referrals/{id_}/save", json=body, **({"headers": headers} | more)
        )

    async def sign(self, id_: str, text: str, version: int = 0, **form: str) -> httpx.Response:
        fields = {"csrf": await self.csrf(), "version": str(version), "text": text, **form}
        return await self.post(f"/portal/referrals/{id_}/sign", fields)


STAFF = (
    ("ana", "Dr. Ana Ruiz", "clinician"),
    ("bo", "Dr. Bo Lind", "clinician"),
    ("op", "Olga Operator", "operator"),
    ("pri", "Pri Vacy", "privacy"),
)


@pytest.fixture(scope="session")
def staffed(tmp_path_factory):
    """The file of a migrated database with the staff in it; each test takes a copy."""
    file = tmp_path_factory.mktemp("portal") / "hospital.db"
    database = Database(f"sqlite:///{file}")
    database.migrate("services.exchange", "services.fhir", "services.hospital")
    accounts = Accounts(database)
    for name, shown, role in STAFF:
        accounts.add_user(name, PASSWORD, shown, role)
    database.close()
    return file


@pytest.fixture
def clinic(staffed, tmp_path, monkeypatch):
    """A hospital with clinicians (ana, bo), an operator (op) and a privacy officer (pri)."""
    database = Database(f"sqlite:///{shutil.copy(staffed, tmp_path / 'hospital.db')}")
    keys = NodeKeys.load_or_create(tmp_path / "keys", name="Test", level=Level.HOSPITAL)
    trail = AuditTrail(tmp_path / "audit.jsonl", bytes(32), node="test")
    desk = Desk(Intake(database, Level.HOSPITAL, trail), keys)
    yield Clinic(database, keys, desk, Accounts(database))
    database.close()


class Still:
    """Operations of a hospital where nothing moves."""

    def checks(self):
        return [Check("disk", "warn", {"gib": "3.1"}), Check("trail", "ok")]

    def nodes(self):
        return []

    def devices(self):
        return 3

    def queues(self):
        hour = Hour(datetime(2026, 1, 5, 3, tzinfo=UTC), done=2)
        return Queues([KindRow("open-referral", 2, 0, 0, None)], [], [hour])

    def ehrs(self):
        return []

    rounds = changes = ehrs

    def versions(self):
        return [VersionRow("knowledge", "index", "", "abc123")]


@pytest.fixture
def app(clinic):
    made = create_app("Test hospital", ready=dict)
    made.include_router(
        portal_router(
            clinic.accounts,
            clinic.desk,
            secure_cookies=False,
            audit_read=clinic.audit_read,
            charts=(charts := Charts(clinic.database, clinic.audit_chart)),
            more=[
                ResourcePages(charts),
                AskingPages(charts),
                DocumentPages(charts),
                partial(operation_pages, operations=Still()),
            ],
        )
    )
    mount_static(made, portal=STATIC)
    return made


@pytest.fixture
async def open_browser(app):
    """Make browsers; they are closed at the end."""
    made: list[Browser] = []

    def fresh() -> Browser:
        made.append(Browser(app))
        return made[-1]

    yield fresh
    for browser in made:
        await browser.http.aclose()


@pytest.fixture
async def ana(open_browser):
    """A clinician's browser, signed in."""
    browser = open_browser()
    await browser.sign_in("ana")
    return browser
