"""Attacks on accounts: guessing, planting, outliving, telling, disguising and escalating."""

from __future__ import annotations

import base64
import json
import logging
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from support.served import served
from support.stage import PASSWORD, a_device, account, staffed

from compliance.access import totp
from patient_app.app import create as create_device
from patient_app.sessions import COOKIE as DEVICE_COOKIE
from services.hospital.accounts import Accounts
from services.hospital.app import create
from services.hospital.audited import Caller
from services.hospital.errors import AccountRefusedError, CodeOverError, SignInError
from services.hospital.people import Named
from services.hospital.portal import COOKIE
from services.hospital.portal.people_list import safe_cell
from services.hospital.throttle import WINDOW_SECONDS, Throttle

SECRET = "nine unlikely purple herons"
HERE, THERE = "203.0.113.9", "203.0.113.10"
HOST = "http://localhost"
ONE_SENTENCE = "You could not be signed in."


@pytest.fixture
def hospital(tmp_path):
    with staffed(tmp_path) as made:
        yield made


@pytest.fixture
def app(hospital):
    return create(hospital.settings, hospital)


@pytest.fixture
def root(hospital):
    ada = account(hospital, "ada")
    return Caller.user(ada.id, ada.role)


def browser(app, cookies=None, client=HERE):
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(client, 1))
    return httpx.AsyncClient(transport=transport, base_url=HOST, cookies=cookies)


async def sign_in(one, user="ana", password=PASSWORD):
    return await one.post("/portal/sign-in", data={"user": user, "password": password})


def token_of(page):
    return re.search(r'<meta name="csrf" content="([^"]+)"', page)[1]


def with_factor(hospital, username):
    """Give an account a second factor; returns its secret."""
    user = account(hospital, username)
    secret = hospital.factors.begin(user)
    earlier = datetime.now(UTC) - timedelta(seconds=30)
    assert hospital.factors.confirm(user, totp.code_at(secret, earlier), Caller.shell())
    return secret


async def begin_to_enrol(one):
    """Sign in where a second factor is asked for; returns the secret that is shown."""
    assert (await sign_in(one)).headers["location"] == "/portal/second-factor/enrol"
    page = (await one.get("/portal/second-factor/enrol")).text
    return base64.b32decode(re.search(r'id="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", ""))


# --- guessing


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("nobody", PASSWORD),
        ("ana", "wrong"),
        ("ana", ""),
        ("ana", "x" * 100_000),
        ("shut", PASSWORD),
        ("locked", PASSWORD),
        ("locked", "wrong"),
    ],
)
def test_every_refused_sign_in_costs_one_hash_of_the_same_cost(
    hospital, monkeypatch, user, password
):
    for name in ("shut", "locked"):
        hospital.accounts.add_user(name, PASSWORD, name, "clinician")
    hospital.people.set_disabled(account(hospital, "shut").id, Caller.shell(), disabled=True)
    for _ in range(5):
        hospital.accounts.count_failure(account(hospital, "locked"))
    looked, verify = [], hospital.accounts._matches
    monkeypatch.setattr(
        Accounts,
        "_matches",
        lambda _self, stored, given: looked.append(stored) or verify(stored, given),
    )
    with pytest.raises(SignInError, match=ONE_SENTENCE):
        hospital.accounts.check(user, password)
    assert len(looked) == 1
    costs = {stored.split("$")[3] for stored in (*looked, account(hospital, "ana").password)}
    assert len(costs) == 1


async def test_an_unknown_name_and_a_wrong_password_get_the_same_page(app):
    async with browser(app) as one:
        wrong, unknown = await sign_in(one, "ana", "wrong"), await sign_in(one, "zoe", "wrong")
    assert wrong.status_code == unknown.status_code
    assert wrong.text.replace("ana", "zoe") == unknown.text.replace("ana", "zoe")


