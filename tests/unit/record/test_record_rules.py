"""The tables behind the record: complete in both languages, sourced, and each rule reachable."""

from __future__ import annotations

from datetime import date
from string import Formatter
from typing import Any
from urllib.parse import urlsplit

import pytest

from services.consult.record import Record, words
from services.consult.record.asked import understand
from services.consult.record.chart import Chart
from services.consult.record.tables import Rule, rules, sources
from services.consult.record.wording import day_text, listed, moment_text, sentence_case

TODAY = date(2026, 11, 21)
RULES = rules()
SUBJECT = {"reference": "Patient/a"}
_LAY = {
    "medicines": set(words.data("medicines")),
    "classes": set(words.data("classes")),
    "tests": set(words.data("tests")["tests"]),
    "procedures": set(words.data("vaccines")["procedures"]),
}
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


UNITS = {"egfr": "mL/min/{1.73_m2}", "potassium": "mmol/L", "sodium": "mmol/L", "inr": "{INR}",
         "platelets": "10*3/uL"}  # fmt: skip


def number(test: str, value: float, unit: str | None = None) -> dict[str, Any]:
    loinc = words.data("tests")["tests"][test]["loinc"][0]
    made = entry("Observation", "o", {"coding": [{"code": loinc}]}, status="final")
    quantity = {"value": value, "unit": unit or UNITS[test]}
    return {**made, "effectiveDateTime": "2026-10-01", "valueQuantity": quantity}


def condition(key: str) -> dict[str, Any]:
    made = entry("Condition", "c", {"text": words.data("conditions")[key]["words"][0]})
    active = {"coding": [{"code": "active"}]}
    return {**made, "onsetDateTime": "2026-09-01", "clinicalStatus": active}


def record_for(rule: Rule, member: str | None = None) -> list[dict[str, Any]]:
    """Return the smallest record to which a rule applies."""
    age = rule.age_over + 1 if rule.age_over else 40
    made = [patient(age)]
    if member:
        made.append(order(MEMBERS[member]))
    if rule.having:
        made.append(condition(rule.having[0]))
    if rule.state == "pregnant":
        made.append(condition("pregnancy"))
    if rule.number:
        value = rule.below - 1 if rule.below else (rule.above or 0) + 0.3
        made.append(number(rule.number, value))
    return made


def question(rule: Rule, medicine: str, language: str) -> str:
    """Return a question about a medicine; a child's age and breastfeeding are said in it."""
    if rule.child_below:
        return {
            "en": f"Can I give my child {medicine}?",
            "es": f"¿Puedo dar {medicine} a mi hijo?",
        }[language]
    said = {"en": "Can I take {}?", "es": "¿Puedo tomar {}?"}[language].format(medicine)
    if rule.state == "breastfeeding":
        said += {"en": " I am breastfeeding.", "es": " Estoy amamantando."}[language]
    return said


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_fires_for_every_medicine_and_state_it_names(rule, language):
    for asked in rule.asked:
        for member in rule.taken or [None]:
            if MEMBERS[asked] == (MEMBERS[member] if member else None):
                continue
            record = Record(record_for(rule, member), today=TODAY)
            answer = record.answer(question(rule, MEMBERS[asked], language), language)
            assert answer is not None, (asked, member)
            cited = [c.id for c in answer.citations]
            assert f"rule:{rule.id}" in cited, (asked, member, cited)
            assert all(f.warning for f in answer.facts)


@pytest.mark.parametrize("rule", [r for r in RULES if r.both], ids=lambda rule: rule.id)
def test_rules_on_two_medicines_hold_the_other_way_round(rule):
    taken, asked = MEMBERS[rule.asked[0]], MEMBERS[rule.taken[0]]
    if taken != asked:
        answer = Record([patient(), order(taken)], today=TODAY).answer(f"Can I take {asked}?")
        assert answer is not None
        assert f"rule:{rule.id}" in [c.id for c in answer.citations]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_no_rule_fires_for_a_record_that_gives_no_cause(rule):
    for asked in rule.asked:
        record = Record([patient(40)], today=TODAY)
        assert record.answer(f"Can I take {MEMBERS[asked]}?") is None


