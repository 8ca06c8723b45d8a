"""Writing to other servers: never twice by accident."""

from __future__ import annotations

import httpx
import pytest
from support.quirky_ehr import Quirks, QuirkyEhr, people

from services.fhir.client import FhirAwayError, FhirClient, FhirRefusedError
from services.fhir.client.answers import version_of

PATIENT = {"resourceType": "Patient", "gender": "female"}


class Failing:
    """Makes clients whose first calls fail; counts them."""

    def __init__(self, *failures):
        self.failures, self.calls = list(failures), []

    def client(self, *, timeout=None, cap=None):
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request):
        self.calls.append(request)
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return httpx.Response(failure)
        return httpx.Response(201, json={**PATIENT, "id": "made"})


@pytest.mark.parametrize("minimal", [False, True])
async def test_what_was_created_is_named_also_by_a_server_that_answers_without_a_body(
    minimal, fast
):
    ehr = QuirkyEhr(Quirks(minimal=minimal, etag='w/"%s"'))
    async with FhirClient(ehr.base, ehr, settings=fast) as client:
        made = await client.create(PATIENT)
        assert made["id"] == "new0"
        assert made["meta"]["versionId"] == "1"
        changed = await client.update({**made, "gender": "male"}, match="1")
        assert changed["meta"]["versionId"] == "2"
        with pytest.raises(FhirRefusedError) as refused:
            await client.update(made, match="7")
        assert refused.value.answered == 412
        await client.delete("Patient", "new0")
        await client.delete("Patient", "new0")
    assert ehr.headers[1]["if-match"] == 'W/"1"'


@pytest.mark.parametrize("failure", [500, 502, 504, httpx.ReadTimeout("x")])
async def test_a_create_that_may_have_been_done_is_not_made_again(failure, fast):
    http = Failing(failure)
    async with FhirClient("https://a.test/r4", http, settings=fast) as client:
        with pytest.raises((FhirRefusedError, FhirAwayError)):
            await client.create(PATIENT)
    assert len(http.calls) == 1


@pytest.mark.parametrize("failure", [429, 503, httpx.ConnectError("x"), httpx.ConnectTimeout("x")])
async def test_a_create_that_was_surely_not_begun_is_made_again(failure, fast):
    http = Failing(failure)
    async with FhirClient("https://a.test/r4", http, settings=fast) as client:
        assert (await client.create(PATIENT))["id"] == "made"
    assert len(http.calls) == 2


async def test_a_conditional_create_and_a_plain_update_may_be_made_again(fast):
    http = Failing(502, httpx.ReadTimeout("x"))
    async with FhirClient("https://a.test/r4", http, settings=fast) as client:
        await client.create(PATIENT, unless="identifier=x|1")
        http.failures = [502]
        await client.update({**PATIENT, "id": "made"})
        http.failures = [502]
        with pytest.raises(FhirRefusedError):
            await client.update({**PATIENT, "id": "made"}, match="3")
    assert http.calls[0].headers["if-none-exist"] == "identifier=x|1"


async def test_a_transaction_is_sent_to_the_base_once(fast):
    http = Failing(500)
    async with FhirClient("https://a.test/r4/", http, settings=fast) as client:
        with pytest.raises(FhirRefusedError):
            await client.transaction({"resourceType": "Bundle", "type": "transaction"})
    assert [str(call.url) for call in http.calls] == ["https://a.test/r4"]


async def test_operations_are_called_where_they_stand(fast):
    http = Failing()
    async with FhirClient("https://a.test/r4", http, settings=fast) as client:
        await client.operation("status")
        await client.operation("lookup", "CodeSystem", query={"code": "x"})
        body = {"resourceType": "Parameters"}
        await client.operation("ask", "Patient", "1", body=body)
    assert [(c.method, str(c.url)) for c in http.calls] == [
        ("GET", "https://a.test/r4/$status"),
        ("GET", "https://a.test/r4/CodeSystem/$lookup?code=x"),
        ("POST", "https://a.test/r4/Patient/1/$ask"),
    ]


@pytest.mark.parametrize(
    ("etag", "version"),
    [
        ('W/"3"', "3"),
        ('w/"3"', "3"),
        ('"3"', "3"),
        ("3", "3"),
        ("W/3", "3"),
        (' W/"a-b.c" ', "a-b.c"),
        (None, None),
        ("", None),
        ('W/"1 2"', None),
    ],
)
def test_an_etag_is_read_whichever_way_it_is_written(etag, version):
    assert version_of(etag) == version


def test_people_of_the_tests_are_made_up():
    assert people(1)[0]["name"] == [{"family": "Example0"}]
