"""Reading a search: values, escapes, names, and what is refused with which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fhir.errors import FhirParameterError, FhirUnknownTypeError
from services.fhir.search.moments import BEGINNING, END, period, span
from services.fhir.search.parameters import described_types, parameters, targets
from services.fhir.search.query import Chained, Has, Plain, parse
from services.fhir.search.text import MAX_BYTES, MAX_STRING, fit, normal
from services.fhir.search.values import TokenValue, plain, split
from services.fhir.validate import resource_types

MICRO = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // MICRO


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2024", "2024-01-01T00:00Z", "2025-01-01T00:00Z"),
        ("2024-02", "2024-02-01T00:00Z", "2024-03-01T00:00Z"),
        ("2023-12", "2023-12-01T00:00Z", "2024-01-01T00:00Z"),
        ("2024-02-29", "2024-02-29T00:00Z", "2024-03-01T00:00Z"),
        ("2024-02-29T10:30", "2024-02-29T10:30Z", "2024-02-29T10:31Z"),
        ("2024-02-29T10:30:15", "2024-02-29T10:30:15Z", "2024-02-29T10:30:16Z"),
        ("2024-02-29T10:30:15Z", "2024-02-29T10:30:15Z", "2024-02-29T10:30:16Z"),
        ("2024-02-29T23:30:15-05:00", "2024-03-01T04:30:15Z", "2024-03-01T04:30:16Z"),
        ("2024-01-01T01:00:00+14:00", "2023-12-31T11:00:00Z", "2023-12-31T11:00:01Z"),
        ("2024-02-29T10:30:15.5Z", "2024-02-29T10:30:15.5Z", "2024-02-29T10:30:15.6Z"),
        ("2024-02-29T10:30:15.123456789Z", "2024-02-29T10:30:15.123456Z",
         "2024-02-29T10:30:15.123457Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z", "2017-01-01T00:00Z"),
    ],
)  # fmt: skip
def test_a_date_stands_for_its_whole_span(text, low, high):
    assert span(text) == (moment(low), moment(high))


def test_the_first_and_the_last_year_have_spans_too():
    assert span("0001") is not None
    first, end = span("9999") or (0, 0)
    assert BEGINNING < first < end < END
    assert span("0001-01-01T00:00:00+14:00") is not None


@pytest.mark.parametrize(
    "text",
    ["", "0000", "2024-13", "2023-02-29", "2024-1-1", "2024-01-01T24:00:00Z", "2024-01-01T10:61",
     "2024-01-01T10", "20240101", "2024-01-01Z", "2024-01-01T10:00:00+15:00", "٢٠٢٤", "2024-01-01 ",
     None, 2024, {}, "2024-01-01T10:00:00.1234567890Z"],
)  # fmt: skip
def test_what_is_no_date_has_no_span(text):
    assert span(text) is None


def test_a_period_without_an_end_is_open():
    assert period({"start": "2024"}) == (moment("2024-01-01T00:00Z"), END)
    assert period({"end": "2024"}) == (BEGINNING, moment("2025-01-01T00:00Z"))
    assert period({}) is None
    assert period("2024") is None


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ångström-O'Neil", "angstromoneil"),
        ("  MÜLLER   von  ", "muller von"),
        ("Straße", "strasse"),
        ("İx", "ix"),
        ("Łódź", "łodz"),
        ("山田 太郎", "山田 太郎"),
        ("12 Main St., Apt. 4", "12 main st apt 4"),
        ("--", ""),
        ("a\x00b\ud800c", "abc"),
    ],
)
def test_texts_are_folded(text, folded):
    assert normal(text) == folded


@given(st.text(max_size=600))
def test_folding_again_changes_nothing_and_fits_every_database(text):
    once = normal(text)
    assert normal(once) == once
    assert len(once) <= MAX_STRING
    assert len(once.encode()) <= MAX_BYTES
    assert "\x00" not in once


@given(st.text(max_size=1500), st.text(max_size=1500))
def test_keys_fit_and_stay_apart(one, other):
    assert len(fit(one).encode()) <= MAX_BYTES
    assert (fit(one) == fit(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a,b", ["a", "b"]),
        (r"a\,b", [r"a\,b"]),
        (r"a\\,b", [r"a\\", "b"]),
        ("", [""]),
        (",", ["", ""]),
        ("a\\", ["a\\"]),
    ],
)
def test_values_are_split_at_separators_that_are_not_escaped(text, parts):
    assert split(text, ",") == parts


def test_escapes_are_taken_out():
    assert plain(r"a\,b\|c\$d\\e\x") == r"a,b|c$d\e\x"


def test_tokens_are_read_with_and_without_a_system():
    query = parse("Observation", [("code", r"a,s|b,|c,s|,d\|e\,f")])
    criterion = query.criteria[0]
    assert isinstance(criterion, Plain)
    assert criterion.values == (
        TokenValue(None, "a"), TokenValue("s", "b"), TokenValue("", "c"), TokenValue("s", None),
        TokenValue(None, "d|e,f"),
    )  # fmt: skip


def test_a_zone_whose_plus_came_as_a_space_is_read():
    with_plus = parse("Observation", [("date", "ge2024-01-01T10:00:00+02:00")])
    with_space = parse("Observation", [("date", "ge2024-01-01T10:00:00 02:00")])
    assert with_plus.criteria == with_space.criteria


def test_chains_and_reverse_chains_are_read():
    query = parse(
        "Observation",
        [
            ("subject:Patient.general-practitioner:Practitioner.name", "x"),
            ("_has:Provenance:target:_has:AuditEvent:entity:agent-name", "x"),
            ("patient.identifier", "s|1"),
        ],
    )
    assert [type(criterion) for criterion in query.criteria] == [Chained, Has, Chained]


REFUSED = [
    ("patiant=p", "patiant is no search parameter of Observation"),
    ("code=", "code is empty"),
    ("code=a,,b", "code is empty"),
    ("code=|", "code must be code"),
    ("code=a|b|c", "code must be code"),
    ("code:exact=a", "code:exact has a modifier"),
    ("code:in=http://x", "code:in has a modifier"),
    ("date=24", "date must be a date"),
    ("date=xx2024", "date must be a date"),
    ("date:not=2024", "date:not has a modifier"),
    ("value-quantity=x", "value-quantity must be a number"),
    ("value-quantity=5|mg", "value-quantity must be a number"),
    ("value-quantity=1e999", "value-quantity must be a number"),
    ("value-quantity=nan", "value-quantity must be a number"),
    ("value-string=--", "value-string has no letter"),
    ("patient=Group/x", "patient must point at a Patient"),
    ("patient=a b", "patient must be an id"),
    ("subject=http://elsewhere.example/Patient/1", "subject names a resource of another server"),
    ("subject=urn:uuid:1", "subject must be an id"),
    ("subject:Patient=Patient/x", "subject:Patient must be an id, its type is named already"),
    ("subject:Nonsense=x", "subject:Nonsense has a modifier"),
    ("subject:Patient.shoe=x", "subject:Patient.shoe leads to no search parameter"),
    ("focus.code=x", "focus.code can lead to many types"),
    ("code.text=x", "code.text is no chain"),
    ("patient.", "patient. leads to no"),
    ("_has:Provenance:target=x", "_has:Provenance:target must be _has"),
    ("_has:Provenance:recorded:agent=x", "names no reference of Provenance"),
    ("_has:Coverage:payor:status=x", "cannot lead to Observation"),
    ("_has:Nonsense:x:y=z", "must be _has"),
    ("code:missing=maybe", "code:missing must be true or false"),
    ("_id:missing=true", "_id:missing has a modifier"),
    ("code-value-quantity=8480-6", "must be two values joined with $"),
    ("_count=-1", "_count must be 0 to"),
    ("_count=x", "_count must be 0 to"),
    ("_count=1&_count=2", "_count may be given once"),
    ("_sort=shoe", "_sort names no parameter"),
    ("_sort=date,-date", "_sort takes at most"),
    ("_sort=code-value-quantity", "_sort names no parameter"),
    ("_sort=date&_sort=code", "_sort may be given once"),
    ("_total=maybe", "_total must be one of"),
    ("_summary=all", "_summary must be one of"),
    ("_elements=a.b", "_elements must be names"),
    ("_include=Observation", "_include names no reference"),
    ("_include=Observation:code", "_include names no reference"),
    ("_include=Nonsense:subject", "_include must be"),
    ("_include:recurse=Observation:subject", "_include has a modifier"),
    ("_revinclude=Provenance:target:Nonsense", "_revinclude must be"),
    ("_text=x", "_text is no search parameter"),
    ("_filter=x", "_filter is no search parameter"),
    ("_contained=true", "_contained is no search parameter"),
]


@pytest.mark.parametrize(("asked", "why"), REFUSED)
def test_a_refusal_names_the_parameter_and_the_rule(asked, why):
    pairs = [tuple(part.partition("=")[::2]) for part in asked.split("&")]
    with pytest.raises(FhirParameterError) as raised:
        parse("Observation", pairs)
    assert why in raised.value.message


def test_a_refusal_repeats_no_value_and_no_odd_name():
    for pair in (("date", "Jane Doe"), ("patient", "Jane Doe"), ("Jane Doe <b>", "x")):
        with pytest.raises(FhirParameterError) as raised:
            parse("Observation", [pair])
        assert "Jane" not in raised.value.message


def test_unknown_types_are_refused():
    with pytest.raises(FhirUnknownTypeError):
        parse("Nonsense", [])


def test_lenient_reading_leaves_out_what_is_unknown_and_nothing_else():
    query = parse("Observation", [("shoe", "1"), ("code", "a"), ("_count", "5")], strict=False)
    assert query.pairs == (("code", "a"), ("_count", "5"))
    with pytest.raises(FhirParameterError):
        parse("Observation", [("date", "never")], strict=False)


@pytest.mark.parametrize(
    "pairs",
    [
        [("code", ",".join("abc"[n % 3] for n in range(500)))],
        [("code", "a")] * 60,
        [("code", ",".join(["a"] * 150))] * 3,
        [(".".join(["part-of"] * 6) + ".code", "x")],
        [("_has:Observation:derived-from:" * 6 + "code", "x")],
        [("subject.organization.partof.name", "x")] * 40,
        [("_include", "Observation:subject")] * 50,
    ],
)
def test_searches_that_would_take_too_much_are_refused(pairs):
    with pytest.raises(FhirParameterError):
        parse("Observation", pairs)


def test_absolute_references_to_this_server_are_its_own():
    base = "https://hospital.example/fhir"
    own = parse("Observation", [("subject", f"{base}/Patient/p")], base=base)
    assert own.criteria == parse("Observation", [("subject", "Patient/p")]).criteria
    with pytest.raises(FhirParameterError):
        parse("Observation", [("subject", "https://hospital.example/fhir2/Patient/p")], base=base)


def test_every_type_has_parameters_and_every_path_of_a_reference_exists():
    for kind in resource_types():
        own = parameters(kind)
        assert {"_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"} <= set(own)
    for kind in described_types():
        for parameter in parameters(kind).values():
            if parameter.kind == "reference":
                assert all(targets(kind, path) or "[" in path for path in parameter.paths), (
                    kind,
                    parameter.name,
                )
