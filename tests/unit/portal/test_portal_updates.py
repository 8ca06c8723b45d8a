"""Model updates at the portal: everybody who watches sees what blocks; operators decide."""

from __future__ import annotations

import re

import pytest

from services.hospital.audited import Auditor
from services.hospital.portal import STATIC, portal_router
from services.hospital.portal.plots import bars, intervals
from services.hospital.portal.updates import UpdatesDesk
from services.learning.credit import Credits
from services.learning.intake.withdrawal import withdraw
from services.learning.lineage import Lineage
from services.learning.models import LearningRound
from services.learning.rounds import State
from services.web.app import create_app
from services.web.templating import mount_static
from tests.support.rounds import BAD, DOMAIN, Parent


@pytest.fixture
def parent(tmp_path):
    folder = tmp_path / "learning"
    folder.mkdir()
    made = Parent(folder)
    yield made
    made.close()


@pytest.fixture
def written():
    return []


@pytest.fixture
def app(clinic, parent, written, tmp_path):
    made = create_app("Test hospital", ready=dict)
    audit = Auditor(written.extend, "test")
    router = portal_router(
        clinic.accounts,
        clinic.desk,
        secure_cookies=False,
        audit_read=clinic.audit_read,
        updates=UpdatesDesk(parent.rounds, audit.learning, Lineage.at(tmp_path, parent.rounds)),
    )
    made.include_router(router)
    mount_static(made, portal=STATIC)
    return made


@pytest.fixture
async def op(open_browser):
    browser = open_browser()
    await browser.sign_in("op")
    return browser


def waiting(parent):
    parent.three()
    id_ = parent.rounds.propose(DOMAIN)
    for _ in range(3):
        parent.rounds.advance(id_)
    return parent.rounds.book.get(id_)


async def decide(browser, row, what, **more):
    fields = {"csrf": await browser.csrf(), "candidate": row.candidate or "", **more}
    return await browser.post(f"/portal/updates/{row.id}/{what}", fields)


async def test_the_list_says_what_the_next_round_lacks(op, parent):
    parent.contribute("site-0")
    page = (await op.get("/portal/updates")).text
    assert "No round yet" in page
    assert "at least 3" in page
    assert "not yet" in page


async def test_a_round_is_shown_with_criteria_gains_and_contributions(op, parent):
    row = waiting(parent)
    page = (await op.get(f"/portal/updates/{row.id}")).text
    for words in ("site-0", "Waits for approval", "0.0% → 90.0%", row.candidate, "Approve"):
        assert words in page
    assert "style=" not in page  # the content security policy would drop it


async def test_in_spanish_it_is_spanish(op, parent):
    row = waiting(parent)
    spanish = {"Accept-Language": "es"}
    page = (await op.get(f"/portal/updates/{row.id}", headers=spanish)).text
    assert "Espera aprobación" in page
    assert "Presupuesto de privacidad" in page


async def test_an_operator_approves_what_was_shown_and_it_is_written_down(op, parent, written):
    row = waiting(parent)
    reply = await decide(op, row, "approve", note="Looks right.")
    assert reply.status_code == 303
    now = parent.rounds.book.get(row.id)
    assert now.state == State.PUBLISHING
    (said,) = parent.rounds.book.approvals(now)
    assert (said.approved, said.note) == (True, "Looks right.")
    assert "approved" in str(written)
    assert "Looks right." in (await op.get(f"/portal/updates/{row.id}")).text


async def test_an_operator_rejects_with_a_reason_and_not_without(op, parent):
    row = waiting(parent)
    reply = await decide(op, row, "reject")
    assert reply.status_code == 409
    assert parent.rounds.book.get(row.id).state == State.WAITING
    await decide(op, row, "reject", note="Too short.")
    assert parent.rounds.book.get(row.id).state == State.BLOCKED


async def test_another_candidate_than_the_one_shown_is_not_approved(op, parent):
    row = waiting(parent)
    reply = await decide(op, row, "approve", candidate="sha256:" + "0" * 64)
    assert reply.status_code == 409
    assert parent.rounds.book.get(row.id).state == State.WAITING


