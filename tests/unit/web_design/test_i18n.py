"""The catalogue of words: both languages whole, values inert, negotiation by the header."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.web.i18n import COMMON, LANGUAGES, Catalogue, negotiate, translator

PLACE = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def shared() -> Catalogue:
    return Catalogue.load(COMMON)


def test_both_languages_have_the_same_keys(shared):
    assert set(shared.sentences["en"]) == set(shared.sentences["es"])


def test_both_languages_have_the_same_places(shared):
    for key, sentence in shared.sentences["en"].items():
        assert set(PLACE.findall(sentence)) == set(PLACE.findall(shared.sentences["es"][key])), key


def test_no_sentence_is_empty(shared):
    assert all(text.strip() for words in shared.sentences.values() for text in words.values())


def test_a_translator_speaks_its_language():
    assert translator("es")("tier.clinic") == "su clínica"
    assert translator("en")("tier.answered", tier="this device") == "Answered by this device"


def test_an_unknown_key_is_an_error_that_names_the_key():
    with pytest.raises(KeyError, match=r"no\.such"):
        translator("en")("no.such")


def test_a_value_that_is_missing_leaves_its_place_visible():
    assert translator("en")("tier.answered") == "Answered by {tier}"


def test_a_value_cannot_pull_in_another_value():
    said = translator("en")("tier.answered", tier="{other}", other="secret")
    assert said == "Answered by {other}"


def test_a_count_chooses_its_form(tmp_path: Path):
    for language in LANGUAGES:
        (tmp_path / f"{language}.yaml").write_text(
            "n:\n  one: '{count} thing'\n  other: '{count} things'\n", "utf-8"
        )
    t = Catalogue.load(tmp_path).translator("en")
    assert [t("n", count=count) for count in (0, 1, 2)] == ["0 things", "1 thing", "2 things"]


def test_a_later_folder_overrides_an_earlier_one(tmp_path: Path):
    for language in LANGUAGES:
        (tmp_path / f"{language}.yaml").write_text("frame:\n  close: Shut\n", "utf-8")
    t = Catalogue.load(COMMON, tmp_path).translator("en")
    assert t("frame.close") == "Shut"
    assert t("frame.loading") == "Loading"


def test_a_folder_that_lacks_a_language_is_refused(tmp_path: Path):
    (tmp_path / "en.yaml").write_text("a: b\n", "utf-8")
    with pytest.raises(FileNotFoundError):
        Catalogue.load(tmp_path)


def test_a_page_gets_only_the_sections_it_asks_for(shared):
    words = json.loads(shared.as_json("es", "tier"))
    assert words["tier.device"] == "este dispositivo"
    assert all(key.startswith("tier.") for key in words)


def test_a_page_gets_a_part_of_a_section_by_its_dotted_name(shared):
    assert list(json.loads(shared.as_json("es", "tier.device"))) == ["tier.device"]
    assert json.loads(shared.as_json("es", "tie", "tier.dev")) == {}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("es", "es"),
        ("es-MX,es;q=0.9,en;q=0.5", "es"),
        ("en-GB,en;q=0.9,es;q=0.8", "en"),
        ("fr,es;q=0.4,en;q=0.7", "en"),
        ("de, es;q=0.1", "es"),
        # no match
        ("", "en"),
        (None, "en"),
        ("fr-FR", "en"),
        ("es;q=0", "en"),
        ("es;q=x", "en"),
        ("estonian", "en"),
        (";;,,;q=1", "en"),
    ],
)
def test_the_language_follows_the_header(header, language):
    assert negotiate(header) == language


@given(st.text(max_size=200))
def test_any_header_gives_a_language_of_the_product(header):
    assert negotiate(header) in LANGUAGES
