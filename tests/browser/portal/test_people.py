"""An administrator and a person's own account in a real Chromium."""

from __future__ import annotations

from playwright.sync_api import expect
from support.looks import in_looks
from support.stage import PASSWORD, account

ORIGIN = "http://localhost:8000"


@in_looks
def test_an_administrator_makes_an_account_and_its_owner_chooses_the_password(
    hospital, open_page, good, look
):
    page = open_page(*look, "ada")
    page.goto(f"{ORIGIN}/portal/users")
    good(page, "users")
    page.goto(f"{ORIGIN}/portal/users/new")
    page.fill("#username", "bo")
    page.fill("#name", "Bo Lindqvist")
    page.check("[name=role][value=privacy]")
    good(page, "user-new")
    page.click("#new [type=submit]")
    page.wait_for_selector("#code")
    code = page.inner_text("#code")
    good(page, "user-code")
    page.goto(f"{ORIGIN}/portal/welcome#{code}")
    expect(page.locator("#code")).not_to_have_value("")
    assert code not in page.url
    page.fill("#password", "gatos en la ventana 7")
    page.fill("#again", "gatos en la ventana 7")
    good(page, "welcome")
    page.click("#welcome [type=submit]")
    page.wait_for_selector("main a[href='/portal/sign-in']")
    assert hospital.accounts.sign_in("bo", "gatos en la ventana 7")


@in_looks
def test_an_administrator_changes_a_role_and_undoes_a_disabling(hospital, open_page, good, look):
    page, ana = open_page(*look, "ada"), account(hospital, "ana")
    page.goto(f"{ORIGIN}/portal/users/{ana.id}")
    good(page, "user")
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


@in_looks
def test_a_person_ends_other_sessions_and_changes_the_password(hospital, page, good):
    other = hospital.accounts.sign_in("ana", PASSWORD)
    page.goto(f"{ORIGIN}/portal/account")
    good(page, "account")
    page.click("#others button")
    page.wait_for_url("**done=others")
    assert hospital.accounts.signed_in(other) is None
    page.fill("#old", PASSWORD)
    page.fill("#password", "gatos en la ventana 7")
    page.fill("#again", "gatos en la ventana 7")
    page.click("#password-form [type=submit]")
    page.wait_for_url("**done=password")
    assert hospital.accounts.sign_in("ana", "gatos en la ventana 7")
