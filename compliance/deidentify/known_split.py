"""Find names whose letters are apart: cut over two lines, hyphenated, or spelt out."""

from __future__ import annotations

import regex

from compliance.deidentify.known_names import NameHit
from compliance.deidentify.known_near import near
from compliance.deidentify.known_page import Page
from compliance.deidentify.known_tables import MIN_TYPO, KnownIndex, Owner
from compliance.deidentify.normalise import fold
from compliance.deidentify.vocabulary import common_words

_JOIN = regex.compile(r"[\s\-'._]{0,4}")
_CUT = regex.compile(r"[^\p{L}\d]*[\-\n'][^\p{L}\d]*")
_SPACED = regex.compile(
    r"(?<![\p{L}\d])(?:(?:ss|[\p{L}\d])[\s.\-_*,/|'~+:;]{1,4}){2,}(?:ss|[\p{L}\d])(?![\p{L}\d])"
)
_MIN_JOINED = 4
_MIN_SPELT = 3
_MOST_PIECES = 4


def find_joined(index: KnownIndex, page: Page) -> list[NameHit]:
    """Names cut in two or more ("Smi-" "th", "Mc Donald") or with a hyphen left out."""
    found: list[NameHit] = []
    for number, token in enumerate(page.tokens):
        word, cut = token.word, False
        for last in range(number + 1, min(number + _MOST_PIECES, len(page.tokens))):
            gap = page.between(last - 1)
            if not _JOIN.fullmatch(gap) or (gap == "'" and page.word(last) == "s"):
                break
            word, cut = word + page.word(last), cut or bool(_CUT.fullmatch(gap))
            whole = any(page.word(n) in index.parts for n in range(number, last + 1))
            owners = _owners(index, word, cut=cut and not whole)
            if owners and (cut or not _ordinary(page, number, last)):
                found.append(NameHit(token.start, page.tokens[last].end, owners))
    return found


def _owners(index: KnownIndex, word: str, *, cut: bool) -> set[Owner]:
    """Whose name the joined pieces make; a wrong letter is forgiven where a word was cut."""
    if len(word) < _MIN_JOINED:
        return set()
    tables = (index.parts, index.compounds)
    bare = word.removesuffix("s")
    exact = next((t[w] for w in (word, bare) for t in tables if w in t), None)
    if exact:
        return set(exact)
    if not cut or len(word) < MIN_TYPO or word in common_words():
        return set()
    return {
        owner
        for part in near(index.typos, word)
        for table in tables
        for owner in table.get(part, ())
    }


def _ordinary(page: Page, first: int, last: int) -> bool:
    """True when every piece is an ordinary word: "how long will" names nobody."""
    return all(page.word(number) in common_words() for number in range(first, last + 1))


def find_spelt(index: KnownIndex, page: Page) -> list[NameHit]:
    """Names with their letters apart: "J o h n", "S-m-i-t-h"."""
    found: list[NameHit] = []
    for run in _SPACED.finditer(page.folded):
        spelt = [(c, i) for i in range(*run.span()) for c in fold(page.folded[i]) if c.isalnum()]
        letters, places = "".join(c for c, _ in spelt), [i for _, i in spelt]
        if sum(map(str.isalpha, letters)) < _MIN_SPELT:
            continue
        for start, end, owners in _spelt(index, letters):
            found.append(NameHit(places[start], places[end - 1] + 1, owners))
    return found


def _spelt(index: KnownIndex, letters: str) -> list[tuple[int, int, set[Owner]]]:
    """Names in letters that were apart, with offsets into them."""
    found: list[tuple[int, int, set[Owner]]] = []
    for table in (index.parts, index.compounds):
        for form, owners in table.items():
            at = letters.find(form) if len(form) >= _MIN_SPELT else -1
            while at >= 0:
                found.append((at, at + len(form), set(owners)))
                at = letters.find(form, at + 1)
    if not found and len(letters) >= MIN_TYPO - 1:
        owners = {
            o
            for part in near(index.typos, letters)
            for t in (index.parts, index.compounds)
            for o in t.get(part, ())
        }
        if owners:
            found.append((0, len(letters), owners))
    return found
