"""A desk with a signed-in clinician who treats one of two people, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.exchange import DeviceKeys, an_answer
from support.trail import Trail

from services.consult.messages import Citation, Level, ModelCardRef, Sentence
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.fhir.store import FhirStore
from services.hospital.accounts import Accounts
from services.hospital.audited import Auditor
from services.hospital.chart import Charts
from services.hospital.desk import Desk
from services.hospital.models import Referral
from services.hospital.relations import Relations
from services.hospital.writing import Filings

SAID = ("Rest and drink enough water every day.", "Most people get better within one week.")
DRAFT = an_answer(
    text=" ".join(SAID),
    tier=Level.HOSPITAL,
    model=ModelCardRef(name="all-MiniLM-L6-v2 + BM25, the sources' own sentences", digest="d1"),
    sentences=(
        Sentence(text=SAID[0], citations=("flu#care",)),
        Sentence(text=SAID[1], citations=("flu#what",)),
    ),
    citations=(
        Citation(
            id="flu#care", title="Flu", source="MedlinePlus", date="2026-10-01", quote=SAID[0]
        ),
        Citation(id="flu#what", title="Flu", source="MedlinePlus", quote=SAID[1]),
    ),
)
RECORD = [
    {
        "resourceType": "Patient",
        "id": "mine",
        "identifier": [{"system": "urn:mrn", "value": "4711"}],
        "name": [{"given": ["Ada"], "family": "Test"}],
        "birthDate": "1960-05-01",
    },
    {"resourceType": "Patient", "id": "theirs", "name": [{"family": "Other"}]},
    {"resourceType": "Practitioner", "id": "ana", "name": [{"family": "Ruiz"}]},
    {
        "resourceType": "ServiceRequest",
        "id": "open",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/mine"},
        "performer": [{"reference": "Practitioner/ana"}],
    },
]


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    return NodeKeys.load_or_create(tmp_path_factory.mktemp("keys"), name="H", level="hospital")


class Ward:
    """The hospital as these tests see it."""

    def __init__(self, database, keys) -> None:
        self.database, self.trail, self.keys = database, Trail(), keys
        self.auditor = Auditor(self.trail.record_all, "hospital")
        self.store = FhirStore(database)
        assert not self.store.put_many(RECORD).rejected
        self.relations = Relations(database, self.auditor)
        charts = Charts(database, lambda *_: None)
        self.outside: list[str] = []
        self.filings = Filings(
            database,
            self.store,
            charts.find,
            self.relations,
            self.auditor,
            lambda _session, id_: self.outside.append(id_),
        )
        self.intake = Intake(database, Level.HOSPITAL, self.trail)
        self.desk = Desk(self.intake, keys)
        accounts = Accounts(database)
        self.ana = accounts.add_user(
            "ana", "a long password", "Dr. Ana Ruiz", "clinician", acts_as=["Practitioner/ana"]
        )
        self.bo = accounts.add_user("bo", "a long password", "Dr. Bo Lind", "clinician")
        self.pri = accounts.add_user("pri", "a long password", "Pri Vacy", "privacy")

    def lay(self, draft=DRAFT) -> str:
        """Lay a referral on the desk."""
        made = DeviceKeys().refer("Is it flu?", self.keys)
        self.intake.accept(made.envelope, "CLINIC")
        with self.database.transaction() as session:
            session.add(
                Referral(
                    id=made.id,
                    urgency="routine",
                    urgency_rank=2,
                    reason="not-covered",
                    question=made.question.model_dump_json(),
                    draft=draft.model_dump_json() if draft else None,
                    state="open",
                    received=datetime.now(UTC),
                )
            )
        return made.id

    def preview(self, id_: str, text: str, number: str = "mine", user=None):
        """What would be filed."""
        who = user or self.ana
        person = self.filings.person(who, number)
        return self.filings.preview(self.desk.item(id_), text, person, who)

    def sign(self, id_: str, text: str, number: str = "mine", *, token=None, user=None):
        """Preview, then sign and file."""
        who = user or self.ana
        token = token if token is not None else self.preview(id_, text, number, who).token
        item = self.desk.item(id_)
        beside = self.filings.beside(item, text, number, token, user=who, client=None)
        return self.desk.sign(id_, text, version=item.version, user=who, beside=beside)

    def written(self) -> list[str]:
        """Everything of the record that was not there at first."""
        first = {f"{r['resourceType']}/{r['id']}" for r in RECORD}
        kinds = ("Communication", "Provenance", "Device", "DocumentReference")
        found = [
            f"{kind}/{entry['id']}"
            for kind in kinds
            for entry in self.store.search(kind, count=500).resources
        ]
        return [one for one in found if one not in first]


@pytest.fixture
def ward(database, keys):
    return Ward(database, keys)
