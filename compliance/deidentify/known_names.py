"""Find the words of a record's names, in any case and with one wrong letter."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import regex

from compliance.deidentify.known_context import Verdict, abbreviated, judge, judge_nickname, titled
from compliance.deidentify.known_grammar import ABBREVIATED, CLOSED, UNITS
from compliance.deidentify.known_near import near
from compliance.deidentify.known_page import Page
from compliance.deidentify.known_tables import MIN_TYPO, KnownIndex, Owner
from compliance.deidentify.record_values import key, one_letter
from compliance.deidentify.vocabulary import common_words

APART = regex.compile(r"[\s\-'._,&/|;:()\"]{1,4}")
"""What may stand between two parts of one name."""
_INITIAL_BEFORE = regex.compile(r"(?<![\p{L}\d'])(\p{L})\.[\s\-,_/|:.]*$")
_INITIAL_AFTER = regex.compile(r"[\s\-,_/|:]{1,3}(\p{L})\.(?!\p{L})")
_MOST_APART = 4
_LEET = str.maketrans("013457@$", "oieastas")
_MIN_INSIDE = 6


@dataclass(slots=True)
class NameHit:
    """Part of a name and whose it can be."""

    start: int
    end: int
    owners: set[Owner]


def find_parts(index: KnownIndex, page: Page, others: list[NameHit]) -> list[NameHit]:
    """Every word that is part of a name, doubtful ones where their surroundings speak for it.

    Args:
        index: the record's look-up tables.
        page: the text.
        others: parts that were found otherwise (cut in two, spelt out).
    """
    sure = [*others, *_unspaced(index, page)]
    doubtful: dict[int, NameHit] = {}
    for number, token in enumerate(page.tokens):
        owners, verdict = _read(index, page, number)
        hit = NameHit(token.start, token.end, owners)
        if owners and verdict is Verdict.ORDINARY:
            doubtful[number] = hit
        elif owners:
            sure.append(hit)
    return [*sure, *_settled(index, page, sure, doubtful)]


def _settled(
    index: KnownIndex, page: Page, sure: list[NameHit], doubtful: dict[int, NameHit]
) -> list[NameHit]:
    """The doubtful words that are names after all; each of them can settle the next one."""
    edges: dict[int, list[NameHit]] = defaultdict(list)
    for hit in sure:
        _put(edges, hit)
    names: list[NameHit] = []
    settled = [
        number
        for number, hit in doubtful.items()
        if _beside_initial(index, page, number, hit) or _coupled(index, page, number)
    ] + [number for number, hit in doubtful.items() if _beside(index, page, number, hit, edges)]
    while settled:
        for number in dict.fromkeys(settled):
            names.append(doubtful.pop(number))
            _put(edges, names[-1])
        settled = [n for n, hit in doubtful.items() if _beside(index, page, n, hit, edges)]
    return names


def _put(edges: dict[int, list[NameHit]], hit: NameHit) -> None:
    """Enter a sure part under both its edges."""
    edges[hit.start].append(hit)
    edges[hit.end].append(hit)


def _beside(
    index: KnownIndex, page: Page, number: int, hit: NameHit, edges: dict[int, list[NameHit]]
) -> bool:
    """A sure part of the same name stands beside the doubtful word."""
    before = range(hit.start - _MOST_APART, hit.start)
    after = range(hit.end + 1, hit.end + 1 + _MOST_APART)
    return any(
        _one_name(index, page, number, hit, other)
        for edge in (*before, *after)
        for other in edges.get(edge, ())
    )


def _read(index: KnownIndex, page: Page, number: int) -> tuple[set[Owner], Verdict]:
    """Whose name part a word can be, and what context says of that."""
    word = page.word(number)
    for form in _readings(word):
        if form in index.parts:
            return index.parts[form], _verdict(index, page, number, form)
        if form in index.compounds:
            return index.compounds[form], Verdict.NAME
    if word[-1:] == "s" and word[:-1] in index.parts:
        plain = len(word) < MIN_TYPO - 1 or word in common_words()
        return index.parts[word[:-1]], Verdict.ORDINARY if plain else Verdict.NAME
    if len(word) < MIN_TYPO - 1:
        return set(), Verdict.ORDINARY
    inside = _inside(index, word)
    if inside:
        return inside, Verdict.NAME
    return _misspelt(index, page, number)


def _verdict(index: KnownIndex, page: Page, number: int, part: str) -> Verdict:
    """Context is asked about little words, short forms and two letters; the rest are names."""
    if part in CLOSED:
        return judge(page, number)
    if part in index.nicks:
        return judge_nickname(page, number)
    if len(part) == 2 and not titled(page, number):  # noqa: PLR2004 - "ng", "ed"
        before = page.before(number, 2).strip()
        if (part in UNITS and before[-1:].isdigit()) or page.between(number).startswith("/"):
            return Verdict.ORDINARY
        if part in ABBREVIATED and page.surface(number).isupper() and abbreviated(page, number):
            return Verdict.ORDINARY
    return Verdict.NAME


def _misspelt(index: KnownIndex, page: Page, number: int) -> tuple[set[Owner], Verdict]:
    """Names one letter away; an ordinary word is one only beside the rest of a name."""
    word = page.word(number)
    surface = page.surface(number)
    forms = {
        word,
        word.strip("0123456789"),
        word.replace("ss", "s"),
        word if surface.isascii() else key(one_letter(surface)),
    }
    near_parts = {part for form in forms for part in near(index.typos, form)}
    owners = {
        owner
        for part in near_parts
        for table in (index.parts, index.compounds)
        for owner in table.get(part, ())
    }
    ordinary = word in common_words() and not titled(page, number)
    return owners, Verdict.ORDINARY if ordinary else Verdict.NAME


def _inside(index: KnownIndex, word: str) -> set[Owner]:
    """Owners of a long name with something stuck to it ("drmartinez", "martinezs")."""
    if word in common_words():
        return set()
    return {
        owner
        for size in range(_MIN_INSIDE, len(word))
        for piece in (word[:size], word[-size:])
        for owner in index.parts.get(piece, ())
    }


def _beside_initial(index: KnownIndex, page: Page, number: int, hit: NameHit) -> bool:
    """An initial of the same person with its dot stands beside the word ("b. ng", "he, l.")."""
    initials = {letter for _, identity in hit.owners for letter in index.initials.get(identity, ())}
    before = _INITIAL_BEFORE.search(page.before(number, 8))
    after = _INITIAL_AFTER.match(page.folded, hit.end)
    return any(found is not None and found[1] in initials for found in (before, after))


def _coupled(index: KnownIndex, page: Page, number: int) -> bool:
    """Given name and surname of one person side by side in this order ("will long").

    A wrong letter in one of them is forgiven.
    """
    word, before = page.word(number), page.preceding(number)
    pairs = {
        (word, page.following(number)),
        (before, word),
        (before, word.removesuffix("s")),
        *((one, word) for one in near(index.typos, before)),
        *((before, other) for other in near(index.typos, word)),
    }
    return bool(before or page.following(number)) and not pairs.isdisjoint(index.couples)


def _one_name(index: KnownIndex, page: Page, number: int, hit: NameHit, beside: NameHit) -> bool:
    """A doubtful word and a sure part of one person's name with only a separator between them.

    A little word after the name in lower case is more likely itself ("martinez will return").
    """
    first, second = (hit, beside) if hit.start < beside.start else (beside, hit)
    if not 0 < second.start - first.end <= _MOST_APART or not hit.owners & beside.owners:
        return False
    gap = page.folded[first.end : second.start]
    if not APART.fullmatch(gap):
        return False
    little = page.word(number) in CLOSED or page.word(number) in common_words()
    follows = first is beside and gap.isspace() and page.surface(number).islower()
    given = regex.sub(r"[^\p{L}]", "", page.folded[beside.start : beside.end])
    told = given in CLOSED or (given, page.word(number)) in index.couples
    return told or not (little and follows)


def _unspaced(index: KnownIndex, page: Page) -> list[NameHit]:
    """Names in scripts that put no spaces between words."""
    return [
        NameHit(m.start(), m.end(), set(owners))
        for form, owners in index.unspaced.items()
        for m in regex.finditer(regex.escape(form), page.folded)
    ]


def _readings(word: str) -> tuple[str, ...]:
    """A word, without digits around it, and with digits read as letters ("R0bert5")."""
    if word.isalpha() or word.isdigit():
        return (word,)
    bare = word.strip("0123456789")
    return (word, bare, word.translate(_LEET), bare.translate(_LEET))
