"""A person's medicines: read, one added, a reminder made, a dose noted and undone, printed."""

from __future__ import annotations

from support.looks import device_says, in_looks

from tests.browser.patient.home import flaws, overflow, shot

WORDS = {
    "remind": "medicines.remind",
    "taken": "reminders.taken",
    "undo": "reminders.undo",
    "own": "medicines.own",
}


@in_looks
def test_a_medicine_is_added_reminded_of_noted_and_undone(home, chromium, look):
    words = {name: device_says(look.language, key) for name, key in WORDS.items()}
    page = home.open(chromium, *look, "/medicines")
    page.wait_for_selector(".medicine")
    page.fill("#name", "Ibuprofen 400 mg")
    page.fill("#take", "as directed")
    page.click("#add-button")
    mine = page.locator(".medicine", has_text="Ibuprofen 400 mg")
    mine.locator(".banner--urgent").wait_for()
    assert mine.get_by_text(words["own"]).is_visible()
    assert mine.locator(".banner--info").is_visible(), "a dose that says nothing is doubted"
    mine.get_by_role("button", name=words["remind"]).click()
    page.fill("#times", "00:00, 8")
    page.click("#reminder-save")
    assert page.locator("#reminder-problem").inner_text()
    page.fill("#times", "00:00, 23:59")
    assert flaws(page) == []
    page.click("#reminder-save")
    page.wait_for_selector(".dose")
    dose = page.locator(".dose").first
    dose.get_by_role("button", name=words["taken"]).click()
    page.wait_for_selector(".dose[data-state=taken]")
    page.locator(".toast").hover()  # its time does not run out meanwhile
    assert flaws(page) == []
    assert overflow(page) <= 0
    shot(page, f"medicines-{look[0]}-{look[1]}")
    page.locator(".toast").get_by_role("button", name=words["undo"]).click()
    page.wait_for_selector(".dose[data-state=taken]", state="detached")
    page.emulate_media(media="print")
    assert not page.locator("#add").is_visible()
    assert page.locator("#printed").is_visible()
    shot(page, f"medicines-print-{look[0]}")
    page.context.close()
    assert home.complaints == []
