"""Reading from servers of many habits."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import httpx
import pytest
from support.quirky_ehr import ROOT, Quirks, QuirkyEhr, people, weights

from services.fhir.client import (
    FhirAnswerError,
    FhirAwayError,
    FhirClient,
    FhirRefusedError,
    FhirSignInError,
)


def ehr_with(*resources, **quirks):
    ehr = QuirkyEhr(Quirks(**quirks))
    ehr.put_all(resources)
    return ehr


class Scripted:
    """Makes clients whose calls a function answers."""

    def __init__(self, answer):
        self._answer = answer

    def client(self, *, timeout=None, cap=None):
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))


def page_of(*resources, link=None, **extra):
    entries = [{"resource": r} for r in resources]
    links = [{"relation": "next", "url": link}] if link else []
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": links, **extra}


async def ids(search):
    return [resource["id"] async for resource in search]


@pytest.mark.parametrize(
    "paging",
    ["offset", "opaque", "host-relative", "base-relative", "query", "http", "port"],
)
async def test_every_style_of_paging_is_read_to_its_end(paging, fast):
    ehr = ehr_with(*people(25), paging=paging)
    seen = []
    async with FhirClient(ehr.base, ehr, settings=fast) as client:
        search = client.search("Patient", progress=seen.append)
        assert len(set(await ids(search))) == 25
    assert search.complete
    assert search.failures == []
    assert [p.resources for p in seen] == [10, 20, 25]


@pytest.mark.parametrize(
    "quirks",
    [
        {"content_type": "text/json"},
        {"content_type": "text/plain"},
        {"total": False},
        {"hints": True},
        {"listed": None},
        {"storm": 3},
        {"storm": 2, "retry_after": "date"},
        {"broken_page": 1, "broken_times": 3},
    ],
)
async def test_habits_of_other_servers_do_no_harm(quirks, fast):
    ehr = ehr_with(*people(15), **quirks)
    async with FhirClient(ehr.base, ehr, settings=fast) as client:
        search = client.search("Patient")
        assert len(await ids(search)) == 15
    assert search.complete
    assert search.failures == []


async def test_a_page_that_cannot_be_had_ends_the_search_and_is_told(fast):
    ehr = ehr_with(*people(25), broken_page=1)
    async with FhirClient(ehr.base, ehr, settings=fast) as client:
        search = client.search("Patient")
        assert len(await ids(search)) == 10
    assert not search.complete
    assert [(f.what, f.code, f.passing) for f in search.failures] == [
        ("Patient", "exception", True)
    ]


async def test_an_error_on_the_first_page_is_an_error(fast):
    def answer(request):
        return httpx.Response(500 if "Patient" in str(request.url) else 404)

    async with FhirClient("https://a.test/r4", Scripted(answer), settings=fast) as client:
        with pytest.raises(FhirRefusedError) as refused:
            await client.fetch("Patient")
    assert refused.value.answered == 500
    assert refused.value.passing


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("https://evil.example/fhir/Patient?page=2", "fhir-server-unreadable"),
        ("http://evil.example/fhir/Patient?page=2", "fhir-server-unreadable"),
        ("//evil.example/fhir/Patient?page=2", "fhir-server-unreadable"),
        ("https://ehr.example.test/other/tenant/Patient?page=2", "fhir-server-unreadable"),
        ("https://ehr.example.test:444/interconnect/api/FHIR/R4/x", "fhir-server-unreadable"),
        (f"https://user:x@ehr.example.test{ROOT}/Patient", "fhir-server-unreadable"),
        (f"https://ehr.example.test{ROOT}/../../admin", "fhir-server-unreadable"),
        (f"https://ehr.example.test{ROOT}/%2e%2e/admin", "fhir-server-unreadable"),
        ("javascript:alert(1)", "fhir-server-unreadable"),
        (f"https://ehr.example.test{ROOT}/Patient?_count=10", "fhir-server-unreadable"),
    ],
)
async def test_a_link_that_leads_elsewhere_or_in_a_circle_is_not_followed(link, code, fast):
    ehr = ehr_with(*people(25), link=link)
    async with FhirClient(ehr.base, ehr, settings=fast) as client:
        search = client.search("Patient")
        assert len(await ids(search)) == 10
    assert not search.complete
    assert search.failures[-1].code == code
    assert all(headers["host"] == "ehr.example.test" for headers in ehr.headers)


async def test_pages_without_end_are_ended(fast):
    def answer(request):
        if request.url.path.endswith("metadata"):
            return httpx.Response(404)
        number = int(request.url.params.get("n", 0)) + 1
        link = f"https://a.test/r4/Patient?n={number}"
        return httpx.Response(200, json=page_of(*people(1), link=link))

    settings = replace(fast, pages=5)
    async with FhirClient("https://a.test/r4", Scripted(answer), settings=settings) as client:
        search = client.search("Patient")
        assert len(await ids(search)) == 5
    assert not search.complete


async def test_decimals_keep_their_digits(fast):
    text = (
        '{"resourceType":"Observation","id":"w","status":"final","code":{"text":"weight"},'
        '"valueQuantity":{"value":70.50}}'
    )

    def answer(_request):
        return httpx.Response(200, text=text)

    async with FhirClient("https://a.test/r4", Scripted(answer), settings=fast) as client:
        found = await client.read("Observation", "w")
    assert found["valueQuantity"]["value"] == Decimal("70.50")
    assert str(found["valueQuantity"]["value"]) == "70.50"


async def test_what_is_no_valid_r4_is_a_failure_and_the_others_come(fast):
    bad = [
        {"resourceType": "Patient", "id": "bad", "gender": "zzz"},
        {"resourceType": "Patient", "name": "Ana Example"},
        {"resourceType": "Nothing", "id": "x"},
        {"id": "y"},
        {"resourceType": "Patient", "id": "Ana Example 1970-01-01"},
    ]
    ehr = ehr_with(*people(2))
    ehr.raw["Patient"] = [*bad, "text", None]
    async with FhirClient(ehr.base, ehr, settings=fast) as client:
        found = await client.fetch("Patient")
    assert [r["id"] for r in found.resources] == ["p0", "p1"]
    assert [f.what for f in found.failures] == [
        "Patient/bad", "Patient", "Nothing/x", "Resource/y", "Patient",
    ]  # fmt: skip
    assert "Ana" not in repr(found.failures)


@pytest.mark.parametrize("valid", [True, False])
async def test_one_resource_that_is_nested_too_deep_spoils_nothing_else(valid, fast):
    inner = {}
    for _ in range(150):
        inner = {"extension": [inner]}
    ehr = ehr_with(*people(2))
    ehr.raw["Patient"] = [{"resourceType": "Patient", "id": "deep", **inner}]
    async with FhirClient(ehr.base, ehr, settings=fast, valid=valid) as client:
        found = await client.fetch("Patient")
    assert [(f.what, f.code) for f in found.failures] == [("Patient/deep", "structure")]
    assert len(found.resources) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"<Bundle xmlns='http://hl7.org/fhir'/>",
        b"<!doctype html><title>Sign in</title>",
        b"",
        b"null",
        b"[1, 2]",
        b"{}",
        b'{"resourceType": "Patient", "id": "p0"}',
        b'{"resourceType": "Bundle", "total": NaN}',
        b"[" * 200_000,
        b"\xff\xfe\x00",
    ],
)
async def test_an_answer_that_is_no_bundle_is_refused(content, fast):
    def answer(request):
        return httpx.Response(404 if "metadata" in str(request.url) else 200, content=content)

    async with FhirClient("https://a.test/r4", Scripted(answer), settings=fast) as client:
        with pytest.raises(FhirAnswerError):
            await client.fetch("Patient")


@pytest.mark.parametrize(
    "odd",
    [
        {"entry": None},
        {"entry": {}},
        {"entry": [None, 1, {"resource": 3}, {"search": "match"}]},
        {"entry": [], "link": "next"},
        {"link": [{"relation": "next"}, {"relation": "next", "url": 7}, None]},
        {"total": "many"},
        {"total": True},
    ],
)
async def test_odd_parts_of_a_bundle_are_passed_over(odd, fast):
    def answer(request):
        if "metadata" in str(request.url):
            return httpx.Response(404)
        return httpx.Response(200, json={"resourceType": "Bundle", **odd})

    async with FhirClient("https://a.test/r4", Scripted(answer), settings=fast) as client:
        search = client.search("Patient")
        assert await ids(search) == []
    assert search.complete
    assert search.total is None


async def test_a_parameter_that_the_server_does_not_know_is_applied_here(fast):
    ehr = ehr_with(*weights("p1", 3), *weights("p2", 3), listed=("code",), obeyed=())
    async with FhirClient(ehr.base, ehr, settings=fast) as client:
        wanted = {"patient": "p2", "_lastUpdated": f"ge{ehr.now.isoformat()[:17]}04Z"}
        search = client.search("Observation", {**wanted, "performer": "x"})
        assert await ids(search) == ["p2-w1", "p2-w2"]
    assert search.unsent == ("patient", "_lastUpdated", "performer")
    assert search.unfiltered == ("performer",)
    assert ehr.asked("Observation?") == ["/Observation?_count=10"]


async def test_parameters_that_are_known_are_sent_and_repeated_ones_too(fast):
    ehr = ehr_with(*weights("p1", 1), listed=("patient", "date"))
    async with FhirClient(ehr.base, ehr, settings=fast) as client:
        dates = ["ge2020-01-01", "lt2030-01-01"]
        await client.fetch("Observation", {"patient": "p1", "date": dates})
    assert ehr.asked("Observation?") == [
        "/Observation?patient=p1&date=ge2020-01-01&date=lt2030-01-01&_count=10"
    ]


async def test_included_resources_come_apart_and_once(fast):
    def answer(request):
        if "metadata" in str(request.url):
            return httpx.Response(404)
        patient = {"resource": people(1)[0], "search": {"mode": "include"}}
        first = page_of(*weights("p0", 1), link="https://a.test/r4/Observation?n=2")
        second = page_of(*weights("p0", 2)[1:])
        page = second if "n=2" in str(request.url) else first
        page["entry"].append(patient)
        return httpx.Response(200, json=page)

    async with FhirClient("https://a.test/r4", Scripted(answer), settings=fast) as client:
        search = client.search("Observation", {"_include": "Observation:subject"})
        assert await ids(search) == ["p0-w0", "p0-w1"]
    assert [r["id"] for r in search.included] == ["p0"]


async def test_a_resource_that_is_not_there_is_told_by_status_and_code(fast):
    ehr = ehr_with()
    async with FhirClient(ehr.base, ehr, settings=fast) as client:
        with pytest.raises(FhirRefusedError) as refused:
            await client.read("Patient", "none")
    assert (refused.value.answered, refused.value.codes) == (404, ("not-found",))
    assert "Ana" not in f"{refused.value} {refused.value!r} {refused.value.__dict__}"


async def test_another_resource_than_was_asked_for_is_refused(fast):
    def answer(_request):
        return httpx.Response(200, json=people(1)[0])

    async with FhirClient("https://a.test/r4", Scripted(answer), settings=fast) as client:
        with pytest.raises(FhirAnswerError):
            await client.read("Patient", "p1")
        assert (await client.read("Patient", "p0"))["id"] == "p0"


@pytest.mark.parametrize(
    "part", ["..", ".", "", "../../admin", "a/b", "x?y=1", "x#y", "a b", "%2e"]
)
async def test_an_id_cannot_leave_its_place(part, fast):
    ehr = ehr_with()
    async with FhirClient(ehr.base, ehr, settings=fast) as client:
        with pytest.raises(FhirAnswerError):
            await client.read("Patient", part)
        with pytest.raises(FhirAnswerError):
            await client.operation("everything", "Patient", part)
    assert ehr.calls == []


async def test_a_server_of_another_version_is_refused(fast):
    def answer(_request):
        statement = {"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"}
        return httpx.Response(200, json=statement)

    async with FhirClient("https://a.test/r4", Scripted(answer), settings=fast) as client:
        with pytest.raises(FhirAnswerError, match="another version"):
            await client.fetch("Patient")


async def test_what_the_server_can_do_is_asked_once(fast):
    ehr = ehr_with(*people(1), history=True, bulk=True, topics=("http://x.test/topic",))
    async with FhirClient(ehr.base, ehr, settings=fast) as client:
        await client.fetch("Patient")
        await client.fetch("Patient")
        capability = await client.capability()
    assert len(ehr.asked("/metadata")) == 1
    assert capability.offers("Patient", "history-type")
    assert not capability.offers("Nothing", "read")
    assert not capability.allows("Nothing", "read")
    assert capability.has_operation("export", "Patient")
    assert capability.topics() == ("http://x.test/topic",)


async def test_a_server_that_never_answers_is_given_up_in_time(fast):
    def answer(_request):
        raise httpx.ReadTimeout("silence")

    settings = replace(fast, deadline=0.2, pause=0.05)
    async with FhirClient("https://a.test/r4", Scripted(answer), settings=settings) as client:
        with pytest.raises(FhirAwayError):
            await client.read("Patient", "1")


async def test_a_silent_server_is_left_alone_for_a_while(fast):
    calls = []

    def answer(request):
        calls.append(request)
        raise httpx.ConnectError("nobody there")

    settings = replace(fast, attempts=1, failures=3)
    async with FhirClient("https://a.test/r4", Scripted(answer), settings=settings) as client:
        for _ in range(6):
            with pytest.raises(FhirAwayError):
                await client.read("Patient", "1")
    assert len(calls) == 3


async def test_a_wait_that_is_longer_than_the_deadline_is_told_at_once(fast):
    ehr = ehr_with(storm=1, retry_after="3600")
    async with FhirClient(ehr.base, ehr, settings=fast) as client:
        with pytest.raises(FhirRefusedError) as refused:
            await client.read("Patient", "1")
    assert refused.value.retry_after == 3600
    assert len(ehr.calls) == 1


async def test_calls_keep_to_the_rate(fast):
    import time

    ehr = ehr_with(*people(1))
    settings = replace(fast, rate=50, burst=1)
    async with FhirClient(ehr.base, ehr, settings=settings) as client:
        began = time.perf_counter()
        for _ in range(11):
            await client.read("Patient", "p0")
        assert time.perf_counter() - began > 0.18


async def test_an_expired_token_is_renewed_once(fast):
    class Tokens:
        asked: list[bool] = []  # noqa: RUF012

        async def token(self, *, fresh=False):
            self.asked.append(fresh)
            return f"t{len(self.asked)}"

    ehr = ehr_with(*people(1), expired=1)
    tokens = Tokens()
    async with FhirClient(ehr.base, ehr, tokens, settings=fast) as client:
        assert (await client.read("Patient", "p0"))["id"] == "p0"
    assert tokens.asked == [False, True]
    assert [h["authorization"] for h in ehr.headers] == ["Bearer t1", "Bearer t2"]

    ehr = ehr_with(*people(1), expired=10)
    async with FhirClient(ehr.base, ehr, Tokens(), settings=fast) as client:
        with pytest.raises(FhirRefusedError) as refused:
            await client.read("Patient", "p0")
    assert refused.value.answered == 401
    assert len(ehr.calls) == 2


async def test_without_a_token_there_is_no_call(fast):
    class Tokens:
        async def token(self, *, fresh=False):
            raise FhirSignInError("none")

    ehr = ehr_with()
    async with FhirClient(ehr.base, ehr, Tokens(), settings=fast) as client:
        with pytest.raises(FhirSignInError):
            await client.read("Patient", "p0")
    assert ehr.calls == []


async def test_a_history_tells_of_deletions(fast):
    ehr = ehr_with(*people(2), history=True)
    ehr.delete("Patient", "p1")
    async with FhirClient(ehr.base, ehr, settings=fast) as client:
        search = client.history("Patient", {"_since": "2026-01-01T00:00:00Z"})
        assert await ids(search) == ["p1", "p0"]
    assert search.deleted == ["Patient/p1"]
