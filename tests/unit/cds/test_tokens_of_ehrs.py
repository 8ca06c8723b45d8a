"""The refusals of "Trusting CDS Clients", one test each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.cds_ehr import ISSUER, JWKS, ec_key, key_set, public, rsa_key, token

from services.fhir.cds import TokenVerifier, TrustedEhr
from services.fhir.cds.errors import CdsUntrustedError
from services.fhir.cds.keysets import KeySets

HERE = "http://localhost/cds-services/caretier-order-sign"
EHR = TrustedEhr("ehr-1", ISSUER, JWKS)


class Door:
    """A verifier whose key set is called over no network."""

    def __init__(self, keys=None):
        self.called, self.seen = [], set()
        self.keys = key_set() if keys is None else keys
        self.verifier = TokenVerifier(
            lambda issuer: EHR if issuer == ISSUER else None, KeySets(self._get), self._once
        )

    async def _get(self, url):
        self.called.append(url)
        return self.keys

    async def _once(self, name, _expires):
        new = name not in self.seen
        self.seen.add(name)
        return new

    async def let(self, made):
        return await self.verifier.verify(f"Bearer {made}", [HERE])


async def refused(door, made):
    with pytest.raises(CdsUntrustedError):
        await door.let(made)
    return True


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"), [(ec_key(), "ES384", "e1"), (rsa_key(), "RS384", "r1")]
)
async def test_a_fresh_token_of_a_registered_ehr_is_taken(key, algorithm, kid):
    door = Door()
    assert await door.let(token(HERE, key=key, algorithm=algorithm, kid=kid)) == EHR
    assert door.called == [JWKS]


async def test_an_audience_in_a_list_is_taken():
    assert await Door().let(token(["https://other.example.org", HERE])) == EHR


async def test_a_replayed_jti_is_refused():
    door = Door()
    made = token(HERE)
    assert await door.let(made)
    assert await refused(door, made)


async def test_the_same_jti_in_a_new_token_is_refused():
    door = Door()
    assert await door.let(token(HERE, jti="once-and-never-more"))
    assert await refused(door, token(HERE, jti="once-and-never-more"))


# Minutes from the moment the test runs, not from when it was collected.
@pytest.mark.parametrize(
    "minutes",
    [{"exp": 12}, {"exp": -2}, {"iat": 3}, {"iat": -30, "exp": 4}],
    ids=["too far ahead", "over", "from the future", "issued long ago"],
)
async def test_a_token_for_longer_than_five_minutes_or_not_for_now_is_refused(minutes):
    claims = {name: datetime.now(UTC) + timedelta(minutes=n) for name, n in minutes.items()}
    assert await refused(Door(), token(HERE, **claims))


@pytest.mark.parametrize("name", ["iss", "aud", "iat", "exp", "jti"])
async def test_a_token_without_a_claim_is_refused(name):
    assert await refused(Door(), token(HERE, **{name: None}))


@pytest.mark.parametrize("claims", [{"exp": "soon"}, {"iat": True}, {"jti": 7}, {"jti": "short"}])
async def test_a_claim_of_the_wrong_kind_is_refused(claims):
    assert await refused(Door(), token(HERE, **claims))


@pytest.mark.parametrize(
    "audience",
    [
        "http://localhost/cds-services",
        "http://localhost/cds-services/caretier-order-select",
        "http://localhost/cds-services/caretier-order-sign/",
        "https://localhost/cds-services/caretier-order-sign",
        "",
    ],
)
async def test_a_wrong_aud_is_refused(audience):
    assert await refused(Door(), token(audience))


async def test_an_unknown_issuer_is_refused_and_nothing_is_called():
    door = Door()
    assert await refused(door, token(HERE, iss="https://evil.example.org"))
    assert door.called == []


async def test_alg_none_is_refused():
    made = jwt.encode({"iss": ISSUER, "aud": HERE}, "", "none", headers={"kid": "e1"})
    door = Door()
    assert await refused(door, made)
    assert door.called == []


async def test_hs256_with_the_public_key_is_refused():
    door = Door()
    made = token(HERE, key="public key as a shared secret, of some length", algorithm="HS256")
    assert await refused(door, made)
    assert door.called == []


@pytest.mark.parametrize(("algorithm", "kid"), [("RS256", "r1"), ("PS384", "r1"), ("RS512", "r1")])
async def test_another_algorithm_of_the_same_key_is_refused(algorithm, kid):
    assert await refused(Door(), token(HERE, key=rsa_key(), algorithm=algorithm, kid=kid))


async def test_a_foreign_jku_is_refused_and_never_called():
    door = Door()
    foreign = {"jku": "https://evil.example.org/jwks.json"}
    assert await refused(door, token(HERE, header=foreign))
    assert door.called == []


async def test_the_registered_jku_is_taken():
    assert await Door().let(token(HERE, header={"jku": JWKS})) == EHR


async def test_a_duplicate_kid_is_refused():
    keys = key_set()
    keys["keys"].append(public(ec.generate_private_key(ec.SECP384R1()), "e1", "ES384"))
    assert await refused(Door(keys), token(HERE))


async def test_an_unknown_kid_is_refused():
    assert await refused(Door(), token(HERE, kid="e9"))


async def test_a_token_without_kid_is_refused():
    assert await refused(Door(), token(HERE, kid=None))


async def test_a_token_of_another_key_is_refused():
    stranger = ec.generate_private_key(ec.SECP384R1())
    assert await refused(Door(), token(HERE, key=stranger))


async def test_an_rsa_key_that_is_too_short_is_refused():
    short = rsa_key(1024)
    keys = {"keys": [public(short, "r1", "RS384")]}
    with pytest.warns(match="1024"):
        made = token(HERE, key=short, algorithm="RS384", kid="r1")
    assert await refused(Door(keys), made)


async def test_a_key_for_encryption_is_refused():
    keys = {"keys": [{**public(ec_key(), "e1", "ES384"), "use": "enc"}]}
    assert await refused(Door(keys), token(HERE))


async def test_a_critical_header_that_nobody_knows_is_refused():
    assert await refused(Door(), token(HERE, header={"crit": ["x"], "x": 1}))


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic abc", "Bearer a.b.c", "Bearer " + "x" * 9000]
)
async def test_what_is_no_token_is_refused(header):
    with pytest.raises(CdsUntrustedError):
        await Door().verifier.verify(header, [HERE])


async def test_a_key_set_of_the_wrong_shape_lets_nobody_in():
    for keys in ({}, {"keys": "x"}, [], {"keys": [1, None]}, {"keys": [{"kid": "e1"}] * 99}):
        assert await refused(Door(keys), token(HERE))
