"""Words that carry no alarm by themselves: heard as none, and never hiding one beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from services.consult.messages import Person, Urgency
from services.consult.triage import Triager, TriageRules

DATA = Path(__file__).parent / "data"
RULES = TriageRules.load()


@pytest.fixture(scope="module")
def triager():
    made = Triager.load()
    assert made.reader is not None
    return made


@pytest.mark.parametrize(
    "said",
    [
        "I am able to walk",
        "I am able to walk again",
        "I can move fine",
        "puedo caminar",
        "I tripped and fell, my knee is bruised",
        "I fell off my bike and scraped my knee",
    ],
)
def test_what_somebody_can_do_is_no_emergency(triager, said):
    assert triager.assess(said).level is Urgency.ROUTINE


@pytest.mark.parametrize(
    "said",
    [
        "I took two blood pressure pills by mistake",
        "I took an extra blood pressure pill by mistake",
        "I accidentally took my blood pressure pill twice today",
        "tomé dos pastillas de la presión por error",
    ],
)
def test_two_pressure_pills_by_mistake_are_for_the_poison_line_today(triager, said):
    found = triager.assess(said)
    assert (found.level, found.rule) == (Urgency.URGENT, "wrong-or-double-dose")


@pytest.mark.parametrize(
    "said",
    [
        "I took two blood pressure pills by mistake and feel dizzy",
        "I took three blood pressure pills",
        "took ten blood pressure pills by mistake",
        "my mother took two blood pressure pills by mistake",
        "My toddler took two blood pressure pills",
        "I took my metoprolol twice",
        "I took my blood pressure pill twice and my heart is racing",
        "I am able to walk but my chest hurts and I sweat",
        "I am able to stand but dizzy",
        "I was able to walk until an hour ago",
        "barely able to walk",
        "I am not able to walk",
        "I am able to walk but only with help",
        "I fell off my bike and cannot feel my legs",
        "I fell off my bike, my knee hurts and I threw up",
    ],
)
def test_an_alarm_beside_calm_words_is_heard(triager, said):
    assert triager.assess(said).level is Urgency.EMERGENCY


@pytest.mark.parametrize(
    "person", [Person(age_years=80), Person(age_years=6), Person(pregnant=True)]
)
def test_for_the_frail_the_readers_alarm_stands(triager, person):
    assert triager.assess("I tripped and fell, my knee is bruised", person).level is not (
        Urgency.ROUTINE
    )


@pytest.mark.parametrize(
    "said",
    [
        "I fell off my bike and hurt my knee",
        "I fell off a horse and my wrist hurts",
        "Me caí de la bicicleta y me duele la rodilla",
    ],
)
def test_a_limb_hurt_in_a_fall_is_told_of_the_limb(said):
    found = RULES.assess(said)
    assert (found.level, found.rule) == (Urgency.URGENT, "limb-hurt-in-a-fall")


def test_a_blow_to_the_head_beside_a_hurt_limb_is_still_one():
    assert RULES.assess("I fell off my bike, hit my head and hurt my knee").rule in {
        "head-injury",
        "head-injury-danger",
    }


@pytest.mark.parametrize("said", ["I am able to walk. {}", "{} I can walk.", "Puedo caminar. {}"])
def test_calm_words_hide_no_emergency_of_a_whole_set(triager, said):
    texts = yaml.safe_load((DATA / "eighth.yaml").read_text("utf-8"))["emergency"]
    lost = [t for t in texts if triager.assess(said.format(t)).level is not Urgency.EMERGENCY]
    assert not lost


@pytest.mark.parametrize(
    "said",
    [
        "my husband snores and stops breathing",
        "my wife snores, stops breathing at night and is tired all day",
        "my dad stops breathing in his sleep",
        "mi esposo ronca y deja de respirar",
        "mi esposo deja de respirar mientras duerme",
    ],
)
def test_a_habit_of_sleep_is_no_emergency(triager, said):
    assert triager.assess(said).level is Urgency.ROUTINE


@pytest.mark.parametrize(
    "said",
    [
        "my husband stopped breathing",
        "my husband stops breathing",
        "my mom stopped breathing at night",
        "he snores and stops breathing, can't wake him",
        "my husband took pills and snores and stops breathing",
        "he snores, stops breathing and his lips are blue",
        "my baby stops breathing at night",
        "mi bebé deja de respirar cuando duerme",
        "mi esposo dejó de respirar mientras dormía",
    ],
)
def test_breathing_that_stops_otherwise_is_one(triager, said):
    assert triager.assess(said).level is Urgency.EMERGENCY


@pytest.mark.parametrize(
    "said",
    [
        "mi abuela toma warfarina y comió espinaca",
        "mi abuela comió espinaca",
        "my grandmother takes warfarin and ate spinach",
        "tomo warfarina y comí brócoli",
        "a banana has 400 mg of potassium",
    ],
)
def test_everyday_food_is_no_alarm(triager, said):
    assert triager.assess(said).level is Urgency.ROUTINE


@pytest.mark.parametrize(
    "said",
    [
        "my aunt ate spinach and can't breathe",
        "mi hermana comió arroz y se le hincha la garganta",
        "my aunt ate bread and is choking",
        "comió pan y vomita sangre",
        "ate a salad and my lips are swelling",
        "my son ate rat poison with bread",
        "comió veneno con el pan y vomita sangre",
    ],
)
def test_what_is_told_beside_a_meal_is_heard(triager, said):
    assert triager.assess(said).level is Urgency.EMERGENCY


def test_a_fear_of_dying_speaks_of_what_is_feared(triager):
    found = triager.assess("lump in my breast, am I going to die")
    assert (found.level, found.rule) == (Urgency.URGENT, "lump-or-warning-change")


@pytest.mark.parametrize("said", ["chest pain am I going to die", "am I going to die"])
def test_a_fear_of_dying_that_the_reader_shares_is_an_emergency(triager, said):
    assert triager.assess(said).level is Urgency.EMERGENCY
