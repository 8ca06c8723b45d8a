"""Wrong passwords of strangers do not keep the owner of an account out; guesses stay few."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from services.hospital.accounts import FAILURES_BEFORE_LOCK, Accounts
from services.hospital.browsers import KNOWN_FOR, WRONG_PROOFS
from services.hospital.errors import SignInError
from services.hospital.models import KnownBrowser, User
from services.hospital.notices import Notices
from services.hospital.throttle import Throttle

PASSWORD = "a long password"


@pytest.fixture
def accounts(database):
    return Accounts(database, throttle=Throttle(20))


@pytest.fixture
def ana(accounts):
    return accounts.add_user("ana", PASSWORD, "Dr. Ana Ruiz", "clinician")


@pytest.fixture
def cookie(accounts, ana):
    """Of the browser in which she signed in."""
    return accounts.browsers.remember(ana.id, None)


def enter(accounts, password=PASSWORD, *, cookie=None, name="ana", client=None):
    user = accounts.check(name, password, cookie=cookie, client=client)
    return accounts.open_session(user, "password", cookie=cookie)


def guess(accounts, times, **more):
    for number in range(times):
        with pytest.raises(SignInError):
            enter(accounts, f"guess {number}", **more)


def refused(accounts, **more):
    with pytest.raises(SignInError):
        enter(accounts, **more)


def test_strangers_lock_an_account_for_strangers_and_not_for_its_owner(accounts, ana, cookie):
    guess(accounts, FAILURES_BEFORE_LOCK * 3)
    refused(accounts)
    refused(accounts, cookie="invented")
    assert enter(accounts, cookie=cookie)
    refused(accounts)  # her signing in gives the strangers no more guesses
    assert accounts.user(ana.id).locked_until > datetime.now(UTC)


def test_a_browser_that_guesses_too_often_locks_the_account_and_is_a_stranger_again(
    accounts, ana, cookie
):
    other = accounts.browsers.remember(ana.id, None)
    guess(accounts, WRONG_PROOFS, cookie=cookie)
    assert not accounts.browsers.knows(ana.id, cookie)
    refused(accounts, cookie=cookie)
    refused(accounts)
    assert enter(accounts, cookie=other)


def test_signing_in_there_gives_it_all_its_wrong_proofs_again(accounts, ana, cookie):
    for _ in range(3):
        guess(accounts, WRONG_PROOFS - 1, cookie=cookie)
        assert enter(accounts, cookie=cookie)
        assert accounts.browsers.remember(ana.id, cookie) == cookie


def test_it_is_known_to_those_who_signed_in_there_and_to_nobody_else(accounts, ana, cookie):
    bo = accounts.add_user("bo", PASSWORD, "Dr. Bo Lind", "clinician")
    guess(accounts, FAILURES_BEFORE_LOCK, name="bo")
    refused(accounts, name="bo", cookie=cookie)
    assert accounts.browsers.remember(bo.id, cookie) == cookie
    assert enter(accounts, name="bo", cookie=cookie)
    assert enter(accounts, cookie=cookie)


def test_a_cookie_that_was_not_made_here_is_not_taken_over(accounts, ana):
    assert accounts.browsers.remember(ana.id, "planted") != "planted"
    assert not accounts.browsers.knows(ana.id, "planted")


def test_it_is_unknown_after_a_while(accounts, database, ana, cookie):
    with database.transaction() as session:
        then = datetime.now(UTC) - KNOWN_FOR - timedelta(seconds=1)
        session.execute(update(KnownBrowser).values(seen=then))
    guess(accounts, FAILURES_BEFORE_LOCK)
    refused(accounts, cookie=cookie)
    assert accounts.browsers.forget_over() == 1


def test_the_cookie_is_not_in_the_database(accounts, database, cookie):
    with database.reading() as session:
        kept = [row.digest for row in session.scalars(select(KnownBrowser))]
    assert len(kept) == 1
    assert cookie not in kept


def test_a_shut_account_knows_no_browser(accounts, database, ana, cookie):
    with database.transaction() as session:
        session.execute(update(User).values(disabled=True))
    refused(accounts, cookie=cookie)
    with pytest.raises(SignInError):
        accounts.admit("totp", None, accounts.user(ana.id), cookie)


def test_one_address_that_fails_at_many_names_does_not_keep_its_owners_out(accounts, ana, cookie):
    for number in range(20):
        guess(accounts, 1, name=f"user{number}", client="192.0.2.1")
    refused(accounts, client="192.0.2.1")
    assert enter(accounts, cookie=cookie, client="192.0.2.1")


def test_the_owner_and_the_administrators_are_told(accounts, database, ana):
    root = accounts.add_user("root", PASSWORD, "Root", "admin")
    guess(accounts, FAILURES_BEFORE_LOCK)
    notices = Notices(database)
    told = {user.id: [one.kind for one in notices.of(user.id)] for user in (ana, root)}
    assert told == {ana.id: ["guessed"], root.id: ["guessed-at"]}
