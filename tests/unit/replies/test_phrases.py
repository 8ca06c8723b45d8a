"""Phrases: whose they are, who lets them in, what others see meanwhile, and that all is audited."""

from __future__ import annotations

import pytest

from compliance.errors import BadInputError, NotFoundError
from services.hospital.errors import NotAllowedError, StaleDraftError
from services.hospital.phrases import STARTING, Phrases, Words
from services.hospital.portal.placeholders import placeholders
from tests.unit.replies.conftest import ANA, BO, a_user

CY = a_user("cy")
THANKS = Words("Thanks", "Thank you for writing.", "Gracias por escribir.")


@pytest.fixture
def audited():
    return []


@pytest.fixture
def phrases(database, audited):
    return Phrases(database, lambda user, what, act: audited.append((user.id, what, act)))


def usable(phrases, user):
    return [view.words for view in phrases.usable(user) if view.state != "starting"]


def test_an_own_phrase_is_the_owners_alone(phrases):
    made = phrases.write(ANA, THANKS)
    assert usable(phrases, ANA) == [THANKS]
    assert usable(phrases, BO) == []
    with pytest.raises(NotFoundError):
        phrases.one(made.id, BO)
    with pytest.raises(NotFoundError):
        phrases.retire(made.id, BO)


def test_a_shared_phrase_is_seen_by_all_only_after_a_second_clinician_read_it(phrases):
    made = phrases.write(ANA, THANKS)
    phrases.share(made.id, ANA)
    assert usable(phrases, BO) == []
    assert [v.state for v in phrases.seen(BO) if v.state != "starting"] == ["waiting"]
    with pytest.raises(NotAllowedError):
        phrases.approve(made.id, ANA, 1)
    phrases.approve(made.id, BO, 1)
    assert usable(phrases, CY) == [THANKS]
    assert phrases.one(made.id, CY).versions[0].approved_by == "bo"


def test_a_later_version_waits_and_the_others_keep_what_they_had(phrases):
    made = phrases.write(ANA, THANKS)
    phrases.share(made.id, ANA)
    phrases.approve(made.id, BO, 1)
    newer = Words("Thanks", "Many thanks.", "")
    phrases.write(ANA, newer, made.id, 1)
    assert usable(phrases, BO) == [THANKS]
    assert usable(phrases, ANA) == [newer]
    assert phrases.one(made.id, BO).wanted == 2
    phrases.approve(made.id, BO, 2)
    assert usable(phrases, CY) == [newer]


def test_what_is_let_in_is_what_was_read(phrases):
    made = phrases.write(ANA, THANKS)
    phrases.share(made.id, ANA)
    phrases.write(ANA, Words("Thanks", "Something else.", ""), made.id, 1)
    with pytest.raises(StaleDraftError):
        phrases.approve(made.id, BO, 1)


def test_of_two_versions_made_at_once_the_second_is_refused(phrases):
    made = phrases.write(ANA, THANKS)
    phrases.write(ANA, Words("a", "b", ""), made.id, 1)
    with pytest.raises(StaleDraftError):
        phrases.write(ANA, Words("c", "d", ""), made.id, 1)


def test_a_retired_phrase_is_offered_to_nobody_and_its_versions_stay(phrases):
    made = phrases.write(ANA, THANKS)
    phrases.share(made.id, ANA)
    phrases.approve(made.id, BO, 1)
    phrases.retire(made.id, CY)
    assert usable(phrases, ANA) == usable(phrases, BO) == []
    assert len(phrases.one(made.id, ANA).versions) == 1
    with pytest.raises(NotFoundError):
        phrases.approve(made.id, BO, 1)


def test_nobody_but_the_owner_takes_back_what_waits(phrases):
    made = phrases.write(ANA, THANKS)
    phrases.share(made.id, ANA)
    with pytest.raises(NotAllowedError):
        phrases.retire(made.id, BO)


@pytest.mark.parametrize(
    "words", [Words("", "a", ""), Words("a", " ", "\n"), Words("a" * 121, "b", ""),
              Words("a", "b" * 4001, "")],
)  # fmt: skip
def test_a_phrase_without_title_or_text_is_refused(phrases, words):
    with pytest.raises(BadInputError):
        phrases.write(ANA, words)


def test_each_change_is_written_down_before_it_is_made(phrases, audited, database):
    made = phrases.write(ANA, THANKS)
    phrases.share(made.id, ANA)
    phrases.approve(made.id, BO, 1)
    phrases.retire(made.id, ANA)
    assert [(who, act) for who, _, act in audited] == [
        ("ana", "written"),
        ("ana", "shared"),
        ("bo", "approved"),
        ("ana", "retired"),
    ]

    def refuse(*_):
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - whatever the trail raises
        Phrases(database, refuse).write(ANA, THANKS)
    assert len(phrases.seen(ANA)) == len(STARTING) + 1


def test_what_caretier_brings_is_in_both_languages_and_names_no_placeholder():
    assert len(STARTING) >= 8
    for view in STARTING:
        assert view.words.english
        assert view.words.spanish
        assert set(view.titles) == {"en", "es"}
        assert placeholders(view.words.english + view.words.spanish) == ()
        assert not any(c.isdigit() for c in view.words.english + view.words.spanish)
