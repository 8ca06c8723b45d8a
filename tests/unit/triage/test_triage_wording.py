"""One table per way in which words can mean that a thing is there, or is not."""

from __future__ import annotations

import pytest

from services.consult.messages import Person, Urgency
from services.consult.triage import TriageRules

RULES = TriageRules.load()
PRESENT = [
    "i have crushing chest pain",
    "I HAVE CRUSHING CHEST PAIN!!!",
    "i hav crushing chst pain",
    "crushing\u200b chest\u200b pain right now",
    "crushing chest\u00a0pain, I can\u2019t breathe",
    "no fever but crushing chest pain",
    "had a heart attack in 2015. now crushing chest pain again",
    "what are the signs of a heart attack? I have crushing chest pain",
    "my husband has crushing chest pain",
    "I don't know what to do, I have crushing chest pain",
    "crushing \u0441hest pain",
    "tengo un dolor opresivo en el pecho",
    "TENGO DOLOR DE PECHO",
    "no puedo respirar",
    "he's not breathing",
    "she won't wake up",
    "I can't stop the bleeding",
]
ABSENT = {
    "negated": [
        "no chest pain",
        "I do not have chest pain",
        "without chest pain or shortness of breath",
        "denies chest pain, shortness of breath, fainting or bleeding",
        "I never had chest pain",
        "sin dolor de pecho",
        "no tengo dolor de pecho ni falta de aire",
        "niega dolor de pecho",
    ],
    "past": [
        "I had chest pain in 2015",
        "two years ago I had chest pain",
        "last year, I had chest pain",
        "tuve dolor de pecho hace tres años",
        "when I was a child I had seizures",
    ],
    "question": [
        "what causes chest pain?",
        "can anxiety cause chest pain?",
        "how is chest pain treated",
        "what are the symptoms of a stroke",
        "¿qué causa el dolor de pecho?",
        "¿cuáles son los síntomas del infarto?",
    ],
    "supposed": [
        "what should I do if someone has chest pain",
        "in case of chest pain, which number do people call",
        "si alguien tiene dolor de pecho, ¿qué se hace?",
    ],
    "elsewhere": [
        "in my novel the hero has chest pain",
        "nursing exam: name the causes of chest pain",
        "my grandfather died of chest pain and a heart attack",
    ],
    "figure": [
        "this traffic is killing me",
        "I am dying to know",
        "I laughed so hard I could have died of embarrassment",
        "my phone died",
        "me muero de hambre",
    ],
}


@pytest.mark.parametrize("text", PRESENT)
def test_what_is_there_now_is_an_emergency(text: str) -> None:
    assert RULES.assess(text).level is Urgency.EMERGENCY


@pytest.mark.parametrize(("why", "text"), [(w, t) for w, ts in ABSENT.items() for t in ts])
def test_what_is_not_there_raises_no_emergency(why: str, text: str) -> None:
    assert RULES.assess(text).level is not Urgency.EMERGENCY, why


def test_explain_says_that_a_denied_word_was_kept_back() -> None:
    matches = RULES.explain("no chest pain")
    assert [(m.rule, m.fired, m.reason) for m in matches][:1] == [
        ("heart-attack-signs", False, "negated")
    ]


def test_explain_says_that_a_past_event_was_kept_back() -> None:
    reasons = {m.reason for m in RULES.explain("had a heart attack in 2015, which diet is good?")}
    assert reasons == {"past"}


def test_explain_lists_every_rule_that_fired_the_first_to_speak_first() -> None:
    matches = RULES.explain("crushing chest pain and a seizure")
    fired = [m.rule for m in matches if m.fired]
    assert fired[0] == "heart-attack-signs"
    assert "seizure" in fired


def test_evidence_names_the_words() -> None:
    match = RULES.explain("my calf is swollen")[0]
    assert match.rule == "leg-clot"
    assert "calf" in match.evidence[0].words


@pytest.mark.parametrize(
    ("text", "person", "level"),
    [
        ("temperature 100.6", Person(age_years=0), Urgency.EMERGENCY),
        ("temperature 100.6", Person(age_years=40), Urgency.ROUTINE),
        ("bad headache and blurry vision", Person(pregnant=True), Urgency.EMERGENCY),
        ("banged my head on the door", Person(age_years=80), Urgency.EMERGENCY),
        ("banged my head on the door", Person(age_years=30), Urgency.URGENT),
    ],
)
def test_what_is_known_of_the_person_counts(text: str, person: Person, level: Urgency) -> None:
    assert RULES.assess(text, person).level is level


def test_the_persons_own_age_does_not_stand_for_someone_elses() -> None:
    person = Person(age_years=80)
    assert RULES.assess("my son banged his head on the door", person).level is Urgency.URGENT


def test_a_lasting_fact_told_in_the_past_still_counts() -> None:
    text = "had my spleen removed years ago and now I have a fever"
    assert RULES.assess(text).rule == "fever-with-weak-defences"
