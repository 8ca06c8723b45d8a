"""Calls that try to put markup on a card, to mix patients up, or to wear the service out."""

from __future__ import annotations

import gc
import json
import time

import pytest
from markdown_it import MarkdownIt
from support.cds import (
    ABOUT,
    TODAY,
    allergy,
    bundle,
    cards_of,
    condition,
    draft,
    egfr,
    medicine,
    person,
    said,
    select,
    sign,
    view,
)

from services.fhir.cds.errors import CdsRequestError
from services.fhir.cds.markdown import plain, text
from services.hospital.cds.dry_run import dry_run

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](https://evil.example.org)",
    "![x](https://evil.example.org/pixel.png)",
    "<https://evil.example.org>",
    "https://evil.example.org/x",
    "www.evil.example.org",
    "evil@example.org",
    "mailto:evil@example.org",
    "`code` ~~gone~~ **bold** __bold__ _it_ *it*",
    "| a | b |\n|---|---|\n| c | d |",
    "\n\n# Heading\n\n- item\n\n> quote",
    "\n\n[ref]: https://evil.example.org\n\n[ref]",
    "&lt;script&gt;",
    "</p></div><iframe src='https://evil.example.org'>",
    "\\[x\\](javascript:alert(1))",
    "\u202egnp.exe\u2066\x00\x1b[31m",
    "data:text/html;base64,PHNjcmlwdD4=",
]
FORBIDDEN = ("<a ", "<img", "<script", "<iframe", "<table", "<h1", "<code", "<del", "<blockquote")


def rendered(markdown: str) -> str:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_text_of_a_record_renders_as_text_alone(attack):
    shown = rendered(f"Listed: {text(attack)}")
    assert not [bad for bad in FORBIDDEN if bad in shown.lower()]
    assert "<strong>" not in shown
    assert "<em>" not in shown
    assert "://" not in text(attack)
    assert "www." not in text(attack)
    assert "@" not in text(attack)
    assert "javascript:" not in text(attack)
    assert "\n" not in text(attack)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_summary_holds_no_markup_even_for_a_careless_reader(attack):
    assert not set(plain(attack)) & set('<>`[]|"\\\n\x00\u202e')
    assert "javascript:" not in plain(attack)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_field_of_a_record_or_order_puts_markup_on_a_card(attack):
    record = (
        person(name=[{"family": attack}]),
        allergy(f"Penicillin {attack}", reaction=[{"manifestation": [{"text": attack}]}]),
        medicine(f"Warfarin {attack}"),
        condition(f"Chronic kidney disease {attack}"),
    )
    cards = cards_of(
        sign(draft(f"Ibuprofen {attack}"), draft(f"Amoxicillin {attack}", "d2"), record=record)
    )
    assert len(cards) >= 3
    for card in cards:
        shown = rendered(card["detail"]).lower()
        links = shown.count("<a ")
        assert links == shown.count('<a href="https://') == card["detail"].count("](https://")
        assert not [bad for bad in FORBIDDEN[1:] if bad in shown]
        for line in (card["summary"], *(s["label"] for s in card.get("suggestions", ()))):
            assert not set(line) & set("<>`[]\n")
            assert len(line) <= 200
        assert len(card["summary"]) < 140
        assert "evil.example.org" not in card["source"].get("url", "")


def test_resources_of_another_patient_are_not_used_and_that_is_said():
    other = {"reference": "Patient/somebody-else"}
    record = (medicine("Warfarin 5 MG", subject=other), allergy("Penicillin", patient=other))
    cards = cards_of(
        sign(draft("Ibuprofen 400 MG"), draft("Amoxicillin 500 MG", "d2"), record=record)
    )
    assert "Warfarin" not in said(cards)
    assert "Penicillin" not in said(cards)
    assert "2 entries are about another person" in said(cards)


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "https://elsewhere.example.org/fhir/Patient/pat-2"},
        {"reference": "Patient/pat-11"},
        {"reference": "Group/pat-1"},
        {"identifier": {"value": "pat-1"}},
        {},
        None,
    ],
)
def test_what_does_not_say_that_it_is_about_this_patient_is_not_used(subject):
    record = (medicine("Warfarin 5 MG", subject=subject),)
    cards = cards_of(sign(draft("Ibuprofen 400 MG"), record=record))
    assert "Warfarin" not in said(cards)
    assert "not used" in said(cards)


