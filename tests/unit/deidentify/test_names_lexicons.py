"""The word lists and templates of the name model's generator."""

from __future__ import annotations

import pytest

from compliance.deidentify.names.lexicons import Names, kept_out, sections
from compliance.deidentify.names.people import FORMS
from compliance.deidentify.names.places import ORGANIZATIONS
from compliance.deidentify.names.slots import ROLES, SLOT, TYPE_OF
from compliance.deidentify.names.templates import Template, chosen, leaflet_sentences, templates

LISTS = ("given", "surnames", "places", "organizations", "fillers_en", "fillers_es")


def test_there_are_names_enough() -> None:
    assert sum(map(len, sections("given").values())) >= 3000
    assert sum(map(len, sections("surnames").values())) >= 6000
    assert len(sections("given")) >= 20
    assert len(sections("surnames")) >= 20


@pytest.mark.parametrize("name", ["given", "surnames"])
def test_no_name_stands_twice(name: str) -> None:
    every = [n.casefold() for names in sections(name).values() for n in names]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("name", LISTS)
def test_no_entry_stands_twice_under_one_heading(name: str) -> None:
    for heading, entries in sections(name).items():
        assert len(entries) == len(set(entries)), heading


@pytest.mark.parametrize("name", LISTS)
def test_entries_have_no_stray_marks(name: str) -> None:
    for heading, entries in sections(name).items():
        assert entries, heading
        assert all(e == e.strip() and e for e in entries), heading


@pytest.mark.parametrize("word", ["Long", "Young", "Hope", "Grace", "Bond", "Pain", "Law", "Head"])
def test_surnames_that_are_words_are_there(word: str) -> None:
    assert word in sections("surnames")["wordlike"]


def test_there_are_templates_enough_in_both_languages() -> None:
    named = [t for t in templates() if t.named]
    assert len(named) >= 300
    assert sum(t.language == "es" for t in named) / len(named) >= 0.25
    assert len({t.genre for t in templates()}) >= 15


def test_no_template_stands_twice() -> None:
    texts = [t.text for t in templates()]
    assert len(texts) == len(set(texts))


def test_every_slot_is_known() -> None:
    fillers = sections("fillers_en").keys() | sections("fillers_es").keys()
    spanish_only = sections("fillers_es").keys() - sections("fillers_en").keys()
    for template in templates():
        for match in SLOT.finditer(template.text):
            name = match["name"]
            assert name in TYPE_OF or name in fillers, (template, match[0])
            assert name not in spanish_only or template.language == "es", (template, match[0])
            assert match["form"] is None or (name in ROLES and match["form"] in FORMS), match[0]


def test_every_slot_within_fillers_is_a_filler() -> None:
    for name in ("fillers_en", "fillers_es"):
        for entry in (e for entries in sections(name).values() for e in entries):
            for match in SLOT.finditer(entry):
                assert match["name"] in sections("fillers_en"), entry


def test_organizations_have_patterns_in_both_languages() -> None:
    for kind in set(ORGANIZATIONS) - {"firm"}:
        assert kind in sections("organizations")
        assert f"{kind}_es" in sections("organizations")


def test_templates_called_none_hold_no_entity() -> None:
    assert all(t.named is not t.genre.startswith("none") for t in templates())


def test_a_template_knows_its_language_and_case() -> None:
    assert Template("es_dialogo_lower", "x").language == "es"
    assert Template("none_es", "x").language == "es"
    assert Template("en_messages", "x").language == "en"
    assert Template("es_dialogo_lower", "x").lower


def test_kept_out_names_and_templates_are_not_trained_on() -> None:
    ours, theirs = Names.load(out=False), Names.load(out=True)
    for part in ("given", "last"):
        mine = {n for names in getattr(ours, part).values() for n in names}
        others = {n for names in getattr(theirs, part).values() for n in names}
        assert not mine & others
        assert 0.09 < len(others) / len(mine | others) < 0.16
    assert not set(chosen(out=True, named=True)) & set(chosen(out=False, named=True))
    assert not set(leaflet_sentences(out=True)) & set(leaflet_sentences(out=False))


def test_enough_templates_are_kept_out_in_both_languages() -> None:
    for named in (True, False):
        kept = chosen(out=True, named=named)
        assert {t.language for t in kept} == {"en", "es"}
    assert len(chosen(out=True, named=True)) >= 25


def test_what_is_kept_out_depends_on_the_text_alone() -> None:
    assert [kept_out(x) for x in ("a", "b", "c")] == [kept_out(x) for x in ("a", "b", "c")]
