"""Is a little word ("will", "an", "so") here the name of someone in the record, or just itself?

Every other word of a record's names is masked wherever it stands. Words of the closed classes stand
in every sentence, so they are kept where grammar shows that they are just themselves; where it does
not, they count as the name.
"""

from __future__ import annotations

from enum import Enum

import regex

from compliance.deidentify.known_grammar import (
    ADVERBS,
    BASE_VERBS,
    CLITICS,
    CLOSED,
    DETERMINERS,
    FINITE,
    FINITE_ENGLISH,
    FUNCTION,
    MODALS,
    PRONOUNS,
    QUANTIFIERS,
    SPEECH,
)
from compliance.deidentify.known_page import GAP, Page
from compliance.deidentify.vocabulary import common_words


class Verdict(Enum):
    """What context says of a word that can be a name."""

    NAME = "name"
    OPEN = "open"
    ORDINARY = "ordinary"


_TITLE = regex.compile(
    r"(?:\b(?:mr|mrs|ms|miss|mx|dr|dra|sr|sra|srta|don|dona|prof|"
    r"name\s+is|name's|named|llamo|llama|llamado|llamada)\.?[\s,:]+)$"
)
_ARTICLE_TITLE = regex.compile(r"\b(?:the|my|your|our|a|el|la|mi)\s+(?:dr|sra?)\.?\s+$")
_KIN = regex.compile(
    r"\b(?:my|his|her|our|your|their|mi|su)\s+(?:wife|husband|son|daughter|mother|father|mom|mum|"
    r"dad|brother|sister|partner|friend|neighbou?r|cousin|niece|nephew|grandson|granddaughter|"
    r"esposa|esposo|hija|hijo|hermana|hermano|madre|padre|amiga|amigo|vecina|vecino)[\s,]+$"
)
_POSSESSIVE = regex.compile(r"'s(?!\p{L})")
_MONTH_CUE = frozenset("in of last next this since until till early late mid every during".split())
_AFTER_MODAL = BASE_VERBS | ADVERBS | DETERMINERS | (PRONOUNS - {"here"})
_LONG_BEFORE = frozenset(
    "how as so too very a the no all is are was were be been not last day night before takes "
    "take took lasted this that week year".split()
)
_LONG_AFTER = frozenset(
    "term time covid history standing acting ago as enough list way walk drive day days night "
    "bone bones hair lasting run qt haul distance hours hour period periods after before since "
    "stay nails story lived sleeve courses course list wait waits illness flight flights".split()
)
_SO_BEFORE = frozenset(
    "think thought hope or do did doing if not even and ago why suppose guess".split()
)
_QUANTITY_BEFORE = frozenset(
    "a an the any no some once even much very too so how as not one two is are was were what "
    "drink drank eat ate sleep slept hurts know feel felt need".split()
)
_SO_AFTER = frozenset("many much long few little far that often high low bad".split())
_NO_NOUN = FUNCTION | frozenset(
    "about after around against above across again ago along until over under until every".split()
)
_POSSESSIVES = frozenset("my your its our their mi".split())
_NEVER_AFTER_CLITIC = (FINITE_ENGLISH | _NO_NOUN | {"", "today", "tomorrow", "now"}) - CLITICS
_NOT_AFTER_AN = frozenset(
    "and is in at on or a i if it are am also always as el y es esta asked answered arrived ate "
    "insisted apologised apologized argued urged of has had".split()
)


def judge(page: Page, number: int) -> Verdict:
    """The verdict on the closed-class word ``number`` of ``page``."""
    word = page.word(number)
    if word == "may" and _month(page, number):
        return Verdict.ORDINARY
    if _named(page, number):
        return Verdict.NAME
    if GAP in {page.word(number - 1), page.word(number + 1)} or _RULES.get(word, _function)(
        page, number
    ):
        return Verdict.ORDINARY
    return Verdict.OPEN


def judge_nickname(page: Page, number: int) -> Verdict:
    """The verdict on an ordinary word that is a short form of a name ("bill", "rich", "gene")."""
    before, after = page.preceding(number), page.following(number)
    if _named(page, number):
        return Verdict.NAME
    ordinary = (
        before in DETERMINERS
        or before.isdigit()
        or before in {"x", "gamma"}
        or (page.word(number), after) in _COLLOCATIONS
        or GAP in {page.word(number - 1), page.word(number + 1)}
    )
    return Verdict.ORDINARY if ordinary else Verdict.OPEN


_COLLOCATIONS = frozenset(
    tuple(pair.split("-"))
    for pair in (
        "drew-blood drew-up drew-the drew-my rich-in rich-food rich-foods rich-diet frank-blood "
        "frank-pus pat-dry pat-it mark-the mark-it gene-therapy gene-test jack-up"
    ).split()
)