@pytest.mark.parametrize("rule", [r for r in RULES if r.number], ids=lambda rule: rule.id)
def test_a_number_in_another_unit_fires_no_rule(rule):
    value = (rule.below or 0) - 1 if rule.below else (rule.above or 0) + 1
    other = Record([patient(), number(str(rule.number), value, "furlong")], today=TODAY)
    if rule.number != "inr":
        assert other.answer(f"Can I take {MEMBERS[rule.asked[0]]}?") is None


def test_the_fact_collections_are_as_wide_as_they_claim():
    assert len([r for r in RULES if r.taken]) >= 60
    assert len([r for r in RULES if r.having]) >= 40
    assert len([r for r in RULES if r.child_below]) >= 20
    assert len([r for r in RULES if r.state == "pregnant"]) >= 12
    assert len(words.data("medicines")) >= 300


@pytest.mark.parametrize("name", sorted(words.data("medicines")))
def test_every_medicine_has_a_class(name):
    assert words.data("medicines")[name]["is"]


def test_every_source_is_named_linked_and_says_whether_it_was_compared():
    for key, source in sources().items():
        assert source.name, key
        assert urlsplit(source.url).scheme == "https"
        assert source.checked is None or date.fromisoformat(source.checked)
    for table in ("facts/doses", "facts/meanings"):
        for entry_ in words.data(table).values():
            assert entry_["source"] in sources()
    for table in ("facts/screening", "facts/ranges", "facts/duplicates"):
        assert words.data(table)["source"] in sources()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_is_sourced_and_said_in_both_languages(rule):
    assert fields(rule.text.en) == fields(rule.text.es)
    assert fields(rule.text.en) <= {"asked", "have", "a", "b"}
    assert rule.source in sources()
    for language in ("en", "es"):
        text = rule.text.within(language)
        assert not [p for p in ("is safe", "es seguro.", "you can take") if p in text]


@pytest.mark.parametrize("rule", words.data("allergies"), ids=lambda rule: rule["id"])
def test_every_rule_on_allergies_is_sourced_and_said_in_both_languages(rule):
    assert fields(rule["en"]) == fields(rule["es"])
    assert fields(rule["en"]) <= {"asked", "have", "allergen", "reaction", "group"}
    assert rule["source"]["name"]
    assert urlsplit(rule["source"]["url"]).scheme == "https"


def test_rule_ids_are_unique_and_name_only_what_the_tables_know():
    assert len({r.id for r in RULES}) == len(RULES)
    for rule in RULES:
        assert set(rule.asked) | set(rule.taken) <= set(MEMBERS), rule.id
        assert set(rule.having) <= set(words.data("conditions")), rule.id
        assert rule.number is None or rule.number in words.data("tests")["tests"]
    for remedy in words.data("remedies"):
        assert set(remedy["try"]) <= set(words.data("medicines"))
    for group in words.data("tests")["groups"]:
        assert set(group["tests"]) <= set(words.data("tests")["tests"])
    for name, entry in words.data("classes").items():
        assert {name, *entry.get("also", ())} & set(MEMBERS), name
        assert set(entry.get("also", ())) <= set(MEMBERS), name
    for table, known in _LAY.items():
        assert set(words.data("lay")[table]) <= known, table
        assert set(words.data("lay")["together"].get(table, ())) <= known, table
    assert set(words.data("lay")["purposes"]) <= set(words.data("classes"))
    assert set(words.data("facts/duplicates")["classes"]) <= set(MEMBERS)
    assert set(words.data("facts/doses")) <= set(words.data("medicines"))
    assert set(words.data("facts/screening")["tests"]) <= set(words.data("vaccines")["procedures"])
    for table in ("facts/meanings", "facts/units"):
        held = words.data(table)
        assert set(held.get("tests", held)) <= set(words.data("tests")["tests"])


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
    assert set(getattr(understand(question, Chart((), TODAY)), kind)) == keys


