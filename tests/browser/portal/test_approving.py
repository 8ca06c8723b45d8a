"""Deciding as somebody who never did: what a page shows, what follows, and how to undo it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from support.knowledge_sources import House, Site, label, labels, later, listed, served
from support.looks import in_looks, portal_says, sound

from services.learning.models import KnowledgeChange, LearningRound, StoredContribution
from services.learning.rounds import State

ORIGIN = "http://localhost:8000"
DIGEST = "sha256:" + "a" * 64
WAITING, BLOCKED = (f"{n}0000000-0000-4000-8000-000000000000" for n in (1, 2))
SITES = [
    {"id": f"c{n}", "site": f"site-{n}", "key": "A" * 16, "examples": 40 + n, "norm": 1.5}
    | {"weight": 1 / 3, "epsilon": 2.0, "bytes": 100}
    for n in range(3)
]
GOOD = {"before": [0.0] * 26 + [1.0] * 4, "after": [1.0] * 24 + [0.0] * 6}
KEPT = {"before": [1.0] * 240, "after": [1.0] * 240}
WORSE = {"before": [1.0] * 40, "after": [0.0, *[1.0] * 39]}


def round_of(id_: str, state: State, safety: dict[str, list[float]], epoch: int) -> LearningRound:
    """A round with evidence."""
    suites = {"learned": GOOD, "protected": KEPT, "safety": safety}
    held = {"contributions": SITES, "suites": suites, "shadow": [20, 4]}
    now = datetime.now(UTC) - timedelta(hours=2)
    return LearningRound(
        id=id_, domain="general", epoch=epoch, state=state, rule="multi-krum", base=DIGEST,
        parent="general@1", candidate=DIGEST, policy=DIGEST, started=now, changed=now,
        evidence=held | {"lost": 0.1, "epsilon": 2.0}, criteria=[],
    )  # fmt: skip


async def change_of(house: House, site: Site) -> None:
    """A source that was taken over, then says otherwise of one medicine."""
    async with served(site):
        house.origins = [site.origin]
        house.relist(address=f"{site.origin}/labels.json")
        site.given["/labels.json"] = labels(label(), label("Brimolate", 2), label("Quellidan", 3))
        house.release(await house.brought())
        brimolate = {
            "indications_and_usage": "Brimolate is used for aching elbows and stiff necks.",
            "dosage_and_administration": "Adults take at most 80 mg of brimolate in a day.",
            "overdosage": "Too much brimolate makes people very sleepy for a long while.",
        }
        said = [label(), label("Brimolate", 2, **brimolate), label("Quellidan", 3)]
        site.given["/labels.json"] = labels(*said, day="2026-11-25")
        later(house, days=2)
        await house.brought()


@pytest.fixture
def learning(hospital, tmp_path):
    """A hospital with an update that waits, one that is blocked, and a change of knowledge."""
    now = datetime.now(UTC)
    aside = StoredContribution(
        id="c9", domain="general", epoch=1, key="B" * 16, site="site-9", state="quarantined",
        reason="low-trust", manifest="{}", bytes=100, received=now,
    )  # fmt: skip
    rounds = [round_of(BLOCKED, State.BLOCKED, WORSE, 1), round_of(WAITING, State.WAITING, KEPT, 2)]
    with hospital.database.transaction() as session:
        session.add_all([*rounds, aside])
    folder = tmp_path / "house"
    folder.mkdir()
    house = House(folder, listed(), database=hospital.database)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(change_of(house, Site()))).result()
    hospital.sources = house.sources
    return hospital


@in_looks
def test_an_update_says_what_was_measured_what_follows_and_how_to_undo(learning, open_page, look):
    page, said = (
        open_page(*look, user="omar"),
        lambda key, **v: portal_says(look.language, key, **v),
    )
    page.goto(f"{ORIGIN}/portal/updates")
    found = sound(page, "updates", look)
    page.goto(f"{ORIGIN}/portal/updates/{BLOCKED}")
    found += sound(page, "update-blocked", look)
    assert page.locator("#measured .badge--problem").count() == 1
    page.goto(f"{ORIGIN}/portal/updates/{WAITING}")
    found += sound(page, "update", look)
    assert found == [], "\n".join(found)
    measured = page.inner_text("#measured")
    figures = {"after": "80%", "items": 30, "before": "13%", "better": 24, "worse": 4, "same": 2}
    assert said("proof.found", **figures) in measured
    assert said("proof.what_gain") in measured
    assert said("decision.approve_undo") in page.inner_text("#approve")
    assert said("decision.reject_blocks") in page.inner_text("#reject")
    page.click("#reject button[type=submit]")  # a reason is asked for before anything is sent
    expect(page.locator("#note-reject")).to_be_focused()
    page.click("#approve button[type=submit]")
    expect(page.locator("main")).to_contain_text(said("decision.next_publishing"))


@in_looks
def test_a_change_of_knowledge_is_read_side_by_side(learning, open_page, look):
    page, said = open_page(*look), lambda key, **v: portal_says(look.language, key, **v)
    with learning.database.reading() as session:
        waits = session.query(KnowledgeChange).filter_by(state="waiting").one()
    page.goto(f"{ORIGIN}/portal/knowledge/{waits.id}")
    found = sound(page, "knowledge-change", look)
    first = page.locator(".beside__turns")  # how much of it may be taken
    assert "40 mg" in first.locator("td").nth(0).inner_text()
    assert "80 mg" in first.locator("td").nth(1).inner_text()
    assert said("choice.approve_one") in page.inner_text("#approve")
    assert said("choice.refuse_stays") in page.inner_text("#refuse")
    page.fill("#note-approve", "Read it.")
    page.click("#approve button[type=submit]")
    page.wait_for_selector("#said")
    learning.sources.advance(waits.id)
    page.reload()
    found += sound(page, "knowledge-published", look)
    assert found == [], "\n".join(found)
    assert "caretier bricks rollback labels" in page.inner_text("#undo")
