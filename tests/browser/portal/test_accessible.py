"""Every page of the portal as each role meets it: axe finds nothing, and nothing is too wide.

The hospital has had a day of work (`support.scene`), so that tables, lists and banners hold what
they can hold.
"""

from __future__ import annotations

import pytest
from support.looks import Look, in_looks, overflow, sound
from support.scene import ROUND, Scene
from support.stage import a_hospital

ORIGIN = "http://localhost:8000"
CLINICIAN = [
    "", "?state=signed", "?show=nobody", "notices", "phrases", "account", "apps", "patients",
    *[f"patients/p01{part}" for part in ("", "/trends", "/timeline", "/ask", "/documents")],
    "patients/p07/trends", "patients/nobody", "referrals/{referral}",
    "referrals/{referral}/versions", "knowledge/{change}", "nothing-here",
]  # fmt: skip
WATCHED = [
    "system", "system/nodes", "system/queues", "system/rounds", "system/versions",
    "updates", f"updates/{ROUND}", "lineage/general@1", "knowledge",
]  # fmt: skip
PAGES = {
    "ana": CLINICIAN,
    "omar": [*WATCHED, "contributors", "clients"],
    "pia": [
        "",
        "requests",
        "requests/p07",
        "reviews",
        "audit",
        "audit/events/1",
        "audit/person",
        "audit/looks",
        "audit/whole",
    ],
    "ada": ["users", "users/new", "users/{ana}", "account"],
    "": ["sign-in", "welcome"],
}
"""Addresses below ``/portal/`` by who opens them; nobody is signed in for the last."""
CUT = """() => [...document.querySelectorAll("main :is(button, h1, h2, h3, label, .badge)")]
  .filter((e) => e.checkVisibility() && !e.closest(".sr-only, .tablewrap"))
  .filter((e) => {
    const box = e.getBoundingClientRect();
    const out = box.right > innerWidth + 1 || box.left < -1;
    const clipped = e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0
      && getComputedStyle(e).overflowX !== "visible";
    return out || clipped;
  })
  .map((e) => e.outerHTML.slice(0, 90))"""
"""What stands outside the window or is cut by its own box; wide tables scroll in theirs."""


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """One hospital for all of these tests, which only look."""
    with a_hospital(tmp_path_factory.mktemp("portal")) as made:
        yield made


@pytest.fixture(scope="module")
def worked(hospital, tmp_path_factory):
    """Gives the whole address of a page; a day of work lies behind it."""
    scene = Scene(hospital, tmp_path_factory.mktemp("scene"))
    named = {"referral": scene.referral, "change": scene.change, "ana": scene.user("ana").id}
    return lambda path: f"{ORIGIN}/portal/{path.format(**named)}"


def opened(open_page, look, user):
    """A page of somebody, or of nobody who is signed in."""
    page = open_page(*look, user or "ana")
    if not user:
        page.context.clear_cookies()
    return page


@in_looks
@pytest.mark.parametrize("user", PAGES, ids=lambda user: user or "nobody")
def test_axe_finds_nothing_on_any_page(worked, open_page, look, user):
    page, found = opened(open_page, look, user), []
    for path in PAGES[user]:
        page.goto(worked(path))
        assert page.locator("h1").count() == 1, path
        found += sound(page, f"{user}-{path.split('/{')[0].replace('/', '-')}", look)
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("width", [360, 3840])
def test_no_page_is_too_wide_and_nothing_is_cut_from_360_pixels_to_4k(worked, open_page, width):
    found = []
    for user, paths in PAGES.items():
        page = opened(open_page, Look(width, "light", "en"), user)
        for path in paths:
            page.goto(worked(path))
            found += [f"{path}: {overflow(page)} px"] if overflow(page) > 0 else []
            found += [f"{path}: {one} is cut" for one in page.evaluate(CUT)]
        page.context.close()
    assert found == [], "\n".join(found)
