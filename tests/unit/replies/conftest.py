"""A desk with one referral on both databases, and clinicians who write."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.exchange import DeviceKeys, FailingAudit, an_answer

from services.consult.messages import Citation, Level, Sentence
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.hospital.desk import Desk
from services.hospital.models import Referral, User
from services.hospital.text_keys import TextKeys

SAID = "Rest and drink enough water every day."


def a_user(name: str) -> User:
    return User(
        id=name, username=name, display_name=name.title(), role="clinician", password="",
        created=datetime.now(UTC), disabled=False,
    )  # fmt: skip


ANA, BO = a_user("ana"), a_user("bo")


@pytest.fixture(scope="session")
def hospital_keys(tmp_path_factory):
    return NodeKeys.load_or_create(tmp_path_factory.mktemp("keys"), name="H", level="hospital")


@pytest.fixture
def desk(database, hospital_keys, tmp_path):
    intake = Intake(database, Level.HOSPITAL, FailingAudit())
    return Desk(intake, hospital_keys, TextKeys(tmp_path / "texts"))


@pytest.fixture
def lay(database, desk, hospital_keys):
    """Lays a referral with a draft on the desk; gives its id."""

    def make(text: str = "Is it flu?", urgency: str = "routine") -> str:
        made = DeviceKeys().refer(text, hospital_keys)
        desk._intake.accept(made.envelope, "CLINIC")
        source = Citation(id="flu#care", title="Flu", source="Pack", quote=SAID)
        draft = an_answer(
            text=SAID,
            sentences=(Sentence(text=SAID, citations=("flu#care",)),),
            citations=(source,),
        )
        with database.transaction() as session:
            session.add(
                Referral(
                    id=made.id,
                    urgency=urgency,
                    urgency_rank=2,
                    reason="not-covered",
                    question=desk.seal(made.id, "question", made.question.model_dump_json()),
                    draft=desk.seal(made.id, "draft", draft.model_dump_json()),
                    state="open",
                    received=datetime.now(UTC),
                )
            )
        return made.id

    return make
