"""The main job with real processes: a question from the device to the tier that can answer it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.stack import Stack, eventually

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("stack")]

CHROMIUM = os.environ.get("CARETIER_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
SCREENS = {"phone": (390, 844), "desk": (1440, 900)}
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
SCHEMES = ("light", "dark")


def identifiers(patient: dict[str, Any]) -> list[str]:
    """What names a sandbox patient: every name, street, phone, mail address and number."""
    found = [i["value"] for i in patient["identifier"]]
    for name in patient["name"]:
        found += [name["family"], *name["given"]]
    found += [t["value"] for t in patient["telecom"]]
    found += [line for a in patient["address"] for line in a["line"]]
    found += [c["name"]["text"] for c in patient.get("contact", [])]
    return [*found, patient["birthDate"]]


def contents(*folders: Path) -> dict[Path, bytes]:
    """Every file below the folders; those that a process replaces meanwhile are left out."""
    found = {}
    for path in (p for folder in folders for p in folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            found[path] = path.read_bytes()
    return found


def test_a_question_that_the_device_covers_is_answered_there_with_its_sources(stack: Stack) -> None:
    answer = stack.patient().ask("What are the signs of asthma?")
    assert (answer["status"], answer["tier"]) == ("answered", "device")
    assert "wheez" in answer["text"].lower()
    cited = {c for s in answer["sentences"] for c in s["citations"]}
    assert cited == {c["id"] for c in answer["citations"]}
    assert all(c["source"] and c["quote"] for c in answer["citations"])
    assert answer["disclosure"] is None
    assert answer["offer"] is None


def test_an_emergency_is_told_what_to_do_and_nothing_is_offered(stack: Stack) -> None:
    answer = stack.patient().ask("I have crushing chest pain and cannot breathe")
    assert answer["status"] == "emergency"
    assert "911" in answer["triage"]["advice"]
    assert answer["offer"] is None


def test_what_only_the_clinic_knows_is_answered_by_the_clinic(stack: Stack) -> None:
    done = stack.run(
        "ask",
        "What are the symptoms of shingles?",
        "--patient",
        "p02",
        "--yes",
        "--json",
        "--data",
        str(stack.data),
        "--wait",
        "60",
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["status"], answer["tier"]) == ("answered", "clinic")
    assert "rash" in answer["text"].lower()
    assert answer["citations"]
    assert answer["disclosure"]["destination"] == "clinic"
    ledger = {e["receipt"]: e for e in stack.patient("p02").get("ledger")["entries"]}
    entry = ledger[answer["disclosure"]["receipt"]]
    assert entry["state"] == "answered"
    assert entry["consult"] == answer["id"]
    assert entry["text"] == answer["disclosure"]["text"]


def test_without_the_patients_word_nothing_leaves(stack: Stack) -> None:
    before = stack.rows("clinic", "select count(*) from exchange_parcel")
    answer = stack.patient("p03").ask("What are the symptoms of shingles?")
    assert answer["status"] == "abstained"
    assert answer["offer"]["disclosure"]["receipt"] is None
    assert stack.rows("clinic", "select count(*) from exchange_parcel") == before


def test_a_question_full_of_identifiers_leaves_none_of_them_anywhere(stack: Stack) -> None:
    patient = stack.record("p01")["Patient"][0]
    name = patient["name"][0]
    given, family = name["given"][0], name["family"]
    street, phone = patient["address"][0]["line"][0], patient["telecom"][0]["value"]
    mrn = patient["identifier"][0]["value"]
    text = (
        f"I am {given} {family}, born {patient['birthDate']}, of {street}, phone {phone}, {mrn}."
        " What are the symptoms of shingles?"
    )
    asked = stack.patient("p01").ask(text)
    assert asked["offer"], asked
    shown = asked["offer"]["disclosure"]
    consult = stack.patient("p01").send(asked)["id"]
    answer = stack.patient("p01").wait(consult, "answered", "referred", seconds=60)
    canaries = identifiers(patient)
    for canary in canaries:
        assert canary not in shown["text"]
        assert canary not in stack.logs()
    assert answer["disclosure"]["placeholders"], "the device keeps what the placeholders stand for"
    kept = json.dumps(
        [
            stack.rows("hospital", f"select * from {table}")
            for table in ("exchange_parcel", "hospital_referral", "hospital_job")
        ],
        default=str,
    )
    folders = [stack.data / "clinic", stack.data / "hospital" / "audit", stack.data / "redis"]
    files = contents(*folders)
    assert files
    for canary in canaries:
        assert canary not in kept
        assert [path for path, content in files.items() if canary.encode() in content] == []


def test_a_decision_about_a_treatment_waits_for_a_clinician_and_comes_back_once(
    stack: Stack,
) -> None:
    patient = stack.patient("p01")
    consult = patient.refer("Should I stop taking my metformin?")
    patient.wait(consult, "referred")
    eventually(
        lambda: stack.rows("hospital", "select 1 from hospital_referral where id=?", consult)
    )
    clinician = stack.clinician()
    clinician.sign(consult, "Keep taking metformin until we have talked about it.")
    clinician.close()
    answer = patient.wait(consult, "answered")
    assert answer["tier"] == "hospital"
    assert answer["text"] == "Keep taking metformin until we have talked about it."
    assert answer["degraded_from"] is None
    assert [s["step"] for s in answer["trace"]][-1] == "sign"
    assert stack.rows("hospital", "select state from hospital_referral where id=?", consult) == [
        ("signed",)
    ]


# In a real browser.


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    arguments = ["--no-sandbox", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: a temporary folder, or ``CARETIER_SHOTS`` to keep them."""
    kept = os.environ.get("CARETIER_SHOTS")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def shoot(page: Page, shots: Path, name: str) -> None:
    """One picture for each screen and colour scheme."""
    for scheme in SCHEMES:
        for screen, (width, height) in SCREENS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            over = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert over <= 0, f"{name} scrolls sideways on {screen} by {over} px"
            page.evaluate(PAINTED)
            path = shots / f"{name}-{screen}-{scheme}.png"
            page.screenshot(path=path)
            assert path.stat().st_size > 5000
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")


