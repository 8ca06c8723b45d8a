"""The tables behind the record: complete in both languages, sourced, and each rule reachable."""

from __future__ import annotations

from datetime import date
from string import Formatter
from typing import Any
from urllib.parse import urlsplit

import pytest

from services.consult.messages import Person
from services.consult.record import Record, words
from services.consult.record.intent import understand
from services.consult.record.wording import day_text, listed, moment_text, sentence_case

TODAY = date(2026, 11, 21)
RULES = words.data("interactions")
SUBJECT = {"reference": "Patient/a"}
MEMBERS: dict[str, str] = {}
for _name, _entry in words.data("medicines").items():
    MEMBERS.setdefault(_name, _name)
    for _kind in _entry["is"]:
        MEMBERS.setdefault(_kind, _name)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def patient(age: int = 40) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": "a",
        "gender": "female",
        "birthDate": f"{2026 - age}-01-01",
    }


def entry(kind: str, identity: str, code: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": identity, "subject": SUBJECT, "code": code, **more}


def order(name: str) -> dict[str, Any]:
    named = {"text": f"{name} 10 MG Oral Tablet"}
    made = entry("MedicationRequest", "m", {}, status="active", intent="order")
    return {**made, "medicationCodeableConcept": named}


def number(loinc: str, value: float) -> dict[str, Any]:
    made = entry("Observation", "o", {"coding": [{"code": loinc}]}, status="final")
    quantity = {"value": value, "unit": "x"}
    return {**made, "effectiveDateTime": "2026-10-01", "valueQuantity": quantity}


def condition(key: str) -> dict[str, Any]:
    made = entry("Condition", "c", {"text": words.data("conditions")[key]["words"][0]})
    active = {"coding": [{"code": "active"}]}
    return {**made, "onsetDateTime": "2026-09-01", "clinicalStatus": active}


def record_for(having: dict[str, Any], member: str | None = None) -> list[dict[str, Any]]:
    """Return the smallest record to which a rule applies."""
    if member:
        return [patient(), order(MEMBERS[member])]
    if "condition" in having:
        return [patient(), condition(having["condition"][0])]
    if "pregnant" in having:
        return [patient(), condition("pregnancy")]
    if "egfr_below" in having:
        return [patient(), number("98979-8", having["egfr_below"] - 1)]
    if "potassium_above" in having:
        return [patient(), number("2823-3", having["potassium_above"] + 0.3)]
    return [patient(having.get("age_over", having.get("age_below", 0) - 2) + 1)]


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["id"])
def test_every_rule_fires_for_every_medicine_and_state_it_names(rule, language):
    question = "Can I take {}?" if language == "en" else "¿Puedo tomar {}?"
    for asked in rule["asked"]:
        for member in rule["with"].get("medicine", [None]):
            if MEMBERS[asked] == (MEMBERS[member] if member else None):
                continue
            record = Record(record_for(rule["with"], member), today=TODAY)
            answer = record.answer(question.format(MEMBERS[asked]), language)
            assert answer is not None, (asked, member)
            fired = [f.id.split("#")[1] for f in answer.facts]
            assert rule["id"] in fired, (asked, member, fired)
            assert f"rule:{rule['id']}" in [c.id for c in answer.citations]
            assert all(f.warning for f in answer.facts)


@pytest.mark.parametrize("rule", [r for r in RULES if r.get("both")], ids=lambda rule: rule["id"])
def test_rules_on_two_medicines_hold_the_other_way_round(rule):
    taken, asked = MEMBERS[rule["asked"][0]], MEMBERS[rule["with"]["medicine"][0]]
    if taken != asked:
        answer = Record([patient(), order(taken)], today=TODAY).answer(f"Can I take {asked}?")
        assert answer is not None
        assert rule["id"] in [f.id.split("#")[1] for f in answer.facts]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["id"])
def test_no_rule_fires_for_a_record_that_gives_no_cause(rule):
    for asked in rule["asked"]:
        record = Record([patient(40)], today=TODAY)
        assert record.answer(f"Can I take {MEMBERS[asked]}?") is None


@pytest.mark.parametrize("rule", [*RULES, *words.data("allergies")], ids=lambda rule: rule["id"])
def test_every_rule_is_sourced_and_said_in_both_languages(rule):
    assert fields(rule["en"]) == fields(rule["es"])
    assert fields(rule["en"]) <= {"asked", "have", "allergen", "reaction", "group"}
    assert rule["source"]["name"]
    assert urlsplit(rule["source"]["url"]).scheme == "https"
    for language in ("en", "es"):
        assert "is safe" not in rule[language]
        assert "es seguro" not in rule[language]


