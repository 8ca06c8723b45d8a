"""Accounts: who may sign in, for how long, and what a key allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import update

from compliance.errors import BadInputError, NotFoundError
from services.hospital.accounts import FAILURES_BEFORE_LOCK, Accounts
from services.hospital.errors import NotAllowedError, SignInError
from services.hospital.models import ApiKey, PortalSession, User

PASSWORD = "a long enough password"


@pytest.fixture
def ana(accounts):
    return accounts.add_user(" Ana ", PASSWORD, "Dr. Ana Ruiz", "clinician")


def change(database, table, **values):
    with database.transaction() as session:
        session.execute(update(table).values(**values))


def test_a_name_is_kept_in_small_letters_and_the_password_as_a_hash(ana):
    assert ana.username == "ana"
    assert ana.password.startswith("$argon2id$")
    assert PASSWORD not in ana.password


def test_a_name_nobody_has_costs_as_much_to_look_at_as_a_password(database, monkeypatch):
    monkeypatch.setattr("services.hospital.accounts.PasswordHasher", PasswordHasher)
    real = Accounts(database)
    kept = extract_parameters(real.hashed(PASSWORD))
    assert (kept.memory_cost, kept.time_cost, kept.parallelism) == (64 * 1024, 3, 4)
    assert extract_parameters(real._decoy) == kept
    assert not real._matches(real._decoy, PASSWORD)


def test_signing_in_opens_a_session(accounts, ana):
    signed_in = accounts.signed_in(accounts.sign_in("ANA ", PASSWORD))
    assert signed_in.user.id == ana.id


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 257])
def test_a_password_too_short_or_too_long_is_refused(accounts, password):
    with pytest.raises(BadInputError):
        accounts.add_user("bo", password, "Bo", "clinician")


def test_a_name_is_taken_once(accounts, ana):
    with pytest.raises(BadInputError, match="already"):
        accounts.add_user("ANA", PASSWORD, "Another", "operator")


def test_an_unknown_role_is_refused(accounts):
    with pytest.raises(BadInputError, match="role"):
        accounts.add_user("bo", PASSWORD, "Bo", "root")


@pytest.mark.parametrize(
    ("name", "password"),
    [("ana", "wrong"), ("ana", ""), ("nobody", PASSWORD), ("", ""), ("ana' --", PASSWORD)],
)
def test_every_failure_says_the_same(accounts, ana, name, password):
    with pytest.raises(SignInError) as raised:
        accounts.sign_in(name, password)
    assert raised.value.message == "You could not be signed in."


def test_after_five_failures_the_right_password_does_not_help_for_a_while(accounts, database, ana):
    for _ in range(FAILURES_BEFORE_LOCK):
        with pytest.raises(SignInError):
            accounts.sign_in("ana", "wrong password")
    with pytest.raises(SignInError):
        accounts.sign_in("ana", PASSWORD)
    change(database, User, locked_until=datetime.now(UTC) - timedelta(seconds=1))
    assert accounts.sign_in("ana", PASSWORD)
    assert accounts.user(ana.id).failures == 0


def test_four_failures_lock_nothing(accounts, ana):
    for _ in range(FAILURES_BEFORE_LOCK - 1):
        with pytest.raises(SignInError):
            accounts.sign_in("ana", "wrong password")
    assert accounts.sign_in("ana", PASSWORD)


def test_a_disabled_account_is_out_at_once(accounts, database, ana):
    token = accounts.sign_in("ana", PASSWORD)
    change(database, User, disabled=True)
    assert accounts.signed_in(token) is None
    with pytest.raises(SignInError):
        accounts.sign_in("ana", PASSWORD)


@pytest.mark.parametrize("token", [None, "", "x", "é"])
def test_no_session_without_its_token(accounts, ana, token):
    accounts.sign_in("ana", PASSWORD)
    assert accounts.signed_in(token) is None


def test_the_cookie_is_not_in_the_database(accounts, database, ana):
    token = accounts.sign_in("ana", PASSWORD)
    with database.reading() as session:
        rows = session.query(PortalSession).all()
    assert all(token not in (row.digest, row.csrf) for row in rows)


def test_an_idle_session_ends(accounts, database, ana):
    token = accounts.sign_in("ana", PASSWORD)
    change(database, PortalSession, seen=datetime.now(UTC) - timedelta(minutes=21))
    assert accounts.signed_in(token) is None
    change(database, PortalSession, seen=datetime.now(UTC))
    assert accounts.signed_in(token) is None


def test_use_moves_the_automatic_logoff_on(database, ana):
    accounts = Accounts(database, idle=timedelta(minutes=20))
    token = accounts.sign_in("ana", PASSWORD)
    change(database, PortalSession, seen=datetime.now(UTC) - timedelta(minutes=15))
    assert accounts.signed_in(token)
    with database.reading() as session:
        seen = session.query(PortalSession).one().seen
    assert seen > datetime.now(UTC) - timedelta(minutes=1)


def test_a_session_ends_in_any_case_after_its_longest_time(accounts, database, ana):
    token = accounts.sign_in("ana", PASSWORD)
    change(database, PortalSession, expires=datetime.now(UTC) - timedelta(seconds=1))
    assert accounts.signed_in(token) is None


def test_signing_out_ends_one_session_only(accounts, ana):
    one, other = accounts.sign_in("ana", PASSWORD), accounts.sign_in("ana", PASSWORD)
    accounts.sign_out(one)
    assert accounts.signed_in(one) is None
    assert accounts.signed_in(other)


@pytest.mark.parametrize("token", [None, "", "wrong", "é"])
def test_a_form_needs_its_sessions_token(accounts, ana, token):
    signed_in = accounts.signed_in(accounts.sign_in("ana", PASSWORD))
    signed_in.check_csrf(signed_in.csrf)
    with pytest.raises(NotAllowedError):
        signed_in.check_csrf(token)


def test_sessions_have_different_form_tokens(accounts, ana):
    tokens = {accounts.signed_in(accounts.sign_in("ana", PASSWORD)).csrf for _ in range(2)}
    assert len(tokens) == 2


def test_a_key_allows_its_scopes_only(accounts):
    key = accounts.new_key("ehr", "fhir.read chat")
    assert accounts.key_allows(key, "fhir.read")
    assert accounts.key_allows(key, "chat")
    assert not accounts.key_allows(key, "fhir")
    assert not accounts.key_allows(key, "")
    assert not accounts.key_allows("ctk_wrong", "chat")


def test_a_revoked_key_allows_nothing(accounts, database):
    key = accounts.new_key("ehr", "chat")
    change(database, ApiKey, revoked=datetime.now(UTC))
    assert not accounts.key_allows(key, "chat")


def test_users_are_listed_by_name_and_found_by_id(accounts, ana):
    accounts.add_user("aaron", PASSWORD, "Aaron", "operator")
    assert [u.username for u in accounts.users()] == ["aaron", "ana"]
    assert accounts.user(ana.id).display_name == "Dr. Ana Ruiz"
    with pytest.raises(NotFoundError):
        accounts.user("none")


def test_only_sessions_that_are_over_are_forgotten(accounts, database, ana):
    accounts.sign_in("ana", PASSWORD)
    change(database, PortalSession, expires=datetime.now(UTC) - timedelta(hours=1))
    token = accounts.sign_in("ana", PASSWORD)
    assert accounts.forget_expired() == 1
    assert accounts.signed_in(token)
