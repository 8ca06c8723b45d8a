"""The client's standalone launch against our own authorization server, to the person's record."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from support.smart import BACK, HOST

from services.fhir.client import (
    FhirClient,
    FhirRefusedError,
    FhirSignInError,
    GrantTokens,
    smart_configuration,
)
from services.fhir.client.launch import begin, finish
from services.hospital.app import create

SCOPE = "launch/patient offline_access patient/*.rs"


class InProcess:
    """Makes clients of a hospital in this process."""

    def __init__(self, hospital) -> None:
        self._app = create(hospital.settings, hospital)

    def client(self, *, timeout=None, cap=None):
        transport = httpx.ASGITransport(app=self._app)
        return httpx.AsyncClient(transport=transport, timeout=timeout or 30)


@pytest.fixture
def connects(hospital):
    return InProcess(hospital)


async def launched(hospital, person, connects):
    """Connect to the record of p07; returns where tokens come from, the client id and the grant."""
    client, _ = hospital.smart.clients.add("Device", "public", SCOPE, redirects=[BACK])
    smart = await smart_configuration(connects, f"{HOST}/fhir")
    begun = begin(smart, f"{HOST}/fhir", client_id=client.id, redirect=BACK, scope=SCOPE)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
    scope, challenge = asked["scope"], asked["code_challenge"]
    answer = await person.allow(
        client.id, scope, patient="p07", state=asked["state"], code_challenge=challenge
    )
    return smart, client.id, await finish(connects, smart, begun, answer), (begun, answer)


async def test_a_person_connects_and_their_record_is_read(hospital, person, connects):
    smart, client_id, grant, (begun, answer) = await launched(hospital, person, connects)
    assert grant.patient == "p07"
    assert grant.refresh
    kept = []

    async def keep(renewed):
        kept.append(renewed)

    tokens = GrantTokens(connects, grant, client_id=client_id, token_url=smart.token, keep=keep)
    async with FhirClient(f"{HOST}/fhir", connects, tokens) as record:
        assert (await record.read("Patient", "p07"))["id"] == "p07"
        whole = [resource async for resource in record.everything("p07")]
        assert whole[0]["id"] == "p07"
        first = await tokens.token()
        assert await tokens.token(fresh=True) != first
        assert len((await record.fetch("Condition", {"patient": "p07"})).failures) == 0
        with pytest.raises(FhirRefusedError):
            await record.read("Patient", "p01")
    assert kept[0].patient == "p07"
    with pytest.raises(FhirSignInError):  # a code is good once
        await finish(connects, smart, begun, answer)