def test_rule_ids_are_unique_and_name_only_what_the_tables_know():
    assert len({r["id"] for r in RULES}) == len(RULES)
    for rule in RULES:
        assert set(rule["asked"]) | set(rule["with"].get("medicine", ())) <= set(MEMBERS), rule[
            "id"
        ]
        assert set(rule["with"].get("condition", ())) <= set(words.data("conditions"))
    for remedy in words.data("remedies"):
        assert set(remedy["try"]) <= set(words.data("medicines"))
    for group in words.data("tests")["groups"]:
        assert set(group["tests"]) <= set(words.data("tests")["tests"])
    assert set(words.data("classes")) <= set(MEMBERS)


def test_every_sentence_exists_in_both_languages_with_the_same_blanks():
    for key, entry in words.data("sentences").items():
        assert isinstance(key, str)
        assert fields(entry["en"]) == fields(entry["es"]), key


def test_loinc_codes_have_a_right_check_digit():
    for entry in words.data("tests")["tests"].values():
        for code in entry["loinc"]:
            digits = [int(d) for d in reversed(code.split("-")[0])]
            total = sum(sum(divmod(2 * d, 10)) if i % 2 == 0 else d for i, d in enumerate(digits))
            assert (10 - total % 10) % 10 == int(code.split("-")[1]), code


PHRASES = [
    ("what is my hba1c", "tests", {"a1c"}),
    ("Hemoglobin A1c please", "tests", {"a1c"}),
    ("my hemoglobin", "tests", {"hemoglobin"}),
    ("bad cholesterol", "tests", {"ldl"}),
    ("presión arterial", "tests", {"blood_pressure"}),
    ("azúcar", "tests", {"a1c", "glucose"}),
    ("Tylenol PM", "medicines", {"acetaminophen", "diphenhydramine"}),
    ("coumadin", "medicines", {"warfarin"}),
    ("amoxicilina con ácido clavulánico", "medicines", {"amoxicillin clavulanate"}),
    ("St. John’s wort", "medicines", {"st john's wort"}),  # as phones type it
    ("take potassium", "medicines", {"potassium chloride"}),
    ("is my potassium ok", "medicines", set()),
    ("lithium level", "medicines", set()),
    ("water pills", "classes", {"diuretic"}),
    ("hay fever", "conditions", {"rhinitis"}),
    ("flu shot", "vaccines", {"influenza"}),
    ("the weather", "tests", set()),
    ("alternate", "tests", set()),
    ("compass", "tests", set()),
    ("advice", "medicines", set()),
    ("alien", "medicines", set()),
    ("ironing", "medicines", set()),
]


@pytest.mark.parametrize(("question", "kind", "keys"), PHRASES)
def test_words_are_recognised_as_whole_phrases(question, kind, keys):
    assert set(getattr(understand(question, Person()), kind)) == keys


@pytest.mark.parametrize(
    ("question", "person", "other"),
    [
        ("Can my husband take it?", Person(age_years=40), True),
        ("Can my son take it?", Person(age_years=40), True),
        ("Can my son take it?", Person(age_years=4), False),
        ("Is it ok for my baby?", Person(age_years=30, pregnant=True), False),
        ("Is it ok for my baby?", Person(age_years=30), True),
        ("I take warfarin and my wife cooks with alcohol", Person(age_years=40), False),
        ("¿Puede tomarlo mi esposa?", Person(age_years=40), True),
        ("¿Puedo tomarlo?", Person(age_years=40), False),
    ],
)
def test_whose_record_a_question_is_about(question, person, other):
    assert understand(question, person).other is other


@pytest.mark.parametrize(
    ("day", "english", "spanish"),
    [
        ("2026-10-07", "October 7, 2026", "7 de octubre de 2026"),
        ("2026-10", "October 2026", "octubre de 2026"),
        ("2026", "2026", "2026"),
        (None, "", ""),
        ("soon", "", ""),
    ],
)
def test_dates_are_written_as_exactly_as_they_are_known(day, english, spanish):
    assert day_text(day, "en") == english
    assert day_text(day, "es") == spanish


def test_times_are_written_as_recorded():
    assert moment_text("2026-11-28T14:00:00Z", "en") == "November 28, 2026 at 14:00 UTC"
    assert moment_text("2026-11-28T09:30:00-06:00", "es") == "28 de noviembre de 2026, 09:30"
    assert moment_text("2026-11-28", "en") == "November 28, 2026"


def test_lists_and_sentences_are_written_well():
    assert listed(["a", "b", "a", "c"], "en") == "a, b and c"
    assert listed(["a", "b"], "es") == "a y b"
    assert listed([], "en") == ""
    assert sentence_case("ibuprofen can. naproxen too") == "Ibuprofen can. Naproxen too"
