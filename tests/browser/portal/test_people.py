"""An administrator and a person's own account in a real Chromium."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.axe import violations

ORIGIN = "http://localhost:8000"
PASSWORD = "a long enough password"
LOOKS = [(390, "light", "en"), (1280, "dark", "es")]
PICTURES = os.environ.get("CARETIER_SCREENSHOTS")


@pytest.fixture
def hospital(hospital):
    hospital.accounts.add_user("root", PASSWORD, "Ines Vidal", "admin")
    return hospital


def look(page, overflow, name, view):
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}-{view[0]}.png", full_page=True)
    assert overflow(page) == 0
    assert violations(page) == []


@pytest.mark.parametrize("view", LOOKS, ids=("phone", "desktop"))
def test_an_administrator_makes_an_account_and_its_owner_chooses_the_password(
    hospital, open_page, overflow, view
):
    page = open_page(*view, "root")
    page.goto(f"{ORIGIN}/portal/users")
    look(page, overflow, "users", view)
    page.goto(f"{ORIGIN}/portal/users/new")
    page.fill("#username", "bo")
    page.fill("#name", "Bo Lindqvist")
    page.check("[name=role][value=privacy]")
    look(page, overflow, "user-new", view)
    page.click("#new [type=submit]")
    page.wait_for_selector("#code")
    code = page.inner_text("#code")
    look(page, overflow, "user-code", view)
    page.goto(f"{ORIGIN}/portal/welcome#{code}")
    page.wait_for_function("document.getElementById('code').value !== ''")
    assert code not in page.url
    page.fill("#password", "gatos en la ventana 7")
    page.fill("#again", "gatos en la ventana 7")
    look(page, overflow, "welcome", view)
    page.click("#welcome [type=submit]")
    page.wait_for_selector("main a[href='/portal/sign-in']")
    assert hospital.accounts.sign_in("bo", "gatos en la ventana 7")


@pytest.mark.parametrize("view", LOOKS, ids=("phone", "desktop"))
def test_an_administrator_changes_a_role_and_undoes_a_disabling(
    hospital, open_page, overflow, view
):
    page, ana = open_page(*view, "root"), hospital.accounts.users()[0]
    page.goto(f"{ORIGIN}/portal/users/{ana.id}")
    look(page, overflow, "user", view)
    page.check("#role [value=privacy]")
    page.fill("#why", "Moves to data protection")
    page.click("#role [type=submit]")
    page.wait_for_url("**done=role")
    page.click("#disabled button")
    page.wait_for_url("**done=disabled")
    assert hospital.accounts.user(ana.id).disabled
    page.click("#enabled button")
    page.wait_for_url("**done=enabled")
    assert not hospital.accounts.user(ana.id).disabled


@pytest.mark.parametrize("view", LOOKS, ids=("phone", "desktop"))
def test_a_person_ends_other_sessions_and_changes_the_password(hospital, open_page, overflow, view):
    other = hospital.accounts.sign_in("ana", PASSWORD)
    page = open_page(*view)
    page.goto(f"{ORIGIN}/portal/account")
    look(page, overflow, "account", view)
    page.click("#others button")
    page.wait_for_url("**done=others")
    assert hospital.accounts.signed_in(other) is None
    page.fill("#old", PASSWORD)
    page.fill("#password", "gatos en la ventana 7")
    page.fill("#again", "gatos en la ventana 7")
    page.click("#password-form [type=submit]")
    page.wait_for_url("**done=password")
    assert hospital.accounts.sign_in("ana", "gatos en la ventana 7")
