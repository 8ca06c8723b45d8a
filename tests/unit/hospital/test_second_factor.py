"""The second factor at the portal: set up, asked for, used once, locked, lost."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from compliance.access import totp
from compliance.audit import AuditError
from compliance.errors import BadInputError
from services.hospital.app import create
from services.hospital.audited import Caller
from services.hospital.errors import UnreadableError
from services.hospital.factors import Factors
from services.hospital.models import SecondFactor, User
from services.hospital.pending import LASTS, PendingSignIns
from services.hospital.secret_file import TextKey, load_or_create
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from tests.support.trail import Trail

PASSWORD = "a long enough password"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
BY = Caller.shell()


@pytest.fixture(params=["optional"])
def policy(request):
    return request.param


@pytest.fixture
def hospital(tmp_path, policy):
    made = Hospital(HospitalSettings(data=tmp_path / "hospital", second_factor=policy))
    made.intake.audit = Trail()
    made.accounts.add_user("ana", PASSWORD, "Dr. Ana", "clinician")
    made.accounts.add_user("op", PASSWORD, "Op", "operator")
    yield made
    made.database.close()


@pytest.fixture
def ana(hospital):
    return next(u for u in hospital.accounts.users() if u.username == "ana")


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def factors(hospital, clock):
    key = TextKey(load_or_create(hospital.settings.data / "keys" / "factors.key"))
    return Factors(hospital.database, key, hospital.auditor, policy="optional", clock=clock)


def enrolled(factors, user, clock):
    secret = factors.begin(user)
    codes = factors.confirm(user, totp.code_at(secret, clock.now), BY)
    clock.now += timedelta(seconds=60)
    return secret, codes


def test_an_account_has_a_factor_only_after_its_first_code(factors, ana, clock):
    secret = factors.begin(ana)
    assert factors.begin(ana) == secret
    assert factors.step(ana) is None
    assert factors.confirm(ana, "000000", BY) is None
    assert factors.confirm(ana, totp.code_at(secret, clock.now), BY)
    assert factors.step(ana) == "code"
    with pytest.raises(BadInputError):
        factors.begin(ana)


def test_a_code_is_good_once(factors, ana, clock):
    secret, _ = enrolled(factors, ana, clock)
    code = totp.code_at(secret, clock.now)
    assert factors.prove(ana, code) == "totp"
    assert factors.prove(ana, code) is None
    clock.now += timedelta(seconds=30)
    assert factors.prove(ana, totp.code_at(secret, clock.now)) == "totp"


def test_the_code_that_confirmed_does_not_sign_in(factors, ana, clock):
    secret = factors.begin(ana)
    code = totp.code_at(secret, clock.now)
    factors.confirm(ana, code, BY)
    assert factors.prove(ana, code) is None


def test_a_recovery_code_is_good_once(factors, ana, clock):
    _, codes = enrolled(factors, ana, clock)
    assert factors.prove(ana, codes[0]) == "recovery"
    assert factors.prove(ana, codes[0]) is None
    assert factors.left(ana) == totp.RECOVERY_CODES - 1


def test_the_database_alone_gives_neither_secret_nor_recovery_codes(factors, hospital, ana, clock):
    secret, codes = enrolled(factors, ana, clock)
    with hospital.database.reading() as session:
        row = session.scalars(select(SecondFactor)).one()
    kept = f"{row.secret} {row.recovery}"
    assert totp.shown(secret).replace(" ", "") not in kept.upper()
    assert not any(code in kept for code in codes)
    with pytest.raises(UnreadableError):
        TextKey(bytes(32)).open(row.secret, f"hospital_second_factor/{ana.id}/secret")


def test_a_secret_moved_to_another_account_is_unreadable(factors, hospital, ana, clock):
    enrolled(factors, ana, clock)
    op = next(u for u in hospital.accounts.users() if u.username == "op")
    with hospital.database.transaction() as session:
        row = session.scalars(select(SecondFactor)).one()
        row.user_id = op.id
    with pytest.raises(UnreadableError):
        factors.prove(op, "123456")


def test_making_and_removing_one_are_written_down_or_do_not_happen(factors, hospital, ana, clock):
    secret = factors.begin(ana)
    hospital.intake.audit.fails = True
    with pytest.raises(AuditError):
        factors.confirm(ana, totp.code_at(secret, clock.now), BY)
    assert factors.step(ana) is None
    hospital.intake.audit.fails = False
    enrolled(factors, ana, clock)
    hospital.intake.audit.fails = True
    with pytest.raises(AuditError):
        factors.remove(ana, BY)
    assert factors.step(ana) == "code"
    hospital.intake.audit.fails = False
    assert factors.remove(ana, BY)
    assert not factors.remove(ana, BY)


def test_a_factor_is_asked_for_though_the_policy_was_turned_off(factors, ana, clock):
    enrolled(factors, ana, clock)
    factors.policy = "off"
    assert factors.step(ana) == "code"


def test_a_key_file_is_private_and_stays(tmp_path):
    key = load_or_create(tmp_path / "deep" / "x.key")
    assert load_or_create(tmp_path / "deep" / "x.key") == key
    assert (tmp_path / "deep" / "x.key").stat().st_mode & 0o077 == 0
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["x.key"]
    (tmp_path / "deep" / "x.key").write_bytes(b"short")
    with pytest.raises(UnreadableError):
        load_or_create(tmp_path / "deep" / "x.key")


def test_a_begun_sign_in_ends_by_itself_and_is_used_once(hospital, clock):
    pending = PendingSignIns(hospital.database, clock)
    token = pending.begin("code", "u", method="password", onward="")
    assert pending.find(token, "enrol") is None
    assert pending.find(None, "code") is None
    found = pending.find(token, "code")
    assert pending.end(found)
    assert not pending.end(found)
    token = pending.begin("code", "u")
    clock.now += LASTS
    assert pending.find(token, "code") is None
    clock.now += timedelta(seconds=1)
    assert pending.forget_expired() == 1


@pytest.fixture
async def http(hospital):
    transport = httpx.ASGITransport(app=create(hospital.settings, hospital))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def post(http, path, **form):
    return await http.post(f"/portal/{path}", data=form)


async def csrf(http):
    text = (await http.get("/portal/second-factor")).text
    return re.search(r'<meta name="csrf" content="([^"]+)"', text)[1]


async def set_up(http):
    """Sign in with the password and set a factor up; returns secret and recovery codes."""
    await post(http, "sign-in", user="ana", password=PASSWORD)
    began = await post(http, "second-factor/start", csrf=await csrf(http), password=PASSWORD)
    assert began.headers["location"] == "/portal/second-factor/enrol"
    page = (await http.get("/portal/second-factor/enrol")).text
    shown = re.search(r'id="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    import base64

    secret = base64.b32decode(shown)
    earlier = datetime.now(UTC) - timedelta(seconds=30)
    done = await post(http, "second-factor/enrol", code=totp.code_at(secret, earlier))
    assert done.status_code == 200
    return secret, re.findall(r"<li>([a-z2-7-]+)</li>", done.text)


async def out(http):
    await post(http, "sign-out", csrf=await csrf(http))


async def test_a_password_alone_opens_no_session_any_more(http, hospital):
    secret, codes = await set_up(http)
    assert len(codes) == totp.RECOVERY_CODES
    await out(http)
    first = await post(http, "sign-in", user="ana", password=PASSWORD, next="/portal/patients")
    assert first.headers["location"] == "/portal/second-factor"
    assert (await http.get("/portal/")).status_code == 303
    assert (await http.get("/fhir/Patient")).status_code == 401
    wrong = await post(http, "second-factor", code="000000")
    assert wrong.status_code == 401
    good = await post(http, "second-factor", code=totp.code_at(secret, datetime.now(UTC)))
    assert good.headers["location"] == "/portal/patients"
    assert (await http.get("/portal/")).status_code == 200
    methods = [
        e["entity"][0]["detail"][0]["valueString"] for e in hospital.intake.audit.events
        if e["subtype"][-1]["code"] == "sign-in"
    ]  # fmt: skip
    assert methods == ["password", "totp", "password+totp"]


async def test_a_recovery_code_opens_the_session(http):
    _, codes = await set_up(http)
    await out(http)
    await post(http, "sign-in", user="ana", password=PASSWORD)
    assert (await post(http, "second-factor", code=codes[4])).status_code == 303
    assert "9 recovery codes" in (await http.get("/portal/second-factor")).text


async def test_after_five_wrong_codes_the_right_one_does_not_help(http, ana):
    secret, codes = await set_up(http)
    await out(http)
    await post(http, "sign-in", user="ana", password=PASSWORD)
    for _ in range(5):
        assert (await post(http, "second-factor", code="000000")).status_code == 401
    right = await post(http, "second-factor", code=totp.code_at(secret, datetime.now(UTC)))
    assert right.status_code == 401
    assert (await post(http, "second-factor", code=codes[0])).status_code == 401


async def test_without_a_password_first_no_code_is_taken(http):
    secret, _ = await set_up(http)
    await out(http)
    http.cookies.clear()
    answer = await post(http, "second-factor", code=totp.code_at(secret, datetime.now(UTC)))
    assert answer.headers["location"].startswith("/portal/sign-in")


async def test_setting_one_up_takes_the_password_again(http):
    await post(http, "sign-in", user="ana", password=PASSWORD)
    answer = await post(http, "second-factor/start", csrf=await csrf(http), password="wrong one")
    assert answer.status_code == 401
    answer = await post(http, "second-factor/start", csrf="x", password=PASSWORD)
    assert answer.status_code == 403


async def test_a_code_from_another_site_is_refused(http):
    await set_up(http)
    answer = await http.post(
        "/portal/second-factor", data={"code": "1"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("policy", ["required"], indirect=True)
async def test_where_it_is_required_nobody_gets_in_without_setting_it_up(http):
    answer = await post(http, "sign-in", user="op", password=PASSWORD)
    assert answer.headers["location"] == "/portal/second-factor/enrol"
    assert (await http.get("/portal/system")).status_code == 303
    page = (await http.get("/portal/second-factor/enrol")).text
    import base64

    secret = base64.b32decode(re.search(r'id="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", ""))
    assert (await post(http, "second-factor/enrol", code="000000")).status_code == 401
    assert (await http.get("/portal/system")).status_code == 303
    done = await post(http, "second-factor/enrol", code=totp.code_at(secret, datetime.now(UTC)))
    assert "recovery codes" in done.text
    assert (await http.get("/portal/system")).status_code == 200


@pytest.mark.parametrize("policy", ["off"], indirect=True)
async def test_by_default_nothing_is_offered(http):
    await post(http, "sign-in", user="ana", password=PASSWORD)
    assert "Not offered here" in (await http.get("/portal/second-factor")).text
    answer = await post(http, "second-factor/start", csrf=await csrf(http), password=PASSWORD)
    assert answer.status_code == 403


def test_locks_grow_until_somebody_signs_in(hospital, ana):
    for _ in range(10):
        hospital.accounts.count_failure(ana)
    with hospital.database.reading() as session:
        until = session.get(User, ana.id).locked_until
    assert timedelta(minutes=9) < until - datetime.now(UTC) <= timedelta(minutes=10)
