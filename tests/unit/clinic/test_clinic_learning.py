"""A clinic trains, sends, waits out a dead line, and takes back; each is on its audit trail."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from clinic_edge import learning as module
from clinic_edge.commands import app
from clinic_edge.learning import ClinicLearning
from clinic_edge.settings import ClinicSettings
from compliance.audit import AuditError
from compliance.errors import NotFoundError
from compliance.sealing import IdentityKey
from services.bricks.errors import BrickRevokedError
from services.exchange.contributions import ContributionLine
from services.exchange.errors import LinkDownError
from services.learning.aggregate import Factors
from services.learning.contribution import read_manifest, write_contribution
from services.learning.models import Signal
from services.learning.rounds.standing import Standing
from services.learning.train.limits import TrainingHeldError
from services.store.database import Database

HOSPITAL = IdentityKey.generate()


class Hospital:
    """What a hospital answers, and what it heard."""

    def __init__(self):
        self.heard, self.refuses, self.away = [], None, False
        self.told = [{"domain": "general", "epoch": 0, "parent": None}]
        self.held = set()

    def __call__(self, request):
        if self.away:
            raise httpx.ConnectError("no")
        self.heard.append((request.method, request.url.path))
        if request.method == "GET":
            return httpx.Response(200, json={"standings": self.told})
        if request.method == "DELETE":
            there = request.url.path.rpartition("/")[2] in self.held
            return httpx.Response(200 if there else 404, json={})
        if self.refuses:
            slug = "urn:caretier:problem:contribution-refused"
            return httpx.Response(422, json={"type": slug, "detail": f"{self.refuses}: No."})
        return httpx.Response(202, json={})


class Trail:
    """Keeps events; may be full."""

    def __init__(self):
        self.events, self.full = [], False

    def record(self, event):
        if self.full:
            raise AuditError("The trail cannot be written.")
        self.events.append(event)


@pytest.fixture
def hospital(monkeypatch):
    made = Hospital()
    real = ContributionLine

    def line(url, identity, peer):
        return real(url, identity, peer, httpx.MockTransport(made))

    monkeypatch.setattr(module, "ContributionLine", line)
    return made


@pytest.fixture
def trail():
    return Trail()


@pytest.fixture
def database(tmp_path):
    made = Database(f"sqlite:///{tmp_path}/clinic.db")
    yield made
    made.close()


@pytest.fixture
def learning(tmp_path, database, trail, hospital):
    settings = ClinicSettings(data=tmp_path / "clinic", name="Test clinic")
    identity = IdentityKey.generate()
    made = ClinicLearning(settings, database, identity, trail, lambda: HOSPITAL.public)
    made.key = identity
    return made


def put(learning, epoch=0):
    """A contribution that waits, as if it had been trained."""
    outbox, number = learning.learner.outbox, len(learning.learner.outbox.all())
    id_ = f"00000000-0000-4000-8000-{number:012d}"
    fields = {
        "id": id_,
        "domain": "general",
        "base": "sha256:" + "a" * 64,
        "epoch": epoch,
        "site": learning.learner.site,
        "examples": 12,
        "privacy": {"mechanism": "example", "epsilon": 2.5, "delta": 1e-5},
    }
    delta = {"layers.0.q_proj": Factors(np.ones((4, 2), np.float32), np.ones((2, 3), np.float32))}
    write_contribution(outbox.place(id_), fields, delta, learning.key)
    return id_


def test_a_contribution_that_waits_is_sent_and_written_down(learning, hospital, trail):
    id_ = put(learning)
    (held,) = learning.send()
    assert (held.manifest.id, held.state) == (id_, "sent")
    assert hospital.heard == [("POST", "/v1/contributions")]
    (event,) = trail.events
    told = json.dumps(event)
    details = {d["type"]: d for d in event["entity"][0]["detail"]}
    assert "2.5" in details["epsilon"].values()
    for part in (id_, "HQUALIMP"):
        assert part in told


def test_while_the_hospital_is_away_it_waits(learning, hospital):
    put(learning)
    hospital.away = True
    assert learning.send() == []
    assert [held.state for held in learning.learner.outbox.all()] == ["waiting"]
    hospital.away = False
    assert [held.state for held in learning.send()] == ["sent"]


def test_what_cannot_be_written_down_is_not_sent(learning, hospital, trail):
    put(learning)
    trail.full = True
    with pytest.raises(AuditError):
        learning.send()
    assert hospital.heard == []


def test_a_refusal_is_kept_with_its_reason(learning, hospital):
    put(learning)
    hospital.refuses = "too-long"
    (held,) = learning.send()
    assert (held.state, held.reason) == ("refused", "too-long")
    assert learning.send() == []


def test_a_contribution_is_taken_back_at_the_hospital_too(learning, hospital):
    id_ = put(learning)
    learning.send()
    hospital.held.add(id_)
    assert learning.withdraw(id_).state == "withdrawn"
    assert hospital.heard[-1] == ("DELETE", f"/v1/contributions/{id_}")


def test_one_that_waits_is_taken_back_without_a_call(learning, hospital):
    id_ = put(learning)
    assert learning.withdraw(id_).state == "withdrawn"
    assert hospital.heard == []
    assert learning.send() == []


def test_one_that_the_hospital_never_had_is_taken_back_here(learning, hospital):
    id_ = put(learning)
    learning.send()
    assert learning.withdraw(id_).state == "withdrawn"


def test_a_hospital_that_is_away_keeps_it_from_being_called_withdrawn(learning, hospital):
    id_ = put(learning)
    learning.send()
    hospital.away = True
    with pytest.raises(LinkDownError):
        learning.withdraw(id_)
    assert learning.learner.outbox.get(id_).state == "sent"


def test_a_domain_that_the_hospital_does_not_learn_in_is_not_found(learning):
    with pytest.raises(NotFoundError, match="skin"):
        learning.plan("skin")


def test_without_signals_a_plan_says_what_is_lacking(learning):
    plan = learning.plan("general")
    assert "0 examples" in plan.reasons[0]


def test_a_turn_of_the_loop_sends_and_trains_nothing_without_signals(learning, hospital, caplog):
    import threading

    put(learning, epoch=7)
    learning._turn(threading.Event())
    assert [held.state for held in learning.learner.outbox.all()] == ["sent"]
    assert ("GET", "/v1/contributions") in hospital.heard


def test_a_turn_trains_where_there_is_enough_and_sends_it(
    learning, hospital, database, monkeypatch
):
    import threading

    now, learner = datetime.now(UTC), learning.learner
    with database.transaction() as session:
        for number in range(10):
            session.add(
                Signal(
                    id=f"s{number}",
                    kind="edit",
                    domain="general",
                    question="Q?",
                    better="A.",
                    consent="c",
                    subject=f"p{number}",
                    made=now,
                    expires=now + timedelta(days=1),
                )
            )
    monkeypatch.setattr(learner, "plan", lambda standing: type("Plan", (), {"reasons": ()})())
    trained = []

    def train(standing, say, stopped):
        trained.append(standing)
        return read_manifest(learner.outbox.place(put(learning)))[0]

    monkeypatch.setattr(learner, "learn", train)
    learning._turn(threading.Event())
    assert [standing.domain for standing in trained] == ["general"]
    assert [held.state for held in learner.outbox.all()] == ["sent"]


def test_what_waits_and_was_made_of_something_withdrawn_is_dropped(learning, database, caplog):
    sent, waits = put(learning), put(learning, epoch=1)
    learning.learner.outbox.move(sent, "sent")
    now = datetime.now(UTC)
    with database.transaction() as session:
        for number, used in enumerate((waits, sent)):
            row = {"kind": "edit", "domain": "general", "question": "Q?", "better": "A."}
            times = {"made": now, "expires": now + timedelta(days=1)}
            session.add(
                Signal(id=f"s{number}", consent="c", subject="p", used=used, **row, **times)
            )
        session.flush()
        learning.unlearn(session, frozenset({waits, sent, "unknown"}))
    states = {held.manifest.id: held.state for held in learning.learner.outbox.all()}
    assert states == {sent: "sent", waits: "withdrawn"}
    assert sent in caplog.text
    with database.reading() as session:
        assert session.get(Signal, "s0").used is None  # others' may be learned from again
    assert learning.send() == []


def test_a_training_that_is_held_back_does_not_end_the_loop(learning, monkeypatch, caplog):
    import threading

    def held(*_):
        raise TrainingHeldError("Not now.")

    monkeypatch.setattr(learning.learner, "plan", lambda s: type("Plan", (), {"reasons": ()})())
    monkeypatch.setattr(learning.learner, "learn", held)
    with caplog.at_level("INFO", logger="caretier.clinic.learning"):
        learning._turn(threading.Event())
    assert "Not now." in caplog.text


def test_a_parent_that_was_taken_back_holds_up_no_other_domain(learning, monkeypatch, caplog):
    import threading

    tried = []

    def learn(standing, *_):
        tried.append(standing.domain)
        raise BrickRevokedError("heart-style@1 was taken back: unsafe")

    both = [Standing(domain, 0, None) for domain in ("cardiology", "general")]
    monkeypatch.setattr(learning, "_standings", lambda: both)
    monkeypatch.setattr(learning.learner, "plan", lambda s: type("Plan", (), {"reasons": ()})())
    monkeypatch.setattr(learning.learner, "learn", learn)
    learning._turn(threading.Event())
    assert tried == ["cardiology", "general"]
    assert "nothing is learned in cardiology: heart-style@1 was taken back" in caplog.text


def test_before_enrolment_nothing_is_sent(tmp_path, database, trail):
    settings = ClinicSettings(data=tmp_path / "clinic")
    alone = ClinicLearning(settings, database, IdentityKey.generate(), trail, lambda: None)
    with pytest.raises(LinkDownError, match="not enrolled"):
        alone.standing("general")


def test_the_command_lists_nothing_at_first(tmp_path):
    done = CliRunner().invoke(app, ["--data", str(tmp_path), "contributions", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output) == {"contributions": []}
