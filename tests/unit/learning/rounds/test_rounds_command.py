"""`caretier rounds` shows what waits and why, and lets a person decide."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from services.learning.commands import app
from services.learning.credit import Credits
from services.learning.errors import RoundBlockedError
from services.learning.models import Signal, StoredContribution
from services.learning.rounds import State, opening
from tests.support.rounds import BAD, DOMAIN, POLICY, Parent, TinyModel


@pytest.fixture
def parent(tmp_path, monkeypatch):
    """A parent whose data folder the command opens."""
    folder = tmp_path / "hospital"
    folder.mkdir()
    made = Parent(folder, url=f"sqlite:///{folder}/hospital.db")
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    monkeypatch.setenv("CARETIER_HOSPITAL_UPDATES", str(tmp_path / "policy.yaml"))
    monkeypatch.setenv("CARETIER_ANCHORS", str(tmp_path / "anchors"))
    monkeypatch.setattr(opening, "parents_model", TinyModel)
    yield made
    made.close()


def run(parent, *arguments):
    done = CliRunner().invoke(app, ["--data", str(parent.folder.parent), *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


def waiting(parent):
    parent.three()
    id_ = parent.rounds.propose(DOMAIN)
    for _ in range(3):
        parent.rounds.advance(id_)
    return parent.rounds.book.get(id_)


def trail(parent):
    return (parent.folder / "audit" / "hospital.jsonl").read_text(encoding="utf-8")


def test_a_start_that_is_blocked_says_by_what(parent):
    with pytest.raises(RoundBlockedError, match="contributions: needs at least 3, has 0"):
        run(parent, "start")
    assert parent.rounds.book.listing() == []


def test_a_started_round_waits_for_the_hospital_that_runs(parent):
    parent.three()
    told = run(parent, "start")
    (row,) = parent.rounds.book.listing()
    assert told.startswith(row.id)
    assert row.state == State.COLLECTING
    assert "started" in trail(parent)


def test_a_round_is_shown_with_each_criterion_and_its_figures(parent):
    row = waiting(parent)
    held = json.loads(run(parent, "show", row.id[:6], "--json"))
    assert held["state"] == "waiting"
    assert {one["name"]: one["holds"] for one in held["criteria"]}["approvals"] is False
    learned = held["suites"][0]
    assert (learned["name"], learned["before"], learned["after"]) == ("learned", 0.0, 0.9)
    assert learned["gain_low"] > learned["bound"]
    shown = run(parent, "show", row.id)
    for words in ("gain:learned", "site-0", "blocks"):
        assert words in shown


def test_a_person_approves_what_was_shown_and_it_is_written_down(parent):
    row = waiting(parent)
    assert "publishing" in run(parent, "approve", row.id, "--candidate", row.candidate)
    assert row.id in trail(parent)
    assert "approved" in trail(parent)
    assert parent.rounds.advance(row.id) == State.ROLLING_OUT


def test_a_person_rejects_with_a_reason(parent):
    row = waiting(parent)
    run(parent, "reject", row.id, "--candidate", row.candidate, "--reason", "Too short.")
    assert "Too short." in run(parent, "show", row.id)


def test_what_came_to_nothing_is_listed_with_why_and_can_be_retried(parent):
    ids = parent.three()
    id_ = parent.rounds.propose(DOMAIN)
    parent.rounds.files.contribution(ids[0]).unlink()
    assert parent.rounds.advance(id_) == State.FAILED
    held = json.loads(run(parent, "dead", "--json"))
    assert [one["id"] for one in held["rounds"]] == [id_]
    assert [(one["id"], one["reason"]) for one in held["contributions"]] == [(ids[0], "missing")]
    assert id_[:8] in run(parent, "dead")
    assert "collecting again" in run(parent, "retry", id_)


def test_a_dry_run_names_what_blocks_and_changes_nothing(parent):
    parent.evaluator.found = BAD
    waiting(parent)
    held = json.loads(run(parent, "dry-run", "--json"))
    assert held["blocking"] == ["safety:safety", "approvals"]
    assert "Blocked by safety:safety, approvals." in run(parent, "dry-run")


def test_signals_are_counted_by_kind(parent):
    row = parent.contribution(parent.contribute("site-0"))
    with parent.database.transaction() as session:
        session.add_all(
            Signal(
                id=f"s{n}",
                kind="thumb",
                domain=DOMAIN,
                question="q",
                consent="c",
                subject="s",
                made=row.received,
                expires=row.received.replace(year=row.received.year + (1 if n else -1)),
            )
            for n in range(3)
        )
    assert json.loads(run(parent, "signals", "--json")) == [
        {
            "domain": DOMAIN,
            "kind": "thumb",
            "there": 3,
            "used": 0,
            "over": 1,
            "wrong": 0,
            "teaches": 0,
        }
    ]


def test_a_release_is_followed_to_its_sites_a_contribution_to_its_releases_and_credit_is_shown(
    parent,
):
    row = waiting(parent)
    assert "is waiting: credit is measured once it is released" in run(parent, "credit", row.id[:8])
    parent.rounds.approve(row.id, row.candidate, "ana")
    parent.rounds.advance(row.id)
    parent.rounds.advance(row.id)
    told = run(parent, "lineage", "general@1")
    assert "Contributing sites: site-0, site-1, site-2." in told
    id_ = row.evidence["contributions"][0]["id"]
    assert "in general@1 (released)" in run(parent, "lineage", id_, "--contribution")
    assert json.loads(run(parent, "lineage", "general@1", "--json"))["sites"][0] == "site-0"
    assert "is being measured" in run(parent, "credit", row.id[:8])
    credits_ = Credits(parent.rounds, lambda *_given: None)
    while credits_.step(row.id):
        pass
    told = run(parent, "credit", row.id[:8])
    assert "By shapley on learned (20 items); 3 measurements." in told
    assert "weighs nothing" in told


def test_what_was_put_aside_is_let_in_by_a_person_and_that_is_written_down(parent):
    id_ = parent.contribute("site-0")
    with parent.database.transaction() as session:
        row = session.get_one(StoredContribution, id_)
        row.state, row.reason = "quarantined", "failed-probe"
    assert "caretier rounds readmit" in run(parent, "dead")
    assert "waits for a round" in run(parent, "readmit", id_[:8])
    assert parent.contribution(id_).state == "waiting"
    assert "readmitted" in trail(parent)


def test_a_folder_without_a_hospital_is_named(tmp_path):
    from compliance.errors import NotFoundError

    done = CliRunner().invoke(app, ["--data", str(tmp_path), "list"])
    assert isinstance(done.exception, NotFoundError)
