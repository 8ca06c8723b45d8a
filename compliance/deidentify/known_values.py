"""How numbers, addresses, towns and organisations of a record enter its look-up tables."""

from __future__ import annotations

import phonenumbers
import regex

from compliance.deidentify.known_grammar import CLOSED
from compliance.deidentify.known_tables import (
    MIN_CODE,
    MIN_FREE_CODE,
    MIN_TYPO,
    KnownIndex,
)
from compliance.deidentify.known_words import GENERIC, SPECIALTY, STREET_WORDS, canonical
from compliance.deidentify.normalise import fold
from compliance.deidentify.record_values import KnownValue, key
from compliance.deidentify.vocabulary import common_words, eponyms, word_set

_FULL_NUMBER = 10
_LOCAL_NUMBER = 7
_MIN_LOCAL_PART = 4
_MAX_RUN = 9
_NOBODY = word_set("no none not self pay payer insurance insured uninsured unknown other home")
_UDI_PART = regex.compile(r"\((?:10|21)\)([^()]+)")


def add_value(index: KnownIndex, item: KnownValue) -> None:
    """Enter one identifier that is no name and no date."""
    _ADD.get(item.type, _add_code)(index, item)


def compact(text: str) -> str:
    """Folded letters and digits of ``text`` alone."""
    return regex.sub(r"[^\p{L}\d]", "", key(text))


def _add_code(index: KnownIndex, item: KnownValue) -> None:
    """An identifier without separators, also without leading zeros; parts of a whole UDI."""
    whole = compact(item.value)
    parts = [compact(part) for part in _UDI_PART.findall(item.value)]
    for code in (whole, *parts):
        for form in {code, code.lstrip("0")}:
            if len(form) >= MIN_CODE and form not in common_words():
                index.codes[form] = (item.type, f"{item.type}:{whole}")


def _add_url(index: KnownIndex, item: KnownValue) -> None:
    """An address of the web, also without its scheme."""
    _add_code(index, item)
    bare = regex.sub(r"^\w+://(?:www\.)?", "", item.value)
    _add_code(index, KnownValue(item.type, item.identity, bare))


def _add_phone(index: KnownIndex, item: KnownValue) -> None:
    """A number with and without country code, and its local seven digits."""
    digits = regex.sub(r"\D", "", fold(item.value))
    forms = {digits}
    for region in ("US", "ES"):
        try:
            parsed = phonenumbers.parse(item.value, region)
        except phonenumbers.NumberParseException:
            continue
        national = phonenumbers.national_significant_number(parsed)
        forms |= {national, f"{parsed.country_code}{national}"}
    if len(digits) >= _FULL_NUMBER:
        forms |= {digits[-_FULL_NUMBER:], digits[-_LOCAL_NUMBER:]}
    for form in forms:
        if len(form) >= MIN_FREE_CODE:
            index.codes[form] = (item.type, f"PHONE:{digits}")


def _add_email(index: KnownIndex, item: KnownValue) -> None:
    """A whole address, and its local part where that is long enough to tell someone."""
    owner = (item.type, f"EMAIL:{fold(item.value)}")
    local = compact(item.value.split("@")[0])
    index.codes[compact(item.value)] = owner
    if len(local) >= _MIN_LOCAL_PART and local not in common_words():
        index.codes[local] = owner


def _add_zip(index: KnownIndex, item: KnownValue) -> None:
    """A postal code, and its first five digits."""
    code = compact(item.value)
    for form in {code, code[:5]}:
        if len(form) >= MIN_CODE:
            index.codes[form] = (item.type, f"ZIP:{form[:5]}")


def _add_town(index: KnownIndex, item: KnownValue) -> None:
    """A town of one word, or a run of words."""
    words = tuple(_run_words(item.value))
    owner = ("LOCATION", f"LOCATION:{' '.join(words)}")
    if len(words) == 1 and len(words[0]) > 2:  # noqa: PLR2004 - two letters are a state
        index.words[words[0]] = owner
    elif words:
        index.runs[words[0]].append((words, owner))
        index.words.setdefault("".join(words), owner)


def _add_run(index: KnownIndex, item: KnownValue) -> None:
    """An organisation or a street: the whole run and every part of it that is telling."""
    words = _run_words(item.value)[: 4 * _MAX_RUN]
    owner = (item.type, f"{item.type}:{' '.join(words)}")
    street = item.type == "ADDRESS"
    if set(words) <= _NOBODY:
        return
    telling = {w for w in words if _telling(w, STREET_WORDS if street else GENERIC)}
    for i in range(len(words)):
        for j in range(i + 2, min(len(words), i + _MAX_RUN) + 1):
            run = words[i:j]
            if (i, j) == (0, len(words)) or telling & set(run) or (street and _is_street(run)):
                index.runs[run[0]].append((tuple(run), owner))
    for word in telling:
        if len(word) >= MIN_TYPO:
            index.words.setdefault(word, owner)
    if len(words) == 1 and len(words[0]) > 2 and words[0] not in common_words() | GENERIC:  # noqa: PLR2004 - two letters are an abbreviation
        index.words.setdefault(words[0], owner)


def _telling(word: str, generic: frozenset[str]) -> bool:
    """A word that points to one place, not to a kind of place."""
    return (
        len(word) > 3  # noqa: PLR2004 - shorter ones are abbreviations
        and word.isalpha()
        and word not in generic
        and word not in common_words()
        and word not in eponyms()
        and not SPECIALTY.fullmatch(word)
    )


def _is_street(run: list[str]) -> bool:
    """A house number with a name, a name with its kind of street, or two words of a name."""
    names = [w for w in run if w not in STREET_WORDS and not w.isdigit()]
    if not names or all(w in CLOSED for w in names):
        return False
    return run[0].isdigit() or run[-1].isdigit() or run[-1] in STREET_WORDS or len(names) > 1


def _run_words(text: str) -> list[str]:
    """Folded, canonical words of an organisation's name or an address line."""
    folded = key(text).replace("'", "")
    return [canonical(word) for word in regex.findall(r"[\p{L}\p{M}\d]+", folded)]


_ADD = {
    "PHONE_NUMBER": _add_phone,
    "EMAIL_ADDRESS": _add_email,
    "URL": _add_url,
    "ZIP": _add_zip,
    "LOCATION": _add_town,
    "ORGANIZATION": _add_run,
    "ADDRESS": _add_run,
}
