"""Where a name ends: cut a run of words at the first one that is ordinary language."""

from __future__ import annotations

import regex

from compliance.deidentify.normalise import fold
from compliance.deidentify.vocabulary import common_words, eponyms, given_names, word_set

_WORD = regex.compile(r"\p{L}[\p{L}'-]*\.?")
_PARTICLES = frozenset(
    [
        "de",
        "la",
        "los",
        "las",
        "del",
        "da",
        "do",
        "dos",
        "van",
        "von",
        "der",
        "den",
        "bin",
        "ibn",
        "al",
        "el",
        "y",
        "i",
        "st.",
    ]
)


def trimmed_name(
    text: str, start: int, end: int, *, lower: bool = False, strong: bool = False
) -> tuple[int, int] | None:
    """The part of ``text[start:end]`` that can be a name, or None.

    Args:
        text: plain text.
        start: offset of the first word.
        end: one past the last word.
        lower: names may be in lower case; then the first ordinary word ends the name.
        strong: the cue leaves no doubt (a title), so one ordinary capitalised word is a name too.
    """
    stop: int | None = None
    words = list(_WORD.finditer(text, start, end))
    for index, match in enumerate(words):
        plain = fold(match[0].strip("'-.")).removesuffix("'s")
        if plain in _PARTICLES and (index or strong) and index + 1 < len(words):
            continue
        if plain in _TITLES and index + 1 < len(words):
            continue
        if not _may_be_name(match[0], plain, first=index == 0, lower=lower, strong=strong):
            break
        stop = match.end()
        if text[:stop].endswith("'s"):
            stop -= 2
            break
    if stop is None:
        return None
    while text[stop - 1] in ".'-" and stop - start > 2:  # noqa: PLR2004 - a number of the rule itself
        stop -= 1
    return words[0].start(), stop


def is_eponym(text: str) -> bool:
    """True for eponyms and drug names that must stay readable."""
    plain = fold(text).removesuffix("'s").strip(" .'")
    return plain in eponyms() or plain + "'s" in eponyms()


def _may_be_name(word: str, plain: str, *, first: bool, lower: bool, strong: bool) -> bool:
    """Whether one word may stand in a name."""
    capital = word[0].isupper()
    if len(plain) == 1:
        return capital and (not first or word.endswith("."))
    if plain in given_names():
        return capital or lower
    if plain in _NEVER:
        return False
    if plain in common_words():
        return (capital and (strong or not first)) or (lower and strong and first)
    return capital or lower


_TITLES = word_set("dr dra mr mrs ms sr sra srta prof don dona")
_NEVER = word_set(
    "dr dra mr mrs ms sr sra srta prof varon mujer hombre nino nina lactante recien se "
    "neonato femenino masculino male female nocol ncol direccion "
    "correo telefono fax said says told and who wants wanted does did gave thinks "
    "thought recommended prescribed "
    "i the a an and or but if is was has had have would can could he she they we you my "
    "your his her their our it its this that these "
    "those in on at of to for from with by about as not no yes do does did el la los las "
    "un una y o pero si en con por para sin su mi tu que "
    "patient doctor nurse today tomorrow yesterday monday tuesday wednesday thursday "
    "friday saturday sunday january february april june july "
    "august september october november december please thanks thank hello hi phone email "
    "date age sex address edad sexo fecha apellidos nombre "
    "domicilio localidad provincia medico servicio informe episodio motivo antecedentes "
    "nhc nass cp dob mrn ssn"
)
