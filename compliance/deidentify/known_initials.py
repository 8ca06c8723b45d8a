"""Find people by their initials alone ("M.T.", "pt MT"), and initials beside their names."""

from __future__ import annotations

import regex

from compliance.deidentify.known_names import NameHit
from compliance.deidentify.known_page import Page
from compliance.deidentify.known_tables import KnownIndex, Owner

_DOTTED = regex.compile(
    r"(?<![\p{L}\d.])(?:(?:\p{L}\.[\s\-]?){1,5}\p{L}\.|(?:\p{L}\.){1,5}\p{L}(?![\p{L}\d]))"
)
_CLOSE = regex.compile(r"(?<![\p{L}\d.])\p{L}{2,6}(?![\p{L}\d]|\.\p{L})")
_LOOSE = regex.compile(
    r"(?<![\p{L}\d.])\p{L}(?P<gap>[\s.\-*_|/]{1,2})(?:\p{L}(?P=gap)){0,4}\p{L}(?![\p{L}\d])"
)
_SAYS_SO = regex.compile(
    r"\b(?:initials?|iniciales)[\s.:,]*(?:(?:are|is|son)[\s.:,]+)?[\"'(]?$", regex.I
)
_CUE = regex.compile(
    r"(?:\bpatient|\bpaciente|\bpt|\bclient|\bsigned|\bfirmado|\bre|"
    r"\bregarding|\bmr|\bmrs|\bms|\bmiss|\bdr|\bdra|\bsr|\bsra|\bname\s+is|\bnamed)[\s.:,]*"
    r"(?:(?:are|is|by|por|es|son|de|name|named|known\s+as|as)[\s.:,]+){0,3}[\"'(]?$",
    regex.IGNORECASE,
)
_SPEAKER = regex.compile(
    r"\s*(?:,?\s*(?:a\s+)?\d{2}[\s\-]*(?:y/?o|years?|year|yr|anos)|"
    r"\s(?:says|said|told|reports|reported|denies|feels|felt|lives|takes|refiere|dice)\b)"
)
_WITH_DOTS = frozenset(
    "am pm eg ie po iv im sc sl pr od os ou hs qd bd id bid tid qid prn us uk usa md rn np pa er "
    "ed ac pc cc st jr sr phd ca".split()
)
"""Abbreviations that are written with dots too."""
_ORDINARY = _WITH_DOTS | frozenset("dob mri ct ms icu bp hr rr bm gi gu ent ob gyn dc".split())
_LINK = r"(?:(?:de|la|las|los|del|von|van|der|den|al|el|y)[\s\-_:|,./]{1,3}){0,3}"
_RUN_BEFORE = regex.compile(
    rf"(?<![\p{{L}}\d'])(?P<run>(?:\p{{L}}(?:\.|(?=[\s\-_]))[\s\-_,/|.:]*){{1,3}}){_LINK}$"
)
_ONE_AFTER = regex.compile(
    r"[\s,/|_:;.\-]{0,4}(?<=[^\p{L}\d])(?P<letter>\p{L})(?:(?P<dot>\.)|(?![\p{L}\d'.]))"
)
_A_LONE = frozenset("aiyeo")


def find_initials(index: KnownIndex, page: Page) -> list[NameHit]:
    """Initials with dots wherever they stand; without dots, or like an abbreviation, by a cue."""
    if not index.initial_runs:
        return []
    found: list[NameHit] = []
    for pattern in (_DOTTED, _CLOSE, _LOOSE):
        for match in pattern.finditer(page.text):
            places = [i for i in range(*match.span()) if page.text[i].isalpha()]
            for count in {len(places), len(places) - 1} if pattern is _LOOSE else {len(places)}:
                letters = "".join(page.folded[i] for i in places[:count])
                owners = index.initial_runs.get(letters)
                if owners and _meant(page, match, letters, dotted=pattern is _DOTTED):
                    end = match.end() if count == len(places) else places[count - 1] + 1
                    found.append(NameHit(match.start(), end, set(owners)))
    return found


def _meant(page: Page, match: regex.Match[str], letters: str, *, dotted: bool) -> bool:
    """Whether letters are someone's initials and no abbreviation."""
    if dotted and letters not in _WITH_DOTS:
        return True
    before = page.text[max(0, match.start() - 40) : match.start()]
    if _SAYS_SO.search(before):
        return True
    if not dotted and (not match[0].isupper() or not match[0].isalpha()):
        return False
    if _CUE.search(before):
        return True
    return letters not in _ORDINARY and bool(_SPEAKER.match(page.text, match.end()))


def with_initials(
    index: KnownIndex, page: Page, start: int, end: int, owners: set[Owner]
) -> tuple[int, int]:
    """Stretch a name over initials of the people it can belong to, on either side."""
    initials = {letter for _, who in owners for letter in index.initials.get(who, ())}
    if not initials:
        return start, end
    return _before(page, start, initials), _after(page, end, initials)


def _before(page: Page, start: int, initials: set[str]) -> int:
    """Where the initials before ``start`` begin ("J. M. de la Cruz")."""
    run = _RUN_BEFORE.search(page.folded, max(0, start - 24), start)
    if not run:
        return start
    first = start
    for place in reversed([i for i in range(*run.span("run")) if page.folded[i].isalpha()]):
        letter = page.folded[place]
        alone = letter in _A_LONE and page.folded[place + 1] != "."
        if letter not in initials or (alone and not page.text[place].isupper()):
            break
        first = place
    return first


def _after(page: Page, end: int, initials: set[str]) -> int:
    """Where the initials after ``end`` stop ("Tovar, M.L.")."""
    for _ in range(2):
        found = _ONE_AFTER.match(page.folded, end)
        if not found or found["letter"] not in initials:
            break
        alone = found["letter"] in _A_LONE and not found["dot"]
        if alone and not page.text[found.start("letter")].isupper():
            break
        end = found.end()
    return end