async def test_wrong_used_and_unknown_invitations_get_the_same_page(app, hospital, root):
    _, code = hospital.people.add(Named("new", "New", "clinician"), root)
    hospital.people.redeem(code, SECRET, None)
    pages = []
    async with browser(app) as one:
        for tried in (code, "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"):
            form = {"code": tried, "password": SECRET, "again": SECRET}
            answer = await one.post("/portal/welcome", data=form)
            pages.append((answer.status_code, answer.text.replace(tried, "")))
    assert pages[0] == pages[1]


async def test_an_address_that_guesses_at_many_accounts_has_to_wait(app, hospital):
    async with browser(app) as one:
        for number in range(hospital.settings.address_failures):
            assert (await sign_in(one, f"user{number}", "wrong")).status_code == 401
        assert (await sign_in(one)).status_code == 401
        assert COOKIE not in one.cookies
    async with browser(app, client=THERE) as other:
        assert (await sign_in(other)).status_code == 303


def test_the_wait_of_an_address_ends_although_one_keeps_trying(hospital):
    """Else a ward behind one address would lock itself out for as long as it is impatient."""
    now, most = [0.0], hospital.settings.address_failures
    hospital.accounts._throttle = Throttle(most, lambda: now[0])
    for number in range(most):
        with pytest.raises(SignInError):
            hospital.accounts.sign_in(f"user{number}", "wrong", client=HERE)
    for minute in range(1, 10):
        now[0] = minute * 60.0
        with pytest.raises(SignInError):
            hospital.accounts.sign_in("ana", PASSWORD, client=HERE)
    now[0] = WINDOW_SECONDS + 1
    assert hospital.accounts.sign_in("ana", PASSWORD, client=HERE)


async def test_an_address_that_has_to_wait_gets_no_code_looked_at(app, hospital):
    secret = with_factor(hospital, "ana")
    async with browser(app) as one:
        assert (await sign_in(one)).status_code == 303
        for _ in range(hospital.settings.address_failures):
            hospital.accounts._throttle.failed(HERE)
        code = totp.code_at(secret, datetime.now(UTC))
        answer = await one.post("/portal/second-factor", data={"code": code})
        assert answer.status_code == 401
        assert COOKIE not in one.cookies


@pytest.mark.parametrize("way", ["sign-in", "code"])
def test_one_address_guesses_at_no_more_and_fills_the_trail_no_further(hospital, way):
    now, most = [0.0], 5
    hospital.accounts._throttle = Throttle(most, lambda: now[0])
    events = hospital.intake.audit.events

    tried = {
        "sign-in": lambda client: hospital.accounts.sign_in("nobody", "wrong", client=client),
        "code": lambda client: hospital.people.redeem("AAAAA-AAAAA", SECRET, client),
    }

    def guess(client=HERE):
        with pytest.raises((SignInError, CodeOverError)):
            tried[way](client)

    before = len(events)
    for _ in range(most * 4):
        guess()
    assert len(events) == before + most + 1  # each that was looked at, and once that it waits
    guess(THERE)
    assert len(events) == before + most + 2
    now[0] = WINDOW_SECONDS + 1
    guess()
    assert len(events) == before + most + 3


def test_a_good_code_is_not_looked_at_for_an_address_that_has_to_wait(hospital, root):
    _, code = hospital.people.add(Named("new", "New", "clinician"), root)
    for _ in range(hospital.settings.address_failures):
        hospital.accounts._throttle.failed(HERE)
    with pytest.raises(CodeOverError):
        hospital.people.redeem(code, SECRET, HERE)
    assert hospital.people.redeem(code, SECRET, THERE).username == "new"


def test_an_address_waits_no_longer_than_the_window_and_ipv6_is_one_household():
    now = [0.0]
    throttle = Throttle(2, lambda: now[0])
    throttle.failed("2001:db8::1")
    throttle.failed("2001:db8::2:1")
    assert throttle.is_full("2001:db8::99")
    assert not throttle.is_full("2001:db8:0:1::1")
    assert not throttle.is_full(None)
    now[0] = WINDOW_SECONDS + 1
    assert not throttle.is_full("2001:db8::99")
    assert not Throttle(0).is_full(HERE)


