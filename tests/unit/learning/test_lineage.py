"""Where a release comes from, and where a contribution went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from compliance.audit import AuditTrail
from compliance.audit.acts import Actors, Agent, chat
from compliance.errors import NotFoundError
from services.bricks.store import BrickStore
from services.experts.models import PushedExpert
from services.learning.intake import Sender
from services.learning.intake.withdrawal import withdraw
from services.learning.lineage import Lineage
from services.learning.rounds import State
from tests.support.rounds import DOMAIN, Parent, TinyModel

OPERATOR = Sender("operator", None)
LATER = datetime.now(UTC) + timedelta(days=1)


def released(parent):
    parent.rounds.advance(parent.rounds.propose(DOMAIN))
    (row, *_) = parent.rounds.book.listing()
    for _ in range(2):
        parent.rounds.advance(row.id)
    parent.rounds.approve(row.id, parent.rounds.book.get(row.id).candidate, "ana")
    parent.rounds.advance(row.id)
    assert parent.rounds.advance(row.id) == State.RELEASED
    return parent.rounds.book.get(row.id)


def a_brick(store, tmp_path, ref, parents=()):
    """The manifest that a publisher would write."""
    id_, _, version = ref.partition("@")
    weights = tmp_path / f"{ref}.gguf"
    weights.write_bytes(ref.encode())
    fields = {
        "id": id_,
        "version": int(version),
        "kind": "adapter",
        "title": "What clinics learned",
        "level": "hospital",
        "domain": DOMAIN,
        "base": TinyModel.digest,
        "rank": 2,
        "licence": "CC0-1.0",
        "created": "2026-11-26T00:00:00Z",
        "lineage": {"operation": "updated", "parents": list(parents)},
    }
    return store.make(fields, {"adapter.gguf": (weights, "gguf")})


@pytest.fixture
def hospital(tmp_path):
    """Two releases, the second on the first, with their bricks, and the second one in use."""
    parent = Parent(tmp_path)
    parent.database.migrate("services.experts")
    parent.one = [parent.contribute(f"site-{n}", seed=n) for n in range(4)]
    first = released(parent)
    parent.two = [parent.contribute(f"site-{n}", seed=n) for n in range(2, 6)]
    second = released(parent)
    parent.store = BrickStore(tmp_path / "bricks")
    a_brick(parent.store, tmp_path, first.brick)
    a_brick(parent.store, tmp_path, second.brick, parents=[first.brick])
    with parent.database.transaction() as session:
        session.add(PushedExpert(id=DOMAIN, version=2, pushed=datetime.now(UTC)))
    parent.trail = AuditTrail.open(tmp_path, "hospital", node="Test hospital")
    parent.lineage = Lineage.at(tmp_path, parent.rounds)
    yield parent
    parent.close()


def asked(parent, model, consult):
    """Write down that a model was asked."""
    by = Actors(application=Agent("application", "x"), node="n", model=Agent("model", model))
    parent.trail.record(chat(by, consult))


def test_an_answer_leads_to_its_brick_the_rounds_below_it_and_the_sites_by_pseudonym(hospital):
    told = hospital.lineage.of("SmolLM2-135M with general@2")
    assert told["brick"] == "general@2"
    assert [one["brick"] for one in told["bricks"]] == ["general@2", "general@1"]
    assert told["sites"] == [f"site-{n}" for n in range(6)]
    assert told["base"] == TinyModel.digest
    top = told["bricks"][0]
    assert top["manifest"]["lineage"]["parents"] == ["general@1"]
    assert {one["site"] for one in top["round"]["contributions"]} == {
        f"site-{n}" for n in range(2, 6)
    }
    assert [one["by"] for one in top["round"]["approvals"]] == ["ana"]


def test_a_brick_is_found_by_its_name_its_file_its_round_and_the_call_that_it_answered(hospital):
    digest = hospital.store.get("general@1").files[0].digest
    round_ = hospital.rounds.book.listing()[0].id
    asked(hospital, DOMAIN, "6b1c0c52-0d1f-4f0e-9e54-0f4c4a3d2b11")
    by = hospital.lineage.of
    assert by(DOMAIN)["brick"] == "general@2"
    assert by(digest)["brick"] == "general@1"
    assert by(round_)["brick"] == "general@2"
    assert by("6b1c0c52-0d1f-4f0e-9e54-0f4c4a3d2b11")["brick"] == "general@2"


def test_a_call_from_before_the_version_in_use_is_not_said_to_come_from_it(hospital):
    asked(hospital, DOMAIN, "6b1c0c52-0d1f-4f0e-9e54-0f4c4a3d2b11")
    with hospital.database.transaction() as session:
        session.get_one(PushedExpert, DOMAIN).pushed = LATER
    with pytest.raises(NotFoundError, match="general answered"):
        hospital.lineage.of("6b1c0c52-0d1f-4f0e-9e54-0f4c4a3d2b11")


@pytest.mark.parametrize(
    "what",
    [
        "general@9",
        "nothing",
        "sha256:" + "0" * 64,
        "0" * 8 + "-0000-4000-8000-" + "0" * 12,
        "",
        "@",
    ],
)
def test_what_nobody_knows_is_said_to_be_unknown(hospital, what):
    with pytest.raises(NotFoundError):
        hospital.lineage.of(what)


def test_a_brick_whose_files_are_gone_is_still_told_of_by_its_round(hospital):
    hospital.store.remove("general@2")
    told = hospital.lineage.of("general@2")["bricks"]
    assert told[0]["manifest"] is None
    assert told[0]["round"]["state"] == State.RELEASED
    assert [one["brick"] for one in told] == ["general@2", "general@1"]


def test_a_contribution_leads_forward_to_every_release_that_holds_it(hospital):
    def bricks(id_):
        told = hospital.lineage.of_contribution(id_, OPERATOR)
        return [one["brick"] for one in told["releases"]]

    assert bricks(hospital.one[0]) == ["general@1", "general@2"]
    assert bricks(hospital.two[0]) == ["general@2"]
    node = hospital.contribution(hospital.one[0]).key
    own = hospital.lineage.of_contribution(hospital.one[0], Sender("node", node))
    assert own["state"] == "used"
    with pytest.raises(NotFoundError):
        hospital.lineage.of_contribution(hospital.one[1], Sender("node", node))


def test_a_release_made_anew_says_so_and_what_was_withdrawn_is_marked(hospital):
    withdraw(hospital.rounds, hospital.one[0])
    told = hospital.lineage.of("general@1")["bricks"][0]["round"]["contributions"]
    states = {one["id"]: one["state"] for one in told}
    assert states[hospital.one[0]] == "withdrawn"
    assert states[hospital.one[1]] == "used"
