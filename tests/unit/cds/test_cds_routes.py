"""``/cds-services`` as an EHR calls it: discovery, calls, errors, origins, and the audit trail."""

from __future__ import annotations

import pytest
from support.cds import allergy, draft, medicine, sign, view
from support.cds_ehr import BASE, ISSUER, token

SIGN = "/cds-services/caretier-order-sign"
VIEW = "/cds-services/caretier-patient-view"
ORIGIN = "https://sandbox.example.org"


async def test_discovery_is_public_and_lists_what_each_service_wants(desk):
    async with desk.client() as client:
        answer = await client.get("/cds-services")
    services = {s["id"]: s for s in answer.json()["services"]}
    assert answer.status_code == 200
    assert {s["hook"] for s in services.values()} == {
        "patient-view", "order-select", "order-sign", "encounter-discharge",
    }  # fmt: skip
    for service in services.values():
        assert service["title"]
        assert service["description"]
        assert service["prefetch"]["patient"] == "Patient/{{context.patientId}}"


async def test_a_call_gives_cards_as_the_specification_has_them(desk):
    request = sign(draft("Amoxicillin 500 MG"), record=(allergy("Penicillin"),))
    answer = await desk.post(SIGN, request)
    assert answer.status_code == 200
    card = answer.json()["cards"][0]
    assert len(card["uuid"]) == 36
    assert len(card["summary"]) < 140
    assert card["indicator"] == "critical"
    assert card["source"]["label"]
    assert {"code", "system", "display"} <= set(card["overrideReasons"][0])
    assert set(card) <= {
        "uuid", "summary", "detail", "indicator", "source", "suggestions", "selectionBehavior",
        "overrideReasons", "links",
    }  # fmt: skip


async def test_nothing_to_say_is_an_empty_list(desk):
    answer = await desk.post(SIGN, sign(draft("Acetaminophen 325 MG")))
    assert answer.json() == {"cards": []}


async def test_each_answer_is_written_down_before_it_is_given(desk):
    await desk.post(SIGN, sign(draft("Acetaminophen 325 MG")))
    event = desk.events()[-1]
    assert event["meta"]["profile"][0].endswith("PatientRead")
    assert "Patient/pat-1" in str(event["entity"])
    assert "Practitioner/doc-1" in str(event["agent"])
    assert ISSUER in str(event["agent"])
    assert "Acetaminophen" not in str(event)


async def test_nothing_of_the_patient_is_told_when_it_cannot_be_written_down(desk, monkeypatch):
    def fail(_events):
        raise OSError

    monkeypatch.setattr(desk.hospital.auditor, "_record_all", fail)
    answer = await desk.post(SIGN, sign(draft("Amoxicillin"), record=(allergy("Penicillin"),)))
    assert answer.status_code == 200
    assert "Nothing was checked" in answer.json()["cards"][0]["summary"]
    assert "enicillin" not in answer.text


@pytest.mark.parametrize("path", [SIGN, VIEW, f"{SIGN}/feedback"])
async def test_a_call_without_a_token_is_refused(desk, path):
    answer = await desk.post(path, view(), authorization="")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:caretier:problem:cds-untrusted"


async def test_feedback_to_a_card_is_taken_as_often_as_it_comes(desk):
    called = await desk.post(SIGN, sign(draft("Amoxicillin"), record=(allergy("Penicillin"),)))
    card = called.json()["cards"][0]["uuid"]
    entry = {
        "card": card, "outcome": "overridden", "outcomeTimestamp": "2026-06-01T12:00:00Z",
        "overrideReason": {"reason": {"code": "benefit-outweighs", "system": "urn:x"}},
    }  # fmt: skip
    for _ in range(2):
        told = await desk.post(f"{SIGN}/feedback", {"feedback": [entry]})
        assert told.status_code == 200
    (signal,) = desk.hospital.cds.signals()
    assert (signal.rule, signal.reason) == ("same-class", "benefit-outweighs")


async def test_feedback_to_an_unknown_card_is_not_found(desk):
    entry = {
        "card": "4e0a3a1e-3283-4575-ab82-028d55fe2719", "outcome": "overridden",
        "outcomeTimestamp": "2026-06-01T12:00:00Z",
    }  # fmt: skip
    assert (await desk.post(f"{SIGN}/feedback", {"feedback": [entry]})).status_code == 404
    assert (await desk.post(f"{SIGN}/feedback", {"feedback": [{}]})).status_code == 400


