"""A release on its way, at the portal: everybody who watches sees it; operators steer it."""

from __future__ import annotations

import pytest

from services.hospital.audited import Auditor, Caller
from services.hospital.portal import STATIC, portal_router
from services.hospital.portal.rollouts import plot_of
from services.hospital.portal.updates import UpdatesDesk
from services.learning.policy import Policy
from services.learning.rollout.simulator import Rates, SimulatedFleet
from services.web.app import create_app
from services.web.templating import mount_static
from tests.support.rounds import DOMAIN, Parent


@pytest.fixture
def fleet():
    return SimulatedFleet(12, seed=1, brick=DOMAIN, version=0, window=240, hourly=30)


@pytest.fixture
def written():
    return []


@pytest.fixture
def parent(tmp_path, fleet, written):
    """A hospital that has released one round to its cohorts."""
    folder = tmp_path / "learning"
    folder.mkdir()
    made = Parent(folder)
    audit = Auditor(written.extend, "test")

    def moved(what, move, by):
        audit.rollout(Caller.user(by, "operator") if by else Caller.shell(), what, move)

    made.rollout = fleet.rollout(made.database, Policy.load(), audit=moved)
    yield made
    made.close()


@pytest.fixture
def app(clinic, parent):
    made = create_app("Test hospital", ready=dict)
    desk = UpdatesDesk(parent.rounds, lambda *_: None, rollout=parent.rollout)
    router = portal_router(
        clinic.accounts,
        clinic.desk,
        secure_cookies=False,
        audit_read=clinic.audit_read,
        updates=desk,
    )
    made.include_router(router)
    mount_static(made, portal=STATIC)
    return made


@pytest.fixture
async def op(open_browser):
    browser = open_browser()
    await browser.sign_in("op")
    return browser


@pytest.fixture
def row(parent, fleet):
    """The round, with its release at one clinic."""
    parent.three()
    id_ = parent.rounds.propose(DOMAIN)
    for _ in range(3):
        parent.rounds.advance(id_)
    parent.rounds.approve(id_, parent.rounds.book.get(id_).candidate, "ana")
    parent.rounds.advance(id_)
    found = parent.rounds.book.get(id_)
    fleet.live(parent.rollout, 960)
    parent.rollout.start(found.brick, None)
    fleet.live(parent.rollout, 240)
    return found


async def steer(browser, row, what, reason=""):
    fields = {"csrf": await browser.csrf(), "reason": reason}
    return await browser.post(f"/portal/updates/{row.id}/{what}", fields)


def state(parent, row):
    return parent.rollout.book.get(row.brick).deployment.state


async def test_a_release_on_its_way_is_shown_with_its_cohorts(op, row):
    page = (await op.get(f"/portal/updates/{row.id}")).text
    for words in ("On its way to clinics", "One clinic", "2 by number", "12 by number", "Watched"):
        assert words in page
    assert "style=" not in page


async def test_measures_before_and_now_are_shown_as_a_plot_and_in_words(op, row, parent, fleet):
    fleet.worse[row.brick] = Rates(overrides=0.5)
    fleet.live(parent.rollout, 3000, until=row.brick)
    page = (await op.get(f"/portal/updates/{row.id}")).text
    assert state(parent, row) == "rolled-back"
    for words in (
        "answers put right rose from",
        "Taken back",
        "Answers put right",
        "plot__span--bad",
    ):
        assert words in page
    spanish = {"Accept-Language": "es"}
    assert (
        "Respuestas corregidas" in (await op.get(f"/portal/updates/{row.id}", headers=spanish)).text
    )


async def test_an_operator_stops_it_lets_it_go_on_and_takes_it_back(op, row, parent, written):
    assert (await steer(op, row, "hold", "A clinic called.")).status_code == 303
    assert state(parent, row) == "held"
    assert "A clinic called." in (await op.get(f"/portal/updates/{row.id}")).text
    assert (await steer(op, row, "go-on", "It was nothing.")).status_code == 303
    assert state(parent, row) == "watching"
    assert (await steer(op, row, "roll-back", "It was something.")).status_code == 303
    assert state(parent, row) == "rolled-back"
    told = str(written)
    assert all(move in told for move in ("held", "gone-on", "rolled-back"))
    assert "It was something." not in told  # the trail names the act; the reason is the release's


async def test_without_a_reason_nothing_is_decided(op, row, parent):
    assert (await steer(op, row, "hold", "  ")).status_code == 409
    assert (await steer(op, row, "go-on", "Go.")).status_code == 409
    assert state(parent, row) == "watching"


async def test_a_clinician_sees_it_and_does_not_steer(ana, row, parent):
    page = await ana.get(f"/portal/updates/{row.id}")
    assert "On its way to clinics" in page.text
    assert "Stop it, or let it go on?" not in page.text
    assert (await steer(ana, row, "hold", "No.")).status_code == 403
    assert state(parent, row) == "watching"


async def test_a_round_that_published_nothing_has_nothing_to_steer(op, parent):
    parent.three()
    id_ = parent.rounds.propose(DOMAIN)
    assert "On its way" not in (await op.get(f"/portal/updates/{id_}")).text
    reply = await op.post(
        f"/portal/updates/{id_}/hold", {"csrf": await op.csrf(), "reason": "Wait."}
    )
    assert reply.status_code == 404


def test_a_rise_stands_right_of_no_change_and_past_its_bound():
    rise = {"name": "overrides", "before": 0.1, "now": 0.3, "low": 0.12, "high": 0.28}
    plot = plot_of([{**rise, "allowed": 0.05, "worse": True}])
    (row,) = plot.rows
    assert plot.zero == 160.0 < row.bound < row.low < row.mean < row.high <= 320.0
    assert not row.reaches
    unknown = {**rise, "low": -1.0, "high": 1.0, "allowed": 0.05, "worse": False}
    assert plot_of([unknown]).rows[0].low >= 0.0
    assert plot_of([]).rows == ()
