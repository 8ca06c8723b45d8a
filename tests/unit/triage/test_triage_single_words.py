"""One ordinary word is not a red flag, and the words that make one are needed together."""

from __future__ import annotations

import pytest

from services.consult.messages import Urgency
from services.consult.triage import TriageRules
from services.consult.triage.normalise import fold

RULES = TriageRules.load()


@pytest.mark.parametrize(
    "text",
    [
        "I twisted my ankle, what should I do",
        "I twisted my wrist a little",
        "the ball of my foot hurts when I run",
        "I ate nuts and my stomach hurts a little",
        "my hiccups won't stop",
        "I lost a lot of weight on purpose and feel great",
        "how often should i check INR",
        "i want to taper my meds",
        "my fast food habit gave me food poisoning in 2019",
        "how do I know if I have food poisoning",
        "ive had one floater for years, same as always",
        "do i need naloxone at home if im prescribed oxycodone",
        "my son fell off his bike and scraped his knee",
        "my dog has seizures, can kids catch it?",
        "my eyes are red from the pool",
        "me torcí el tobillo jugando, ya camino bien",
        "me toca mamografía este año?",
        "no quiero morir joven como mi papá, ¿cómo bajo de peso?",
        "my son hit a home run",
        "I'd like to join my mom at her appointment",
        "my son has a small bruise",
        "quiero dormir mejor",
        "tomo pastillas para dormir, ¿puedo tomar café?",
        "mi hijo se cortó el dedo con papel",
        "comí huevo y me duele un poco la panza",
        "¿cómo sé si es intoxicación por comida?",
    ],
)
def test_an_ordinary_matter_raises_nothing(text: str) -> None:
    assert RULES.assess(text).level is Urgency.ROUTINE, RULES.assess(text).rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("temp 104 and stiff neck", "meningitis-signs"),
        ("came on while watching tv, crushing pressure on the chest", "heart-attack-signs"),
        ("I work in a school. Chest pain and sweating.", "heart-attack-signs"),
        ("my uncle died of a stroke. chest pain and cold sweat", "heart-attack-signs"),
        ("stiff neck and a fever of 39.5", "meningitis-signs"),
        ("tengo fiebre y el cuello rígido", "meningitis-signs"),
        ("one testicle is twisted and hurts", "testicular-torsion"),
        ("my balls hurt so bad", "testicular-torsion"),
        ("I think it is torsion of the testicle", "testicular-torsion"),
        ("the cut won't stop bleeding", "severe-bleeding"),
        ("I lost a lot of blood", "severe-bleeding"),
        ("my son fell off his bike, scraped his knee and hit his head and vomited", None),
        ("he is breathing 4 times a minute", "severe-breathlessness"),
        ("my 3 week old has 100.8 rectal", "young-infant-fever"),
        ("I had my spleen out and have chills and 102", "fever-with-weak-defences"),
        ("my defibrillator shocked me twice", "racing-heart-with-symptoms"),
        ("he is outside my door with a knife", "violence-or-abuse"),
        ("havent pooped or passed gas in 4 days and now vomiting", "severe-abdominal-pain"),
        ("my right arm just won't work", "stroke-signs"),
        ("hes 5 days without sleep and God told him to hurt her", None),
        ("there is something like a cord hanging out, my water broke", None),
    ],
)
def test_the_words_of_a_red_flag_together_are_one(text: str, rule: str | None) -> None:
    result = RULES.assess(text)
    assert result.level is Urgency.EMERGENCY
    assert rule is None or result.rule == rule


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("stiff neck from my desk, no fever", Urgency.ROUTINE),
        ("fever of 38.2 since today, neck is fine", Urgency.ROUTINE),
        ("I do breathing exercises 3 times a day", Urgency.ROUTINE),
        ("stepped on a rusty nail", Urgency.URGENT),
        ("my son fell off his bike and bumped his head", Urgency.URGENT),
        ("I fell off the ladder", Urgency.URGENT),
        ("I watched a movie about a stroke", Urgency.ROUTINE),
        ("I'm writing a novel. The hero has chest pain and can't breathe.", Urgency.ROUTINE),
        ("my breast is hot and red, nursing, fever 101", Urgency.URGENT),
        ("me quemé un poquito el dedo con la plancha", Urgency.ROUTINE),
        ("me quemé el dedo con la plancha", Urgency.URGENT),
    ],
)
def test_what_is_less_stays_less(text: str, level: Urgency) -> None:
    assert RULES.assess(text).level is level, RULES.assess(text).rule


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("4½ months", "4.5  months"),
        ("4 ½ weeks", "4.5  weeks"),
        ("½ a pill", " 0.5  a pill"),
        ("1¼", "1.25 "),
        ("½½½", " 0.5 "),
        ("wait… what", "wait. what"),
        ("39 ℃", "39 °c"),
        ("㍿", " "),
    ],
)
def test_signs_are_written_out_without_growing(text: str, plain: str) -> None:
    assert fold(text) == plain


@pytest.mark.parametrize(
    "text",
    [
        "the umbilical cord stump of my baby fell off, how do I clean it",
        "al bebé ya se le cayó el cordón, ¿cómo limpio el ombligo?",
        "my daughter wants a new doll after her vaccines",
        "my cast was submerged in the bath, is it ruined",
        "my cpap charger says 110 volts",
        "my son was fitted for braces",
        "does zyrtec make kids drowsy",
        "he was huffing and puffing about his chores",
        "my dog was groomed and now I sneeze",
        "I have a clogged artery and take atorvastatin, which foods are best",
        "my dad burned dinner",
        "mi hija quiere aprender a saltar la cuerda",
        "me doblé el tobillo ayer y ya camino bien",
        "tengo ataques de tos por la noche desde ayer, leves",
        "mi hijo lleva una camisa azul para la escuela",
    ],
)
def test_words_that_have_another_sense_raise_no_emergency(text: str) -> None:
    assert RULES.assess(text).level is not Urgency.EMERGENCY, RULES.assess(text).rule