async def test_a_blocked_round_shows_by_what_and_can_be_tried_again(op, parent):
    parent.evaluator.found = BAD
    row = waiting(parent)
    page = (await op.get(f"/portal/updates/{row.id}")).text
    assert "1 cases worse" in page
    assert "Try again" in page
    await decide(op, row, "retry")
    assert parent.rounds.book.get(row.id).state == State.EVALUATING


async def test_a_check_that_no_longer_holds_is_said_before_anybody_approves(op, parent):
    row = waiting(parent)
    with parent.database.transaction() as session:
        held = session.get_one(LearningRound, row.id)
        held.evidence = {**held.evidence, "suites": {"safety": {"before": [1.0], "after": [0.0]}}}
    page = (await op.get(f"/portal/updates/{row.id}")).text
    assert "Every check holds" not in page
    assert re.search("blocks it now: [^.]*Nothing worse in safety", page)
    assert "published at once" not in page


async def test_a_clinician_sees_and_does_not_decide(ana, parent):
    row = waiting(parent)
    page = await ana.get(f"/portal/updates/{row.id}")
    assert page.status_code == 200
    assert "Let this update out?" not in page.text
    reply = await decide(ana, row, "approve")
    assert reply.status_code == 403
    assert parent.rounds.book.get(row.id).state == State.WAITING


async def test_what_cannot_be_a_round_is_not_found(op):
    assert (await op.get("/portal/updates/x")).status_code == 404
    assert (await op.get(f"/portal/updates/{'0' * 36}")).status_code == 404


def test_a_gain_stands_where_its_figures_say():
    suite = {
        "name": "learned",
        "kind": "gain",
        "items": 20,
        "before": 0.0,
        "after": 0.5,
        "gain_mean": 0.5,
        "gain_low": 0.4,
        "gain_high": 0.6,
        "bound": 0.05,
    }
    plot = intervals([suite])
    (row,) = plot.rows
    assert plot.zero == 160.0 < row.bound < row.low < row.mean < row.high < 320.0
    assert row.reaches
    assert not intervals([{**suite, "gain_low": 0.05}]).rows[0].reaches
    assert intervals([]).rows == ()


def test_the_greatest_share_is_as_wide_as_the_picture():
    one = {"site": "a", "examples": 1, "epsilon": None, "norm": 1.0, "weight": 0.5}
    wide, narrow = bars([one, {**one, "weight": 0.25}])
    assert (wide.width, narrow.width) == (320.0, 160.0)
    assert bars([{**one, "weight": 0.0}])[0].width == 0.0


async def test_a_release_leads_to_where_it_comes_from_and_says_what_each_site_added(op, parent):
    parent.database.migrate("services.experts")
    row = waiting(parent)
    parent.rounds.approve(row.id, row.candidate, "ana")
    parent.rounds.advance(row.id)
    parent.rounds.advance(row.id)
    credits_ = Credits(parent.rounds, lambda *_given: None)
    while credits_.step(row.id):
        pass
    page = (await op.get(f"/portal/updates/{row.id}")).text
    for words in ("What each site added", "shapley", f"/portal/lineage/{DOMAIN}@1"):
        assert words in page
    lineage = (await op.get(f"/portal/lineage/{DOMAIN}@1")).text
    for words in ("site-0", "site-1", "site-2", "Its files are not here.", row.id):
        assert words in lineage
    assert "style=" not in page + lineage
    assert (await op.get("/portal/lineage/nothing")).status_code == 404
    spanish = (await op.get(f"/portal/lineage/{DOMAIN}@1", headers={"Accept-Language": "es"})).text
    assert "Centros que contribuyeron" in spanish


async def test_a_release_made_anew_is_shown_beside_the_one_that_it_replaces(op, parent):
    ids = [parent.contribute(f"site-{n}", seed=n) for n in range(4)]
    first = parent.rounds.propose(DOMAIN)
    for _ in range(3):
        parent.rounds.advance(first)
    parent.rounds.approve(first, parent.rounds.book.get(first).candidate, "ana")
    parent.rounds.advance(first)
    parent.rounds.advance(first)
    told = withdraw(parent.rounds, ids[0])
    for _ in range(2):
        parent.rounds.advance(told.round)
    page = (await op.get(f"/portal/updates/{told.round}")).text
    assert "Made anew after a withdrawal" in page
    assert f"takes the place of {DOMAIN}@1" in page
    assert "90.0 %" in page
