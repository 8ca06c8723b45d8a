"""A person reads their record and documents, what left day by day, and takes everything along."""

from __future__ import annotations

from support.looks import device_says, in_looks

from tests.browser.patient.home import flaws, overflow, shot

LEFT = {
    "consult": "c1", "destination": "clinic", "readers": ["clinic"], "bytes": 400, "state": "sent",
    "consent": "k1", "text": "as written",
    "said": {"text": "May [NAME_1] take it?", "person": {"age_years": 54, "language": "en"}},
}  # fmt: skip
CONSENT = {
    "id": "k1", "purpose": "treatment", "destinations": ["clinic"], "standing": True,
    "granted": "2026-10-01T10:00:00Z", "expires": None, "withdrawn": None, "wording": "w",
}  # fmt: skip


def lived_in(home) -> None:
    """Three crossings on two days under one consent."""
    with home.member.vault.write() as tx:
        tx.put("consent", "k1", CONSENT)
        for number, at in enumerate(("20T09:00", "20T18:30", "21T08:00")):
            tx.put("ledger", f"r{number}", {**LEFT, "time": f"2026-11-{at}:00Z"})


@in_looks
def test_record_ledger_and_export_are_the_persons_to_read_and_take(home, chromium, look):
    lived_in(home)
    page = home.open(chromium, *look, "/record")
    page.wait_for_selector("#summary .card")
    page.locator("#summary details summary").last.click()
    assert page.locator("#summary .pre").last.inner_text().strip()
    assert flaws(page) == []
    assert overflow(page) <= 0
    shot(page, f"record-{look[0]}-{look[1]}")
    page.goto(page.url.replace("/record", "/ledger"))
    page.wait_for_selector(".ledger__day")
    assert page.locator(".ledger__day").count() == 2
    about = device_says(look.language, "leaving.about", list="").strip()
    assert about in page.locator(".leaves").first.inner_text()
    assert flaws(page) == []
    shot(page, f"ledger-{look[0]}-{look[1]}")
    page.goto(page.url.replace("/ledger", "/settings"))
    page.wait_for_selector("#consent-list details summary")
    page.locator("#consent-list details summary").click()
    assert page.locator("#consent-list details a").count() == 3
    page.locator("[data-export]").nth(1).click()
    page.wait_for_selector("#export-state:not(:empty)")
    assert flaws(page) == []
    assert overflow(page) <= 0
    shot(page, f"settings-{look[0]}-{look[1]}")
    page.context.close()
    assert home.complaints == []
