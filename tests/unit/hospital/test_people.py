"""Accounts as administrators change them: who may, what ends, and what never happens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from support.trail import Trail

from compliance.audit import AuditError
from compliance.errors import BadInputError, NotFoundError
from services.hospital.accounts import Accounts
from services.hospital.audited import Auditor, Caller
from services.hospital.errors import (
    AccountRefusedError,
    CodeOverError,
    NotAllowedError,
    SignInError,
)
from services.hospital.factors import Factors
from services.hospital.models import PendingSignIn, User
from services.hospital.notices import Notices
from services.hospital.passwords import WeakPasswordError
from services.hospital.pending import PendingSignIns
from services.hospital.people import Named, People
from services.hospital.secret_file import TextKey
from services.hospital.sessions import browser_of, open_sessions

PASSWORD = "a long enough password"
OTHER = "another fine sentence here"


@pytest.fixture
def trail():
    return Trail()


@pytest.fixture
def people(database, trail):
    auditor = Auditor(trail.record_all, "hospital")
    accounts = Accounts(database, auditor=auditor)
    factors = Factors(database, TextKey(b"k" * 32), auditor, policy="optional")
    return People(database, accounts, factors, PendingSignIns(database), auditor)


@pytest.fixture
def root(people):
    return people.accounts.add_user("root", PASSWORD, "Root", "admin")


@pytest.fixture
def ana(people):
    return people.accounts.add_user("ana", PASSWORD, "Dr. Ana Ruiz", "clinician")


def by(user):
    return Caller.user(user.id, user.role, "10.0.0.9")


def changes(trail):
    return [
        detail["valueString"]
        for event in trail.events
        for entity in event["entity"]
        for detail in entity.get("detail", ())
        if detail["type"] == "change"
    ]


def test_a_new_account_has_no_password_until_its_code_was_used(people, root, trail):
    made, code = people.add(Named("Bo", "Bo", "operator"), by(root))
    assert people.waiting() == {made.id}
    assert people.redeem(f" {code.lower()} ", OTHER, None).id == made.id
    assert people.accounts.sign_in("bo", OTHER)
    assert people.waiting() == frozenset()
    assert changes(trail) == ["made", "password-chosen"]


def test_neither_code_nor_password_stands_in_the_trail_or_the_database(people, root, trail):
    made, code = people.add(Named("bo", "Bo", "operator"), by(root))
    people.redeem(code, OTHER, None)
    said = str(trail.events) + people.accounts.user(made.id).password
    assert OTHER not in said
    assert code not in said
    assert code.replace("-", "") not in said


def test_a_code_is_good_once(people, root):
    _, code = people.add(Named("bo", "Bo", "operator"), by(root))
    people.redeem(code, OTHER, None)
    with pytest.raises(CodeOverError):
        people.redeem(code, PASSWORD, None)


def test_of_two_who_use_a_code_at_once_one_wins(people, root):
    _, code = people.add(Named("bo", "Bo", "operator"), by(root))

    def use(password):
        try:
            people.redeem(code, password, None)
        except CodeOverError:
            return None
        return password

    with ThreadPoolExecutor(2) as pool:
        won = [one for one in pool.map(use, (PASSWORD, OTHER)) if one]
    assert len(won) == 1
    assert people.accounts.sign_in("bo", won[0])


def test_a_code_ends_after_a_day(people, root, database):
    _, code = people.add(Named("bo", "Bo", "operator"), by(root))
    with database.transaction() as session:
        over = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(PendingSignIn).values(expires=over))
    with pytest.raises(CodeOverError):
        people.redeem(code, OTHER, None)


def test_wrong_used_and_old_codes_look_alike_and_are_written_down(people, root, trail):
    made, code = people.add(Named("bo", "Bo", "operator"), by(root))
    people.set_disabled(made.id, by(root), disabled=True)
    said = set()
    for tried in ("", "x", "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE", code):
        with pytest.raises(CodeOverError) as raised:
            people.redeem(tried, OTHER, None)
        said.add(raised.value.message)
    assert len(said) == 1
    assert sum(event["outcome"] == "4" for event in trail.events) == 4


def test_a_weak_password_leaves_the_code_good(people, root):
    _, code = people.add(Named("bo", "Bo", "operator"), by(root))
    with pytest.raises(WeakPasswordError):
        people.redeem(code, "Password1234!", None)
    assert people.redeem(code, OTHER, None)


def test_a_new_code_makes_the_old_password_void_and_ends_sessions(people, root, ana):
    token = people.accounts.sign_in("ana", PASSWORD)
    first = people.new_code(ana.id, by(root))
    second = people.new_code(ana.id, by(root))
    assert people.accounts.signed_in(token) is None
    with pytest.raises(SignInError):
        people.accounts.sign_in("ana", PASSWORD)
    with pytest.raises(CodeOverError):
        people.redeem(first, OTHER, None)
    assert people.redeem(second, OTHER, None)


@pytest.mark.parametrize("role", ["clinician", "operator", "privacy"])
def test_no_other_role_changes_accounts(people, root, ana, role):
    mallory = people.accounts.add_user("mallory", PASSWORD, "M", role)
    for change in (
        lambda: people.add(Named("x", "X", "admin"), by(mallory)),
        lambda: people.set_role(mallory.id, "admin", "because", by(mallory)),
        lambda: people.set_role(ana.id, "admin", "because", by(mallory)),
        lambda: people.set_disabled(root.id, by(mallory), disabled=True),
        lambda: people.new_code(root.id, by(mallory)),
        lambda: people.reset_factor(root.id, by(mallory)),
        lambda: people.set_acts_as(mallory.id, ["Practitioner/x"], by(mallory)),
    ):
        with pytest.raises(NotAllowedError):
            change()


def test_nobody_gives_themselves_a_role_or_changes_their_own_account(people, root):
    people.accounts.add_user("other", PASSWORD, "Other", "admin")
    for change in (
        lambda: people.set_role(root.id, "clinician", "because", by(root)),
        lambda: people.set_disabled(root.id, by(root), disabled=True),
        lambda: people.set_acts_as(root.id, ["Practitioner/x"], by(root)),
        lambda: people.new_code(root.id, by(root)),
        lambda: people.reset_factor(root.id, by(root)),
    ):
        with pytest.raises(AccountRefusedError) as raised:
            change()
        assert raised.value.reason == "own"


def test_the_last_administrator_stays_even_for_a_command(people, root):
    for change in (
        lambda: people.set_disabled(root.id, Caller.shell(), disabled=True),
        lambda: people.set_role(root.id, "operator", "because", Caller.shell()),
    ):
        with pytest.raises(AccountRefusedError) as raised:
            change()
        assert raised.value.reason == "last"


def test_two_administrators_who_shut_one_another_at_once_leave_one(people, root):
    other = people.accounts.add_user("other", PASSWORD, "Other", "admin")

    def shut(pair):
        try:
            people.set_disabled(pair[1].id, by(pair[0]), disabled=True)
        except (NotAllowedError, AccountRefusedError):
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(shut, ((root, other), (other, root))))
    assert sum(done) == 1
    assert sum(not user.disabled for user in people.accounts.users()) == 1


def test_a_change_of_role_ends_the_sessions_and_keeps_its_reason(people, root, ana, trail):
    token = people.accounts.sign_in("ana", PASSWORD)
    people.set_role(ana.id, "privacy", "Moves to data protection", by(root))
    assert people.accounts.signed_in(token) is None
    assert people.accounts.user(ana.id).role == "privacy"
    assert trail.events[-1]["entity"][1]["description"] == "Moves to data protection"


@pytest.mark.parametrize(("role", "why"), [("root", "because"), ("privacy", " "), ("", "because")])
def test_a_role_needs_a_name_and_a_reason(people, root, ana, role, why):
    with pytest.raises(AccountRefusedError):
        people.set_role(ana.id, role, why, by(root))
    assert people.accounts.user(ana.id).role == "clinician"


def test_the_providers_accounts_keep_the_providers_role_and_password(people, root):
    ward = people.accounts.from_provider("https://idp|7", "Ward", "clinician")
    for change in (
        lambda: people.set_role(ward.id, "admin", "because", by(root)),
        lambda: people.new_code(ward.id, by(root)),
        lambda: people.change_password(ward, OTHER, keep="", client=None),
    ):
        with pytest.raises(AccountRefusedError) as raised:
            change()
        assert raised.value.reason == "provider"


def test_a_role_that_the_provider_takes_back_ends_the_sessions(people, trail):
    ward = people.accounts.from_provider("https://idp|7", "Ward", "operator")
    token = people.accounts.open_session(ward, "oidc")
    people.accounts.from_provider("https://idp|7", "Ward", "clinician")
    assert people.accounts.signed_in(token) is None
    assert changes(trail) == ["role"]


def test_a_shut_account_is_out_and_may_come_back(people, root, ana):
    token = people.accounts.sign_in("ana", PASSWORD)
    people.set_disabled(ana.id, by(root), disabled=True)
    assert people.accounts.signed_in(token) is None
    assert open_sessions(people.database, ana.id) == []
    people.set_disabled(ana.id, by(root), disabled=False)
    assert people.accounts.signed_in(token) is None
    assert people.accounts.sign_in("ana", PASSWORD)


def test_what_is_not_written_down_is_not_done(people, root, ana, trail):
    trail.fails = True
    for change in (
        lambda: people.add(Named("bo", "Bo", "operator"), by(root)),
        lambda: people.set_role(ana.id, "privacy", "because", by(root)),
        lambda: people.set_disabled(ana.id, by(root), disabled=True),
        lambda: people.set_acts_as(ana.id, ["Practitioner/x"], by(root)),
        lambda: people.change_password(ana, OTHER, keep="", client=None),
    ):
        with pytest.raises(AuditError):
            change()
    assert len(people.accounts.users()) == 2
    same = people.accounts.user(ana.id)
    assert (same.role, same.disabled, same.acts_as) == ("clinician", False, None)
    assert same.password == ana.password


def test_a_name_is_taken_once_and_staff_is_staff(people, root, ana):
    for name in ("ANA ", " ", "provider:x"):
        with pytest.raises(AccountRefusedError):
            people.add(Named(name, "X", "operator"), by(root))
    with pytest.raises(BadInputError):
        people.set_acts_as(ana.id, ["Patient/x"], by(root))
    with pytest.raises(NotFoundError):
        people.end_sessions("nobody", by(root))
    people.set_acts_as(ana.id, ["Practitioner/ana"], by(root))
    assert people.accounts.user(ana.id).acts_as == "Practitioner/ana"


def test_ones_own_password_keeps_this_session_and_ends_the_others(people, ana):
    here, there = (people.accounts.sign_in("ana", PASSWORD) for _ in range(2))
    mine = people.accounts.signed_in(here)
    people.change_password(ana, OTHER, keep=mine.session, client=None)
    assert people.accounts.signed_in(here)
    assert people.accounts.signed_in(there) is None
    assert people.accounts.sign_in("ana", OTHER)
    assert people.end_others(ana, keep=mine.session, client=None) == 1


def test_a_session_says_when_and_where_it_was_seen(people, ana, database):
    people.accounts.open_session(ana, "password", client="10.0.0.9", browser="Firefox, Linux")
    (one,) = open_sessions(database, ana.id)
    assert (one.client, one.browser) == ("10.0.0.9", "Firefox, Linux")
    assert people.accounts.user(ana.id).last_seen == one.seen


def test_a_proof_is_fresh_for_a_while(people, ana, database):
    token = people.accounts.sign_in("ana", PASSWORD)
    who = people.accounts.signed_in(token)
    assert who.is_fresh()
    old = type(who)(who.user, who.csrf, proved=datetime.now(UTC) - timedelta(minutes=11))
    assert not old.is_fresh()


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/605.1", "Safari, iOS"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("curl/8", None),
        (None, None),
    ],
)  # fmt: skip
def test_a_browser_is_kept_in_two_words(agent, kind):
    assert browser_of(agent) == kind


def test_users_hold_no_last_seen_before_they_came(people, ana):
    assert isinstance(ana, User)
    assert ana.last_seen is None


@pytest.mark.parametrize(
    "give",
    [
        lambda people, ana, by: people.set_role(ana.id, "operator", "Works nights", by),
        lambda people, ana, by: people.set_acts_as(ana.id, ["Practitioner/ana"], by),
        lambda people, ana, by: people.new_code(ana.id, by),
        lambda people, ana, by: people.reset_factor(ana.id, by),
        lambda people, _ana, by: people.add(Named("myself", "Myself", "clinician"), by),
    ],
)
def test_an_administrator_who_gives_rights_is_seen_by_others(people, root, ana, give):
    """Who looks after accounts sees no patient; a clinician's account of their own would."""
    pia = people.accounts.add_user("pia", PASSWORD, "Pia Roth", "privacy")
    ada = people.accounts.add_user("ada", PASSWORD, "Ada Quinn", "admin")
    give(people, ana, by(root))
    told = Notices(people.database)
    assert [told.unread(one.id) for one in (pia, ada, root, ana)] == [1, 1, 0, 0]
    assert {one.kind for one in told.of(pia.id)} == {"rights-given"}
    assert told.address(ada.id, told.of(ada.id)[0].id).startswith("/portal/users/")


def test_rights_that_were_refused_are_not_told(people, root, ana):
    pia = people.accounts.add_user("pia", PASSWORD, "Pia Roth", "privacy")
    with pytest.raises(AccountRefusedError):
        people.set_role(ana.id, "operator", "", by(root))
    assert Notices(people.database).unread(pia.id) == 0
