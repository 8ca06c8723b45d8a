"""The identifiers of one record, prepared for finding them in any disguise.

Names are looked up word by word, other identifiers in the text without its separators,
organisations and addresses as runs of words. Everything is built once a record, so a search costs
a few dictionary look-ups a word.
"""

from __future__ import annotations

import regex

from compliance.deidentify.known_dates import add_date
from compliance.deidentify.known_grammar import CLOSED
from compliance.deidentify.known_near import deletion_table
from compliance.deidentify.known_tables import (
    MIN_FREE_CODE,
    MIN_TYPO,
    KnownIndex,
    Owner,
)
from compliance.deidentify.known_values import add_value
from compliance.deidentify.record import Known, KnownName
from compliance.deidentify.vocabulary import common_words, nicknames

__all__ = ["MIN_FREE_CODE", "KnownIndex", "build_index"]

_MIN_COMPOUND = 4
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]+")


def build_index(known: tuple[Known, ...]) -> KnownIndex:
    """Prepare the look-up tables for the identifiers of a record."""
    index = KnownIndex()
    for item in known:
        if isinstance(item, KnownName):
            _add_name(index, item)
        elif item.type == "DATE":
            index.codes.update(add_date(index.dates, item.value))
        else:
            add_value(index, item)
    for runs in index.runs.values():
        runs.sort(key=lambda run: -len(run[0]))
        index.run_words.update(word for run, _ in runs for word in run if len(word) >= MIN_TYPO)
    index.typos = deletion_table(
        word
        for word in {*index.parts, *index.compounds, *index.words, *index.run_words}
        if len(word) >= MIN_TYPO and word.isalpha()
    )
    return index


def _add_name(index: KnownIndex, name: KnownName) -> None:
    """Parts, nicknames, spellings, run-together forms and initials of one name."""
    owner = (name.role, name.identity)
    for word in (*name.given, *name.family):
        index.initials[name.identity].add(word[0])
        for form in _spellings(word):
            if len(form) > 1 or _UNSPACED.fullmatch(form):
                index.parts[form].add(owner)
                index.nicks.discard(form)
    for word in name.given:
        for nick in nicknames(_letters(word)):
            if nick not in index.parts and (nick in common_words() or nick in CLOSED):
                index.nicks.add(nick)
            index.parts[nick].add(owner)
            index.initials[name.identity].add(nick[0])
    index.couples.update((one, other) for one in name.given for other in name.family)
    given, family = list(map(_letters, name.given)), list(map(_letters, name.family))
    _add_compounds(index, owner, given, family)
    _add_unspaced(index, owner, given, family)
    _add_initials(index, owner, given, family)


def _add_compounds(index: KnownIndex, owner: Owner, given: list[str], family: list[str]) -> None:
    """Names run together, as in user names, with nicknames and an initial for the given name."""
    whole, last = "".join(given), "".join(family)
    firsts = ["".join(given[:count]) for count in range(2, len(given))]
    nicks = [nick for word in given[:1] for nick in (word, *nicknames(word))]
    for joined in (
        whole + last,
        last + whole,
        whole,
        last,
        *(a + b for word in (*given, *firsts) for a, b in ((word, last), (last, word))),
        *(a + b for n in nicks for f in {*family, last} for a, b in ((n, f), (f, n))),
        *(a + b for g in given[:1] for f in {*family, last} for a, b in ((g[0], f), (f, g[0]))),
        *(a + b for a in family for b in family if a != b),
        *(a + b for a in given for b in given if a != b),
    ):
        if len(joined) >= _MIN_COMPOUND:
            index.compounds[joined].add(owner)


def _add_unspaced(index: KnownIndex, owner: Owner, given: list[str], family: list[str]) -> None:
    """Names of scripts that put no spaces between words."""
    whole, last = "".join(given), "".join(family)
    for form in {whole + last, last + whole, whole, last}:
        if len(form) > 1 and _UNSPACED.fullmatch(form):
            index.unspaced[form].add(owner)


def _add_initials(index: KnownIndex, owner: Owner, given: list[str], family: list[str]) -> None:
    """Initials of the first and the last names in both orders, of all, and of both given names."""
    if not given or not family or owner[0] == "ORGANIZATION":
        return
    first, last = [g[0] for g in given], [f[0] for f in family]
    for run in (
        [first[0], last[0]],
        [last[0], first[0]],
        [first[0], last[-1]],
        [first[0], *last],
        [*first, last[0]],
        [*first, *last],
        [*last, *first],
    ):
        if all(letter.isalpha() for letter in run):
            index.initial_runs["".join(run)].add(owner)


def _letters(word: str) -> str:
    """A word without its digits (synthetic records write "Ann123")."""
    return regex.sub(r"\d", "", word) or word


def _spellings(word: str) -> set[str]:
    """Forms of one folded name word: without digits, Mc and Mac."""
    plain = _letters(word)
    forms = {word, plain}
    for mac, other in (("mac", "mc"), ("mc", "mac")):
        if plain.startswith(mac) and len(plain) > len(mac) + 3:
            forms.add(other + plain[len(mac) :])
    return forms
