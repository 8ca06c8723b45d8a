"""Rule files: what is wrong is named; what is packaged is whole."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from services.consult.messages import Person, Urgency
from services.consult.triage import TriageRules, TriageRulesError
from services.consult.triage.service import _DATA

RULES = TriageRules.load()
GOOD = """
concepts:
  odd_thing: {en: [odd thing], es: [cosa rara]}
rules:
- id: odd
  level: urgent
  source: {name: A guide, url: "https://example.org/guide"}
  when: odd_thing
  advice: {en: "Call {emergency_number} about it today.", es: "Llame hoy al {emergency_number}."}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("lexicon", "modality", "countries", "false_friends", "vitals"):
        shutil.copy(_DATA / f"{name}.yaml", tmp_path)
    (tmp_path / "odd.yaml").write_text(GOOD, "utf-8")
    return tmp_path


def test_a_folder_of_ones_own_is_used(folder: Path) -> None:
    rules = TriageRules.load(folder)
    assert rules.assess("an odd thing happened").rule == "odd"
    assert rules.assess("crushing chest pain").rule is None
    assert rules.version != RULES.version


def test_the_version_is_a_digest_of_the_files(folder: Path) -> None:
    before = TriageRules.load(folder).version
    assert TriageRules.load(folder).version == before
    (folder / "odd.yaml").write_text(GOOD + "\n# a remark\n", "utf-8")
    assert TriageRules.load(folder).version != before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("level: urgent", "level: grave"), "rule odd"),
        (("when: odd_thing", "when: another"), "unknown concept another"),
        (("when: odd_thing", "when: {all: [odd_thing], any: [odd_thing]}"), "rule odd"),
        (("when: odd_thing", "when: {age: {}}"), "rule odd"),
        (('"https://example.org/guide"', '"http://example.org"'), "rule odd"),
        ((', es: "Llame hoy al {emergency_number}."', ""), "rule odd"),
        (("[odd thing]", '["@nothing here"]'), "odd_thing"),
        (("concepts:", "concept:"), "odd.yaml"),
        (("rules:", "rules: ["), "not YAML"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, change: tuple[str, str], says: str) -> None:
    (folder / "odd.yaml").write_text(GOOD.replace(*change), "utf-8")
    with pytest.raises(TriageRulesError, match=re.escape(says)) as caught:
        TriageRules.load(folder)
    assert "odd.yaml" in caught.value.message


def test_a_rule_that_is_there_twice_is_refused(folder: Path) -> None:
    twice = GOOD + GOOD.split("rules:\n")[1]
    (folder / "odd.yaml").write_text(twice, "utf-8")
    with pytest.raises(TriageRulesError, match="twice"):
        TriageRules.load(folder)


def test_a_concept_that_is_there_twice_is_refused(folder: Path) -> None:
    (folder / "other.yaml").write_text("concepts: {odd_thing: {en: [x]}}", "utf-8")
    with pytest.raises(TriageRulesError, match=r"odd_thing is in odd\.yaml already"):
        TriageRules.load(folder)


def test_an_unknown_cue_is_refused(folder: Path) -> None:
    (folder / "modality.yaml").write_text("cues: {maybe: {en: [perhaps]}}", "utf-8")
    with pytest.raises(TriageRulesError, match="unknown cue maybe"):
        TriageRules.load(folder)


def test_a_missing_fallback_country_is_refused(folder: Path) -> None:
    text = (folder / "countries.yaml").read_text("utf-8").replace("  other:", "  ZZ:")
    (folder / "countries.yaml").write_text(text, "utf-8")
    with pytest.raises(TriageRulesError, match="other"):
        TriageRules.load(folder)


@pytest.mark.parametrize("name", ["lexicon", "vitals", "countries"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / f"{name}.yaml").unlink()
    with pytest.raises(TriageRulesError, match=name):
        TriageRules.load(folder)


def test_a_bad_number_pattern_is_named(folder: Path) -> None:
    text = (folder / "vitals.yaml").read_text("utf-8").replace("<near>", "<far>")
    (folder / "vitals.yaml").write_text(text, "utf-8")
    with pytest.raises(TriageRulesError, match=r"vitals\.yaml: unknown word list <far>"):
        TriageRules.load(folder)


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda r: r.id)
def test_every_rule_says_what_to_do_in_both_languages_and_names_its_source(rule: object) -> None:
    known = {"emergency_number", "crisis_line", "poison_line"}
    for language in ("en", "es"):
        advice = rule.advice[language]
        assert set(re.findall(r"\{(\w+)\}", advice)) <= known
        if rule.level is Urgency.EMERGENCY:
            assert re.search(
                r"\{|emergency department|hospital|maternity|urgencias|maternidad", advice
            )
    assert rule.source.url.startswith("https://")


def test_there_are_enough_rules_of_both_levels() -> None:
    levels = [rule.level for rule in RULES.rules]
    assert levels.count(Urgency.EMERGENCY) >= 50
    assert levels.count(Urgency.URGENT) >= 30


@pytest.mark.parametrize(
    ("country", "number"),
    [
        ("US", "911"), ("CA", "911"), ("MX", "911"), ("GB", "999"), ("IE", "112"), ("ES", "112"),
        ("AU", "000"), ("NZ", "111"), ("IN", "112"), ("FR", "your local emergency number"),
    ],
)  # fmt: skip
def test_the_number_is_the_countrys(country: str, number: str) -> None:
    advice = RULES.assess("crushing chest pain", Person(country=country)).advice
    assert advice is not None
    assert number in advice
    assert "{" not in advice


@pytest.mark.parametrize(
    ("country", "line"),
    [("US", "988"), ("GB", "116 123"), ("ES", "024"), ("AU", "13 11 14"), ("FR", "findahelpline")],
)
def test_the_crisis_line_is_the_countrys(country: str, line: str) -> None:
    advice = RULES.assess("I want to kill myself", Person(country=country)).advice
    assert advice is not None
    assert line in advice


def test_advice_is_in_the_persons_language() -> None:
    spanish = RULES.assess("crushing chest pain", Person(language="es", country="ES")).advice
    assert spanish is not None
    assert spanish.startswith("Llame ya al 112")


def test_routine_names_no_rule() -> None:
    result = RULES.assess("when is the pharmacy open?")
    assert (result.level, result.rule, result.advice, result.source) == (
        Urgency.ROUTINE,
        None,
        None,
        None,
    )