CHILD = {**patient(4), "name": [{"given": ["Juniper"], "family": "Alder"}]}
SON = {"resourceType": "RelatedPerson", "id": "r", "patient": SUBJECT,
       "relationship": [{"text": "son"}]}  # fmt: skip
EXPECTING = [patient(30), condition("pregnancy")]


@pytest.mark.parametrize(
    ("question", "resources", "other"),
    [
        ("Can my husband take it?", [patient()], True),
        ("Can my son take it?", [patient()], True),
        ("Can my daughter take it?", [CHILD], False),
        ("Can my son take it?", [CHILD], True),
        ("Can my 4 year old take it?", [CHILD], False),
        ("Can my 9 year old take it?", [CHILD], True),
        ("When is Juniper's next visit?", [CHILD], False),
        ("What is she allergic to?", [CHILD], False),
        ("Is it ok for my baby?", EXPECTING, False),
        ("Is it ok for my baby?", [patient(30)], True),
        ("Can I give my baby ibuprofen?", EXPECTING, True),
        ("Can my mom take it?", [patient(70), SON], False),
        ("Can my dad take it?", [patient(70), SON], True),
        ("Can my mom take it?", [patient(70)], False),
        ("Can my mom take it?", [patient(50)], True),
        ("Can my dad take it?", [patient(70)], True),
        ("A coworker offered me his inhaler", [patient()], False),
        ("What is my wife's A1c? I forgot", [patient()], True),
        ("I take warfarin and my wife cooks with alcohol", [patient()], False),
        ("My brother gave me his tramadol, can I take it?", [patient()], False),
        ("My neighbor's A1c is 9", [patient()], True),
        ("¿Puede tomarlo mi esposa?", [patient()], True),
        ("¿Puedo tomarlo?", [patient()], False),
    ],
)
def test_whose_record_a_question_is_about(question, resources, other):
    chart = Chart(resources, TODAY)
    assert understand(question, chart).other is other


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


@pytest.mark.parametrize(
    ("named", "never"),
    [
        ("sintrom", "warfarin"),
        ("acenocumarol", "warfarin"),
        ("marcumar", "warfarin"),
        ("xopenex", "albuterol"),
        ("premarin", "estradiol"),
        ("dihydroergotamine", "(ergotamine"),
        ("ferrous gluconate", "sulfate"),
        ("hormone patch", "estradiol"),
        ("iodine drops", "kelp"),
        ("potassium citrate", "chloride"),
    ],
)
def test_a_name_is_never_said_to_be_another_substance(named, never):
    held = Record([patient(), order(named)], today=TODAY)
    for language, question in (("en", "can I take {}?"), ("es", "¿puedo tomar {}?")):
        for asked in (named, "ibuprofen", "amoxicillin"):
            answer = held.answer(question.format(asked), language)
            said = answer.text if answer else ""
            for source in ("Source: MedlinePlus, Warfarin.", "Fuente: MedlinePlus, Warfarin."):
                said = said.replace(source, "")
            assert never not in said.lower()


def test_of_the_class_of_warfarin_the_same_is_warned_in_its_own_name():
    held = Record([patient(), order("Sintrom")], today=TODAY)
    text = held.answer("can I take ibuprofen?", "en").text
    assert "ibuprofen and acenocoumarol together raise the risk of serious bleeding" in text
    assert "metronidazole" in held.answer("metronidazole with my sintrom?", "en").text


def test_a_product_stands_at_every_substance_that_it_holds():
    found = words.medicine_phrases().find
    assert set(found("vytorin")) == {"ezetimibe", "simvastatin"}
    assert set(found("contrave")) == {"naltrexone", "bupropion"}
    assert set(found("ziac")) == {"bisoprolol", "hydrochlorothiazide"}
    assert set(found("combivent")) == {"ipratropium", "albuterol"}
