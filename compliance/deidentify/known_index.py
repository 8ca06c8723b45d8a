"""The identifiers of one record, prepared for finding them in any disguise.

Names are looked up word by word, other identifiers in the text without its separators,
organisations and addresses as runs of words. Everything is built once a record, so a search costs
a few dictionary look-ups a word.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import phonenumbers
import regex

from compliance.deidentify.known_words import GENERIC, STREET_WORDS, canonical
from compliance.deidentify.normalise import fold
from compliance.deidentify.record import Known, KnownName, KnownValue
from compliance.deidentify.vocabulary import common_words, eponyms, nicknames

MIN_TYPO = 5
"""Shortest name part, in letters, for which one wrong letter is forgiven."""
MIN_FREE_CODE = 7
"""Shortest code, in characters, that counts inside longer runs; shorter ones need boundaries."""
_MIN_CODE = 4
_OLD = 89

Owner = tuple[str, str]
"""Entity type and identity."""


@dataclass(slots=True)
class KnownIndex:
    """Look-up tables.

    Attributes:
        parts: folded name word (nicknames too) to its owners.
        compounds: words of a name run together ("johnsmith"), to their owners.
        typos: name parts with one letter removed, to the part.
        initials: identity to the initials of its names.
        towns: folded one-word towns, and telling words of organisations, to their owners.
        codes: identifiers without separators, to their owner.
        runs: first word to runs of words (longest first) with their owner.
        dates: expression for birth dates in partial forms, or None.
        years: years of birth that tell an age over 89.
    """

    parts: dict[str, set[Owner]] = field(default_factory=lambda: defaultdict(set))
    compounds: dict[str, set[Owner]] = field(default_factory=lambda: defaultdict(set))
    typos: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    initials: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    towns: dict[str, Owner] = field(default_factory=dict)
    org_words: dict[str, Owner] = field(default_factory=dict)
    codes: dict[str, Owner] = field(default_factory=dict)
    runs: dict[str, list[tuple[tuple[str, ...], Owner]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    dates: regex.Pattern[str] | None = None
    years: frozenset[str] = frozenset()


def build_index(known: tuple[Known, ...]) -> KnownIndex:
    """Prepare the look-up tables for the identifiers of a record."""
    index = KnownIndex()
    births: list[date] = []
    for item in known:
        if isinstance(item, KnownName):
            _add_name(index, item)
        elif item.type == "DATE":
            births += _add_birth(index, item)
        else:
            _ADD.get(item.type, _add_code)(index, item)
    for runs in index.runs.values():
        runs.sort(key=lambda run: -len(run[0]))
    for word in (*index.parts, *index.towns):
        if len(word) >= MIN_TYPO and word.isalpha():
            for shorter in deletions(word):
                index.typos[shorter].add(word)
    if births:
        index.dates = regex.compile("|".join(map(_partial_date, births)), regex.IGNORECASE)
        this_year = datetime.now(tz=UTC).year
        index.years = frozenset(str(b.year) for b in births if this_year - b.year > _OLD)
    return index


def deletions(word: str) -> set[str]:
    """``word`` and every word that lacks one of its letters."""
    return {word} | {word[:i] + word[i + 1 :] for i in range(len(word))}


def _add_name(index: KnownIndex, name: KnownName) -> None:
    """Parts, nicknames, spellings, run-together forms and initials of one name."""
    owner = (name.role, name.identity)
    for word in (*name.given, *name.family):
        index.initials[name.identity].add(word[0])
        for form in _spellings(word):
            if len(form) > 1:
                index.parts[form].add(owner)
    for word in name.given:
        for nick in nicknames(_letters(word)):
            index.parts[nick].add(owner)
            index.initials[name.identity].add(nick[0])
    given, family = list(map(_letters, name.given)), list(map(_letters, name.family))
    nicks = [nick for word in given[:1] for nick in (word, *nicknames(word))]
    for joined in (
        "".join(name.given + name.family),
        "".join(name.family + name.given),
        "".join(given + family),
        "".join(family + given),
        "".join(given),
        "".join(family),
        *(n + "".join(family) for n in nicks),
        *("".join(family) + n for n in nicks),
        *(n + f for n in nicks for f in family),
    ):
        if len(joined) >= _MIN_CODE:
            index.compounds[joined].add(owner)


def _letters(word: str) -> str:
    """A word without its digits (synthetic records write "Ann123")."""
    return regex.sub(r"\d", "", word) or word


def _spellings(word: str) -> set[str]:
    """Forms of one folded name word: without digits, umlauts written out, Mc and Mac."""
    plain = _letters(word)
    forms = {word, plain}
    for mac, other in (("mac", "mc"), ("mc", "mac")):
        if plain.startswith(mac) and len(plain) > len(mac) + 3:
            forms.add(other + plain[len(mac) :])
    return forms


def _add_birth(index: KnownIndex, item: KnownValue) -> list[date]:
    """A birth date as digits in every order; returns it when it is a whole date."""
    try:
        born = date.fromisoformat(item.value[:10])
    except ValueError:
        return []
    owner = ("DATE", "DATE:" + born.isoformat())
    y, m, d = f"{born:%Y}", f"{born:%m}", f"{born:%d}"
    for digits in (y + m + d, m + d + y, d + m + y, y[2:] + m + d, m + d + y[2:], d + m + y[2:]):
        index.codes[digits] = owner
    return [born]


def _partial_date(born: date) -> str:
    """Day and month of a birth date in either order, in digits or words."""
    month = _MONTHS[born.month - 1]
    day = rf"0?{born.day}(?:st|nd|rd|th)?"
    number = rf"0?{born.month}"
    return (
        rf"(?<![\d/.])(?:{day}\s*(?:of|de|-|/|\.)?\s*(?:{month})|(?:{month})\.?\s*(?:the\s*)"
        rf"?{day}(?!\d)|"
        rf"{number}\s?[/-]\s?0?{born.day}(?![\d/])|0?{born.day}\s?[/-]\s?{number}(?![\d/]))"
        rf"(?:\s*,?\s*(?:de|of|del|/|-|\.)?\s*(?:{born.year}|'?{born:%y}(?!\d)))?(?!\p{{L}})"
    )


_MONTHS = (
    "jan(?:uary)?|enero|ene",
    "feb(?:ruary)?|febrero",
    "mar(?:ch|zo)?",
    "apr(?:il)?|abr(?:il)?",
    "mayo?",
    "june?|junio",
    "july?|julio",
    "aug(?:ust)?|ago(?:sto)?",
    "sep(?:t|tember)?|sep?tiembre",
    "oct(?:ober|ubre)?",
    "nov(?:ember|iembre)?",
    "dec(?:ember)?|dic(?:iembre)?",
)


def compact(text: str) -> str:
    """Folded letters and digits of ``text`` alone."""
    return regex.sub(r"[^\p{L}\d]", "", fold(text))


def _add_code(index: KnownIndex, item: KnownValue) -> None:
    """An identifier without separators, also without leading zeros."""
    code = compact(item.value)
    for form in {code, code.lstrip("0")}:
        if len(form) >= _MIN_CODE:
            index.codes[form] = (item.type, f"{item.type}:{code}")


def _add_phone(index: KnownIndex, item: KnownValue) -> None:
    """A number with and without country code, and its local seven digits."""
    digits = regex.sub(r"\D", "", item.value)
    forms = {digits}
    for region in ("US", "ES"):
        try:
            parsed = phonenumbers.parse(item.value, region)
        except phonenumbers.NumberParseException:
            continue
        national = phonenumbers.national_significant_number(parsed)
        forms |= {national, f"{parsed.country_code}{national}"}
    if len(digits) >= 10:  # noqa: PLR2004 - a number of the rule itself
        forms |= {digits[-10:], digits[-7:]}
    for form in forms:
        if len(form) >= MIN_FREE_CODE:
            index.codes[form] = (item.type, f"PHONE:{digits}")


def _add_email(index: KnownIndex, item: KnownValue) -> None:
    """A whole address, and its local part where that is long enough to tell someone."""
    owner = (item.type, f"EMAIL:{fold(item.value)}")
    whole, local = compact(item.value), compact(item.value.split("@")[0])
    for form in {whole, local}:
        if (len(form) > 5 or (len(form) > 3 and not form.isalpha())) and form not in common_words():  # noqa: PLR2004 - a number of the rule itself
            index.codes[form] = owner


def _add_zip(index: KnownIndex, item: KnownValue) -> None:
    """A postal code, and its first five digits."""
    code = compact(item.value)
    for form in {code, code[:5]}:
        if len(form) >= _MIN_CODE:
            index.codes[form] = (item.type, f"ZIP:{form[:5]}")


def _add_town(index: KnownIndex, item: KnownValue) -> None:
    """A town of one word, or a run of words."""
    words = tuple(_run_words(item.value))
    owner = ("LOCATION", f"LOCATION:{' '.join(words)}")
    if len(words) == 1 and len(words[0]) > 2:  # noqa: PLR2004 - a number of the rule itself
        index.towns[words[0]] = owner
    elif words:
        index.runs[words[0]].append((words, owner))


def _add_run(index: KnownIndex, item: KnownValue) -> None:
    """An organisation or a street: the whole run and every part of it that is telling."""
    words = _run_words(item.value)
    owner = (item.type, f"{item.type}:{' '.join(words)}")
    generic = GENERIC if item.type == "ORGANIZATION" else STREET_WORDS
    telling = {
        w
        for w in words
        if len(w) > 3  # noqa: PLR2004 - a number of the rule itself
        and w.isalpha()
        and w not in generic
        and w not in common_words()
        and w not in eponyms()
    }
    for i in range(len(words)):
        for j in range(i + 2, min(len(words), i + 9) + 1):
            run = words[i:j]
            if (
                (i, j) == (0, len(words))
                or telling & set(run)
                or (item.type == "ADDRESS" and run[0].isdigit() and len(run) > 2)  # noqa: PLR2004 - a number of the rule itself
            ):
                index.runs[run[0]].append((tuple(run), owner))
    for word in telling:
        if len(word) >= MIN_TYPO:
            index.org_words.setdefault(word, owner)
    if len(words) == 1 and words[0] not in common_words():
        index.org_words.setdefault(words[0], owner)


def _run_words(text: str) -> list[str]:
    """Folded, canonical words of an organisation's name or an address line."""
    return [canonical(word) for word in regex.findall(r"[\p{L}\d]+", fold(text).replace("'", ""))]


_ADD = {
    "PHONE_NUMBER": _add_phone,
    "EMAIL_ADDRESS": _add_email,
    "ZIP": _add_zip,
    "LOCATION": _add_town,
    "ORGANIZATION": _add_run,
    "ADDRESS": _add_run,
}