@pytest.fixture
def contexts(chromium: Browser) -> Iterator[tuple[BrowserContext, BrowserContext]]:
    """The patient's browser and the clinician's; neither may complain."""
    complaints: list[str] = []
    patient, clinician = chromium.new_context(), chromium.new_context()
    for context in (patient, clinician):
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on(
            "console",
            lambda said: complaints.append(said.text) if "Security Policy" in said.text else None,
        )
    yield patient, clinician
    patient.close()
    clinician.close()
    assert complaints == []


def unlock(page: Page, stack: Stack) -> None:
    """Open p01's record in the patient client."""
    page.goto(stack.device + "/")
    passphrase = (stack.data / "device" / "passphrase").read_text(encoding="utf-8").strip()
    page.locator('label:has(input[value="p01"])').click()
    page.fill("#passphrase", passphrase)
    page.locator("form.card button[type=submit]").click()
    expect(page.locator("#question")).to_be_visible()


def ask(page: Page, text: str) -> None:
    """Ask on the ask page."""
    page.fill("#question", text)
    page.click("#send")


def sign_in_browser(page: Page, stack: Stack, consult: str, text: str, shots: Path) -> None:
    """Sign in at the portal, open the referral from the inbox, write the reply and sign it."""
    page.goto(stack.hospital + "/portal/")
    page.fill("#user", "clinician")
    page.fill("#password", stack.password)
    page.locator("#sign-in button[type=submit]").click()
    link = page.locator(f'a[href*="{consult}"]').first
    expect(link).to_be_visible()
    shoot(page, shots, "portal-inbox")
    link.click()
    page.locator("#pane-tab-reply").click()  # a phone shows one part at a time
    expect(page.locator("#reply-form")).to_be_visible()
    page.fill("#text", text)
    shoot(page, shots, "portal-referral")
    page.click("#sign")
    page.locator('dialog[open] button[type=submit][form="reply-form"]').click()
    page.wait_for_url(re.compile(r"signed=1"))
    shoot(page, shots, "portal-signed")


@pytest.mark.browser
def test_patient_and_clinician_do_the_whole_job_in_real_browsers(
    stack: Stack, contexts: tuple[BrowserContext, BrowserContext], shots: Path
) -> None:
    page, portal = contexts[0].new_page(), contexts[1].new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(stack.device + "/")
    shoot(page, shots, "patient-unlock")
    unlock(page, stack)
    shoot(page, shots, "patient-ask")

    ask(page, "What are the signs of asthma?")
    expect(page.get_by_text("wheezing", exact=False).first).to_be_visible(timeout=20_000)
    shoot(page, shots, "patient-answer")

    ask(page, "I have crushing chest pain and cannot breathe")
    expect(page.get_by_role("link", name="Call 911").first).to_be_visible(timeout=20_000)
    shoot(page, shots, "patient-emergency")

    page.goto(stack.device + "/")
    ask(page, "Should I stop taking my metformin this week?")
    offer = page.get_by_role("button", name="Show me what would be sent").last
    expect(offer).to_be_visible(timeout=20_000)
    offer.click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Should I stop taking my metformin this week?")
    shoot(page, shots, "patient-preview")
    with page.expect_response(re.compile("/api/send/")) as sent:
        dialog.get_by_role("button", name=re.compile("send", re.IGNORECASE)).last.click()
    consult = sent.value.json()["id"]

    eventually(
        lambda: stack.rows("hospital", "select 1 from hospital_referral where id=?", consult)
    )
    text = "Keep taking metformin. Let us talk at your next visit."
    sign_in_browser(portal, stack, consult, text, shots)
    stack.patient("p01").wait(consult, "answered")
    expect(page.get_by_text(text).first).to_be_visible(timeout=30_000)
    shoot(page, shots, "patient-answered-by-hospital")
    page.goto(stack.device + "/ledger")
    expect(page.get_by_text("Should I stop taking my metformin this week?").first).to_be_attached()
    shoot(page, shots, "patient-ledger")