@pytest.mark.parametrize("seconds", [-90, 90, 3600])
async def test_a_code_out_of_its_window_opens_nothing(app, hospital, seconds):
    secret = with_factor(hospital, "ana")
    async with browser(app) as one:
        await sign_in(one)
        code = totp.code_at(secret, datetime.now(UTC) + timedelta(seconds=seconds))
        assert (await one.post("/portal/second-factor", data={"code": code})).status_code == 401


async def test_a_code_that_was_used_opens_nothing_in_another_browser(app, hospital):
    secret = with_factor(hospital, "ana")
    code = totp.code_at(secret, datetime.now(UTC))
    async with browser(app) as one, browser(app, client=THERE) as two:
        await sign_in(one)
        await sign_in(two)
        assert (await one.post("/portal/second-factor", data={"code": code})).status_code == 303
        assert (await two.post("/portal/second-factor", data={"code": code})).status_code == 401


# --- planting: session fixation over real sockets


def test_session_fixation_over_http_a_cookie_from_before_is_never_the_session(hospital):
    with served(lambda _address: create(hospital.settings, hospital), lifespan="off") as address:
        with httpx.Client(base_url=address, cookies={COOKIE: "planted"}) as one:
            answer = one.post("/portal/sign-in", data={"user": "ana", "password": PASSWORD})
            mine = answer.cookies[COOKIE]
            assert mine != "planted"
            assert httpx.get(f"{address}/portal/api/session", cookies={COOKIE: mine}).is_success
        planted = httpx.get(f"{address}/portal/api/session", cookies={COOKIE: "planted"})
        assert planted.status_code == 401


def test_session_fixation_over_http_on_the_device(tmp_path, monkeypatch):
    with a_device(tmp_path, ("p07",)) as device:
        monkeypatch.setenv("CARETIER_ANCHORS", str(device.settings.data.parent / "anchors"))
        make = lambda _address: create_device(device.settings, device)  # noqa: E731
        with served(make, lifespan="off") as address:
            form = {"person": "p07", "passphrase": PASSWORD}
            answer = httpx.post(f"{address}/unlock", data=form, cookies={DEVICE_COOKIE: "planted"})
            assert answer.status_code == 303
            assert answer.cookies[DEVICE_COOKIE] != "planted"
            later = httpx.get(f"{address}/settings", cookies={DEVICE_COOKIE: "planted"})
            assert "csrf" not in later.text or later.status_code in {303, 401}


@pytest.mark.parametrize("secure", [True, False])
async def test_the_cookies_are_for_our_own_pages_alone(hospital, secure):
    with_factor(hospital, "pia")
    hospital.settings = hospital.settings.model_copy(update={"secure_cookies": secure})
    async with browser(create(hospital.settings, hospital)) as one:
        for user in ("ana", "pia"):
            set_ = (await sign_in(one, user)).headers["set-cookie"].lower()
            assert "httponly" in set_
            assert "samesite=strict" in set_
            assert ("secure" in set_) is secure
            assert "domain=" not in set_


# --- outliving: what ends with a password, a role or an account


ENDS = {
    "disabled": lambda people, id_, root: people.set_disabled(id_, root, disabled=True),
    "role": lambda people, id_, root: people.set_role(id_, "operator", "moved to IT", root),
    "voided": lambda people, id_, root: people.new_code(id_, root),
    "signed out": lambda people, id_, root: people.end_sessions(id_, root),
}


@pytest.mark.parametrize("end", ENDS)
async def test_a_change_of_an_account_ends_its_sessions_at_once(app, hospital, root, end):
    async with browser(app) as one:
        await sign_in(one)
        assert (await one.get("/portal/api/session")).is_success
        ENDS[end](hospital.people, account(hospital, "ana").id, root)
        assert (await one.get("/portal/api/session")).status_code == 401


