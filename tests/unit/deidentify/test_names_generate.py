"""The generator of texts with names."""

# ruff: noqa: S311 - no secret depends on these dice
from __future__ import annotations

import random
import subprocess
import sys

import pytest

from compliance.deidentify.names.generate import Document, document, documents, main, variety
from compliance.deidentify.names.lexicons import Names
from compliance.deidentify.names.people import FORMS, Person
from compliance.deidentify.names.slots import ELSEWHERE, ENTITY_TYPES, Cast, Piece
from compliance.deidentify.names.vary import assemble, slip, spaced, vary, without_accents

COUNT = 1500


@pytest.fixture(scope="module")
def made() -> list[Document]:
    return list(documents(3, COUNT))


def cast(*, anonymous: bool = False) -> Cast:
    return Cast("en", Names.load(out=False), random.Random(1), anonymous)


def test_a_seed_decides_the_documents() -> None:
    assert list(documents(5, 40)) == list(documents(5, 40))
    assert list(documents(5, 40)) != list(documents(6, 40))


def test_a_document_does_not_depend_on_those_before_it() -> None:
    assert document(5, 17) == list(documents(5, 18))[17]


def test_another_process_makes_the_same_document() -> None:
    code = (
        "from compliance.deidentify.names.generate import document as d; print(ascii(d(5, 3).text))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ascii(document(5, 3).text)


def test_spans_are_in_order_disjoint_and_within_the_text(made: list[Document]) -> None:
    for one in made:
        position = 0
        for start, end, kind in one.spans:
            assert position <= start < end <= len(one.text)
            assert one.text[start:end] == one.text[start:end].strip()
            assert kind in {*ENTITY_TYPES, ELSEWHERE}
            position = end


def test_no_slot_is_left_open(made: list[Document]) -> None:
    assert not any("{patient" in d.text or "{city" in d.text or "{n}" in d.text for d in made)


def test_almost_half_of_the_documents_hold_no_entity(made: list[Document]) -> None:
    assert 0.45 <= sum(d.negative for d in made) / COUNT <= 0.55


def test_documents_vary() -> None:
    found = variety(3, COUNT)
    assert found["distinct_texts"] > 0.95
    assert found["distinct_entities"] > 0.85
    assert 0.25 <= found["spanish"] <= 0.36
    assert 0.3 <= found["lower"] <= 0.5


def test_every_type_of_entity_occurs(made: list[Document]) -> None:
    assert {kind for d in made for _, _, kind in d.spans} >= set(ENTITY_TYPES)


def test_kept_out_documents_use_kept_out_names() -> None:
    names = Names.load(out=True)
    last = {n for every in names.last.values() for n in every}
    assert not last & {n for every in Names.load(out=False).last.values() for n in every}
    assert document(5, 3, out=True) != document(5, 3)


def test_a_name_comes_back_as_the_same_name() -> None:
    pieces = cast().fill("{patient.given} and {patient.given} and {relative.given}")
    names = [p.text for p in pieces if p.type]
    assert names[0] == names[1]


def test_an_anonymous_document_holds_no_entity() -> None:
    pieces = cast(anonymous=True).fill(
        "{patient.full} saw {clinician.last} in {city} at {hospital}"
    )
    assert all(p.type is None for p in pieces)


def test_an_email_address_is_neither_wanted_nor_unwanted() -> None:
    pieces = cast().fill("write to {email}")
    assert [p.type for p in pieces] == [None, ELSEWHERE]
    assert pieces[1].text.isascii()


def test_an_unknown_slot_is_an_error() -> None:
    with pytest.raises(KeyError):
        cast().fill("{nothing_of_the_kind}")


def test_braces_of_other_kinds_stay() -> None:
    assert [p.text for p in cast().fill('{"patient": 1}')] == ['{"patient": 1}']


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_of_a_name_is_made_of_it(form: str) -> None:
    person = Person("Ana", "Luz", "de la Vega", "Any")
    text = FORMS[form](person, random.Random(4))
    assert text
    assert set(text.casefold()) <= set("ana luz de la vega any.,-")


def test_variation_keeps_the_entities_apart_from_the_words() -> None:
    for seed in range(300):
        dice = random.Random(seed)
        pieces = [Piece("Seen by Dr. "), Piece("İnönü O'Dwyer", "CLINICIAN"), Piece(", today.")]
        text, spans = assemble(vary(pieces, dice))
        ((start, end, kind),) = spans
        assert kind == "CLINICIAN"
        assert "see" in text[:start].casefold() or "sen" in text[:start].casefold()
        assert "today" not in text[start:end].casefold()


def test_the_spacing_of_machine_transcripts_is_made() -> None:
    made = spaced("I don't know. You're gonna see (soon), at 8.30!")
    assert made == "I do n't know . You're gon na see (soon) , at 8.30 !"


def test_blanks_at_an_entitys_ends_are_not_part_of_it() -> None:
    assert assemble([Piece("a"), Piece(" Ana ", "PERSON")]) == ("a Ana ", [(2, 5, "PERSON")])


def test_a_slip_changes_one_place_and_spares_short_words() -> None:
    assert slip("Ana", random.Random(1)) == "Ana"
    assert abs(len(slip("Gonzalez", random.Random(2))) - 8) <= 1


def test_accents_can_be_lost() -> None:
    assert without_accents("Núñez Öz") == "Nunez Oz"


def test_a_document_shows_its_names() -> None:
    assert Document("I am Ana.", ((5, 8, "PERSON"),), "x", "en").marked() == "I am «Ana|person»."


def test_the_command_prints_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--documents", "50", "--show", "1"]) == 0
    assert "negative 0." in capsys.readouterr().out
