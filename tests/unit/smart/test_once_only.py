"""What is good once is good once, on both databases, even when it is tried at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from support.smart import BACK, CHALLENGE, VERIFIER

from compliance.access import Scopes
from services.hospital.models import SmartAssertion, SmartGrant, SmartToken, User
from services.hospital.smart.assertion import Assertions
from services.hospital.smart.clients import Clients
from services.hospital.smart.endpoint import TokenEndpoint
from services.hospital.smart.errors import OAuthError
from services.hospital.smart.grants import Allowed, Grants
from services.hospital.smart.launches import Launch, Launches
from services.hospital.smart.site import Site
from services.hospital.smart.tidying import forget_expired
from services.hospital.smart.tokens import Tokens

SITE = Site("https://ehr.example.org")
TRIES = 6


class Quiet:
    """An auditor that writes nothing."""

    def key(self, *_said) -> None:
        return None


@pytest.fixture
def client(database):
    """A public app."""
    registered, _ = Clients(database, Quiet()).add(
        "App", "public", "patient/*.rs offline_access", redirects=[BACK]
    )
    return registered


@pytest.fixture
def endpoint(database):
    return TokenEndpoint(database, Grants(database), Tokens(database), None, lambda _: True)


@pytest.fixture
def code(database, client):
    """A code of somebody who let the app in."""
    user = User(
        id="u", username="u", display_name="U", role="clinician", password="x",
        created=datetime.now(UTC),
    )  # fmt: skip
    with database.transaction() as session:
        session.add(user)
    scopes = Scopes.understood("patient/*.rs offline_access", "p1")[0]
    return Grants(database).allow(Allowed(client.id, "u", scopes, BACK, CHALLENGE))


def at_once(work) -> list[bool]:
    """Whether each of several tries at the same moment came through."""

    def one(_number: int) -> bool:
        try:
            work()
        except OAuthError:
            return False
        return True

    with ThreadPoolExecutor(TRIES) as pool:
        return list(pool.map(one, range(TRIES)))


def test_one_assertion_is_taken_once(database):
    assertions = Assertions(database, None, None)
    claims = {"jti": str(uuid4()), "exp": datetime.now(UTC).timestamp() + 100}
    assert sum(at_once(lambda: assertions._take("client", claims))) == 1


def test_one_code_is_exchanged_once_and_a_second_try_ends_the_grant(
    database, endpoint, client, code
):
    form = {"code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    assert sum(at_once(lambda: endpoint._code(client, form, SITE))) == 1
    with database.reading() as session:
        assert session.scalar(select(SmartGrant)).revoked is not None
        kinds = sorted(token.kind for token in session.scalars(select(SmartToken)))
    assert kinds == ["access", "refresh"]


def test_one_refresh_token_is_exchanged_once_and_a_second_try_ends_the_family(
    database, endpoint, client, code
):
    form = {"code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    token = endpoint._code(client, form, SITE)["refresh_token"]
    assert sum(at_once(lambda: endpoint._refresh(client, {"refresh_token": token}, SITE))) == 1
    with database.reading() as session:
        assert session.scalar(select(SmartGrant)).revoked is not None


def test_one_launch_is_taken_once(database):
    launches = Launches(database)
    token = launches.begin(Launch("app", "u", "p1"))
    assert launches.take(token, "another") is None
    with ThreadPoolExecutor(TRIES) as pool:
        taken = list(pool.map(lambda _: launches.take(token, "app"), range(TRIES)))
    assert [one for one in taken if one] == [Launch("app", "u", "p1")]


def test_what_is_over_goes_and_what_must_be_noticed_stays(database, endpoint, client, code):
    form = {"code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    endpoint._code(client, form, SITE)
    old = datetime.now(UTC) - timedelta(seconds=1)
    with database.transaction() as session:
        session.add(SmartAssertion(digest="d", expires=old))
    assert forget_expired(database) == 1
    with database.transaction() as session:
        for token in session.scalars(select(SmartToken)):
            token.expires = old
    assert forget_expired(database) == 2  # a code that may still be tried holds its grant
    with database.reading() as session:
        assert session.scalar(select(SmartGrant)) is not None