@pytest.mark.parametrize("end", [*ENDS, "own password"])
async def test_a_sign_in_that_began_before_a_change_does_not_end_in_a_session(
    app, hospital, root, end
):
    secret = with_factor(hospital, "ana")
    async with browser(app) as one:
        assert (await sign_in(one)).headers["location"] == "/portal/second-factor"
        user = account(hospital, "ana")
        if end == "own password":
            hospital.people.change_password(user, SECRET, keep="", client=None)
        else:
            ENDS[end](hospital.people, user.id, root)
        code = totp.code_at(secret, datetime.now(UTC))
        await one.post("/portal/second-factor", data={"code": code})
        assert COOKIE not in one.cookies


async def test_a_factor_begun_with_an_old_password_lets_nobody_in(hospital, root):
    hospital.factors.policy = "required"
    async with browser(create(hospital.settings, hospital)) as one:
        shown = await begin_to_enrol(one)
        hospital.people.new_code(account(hospital, "ana").id, root)
        code = totp.code_at(shown, datetime.now(UTC))
        await one.post("/portal/second-factor/enrol", data={"code": code})
        assert COOKIE not in one.cookies


async def test_a_secret_that_somebody_else_was_shown_is_never_ones_own(hospital):
    hospital.factors.policy = "required"
    app = create(hospital.settings, hospital)
    async with browser(app, client=THERE) as thief, browser(app) as one:
        seen, mine = await begin_to_enrol(thief), await begin_to_enrol(one)
        assert seen != mine
        code = totp.code_at(mine, datetime.now(UTC))
        await one.post("/portal/second-factor/enrol", data={"code": code})
        assert COOKIE in one.cookies
    later = totp.code_at(seen, datetime.now(UTC) + timedelta(seconds=30))
    assert hospital.factors.prove(account(hospital, "ana"), later) is None


def test_a_factor_is_set_up_once_though_two_confirm_it_at_once(hospital, monkeypatch):
    user, by = account(hospital, "ana"), Caller.shell()
    secret = hospital.factors.begin(user)
    code, real = totp.code_at(secret, datetime.now(UTC)), totp.new_recovery_codes
    first = []

    def meanwhile():
        monkeypatch.setattr(totp, "new_recovery_codes", real)
        first.extend(hospital.factors.confirm(user, code, by))
        return real()

    monkeypatch.setattr(totp, "new_recovery_codes", meanwhile)
    assert hospital.factors.confirm(user, code, by) is None
    assert hospital.factors.prove(user, first[0]) == "recovery"


async def test_a_changed_password_is_no_proof_where_there_is_a_second_factor(app, hospital):
    with_factor(hospital, "ada")
    mine = hospital.accounts.open_session(account(hospital, "ada"), "password+totp")
    async with browser(app, {COOKIE: mine}) as one:
        token = token_of((await one.get("/portal/account")).text)
        form = {"csrf": token, "old": PASSWORD, "password": SECRET, "again": SECRET}
        answer = await one.post("/portal/account/password", data=form)
        assert answer.status_code == 303
        assert not hospital.accounts.signed_in(answer.cookies[COOKIE]).is_fresh()


# --- telling: secrets in logs, trail, pages


async def test_no_password_and_no_code_stands_in_a_log_the_trail_or_a_page(
    app, hospital, root, caplog
):
    caplog.set_level(logging.DEBUG)
    secret = with_factor(hospital, "ana")
    _, invitation = hospital.people.add(Named("new", "New", "clinician"), root)
    code = totp.code_at(secret, datetime.now(UTC))
    said = []
    async with browser(app) as one:
        said.append(await sign_in(one, "ana", "a guessed secret phrase"))
        said.append(await sign_in(one, "a guessed secret phrase", "x"))
        said.append(await sign_in(one))
        said.append(await one.post("/portal/second-factor", data={"code": "123456"}))
        said.append(await one.post("/portal/second-factor", data={"code": code}))
        form = {"code": invitation, "password": SECRET, "again": SECRET}
        said.append(await one.post("/portal/welcome", data=form))
    told = [caplog.text, json.dumps(hospital.intake.audit.events)]
    told += [answer.text for answer in said if b"guessed" not in answer.request.content]
    for hidden in (PASSWORD, SECRET, code, invitation, invitation.replace("-", "")):
        assert not any(hidden in text for text in told), hidden
    assert not any("a guessed secret phrase" in text for text in told)


