"""A node's signals: kept once, counted, put right by a clinician, ended with consent or time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import typer
from pydantic import ValidationError
from sqlalchemy import select
from typer.testing import CliRunner

from clinic_edge.learning_commands import learning_commands
from clinic_edge.service import Clinic
from clinic_edge.settings import ClinicSettings
from compliance.deidentify import Deidentifier
from compliance.errors import BadInputError, NotFoundError
from services.learning.models import Signal, StoredContribution
from services.learning.rounds.standing import MOST_TOLD, readiness
from services.learning.signals import (
    SentSignal,
    answer_correction,
    counted,
    forget_consent,
    forget_over,
    from_patient,
    keep,
    signal_in,
)
from services.learning.signals.counts import counts, unanswered
from services.learning.train.material import material
from services.store.database import Database

KEEP = timedelta(days=180)


@pytest.fixture
def node(tmp_path):
    made = Database(f"sqlite:///{tmp_path}/node.db")
    made.migrate("services.learning")
    yield made
    made.close()


def sent(**changed) -> SentSignal:
    held = {
        "signal": str(uuid4()),
        "verdict": "wrong",
        "question": "How long does a cold last?",
        "answer": "Two days.",
        "note": "Mine took a week.",
        "consent": "c1",
    }
    return SentSignal(**held | changed)


def keep_all(database, *signals: SentSignal, device="DEVICE") -> None:
    with database.transaction() as session:
        for one in signals:
            keep(session, from_patient(one, device=device, keep_for=KEEP))


def taught(database):
    with database.reading() as session:
        return material(session, "general", datetime.now(UTC), 9).examples


def test_a_signal_is_read_from_its_own_text_and_nothing_else_is():
    one = sent()
    assert signal_in(one.model_dump_json()) == one
    assert signal_in('{"referral": "1", "text": "What is asthma?"}') is None
    assert signal_in(one.model_dump_json().replace('"learning"', '"treatment"')) is None
    with pytest.raises(ValidationError):
        sent(question="\ud800")


def test_the_same_signal_is_kept_once(node):
    one = sent()
    keep_all(node, one, one)
    keep_all(node, one)
    with node.reading() as session:
        assert counted(session, "general") == (1, 1)


@pytest.mark.parametrize(
    ("days", "kept"), [(None, 180), (30, 30), (400, 180)], ids=["no end", "sooner", "later"]
)
def test_a_signal_ends_with_its_consent_or_its_time_whichever_comes_first(node, days, kept):
    end = None if days is None else datetime.now(UTC) + timedelta(days=days)
    keep_all(node, sent(ends=end))
    with node.reading() as session:
        (signal,) = session.scalars(select(Signal))
    assert abs(signal.expires - datetime.now(UTC) - timedelta(days=kept)) < timedelta(minutes=1)


def test_what_is_over_counts_teaches_and_stays_no_more(node):
    keep_all(node, sent())
    with node.transaction() as session:
        (signal,) = session.scalars(select(Signal))
        signal.better, signal.expires = "A week.", datetime.now(UTC) - timedelta(seconds=1)
        assert counted(session, "general") == (0, 0)
        assert unanswered(session) == []
    assert taught(node) == ()
    assert forget_over(node, datetime.now(UTC) - KEEP) == 1


def test_a_withdrawal_deletes_that_persons_signals_under_that_consent_alone(node):
    keep_all(node, sent(), sent(consent="c2"))
    keep_all(node, sent(), device="ANOTHER")
    with node.transaction() as session:
        assert forget_consent(session, "DEVICE", "c1") == 1
        left = session.execute(select(Signal.subject, Signal.consent)).all()
    assert sorted(tuple(row) for row in left) == [("ANOTHER", "c1"), ("DEVICE", "c2")]


def test_a_patients_word_teaches_nothing_until_a_clinician_has_said_what_is_right(node):
    one = sent()
    keep_all(node, one, sent(verdict="up"), sent(verdict="down", note=""))
    assert taught(node) == ()
    with node.reading() as session:
        assert counted(session, "general") == (2, 3)
        assert {row["note"] for row in unanswered(session)} == {"Mine took a week.", ""}
    assert answer_correction(node, one.signal[:13], "Seven to ten days.") == one.signal
    (example,) = taught(node)
    assert (example.answer, example.worse) == ("Seven to ten days.", "Two days.")
    with node.reading() as session:
        rows = {
            row["kind"]: (row["there"], row["wrong"], row["teaches"]) for row in counts(session)
        }
        assert len(unanswered(session)) == 1
    assert rows == {"correction": (1, 1, 1), "thumb": (2, 1, 0)}


def test_what_cannot_be_put_right_is_refused(node):
    up, used = sent(verdict="up"), sent()
    keep_all(node, up, used)
    with node.transaction() as session:
        session.get_one(Signal, used.signal).used = "contribution"
    for begins, better, error in (
        (up.signal, "x", NotFoundError),
        ("", "x", BadInputError),  # the one that says something is wrong; it was used
        ("%", "x", NotFoundError),
        (used.signal, "x", BadInputError),
        (used.signal, "  ", BadInputError),
    ):
        with pytest.raises(error):
            answer_correction(node, begins, better)


def contribution(number: int, **metrics: float) -> StoredContribution:
    return StoredContribution(
        id=str(uuid4()),
        domain="general",
        epoch=0,
        key=f"{number:016d}",
        site=f"site-{number}",
        state="waiting",
        manifest=json.dumps({"metrics": {k.replace("_", "-"): v for k, v in metrics.items()}}),
        bytes=1,
        received=datetime.now(UTC),
    )


def test_a_round_starts_by_what_the_hospital_and_the_sites_were_told(node):
    keep_all(node, sent(), sent(verdict="up"))
    with node.transaction() as session:
        session.add_all(
            [
                contribution(1, signals=8.0, signals_wrong=2.0),
                contribution(2),
                contribution(3, signals=-5.0, signals_wrong=9.0),
            ]
        )
    with node.reading() as session:
        ready = readiness(session, "general")
    assert (ready.signals, ready.error_rate) == (3, pytest.approx(0.3))
    with node.transaction() as session:
        session.add(contribution(4, signals=1e30, signals_wrong=1e30))
    with node.reading() as session:
        assert readiness(session, "general").signals == 3 + MOST_TOLD


def test_a_clinic_lists_what_is_wrong_and_puts_it_right_without_names(
    tmp_path, monkeypatch, deidentifier
):
    monkeypatch.setattr(Deidentifier, "load", lambda: deidentifier)
    app, data = typer.Typer(), tmp_path / "data"

    @app.callback()
    def root(context: typer.Context) -> None:
        context.obj = data

    learning_commands(app)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["signals", *arguments], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    assert "There are no signals." in run()
    clinic = Clinic(ClinicSettings(data=data / "clinic"))
    one = sent(note="[italic]mine[/italic]")
    keep_all(clinic.database, one)
    assert json.loads(run("--open", "--json"))[0]["worse"] == "Two days."
    assert "[italic]" in run("--open").replace("\n", "")
    told = run("--answer", one.signal[:8], "--better", "Ask Dr. Ignatius Fennimore. A week.")
    assert one.signal in told
    assert "Fennimore" not in told
    assert json.loads(run("--json"))[0]["teaches"] == 1
    acts = [json.dumps(event) for event in clinic.intake.audit.export()]
    assert any("answered" in act for act in acts)
    assert not any("Fennimore" in act for act in acts)