def abbreviated(page: Page, number: int) -> bool:
    """Two capitals are an abbreviation here ("in the ED", "PT 12.3 s"), not a short name."""
    before, after = page.word(number - 1), page.word(number + 1)
    return (
        before in DETERMINERS
        or before in {"in", "at", "from", "via", GAP}
        or after in {"visit", "visits", "course", "physician", "doctor", "staff", "nurse", GAP}
        or after[:1].isdigit()
    )


def titled(page: Page, number: int) -> bool:
    """A title or "name is" stands before the word."""
    before = page.before(number, 24)
    return bool(_TITLE.search(before)) and not _ARTICLE_TITLE.search(before)


def _named(page: Page, number: int) -> bool:
    """Something near the word says that it is a name."""
    word, after = page.word(number), page.following(number)
    if titled(page, number):
        return True
    if word not in PRONOUNS and _POSSESSIVE.match(page.folded, page.tokens[number].end):
        return True
    if word not in MODALS and _KIN.search(page.before(number, 24)) and word not in FUNCTION:
        return True
    surface = page.surface(number)
    if not surface[0].isupper() or surface != surface.capitalize():
        return False
    stripped = page.before(number, 6).rstrip(" \t\"'(")
    inside = bool(stripped) and stripped[-1] not in ".!?\n:;-*>]" + GAP
    return (inside and page.word(number) != "i") or (after in FINITE and word not in PRONOUNS)


def _month(page: Page, number: int) -> bool:
    """Whether "may" is the month here."""
    before, after = page.preceding(number), page.following(number)
    return before in _MONTH_CUE or before.isdigit() or (after.isdigit() and before not in SPEECH)


def _modal(page: Page, number: int) -> bool:
    """An auxiliary before what an auxiliary may stand before, or a noun ("free will")."""
    after = page.following(number)
    if page.preceding(number) in {"free", "living", "good", "strong"}:
        return True
    if after == "t" and page.between(number) == "'":
        return True
    return after in _AFTER_MODAL or (after.endswith("ly") and len(after) > 4)  # noqa: PLR2004 - no short adverb


def _article(page: Page, number: int) -> bool:
    """The article: before a vowel, an "h", a number or an abbreviation that is spelt out."""
    after = page.following(number)
    hyphen = page.between(number + 1).startswith("-")
    if not after or after in _NOT_AFTER_AN | FINITE or (after in _NO_NOUN and not hyphen):
        return False
    if after[0] in "aeiouh" or after.startswith(("8", "11", "18")):
        return True
    spelt = after[0] in "fhlmnrsx" and after not in common_words()
    return spelt and len(after) <= 4 + page.surface(number + 1).isupper()


def _long(page: Page, number: int) -> bool:
    """The adjective, beside what it usually stands beside."""
    return page.preceding(number) in _LONG_BEFORE or page.following(number) in _LONG_AFTER


def _so(page: Page, number: int) -> bool:
    """The adverb: before anything but a verb in the past, or after "I think"."""
    before, after = page.preceding(number), page.following(number)
    if not after or after in {"and", "or", "y", "o", "said"}:
        return before in _SO_BEFORE
    if before == "and" and after in {"is", "was", "has", "had", "does"}:
        return True
    return after not in FINITE and (before not in SPEECH | {"to"} or after in _SO_AFTER)


def _noun(page: Page, number: int) -> bool:
    """A noun after its article or possessive ("my son")."""
    return page.preceding(number) in DETERMINERS or page.preceding(number).isdigit()


def _van(page: Page, number: int) -> bool:
    """The car, or "they go" in Spanish."""
    return page.preceding(number) in DETERMINERS or page.following(number) in {"a", "al", "bien"}


def _function(page: Page, number: int) -> bool:
    """Any other word of a closed class: it leads to a next word that is no verb in the past."""
    word, after = page.word(number), page.following(number)
    if word in _POSSESSIVES:
        return bool(after) and after not in _NO_NOUN - DETERMINERS - PRONOUNS
    if word in PRONOUNS:
        return True
    if word in CLITICS:
        return page.preceding(number) not in SPEECH and after not in _NEVER_AFTER_CLITIC
    return bool(after) and after not in FINITE


def _quantity(page: Page, number: int) -> bool:
    """How much: after an article or the like, or before what is counted."""
    after = page.following(number)
    if page.preceding(number) in _QUANTITY_BEFORE:
        return True
    if page.preceding(number) in SPEECH:
        return False
    return bool(after) and after not in FUNCTION | FINITE | CLOSED | _NO_NOUN


_RULES = {
    **dict.fromkeys(MODALS, _modal),
    **dict.fromkeys(QUANTIFIERS, _quantity),
    "son": _noun,
    "van": _van,
    "an": _article,
    "long": _long,
    "so": _so,
}