async def test_a_failure_of_the_program_shows_nothing_of_what_was_typed(
    app, hospital, monkeypatch, caplog
):
    def broken(*_args, **_kwargs):
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(hospital.accounts, "check", broken)
    async with browser(app) as one:
        answer = await sign_in(one, "ana", SECRET)
    assert answer.status_code == 500
    assert SECRET not in answer.text + caplog.text
    assert "RuntimeError" not in answer.text
    assert "default-src" in answer.headers["content-security-policy"]


# --- disguising


@pytest.mark.parametrize(
    ("username", "name"),
    [
        ("аna", "Dr. Ana"),  # a Cyrillic letter
        ("ana\u200b", "Dr. Ana"),
        ("an a", "Dr. Ana"),
        ("bea", "Dr. \u202eanA"),
        ("bea", "Dr. Аnа"),
        ("bea", "Dr.\x00 Ana"),
        ("ａｎａ", "Dr. Ana"),  # the same name as another, once it is plain
    ],
)
def test_no_account_looks_like_anothers(hospital, root, username, name):
    with pytest.raises(AccountRefusedError):
        hospital.people.add(Named(username, name, "clinician"), root)


@pytest.mark.parametrize(
    "name", ["Dra. Íñiga Muñoz", "Dr. O’Hara-Łoś", "田中 太郎", "Анна Иванова"]
)
def test_a_name_of_any_one_script_is_taken(hospital, root, name):
    made, _ = hospital.people.add(Named("bea", name, "clinician"), root)
    assert made.display_name == name


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "\u00a0=1", "|x"]
)
def test_no_cell_of_an_export_is_a_formula(cell):
    assert safe_cell(cell).startswith("'")


async def test_names_that_are_formulas_stand_as_text_in_the_list_of_accounts(app, hospital, root):
    hospital.people.add(Named("=cmd", "=HYPERLINK(0)", "clinician"), root)
    mine = hospital.accounts.open_session(account(hospital, "ada"), "password")
    async with browser(app, {COOKIE: mine}) as one:
        table = (await one.get("/portal/users/export")).text
    assert "'=cmd" in table
    assert not re.search(r'(^|,)"?=', table, re.MULTILINE)


# --- escalating


async def test_an_administrator_makes_itself_nothing_else(app, hospital):
    ada = account(hospital, "ada")
    mine = hospital.accounts.open_session(ada, "password")
    async with browser(app, {COOKIE: mine}) as one:
        token = token_of((await one.get("/portal/users")).text)
        for path, form in (
            ("role", {"role": "clinician", "why": "I would like to"}),
            ("acts-as", {"acts_as": "Practitioner/ana"}),
            ("change", {"act": "factor"}),
        ):
            await one.post(f"/portal/users/{ada.id}/{path}", data={"csrf": token, **form})
    after = account(hospital, "ada")
    assert (after.role, after.acts_as) == ("admin", None)


@pytest.mark.parametrize("user", ["ana", "omar", "pia"])
async def test_no_other_role_changes_an_account_by_any_address(app, hospital, user):
    mine = hospital.accounts.open_session(account(hospital, user), "password")
    target = account(hospital, "ada")
    async with browser(app, {COOKIE: mine}) as one:
        token = token_of((await one.get("/portal/account")).text)
        for path in ("role", "acts-as", "change", "code"):
            form = {"csrf": token, "role": "clinician", "why": "because", "act": "disabled"}
            answer = await one.post(f"/portal/users/{target.id}/{path}", data=form)
            assert answer.status_code == 403, path
    assert account(hospital, "ada").password == target.password