def test_a_wrong_patient_resource_does_not_lend_its_age():
    request = sign(draft("Aspirin 81 MG"))
    request["prefetch"]["patient"] = person("2019-01-01", "male") | {"id": "somebody-else"}
    cards = cards_of(request)
    assert "Reye" not in said(cards)
    assert "age and sex" in said(cards)


def test_an_order_for_another_patient_is_not_checked_against_this_one():
    order = draft("Amoxicillin 500 MG", subject={"reference": "Patient/somebody-else"})
    cards = cards_of(sign(order, record=(allergy("Penicillin"),)))
    assert "class" not in said(cards)
    assert "1 entries are about another person" in said(cards)


@pytest.mark.parametrize(
    "broken",
    [
        {"code": "Penicillin"},
        {"code": {"coding": "x"}},
        {"code": {"coding": [7, None]}},
        {"reaction": {"manifestation": 1}},
        {"clinicalStatus": "active"},
        {"id": 7},
        {"recordedDate": 2019},
    ],
)
def test_an_entry_that_cannot_be_read_never_breaks_the_answer(broken):
    record = (allergy("Penicillin", **broken), medicine("Warfarin 5 MG"))
    cards = cards_of(sign(draft("Ibuprofen 400 MG"), record=record))
    assert "bleeding" in said(cards)


def test_an_entry_that_cannot_be_read_is_said():
    cards = cards_of(
        sign(draft("Amoxicillin 500 MG"), record=(allergy("x", code={"coding": [7]}),))
    )
    assert "1 entries cannot be read" in said(cards)


@pytest.mark.parametrize(
    "value", [7, "x", [], [1], {}, {"resourceType": 9}, {"resourceType": "Bundle", "entry": "x"},
              {"resourceType": "Bundle", "entry": [None, {}, {"resource": []}]}]
)  # fmt: skip
def test_a_prefetch_of_the_wrong_shape_is_said_and_not_fatal(value):
    request = sign(draft("Amoxicillin 500 MG"))
    request["prefetch"]["allergies"] = value
    assert "allergies" in said(cards_of(request))


def test_an_operation_outcome_is_no_clean_result():
    request = sign(draft("Amoxicillin 500 MG"))
    request["prefetch"]["allergies"] = {"resourceType": "OperationOutcome", "issue": []}
    assert "Not checked: allergies" in said(cards_of(request))


def test_an_operation_outcome_within_a_bundle_is_no_clean_result():
    request = sign(draft("Amoxicillin 500 MG"))
    request["prefetch"]["allergies"] = bundle([{"resourceType": "OperationOutcome"}])
    assert "allergies" in said(cards_of(request))


def test_a_bundle_with_a_further_page_is_not_taken_for_all():
    request = sign(draft("Amoxicillin 500 MG"))
    request["prefetch"]["allergies"] = {
        **bundle([allergy("Latex")]),
        "link": [{"relation": "next", "url": "https://ehr.example.org/2"}],
    }
    assert "allergies" in said(cards_of(request))


@pytest.mark.parametrize(("severity", "said_so"), [("warning", False), ("error", True)])
def test_a_remark_on_a_search_is_no_failure_of_it(severity, said_so):
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": severity}]}
    request = sign(draft("Acetaminophen 325 MG"))
    request["prefetch"]["allergies"] = bundle([outcome])
    assert ("allergies" in said(cards_of(request))) is said_so


@pytest.mark.parametrize(("newest_first", "said_so"), [(True, False), (False, True)])
def test_a_further_page_of_results_matters_only_where_the_newest_did_not_come_first(
    newest_first, said_so
):
    found = [egfr(90, "2026-05-01"), egfr(88, "2025-05-01")]
    link = [{"relation": "next", "url": "https://ehr.example.org/2"}]
    request = sign(draft("Metformin 500 MG"))
    entries = bundle(found if newest_first else found[::-1])
    request["prefetch"]["kidney"] = {**entries, "link": link}
    assert ("kidney function" in said(cards_of(request))) is said_so


