"""An answer always comes in time, whatever the EHR's FHIR server does, and says what is missing."""

from __future__ import annotations

import time

import pytest
from support.cds import allergy, bundle, draft, person, said, sign
from support.cds_ehr import fhir_server

SIGN = "/cds-services/caretier-order-sign"
LIMIT = 0.5


def authorised(request, server):
    grant = {
        "access_token": "opaque-token", "token_type": "Bearer", "expires_in": 300,
        "scope": "patient/*.rs", "subject": "caretier",
    }  # fmt: skip
    return {**request, "fhirServer": server, "fhirAuthorization": grant}


def without(request, *keys):
    for key in keys:
        del request["prefetch"][key]
    return request


async def timed(desk, request):
    began = time.perf_counter()
    answer = await desk.post(SIGN, request)
    return answer.json()["cards"], time.perf_counter() - began


async def connected(make_desk, server, **more):
    return make_desk(
        fhir=f"{server.origin}/fhir", outbound=server.origin, outbound_private=True, **more
    )  # fmt: skip


async def median(desk, make_request, times=5):
    """Cards of every call, and the middle of the times: this machine may be busy with others."""
    told, taken = [], []
    for _ in range(times):
        cards, seconds = await timed(desk, make_request())
        told.append(said(cards))
        taken.append(seconds)
    return told, sorted(taken)[times // 2]


async def test_what_was_not_prefetched_is_asked_of_the_ehr(make_desk):
    async with fhir_server(AllergyIntolerance=bundle([allergy("Penicillin")])) as server:
        desk = await connected(make_desk, server)
        request = without(sign(draft("Amoxicillin 500 MG")), "allergies")
        cards, _ = await timed(desk, authorised(request, f"{server.origin}/fhir"))
    assert "same class" in said(cards)
    path, sent = server.asked[0]
    assert path == "/fhir/AllergyIntolerance?patient=pat-1"
    assert sent == "Bearer opaque-token"


async def test_a_fhir_server_that_hangs_never_makes_an_answer_late(make_desk):
    async with fhir_server() as server:
        desk = await connected(make_desk, server, hurried=True)

        def request():
            made = sign(draft("Amoxicillin 500 MG"), record=(allergy("Penicillin"),))
            without(made, "medications", "conditions", "kidney")
            return authorised(made, f"{server.origin}/fhir")

        told, seconds = await median(desk, request)
        assert len(server.asked) > 0
    assert seconds < LIMIT
    assert all("checked" in text for text in told)
    assert any("same class" in text and "active medicines" in text for text in told)


async def test_a_fhir_server_that_hangs_with_nothing_prefetched_is_no_clean_result(make_desk):
    async with fhir_server() as server:
        desk = await connected(make_desk, server, hurried=True)

        def request():
            made = {**sign(draft("Amoxicillin")), "prefetch": {}}
            return authorised(made, f"{server.origin}/fhir")

        told, seconds = await median(desk, request)
    assert seconds < LIMIT
    assert all("checked" in text for text in told)


async def test_what_comes_in_time_counts_although_the_rest_hangs(make_desk, monkeypatch):
    known = {"AllergyIntolerance": bundle([allergy("Penicillin")]), "Patient": person()}
    async with fhir_server(**known) as server:
        desk = await connected(make_desk, server)
        monkeypatch.setattr("services.fhir.cds.engine.FETCH_SECONDS", 3.0)
        made = {**sign(draft("Amoxicillin")), "prefetch": {}}
        cards, _ = await timed(desk, authorised(made, f"{server.origin}/fhir"))
    assert "same class" in said(cards)
    assert "active medicines" in said(cards)


@pytest.mark.parametrize("status", [401, 403, 404, 500, 302])
async def test_a_fhir_server_that_refuses_is_said(make_desk, status):
    async with fhir_server(
        AllergyIntolerance=(status, {"resourceType": "OperationOutcome"})
    ) as server:
        desk = await connected(make_desk, server)
        request = without(sign(draft("Amoxicillin")), "allergies")
        cards, _ = await timed(desk, authorised(request, f"{server.origin}/fhir"))
    assert "Not checked: allergies" in said(cards)


@pytest.mark.parametrize("body", ["x", 7, {"resourceType": "OperationOutcome"}, [], {}])
async def test_nonsense_of_a_fhir_server_is_no_clean_result(make_desk, body):
    async with fhir_server(AllergyIntolerance=body) as server:
        desk = await connected(make_desk, server)
        request = without(sign(draft("Amoxicillin")), "allergies")
        cards, _ = await timed(desk, authorised(request, f"{server.origin}/fhir"))
    assert "allergies" in said(cards)


async def test_the_pages_of_a_search_are_followed_on_the_same_server(make_desk):
    async with fhir_server() as server:
        second = f"{server.origin}/fhir/page-2"
        first = {**bundle([allergy("Latex")]), "link": [{"relation": "next", "url": second}]}
        server.answers["/fhir/AllergyIntolerance"] = first
        server.answers["/fhir/page-2"] = bundle([allergy("Penicillin", "al-2")])
        desk = await connected(make_desk, server)
        request = without(sign(draft("Amoxicillin")), "allergies")
        cards, _ = await timed(desk, authorised(request, f"{server.origin}/fhir"))
    assert "same class" in said(cards)
    assert "Not checked" not in said(cards)


@pytest.mark.parametrize(
    "place", ["https://evil.example.org/2", "{origin}/other/2", "{origin}/fhirx/2"]
)
async def test_a_next_page_elsewhere_is_not_called_and_said(make_desk, place):
    async with fhir_server() as server:
        link = {"relation": "next", "url": place.format(origin=server.origin)}
        server.answers["/fhir/AllergyIntolerance"] = {**bundle([]), "link": [link]}
        desk = await connected(make_desk, server)
        request = without(sign(draft("Amoxicillin")), "allergies")
        cards, _ = await timed(desk, authorised(request, f"{server.origin}/fhir"))
        assert len(server.asked) == 1
    assert "allergies" in said(cards)


async def test_the_token_goes_to_the_registered_server_alone(make_desk):
    async with fhir_server() as known, fhir_server(AllergyIntolerance=bundle([])) as foreign:
        desk = make_desk(
            fhir=f"{known.origin}/fhir",
            outbound=f"{known.origin},{foreign.origin}",
            outbound_private=True,
        )
        request = without(sign(draft("Amoxicillin")), "allergies")
        cards, _ = await timed(desk, authorised(request, f"{foreign.origin}/fhir"))
        assert foreign.asked == []
        assert known.asked == []
    assert "allergies" in said(cards)


async def test_a_server_that_no_operator_listed_is_not_called(make_desk):
    async with fhir_server(AllergyIntolerance=bundle([])) as server:
        desk = make_desk(fhir=f"{server.origin}/fhir")
        request = without(sign(draft("Amoxicillin")), "allergies")
        cards, _ = await timed(desk, authorised(request, f"{server.origin}/fhir"))
        assert server.asked == []
    assert "allergies" in said(cards)


async def test_an_ehr_without_a_registered_server_has_its_token_unused(make_desk):
    async with fhir_server(AllergyIntolerance=bundle([])) as server:
        desk = make_desk(outbound=server.origin, outbound_private=True)
        request = without(sign(draft("Amoxicillin")), "allergies")
        await timed(desk, authorised(request, f"{server.origin}/fhir"))
        assert server.asked == []


async def test_a_rule_that_takes_too_long_is_broken_off_and_said(make_desk, monkeypatch):
    from services.hospital.cds import orders

    desk = make_desk(hurried=True)
    real = orders.twice

    def slow(order, others):
        time.sleep(1)
        yield from real(order, others)

    monkeypatch.setattr(orders, "twice", slow)
    cards, seconds = await timed(desk, sign(draft("Amoxicillin"), record=(allergy("Penicillin"),)))
    assert seconds < 1
    assert "checked" in said(cards)


async def test_a_rule_that_fails_does_not_take_the_answer_away(desk, monkeypatch):
    from services.hospital.cds import orders

    def broken(_order, _others):
        raise RuntimeError

    monkeypatch.setattr(orders, "twice", broken)
    cards, _ = await timed(desk, sign(draft("Amoxicillin"), record=(allergy("Penicillin"),)))
    assert "before everything was checked" in said(cards)


async def test_a_database_that_is_busy_does_not_make_an_answer_late(make_desk):
    desk = make_desk(hurried=True)
    with desk.hospital.database.transaction():
        began = time.perf_counter()
        answer = await desk.post(SIGN, sign(draft("Amoxicillin"), record=(allergy("Penicillin"),)))
        assert time.perf_counter() - began < 2  # and not the 15 s that a writer waits
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:caretier:problem:cds-unavailable"
    assert answer.headers["retry-after"] == "1"
