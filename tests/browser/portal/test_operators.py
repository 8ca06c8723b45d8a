"""The operators' pages: what is wrong stands first, jobs are tried again, it keeps current."""

from __future__ import annotations

from datetime import UTC, datetime

from support.looks import in_looks

from services.hospital.models import Job

ORIGIN = "http://localhost:8000"
TABS = ("", "/nodes", "/queues", "/rounds", "/versions")


def add_dead(hospital, *kinds):
    now = datetime.now(UTC)
    with hospital.database.transaction() as session:
        for kind in kinds:
            job = Job(id=f"{kind}:x", kind=kind, subject="x", state="dead", due=now, created=now)
            job.attempts, job.error = 20, "TimeoutError"
            session.add(job)


@in_looks
def test_an_operator_sees_what_is_wrong_and_tries_a_job_again(hospital, open_page, good, look):
    add_dead(hospital, "open-referral", "learn-edit")
    page = open_page(*look, user="omar")
    for tab in TABS:
        page.goto(f"{ORIGIN}/portal/system{tab}")
        good(page, f"system{tab.replace('/', '-')}")
    page.goto(f"{ORIGIN}/portal/system/queues")
    assert page.locator('form[action$="/drop"]').count() == 1  # nobody drops what a patient awaits
    page.click('form[action$="/retry"] button >> nth=0')
    page.wait_for_url("**/queues?did=retried")
    page.click('form[action$="/drop"] button')
    page.wait_for_url("**/queues?did=dropped")


@in_looks
def test_a_page_of_the_system_exchanges_what_changed_and_leaves_the_focus(
    hospital, open_page, said, look
):
    page = open_page(*look, user="omar")
    page.clock.install()
    page.goto(f"{ORIGIN}/portal/system")
    page.focus("nav.tabs a >> nth=2")
    assert said("health.dead.title") not in page.inner_text("#live-headline")
    add_dead(hospital, "learn-edit")
    page.clock.run_for(11_000)
    page.wait_for_selector(f'.checkrow--warn:has-text("{said("health.dead.title")}")')
    assert page.evaluate("document.activeElement.textContent.trim()") == said("system.tab_queues")
    page.keyboard.press("p")
    assert said("live.is_paused") in page.inner_text("#live-state")