async def test_a_token_for_another_service_is_refused(desk):
    other = token(f"{BASE}{VIEW}")
    answer = await desk.post(SIGN, sign(), authorization=f"Bearer {other}")
    assert answer.status_code == 401


async def test_a_token_is_taken_once(desk):
    made = f"Bearer {token(f'{BASE}{SIGN}')}"
    assert (await desk.post(SIGN, sign(), authorization=made)).status_code == 200
    assert (await desk.post(SIGN, sign(), authorization=made)).status_code == 401


async def test_an_ehr_that_is_not_trusted_any_more_is_refused(make_desk):
    desk = make_desk()
    assert desk.hospital.cds.ehrs.distrust(ISSUER)
    assert (await desk.post(SIGN, sign())).status_code == 401


async def test_a_service_that_is_not_offered_is_not_found(desk):
    for name in ("caretier-order-dispatch", "appointment-book", "x"):
        assert (await desk.post(f"/cds-services/{name}", {})).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        {"hook": "order-sign"},
        {**view(), "hook": "patient-view"},
        {**sign(), "context": {"userId": "Practitioner/1", "patientId": "p"}},
    ],
)
async def test_a_call_that_is_none_of_this_service_is_a_bad_request(desk, body):
    answer = await desk.post(SIGN, body)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:caretier:problem:cds-request"


@pytest.mark.parametrize("more", [{}, {"prefetch": {}}, {"prefetch": None}])
async def test_a_call_with_nothing_to_decide_on_fails_its_precondition(desk, more):
    answer = await desk.post(VIEW, {**view(), **more})
    assert answer.status_code == 412
    assert answer.json()["type"] == "urn:caretier:problem:cds-precondition"


async def test_a_body_that_is_too_large_is_refused(desk):
    answer = await desk.post(SIGN, b'{"hook": "' + b"x" * (5 << 20) + b'"}')
    assert answer.status_code == 413


async def test_a_body_beyond_the_usual_limit_is_taken(desk):
    request = sign(draft("Ibuprofen 400 MG"), record=(medicine("Warfarin 5 MG"),))
    request["extension"] = {"com.example.notes": "x" * (3 << 20)}
    answer = await desk.post(SIGN, request)
    assert answer.status_code == 200
    assert "bleeding" in answer.text


async def test_the_sandbox_is_closed_unless_it_is_opened(make_desk):
    closed = make_desk()
    assert (await closed.post(SIGN, sign(), authorization="")).status_code == 401


async def test_an_open_sandbox_takes_calls_from_this_machine_alone(make_desk):
    opened = make_desk(cds_open=True)
    assert (await opened.post(SIGN, sign(), authorization="")).status_code == 401
    async with opened.client() as client:
        client._transport.client = ("127.0.0.1", 5000)
        assert (await client.post(SIGN, json=sign())).status_code == 200
        wrong = {"authorization": "Bearer wrong"}
        assert (await client.post(SIGN, json=sign(), headers=wrong)).status_code == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_browser_of_a_registered_origin_may_call(make_desk, method):
    desk = make_desk(origins=(ORIGIN,))
    asked = {
        "origin": ORIGIN, "access-control-request-method": method,
        "access-control-request-headers": "authorization,content-type",
    }  # fmt: skip
    async with desk.client() as client:
        answer = await client.options(SIGN, headers=asked)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        found = await client.get("/cds-services", headers={"origin": ORIGIN})
        assert found.headers["access-control-allow-origin"] == ORIGIN
    called = await desk.post(SIGN, sign(), origin=ORIGIN)
    assert called.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in called.headers


@pytest.mark.parametrize("origin", ["https://evil.example.org", "null", f"{ORIGIN}.evil.org", "*"])
async def test_a_browser_of_any_other_origin_may_not(make_desk, origin):
    desk = make_desk(origins=(ORIGIN,))
    async with desk.client() as client:
        asked = {"origin": origin, "access-control-request-method": "POST"}
        refused = await client.options(SIGN, headers=asked)
        assert refused.status_code == 400
        assert "access-control-allow-origin" not in refused.headers
        found = await client.get("/cds-services", headers={"origin": origin})
        assert "access-control-allow-origin" not in found.headers


async def test_other_addresses_are_not_opened_to_browsers(make_desk):
    desk = make_desk(origins=(ORIGIN,))
    async with desk.client() as client:
        for path in ("/portal/sign-in", "/cds-servicesx", "/healthz"):
            answer = await client.get(path, headers={"origin": ORIGIN})
            assert "access-control-allow-origin" not in answer.headers