@pytest.mark.parametrize("key", ["statements", "services"])
def test_data_that_many_an_ehr_has_not_is_not_missed_by_itself(key):
    request = sign(draft("Acetaminophen 325 MG"))
    del request["prefetch"][key]
    assert cards_of(request) == []


def test_a_key_that_is_missing_is_said():
    request = sign(draft("Amoxicillin 500 MG"))
    del request["prefetch"]["allergies"], request["prefetch"]["kidney"]
    card = cards_of(request)[0]
    assert card["summary"] == "Not checked: allergies, kidney function."
    assert card["indicator"] == "warning"


def test_results_that_do_not_count_do_not_push_out_those_that_do():
    wrong = [egfr(90, f"2026-05-2{n}", status="entered-in-error") for n in range(5)]
    ahead = [egfr(90, f"2027-01-0{n}") for n in range(1, 6)]
    cards = cards_of(sign(draft("Metformin 500 MG"), record=(*wrong, *ahead, egfr(25))))
    assert "below 30" in said(cards)


def test_keys_that_nobody_asked_for_are_passed_over():
    request = sign(draft("Amoxicillin 500 MG"))
    request["prefetch"]["more"] = bundle([allergy("Penicillin")])
    assert said(cards_of(request)) == ""


def test_resources_of_another_type_within_a_key_are_not_used():
    request = sign(draft("Ibuprofen 400 MG"))
    request["prefetch"]["allergies"] = bundle([medicine("Warfarin 5 MG")])
    assert "Warfarin" not in said(cards_of(request))


def test_a_huge_prefetch_is_looked_at_in_part_and_that_is_said():
    many = [egfr(90, f"20{10 + n % 10}-01-01") | {"id": f"o{n}"} for n in range(4500)]
    request = sign(draft("Metformin 500 MG"))
    request["prefetch"]["kidney"] = bundle(many)
    gc.disable()  # collecting what the other tests left is not this call's work
    began = time.thread_time()  # of this thread: the machine may be busy with others
    cards = cards_of(request)
    spent = time.thread_time() - began
    gc.enable()
    assert spent < 1
    assert "more than are looked at" in said(cards)


@pytest.mark.parametrize(
    "change",
    [
        {"context": {}},
        {"context": {"userId": "Practitioner/1"}},
        {"context": {"userId": "1", "patientId": "p"}},
        {"context": {"userId": "Practitioner/1", "patientId": "../x"}},
        {"context": {"userId": "Practitioner/1", "patientId": "a b"}},
        {"context": "x"},
        {"hookInstance": "1"},
        {"hookInstance": None},
        {"hook": "order-sign"},
        {"prefetch": "x"},
        {"fhirAuthorization": {"access_token": "x"}},
    ],
)
def test_a_call_that_is_none_is_refused_without_its_values(change):
    with pytest.raises(CdsRequestError) as refused:
        dry_run(json.dumps(view() | change).encode(), "caretier-patient-view", TODAY)
    assert "../x" not in refused.value.message
    assert "a b" not in refused.value.message


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff", b'{"a": NaN}', b"7", b"null"])
def test_a_body_that_is_no_json_object_is_refused(body):
    with pytest.raises(CdsRequestError):
        dry_run(body, "caretier-patient-view", TODAY)


def test_deep_json_in_a_resource_does_no_harm():
    deep = ABOUT
    for _ in range(400):
        deep = {"extension": [deep]}
    cards = cards_of(
        sign(draft("Ibuprofen 400 MG"), record=(medicine("Warfarin 5 MG", extension=[deep]),))
    )
    assert "bleeding" in said(cards)


def test_a_selection_that_is_not_among_the_orders_leaves_all_of_them_checked():
    made = select(
        draft("Amoxicillin 500 MG"), record=(allergy("Penicillin"),), chosen=["MedicationRequest/x"]
    )
    assert "class" in said(cards_of(made))


def test_too_many_orders_are_refused():
    with pytest.raises(CdsRequestError):
        cards_of(sign(*(draft("Ibuprofen", f"d{n}") for n in range(51))))
