"""Whatever a server says, the client answers with an error of its own and with nothing of it."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from services.fhir.client.answers import issue_codes, read_page
from services.fhir.client.discovery import read_capability
from services.fhir.client.errors import FhirAnswerError
from services.fhir.client.links import clean_base, follow
from services.fhir.client.narrowing import keeps
from services.web.outbound import origin_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                """resourceType entry resource link relation url search mode issue code severity id
            meta lastUpdated subject reference category coding status total request method
            rest resource type searchParam name interaction security extension valueUri
            fhirVersion software format""".split()
            )
            | st.text(max_size=4),
            inner
            | st.sampled_from(
                ["Bundle", "Patient", "OperationOutcome", "CapabilityStatement", "next"]
            ),
            max_size=6,
        )
    ),
    max_leaves=30,
)
BASE = clean_base("https://ehr.example.test/fhir/r4/")


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_any_json_is_read_as_a_page_or_refused(value):
    for told in (value, {"resourceType": "Bundle", "entry": value}, {"entry": [value]}):
        try:
            page = read_page(json.dumps(told).encode())
        except FhirAnswerError:
            continue
        for resource in page.matches:
            keeps([("patient", "1"), ("category", "x|y"), ("_lastUpdated", "ge2020")])(resource)
    issue_codes(json.dumps({"resourceType": "OperationOutcome", "issue": value}).encode())


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_any_description_of_a_server_is_read_or_refused(value):
    for told in (value, [value]):
        statement = {"resourceType": "CapabilityStatement", "rest": told}
        capability = read_capability(statement)
        capability.knows("Patient", "name:exact")
        capability.allows("Patient", "read")


@given(st.text(max_size=60) | st.from_regex(r"(https?:)?//[a-z.:@/\\]{0,30}", fullmatch=True))
@settings(max_examples=500, deadline=None)
def test_any_link_stays_on_the_server_or_is_refused(link):
    try:
        found = follow(BASE, link, current=f"{BASE}/Patient?x=1")
    except FhirAnswerError:
        return
    assert origin_of(found) == origin_of(BASE)
    assert found.lower().startswith(BASE)
