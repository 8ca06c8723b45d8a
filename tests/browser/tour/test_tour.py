"""The tours of the roles: their pictures are of the pages as they are.

``make tour`` takes the pictures anew (``CARETIER_TOUR=make``); otherwise each page is opened and
held against what its picture was taken of.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import ExitStack
from datetime import datetime, timedelta

import httpx
import pytest
from playwright.sync_api import sync_playwright
from support.scene import ROUND, Scene, lived_in
from support.served import served
from support.stage import PASSWORD, PERSON, a_device, a_hospital
from support.tours import (
    DESKTOP,
    MAX_BYTES,
    MAX_TOTAL,
    PHONE,
    PICTURES,
    TOUR,
    Shot,
    known,
    remember,
    seen,
    take,
)

from patient_app.app import create as create_device
from services.fhir.sandbox import SANDBOX_DAY
from services.hospital.app import create as create_hospital

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("tour")]
CHROMIUM = os.environ.get("CARETIER_CHROMIUM") or shutil.which("chromium") or None
MAKE = os.environ.get("CARETIER_TOUR") == "make"


def ask(page):
    """Ask what the device itself can answer."""
    page.fill("#question", "How long does a cold last?")
    page.click("#send")
    page.wait_for_selector(".receipt", timeout=60_000)
    page.wait_for_timeout(400)


def scroll_to(selector):
    """Bring a part of the page into view."""
    return lambda page: page.locator(selector).first.scroll_into_view_if_needed()


PATIENT = (
    Shot("patient-unlock", "/unlock", phone=True),
    Shot("patient-ask", "/", phone=True),
    Shot("patient-answer", "/", ask, phone=True),
    Shot("patient-record", "/record", phone=True),
    Shot("patient-results", "/results", phone=True),
    Shot("patient-medicines", "/medicines", phone=True),
    Shot("patient-visits", "/visits", phone=True),
    Shot("patient-ledger", "/ledger", phone=True, theme="dark"),
    Shot("patient-family", "/family", phone=True),
    Shot("patient-settings", "/settings", phone=True),
)
CLINICIAN = (
    Shot("clinician-worklist", "/portal/"),
    Shot("clinician-referral", "/portal/referrals/{referral}"),
    Shot("clinician-phrases", "/portal/phrases"),
    Shot("clinician-patients", "/portal/patients"),
    Shot("clinician-chart", "/portal/patients/p01"),
    Shot("clinician-trends", "/portal/patients/p01/trends", theme="dark"),
    Shot("clinician-timeline", "/portal/patients/p01/timeline"),
    Shot("clinician-asking", "/portal/patients/p01/ask"),
    Shot("clinician-notices", "/portal/notices"),
    Shot("clinician-knowledge", "/portal/knowledge/{change}"),
    Shot("clinician-account", "/portal/account"),
)
ADMIN = (
    Shot("admin-users", "/portal/users"),
    Shot("admin-new", "/portal/users/new"),
)
OPERATOR = (
    Shot("operator-system", "/portal/system"),
    Shot("operator-queues", "/portal/system/queues"),
    Shot("operator-nodes", "/portal/system/nodes"),
    Shot("operator-versions", "/portal/system/versions", theme="dark"),
    Shot("operator-updates", "/portal/updates"),
    Shot("operator-update", "/portal/updates/{round}"),
    Shot("operator-knowledge", "/portal/knowledge"),
)
PRIVACY = (
    Shot("privacy-reviews", "/portal/reviews"),
    Shot("privacy-audit", "/portal/audit"),
    Shot("privacy-inbox", "/portal/"),
    Shot("privacy-requests", "/portal/requests"),
)
ROLES = {
    "patient": (PATIENT, None),
    "clinician": (CLINICIAN, "ana"),
    "operator": (OPERATOR, "omar"),
    "admin": (ADMIN, "ada"),
    "privacy": (PRIVACY, "pia"),
}
TEXTS = sorted(TOUR.glob("*.md"))


class Then(datetime):
    """The clock of records: what is due in them would change from month to month."""

    @classmethod
    def now(cls, tz=None):
        return datetime.combine(SANDBOX_DAY, datetime.min.time(), tz) + timedelta(hours=12)


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """Opens what a role works with: its address, its cookies, the referral to follow."""
    with sync_playwright() as playwright, ExitStack() as open_:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        open_.callback(browser.close)
        patch = open_.enter_context(pytest.MonkeyPatch.context())
        for clock in ("services.hospital.chart.reader", "patient_app.member"):
            patch.setattr(f"{clock}.datetime", Then)
        hospital = open_.enter_context(a_hospital(tmp_path_factory.mktemp("hospital")))
        scene = Scene(hospital, tmp_path_factory.mktemp("scene"))
        make = lambda _: create_hospital(hospital.settings, hospital)  # noqa: E731
        portal = open_.enter_context(served(make, lifespan="off"))
        device = open_.enter_context(a_device(tmp_path_factory.mktemp("device")))
        lived_in(device)
        make = lambda _: create_device(device.settings, device)  # noqa: E731
        client = open_.enter_context(served(make, lifespan="off"))
        form = {"person": PERSON, "passphrase": PASSWORD}
        unlocked = httpx.post(f"{client}/unlock", data=form).cookies["caretier_device"]

        def stage(user):
            if user is None:
                return client, {"name": "caretier_device", "value": unlocked, "url": client}
            token = hospital.accounts.sign_in(user, PASSWORD)
            return portal, {"name": "caretier_portal", "value": token, "url": portal}

        yield browser, stage, scene


@pytest.mark.parametrize("role", ROLES)
def test_each_picture_of_a_tour_is_of_the_page_as_it_is(role, stages):
    (browser, stage, scene), (shots, user) = stages, ROLES[role]
    (address, cookie), old, found = stage(user), known(), {}
    for shot in shots:
        width, height = PHONE if shot.phone else DESKTOP
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=shot.theme,
            reduced_motion="reduce",
            locale="en",
            timezone_id="UTC",
            service_workers="block",
        )
        if shot.path != "/unlock":
            context.add_cookies([cookie])
        page = context.new_page()
        path = shot.path.format(referral=scene.referral, change=scene.change, round=ROUND)
        reply = page.goto(address + path, wait_until="networkidle")
        assert reply.ok, f"{path}: {reply.status}"
        shot.act(page)
        found[shot.name] = seen(page)
        if MAKE:
            take(page, shot.name)
        context.close()
    if MAKE:
        remember(found)
    changed = [name for name in found if not MAKE and old.get(name) != found[name]]
    assert changed == [], "these pages changed since their picture was taken: run make tour"


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_a_tour_names_only_pictures_that_are_there_and_says_what_each_shows(text):
    named = re.findall(r"!\[([^\]]*)\]\(pictures/([\w-]+)\.webp\)", text.read_text("utf-8"))
    assert named
    missing = [name for _, name in named if not (PICTURES / f"{name}.webp").is_file()]
    assert missing == [], "run make tour"
    assert all(said.strip() for said, _ in named)


def test_no_picture_is_left_over_and_all_are_small():
    words = "".join(path.read_text("utf-8") for path in TEXTS)
    shots = {shot.name for shots, _ in ROLES.values() for shot in shots}
    files = {path.stem: path.stat().st_size for path in PICTURES.glob("*.webp")}
    assert set(files) == shots == set(known()), "run make tour"
    assert [name for name in shots if f"pictures/{name}.webp" not in words] == []
    assert max(files.values()) <= MAX_BYTES
    assert sum(files.values()) <= MAX_TOTAL


def test_the_patients_tour_stands_in_both_languages_with_the_same_pictures():
    both = [(TOUR / name).read_text("utf-8") for name in ("patient.md", "patient.es.md")]
    pictures = [re.findall(r"\(pictures/([\w-]+)\.webp\)", text) for text in both]
    assert pictures[0] == pictures[1]
