"""axe finds nothing on any page of the portal: phone and desktop, both themes and languages."""

from __future__ import annotations

import pytest
from support.axe import violations

ORIGIN = "http://localhost:8000"
LOOKS = [(390, "dark", "es"), (1280, "light", "en")]
PAGES = [
    "/portal/", "/portal/?state=signed", "/portal/patients", "/portal/patients/p01",
    "/portal/patients/p07/trends", "/portal/patients/p01/trends", "/portal/patients/p01/timeline",
    "/portal/system", "/portal/updates", "/portal/knowledge", "/portal/apps",
    "/portal/patients/nobody",
]  # fmt: skip

pytestmark = pytest.mark.usefixtures("treated")


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_axe_finds_nothing_on_a_page_of_a_clinician(open_page, overflow, lay, look):
    page, found = open_page(*look), []
    for path in [*PAGES, f"/portal/referrals/{lay()}"]:
        page.goto(ORIGIN + path)
        found += [f"{path}: {one}" for one in violations(page)]
        found += [f"{path}: wider than its window"] if overflow(page) else []
    assert found == [], "\n".join(found)


@pytest.mark.parametrize(("role", "paths"), [
    ("operator", ["/portal/system", "/portal/updates", "/portal/knowledge", "/portal/clients"]),
    ("privacy", ["/portal/", "/portal/reviews"]),
])  # fmt: skip
def test_axe_finds_nothing_on_a_page_of_another_role(treated, open_page, overflow, role, paths):
    treated.accounts.add_user(role, "a long enough password", "Sam Lee", role)
    page, found = open_page(user=role), []
    for path in paths:
        page.goto(ORIGIN + path)
        found += [f"{path}: {one}" for one in violations(page)]
        found += [f"{path}: wider than its window"] if overflow(page) else []
    assert found == [], "\n".join(found)
