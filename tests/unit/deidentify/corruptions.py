"""Ways to write a record's identifiers so that a detector might miss them.

An identifier is written as pieces, each marked whether it tells someone. Two corruptions meet in
every case: one of how it is put together (order, initials, nickname, format), and one of spelling,
layout or characters. Particles ("de", "von"), the year of a date and the country code of a number
tell nobody. A slip of one letter that makes an ordinary word is only made beside another part of
the name, and pronouns that are names ("He") are not written alone: nobody could read a name there.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime

from corruption_records import PARTICLES, Person, Record

from compliance.deidentify.record_values import key
from compliance.deidentify.vocabulary import common_words, nicknames

Pieces = list[tuple[str, bool]]
"""Text, and whether it tells someone."""

MONTHS = (
    "January February March April May June July August September October November December"
).split()
MESES = (
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
).split()
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first "
    "twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth twenty-seventh "
    "twenty-eighth twenty-ninth thirtieth thirty-first"
).split()
_SAID = "zero one two three four five six seven eight nine".split()
_SHORT = {
    "Street": "St",
    "Avenue": "Ave",
    "Road": "Rd",
    "Boulevard": "Blvd",
    "Lane": "Ln",
    "North": "N",
    "Calle": "C/",
}


def plain(text: str) -> str:
    """Lower case without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def name(made: Record, rng: random.Random) -> Pieces:
    """Some person's name in some order, misspelt, cut or spelt out."""
    who = rng.choice(made.people)
    pieces = rng.choice(_NAME_FORMS)(who, rng)
    return rng.choice(_NAME_TWISTS)(pieces, rng)


def _parts(text: str) -> Pieces:
    """Words of a name and what stands between them; particles tell nobody."""
    return [
        (part, part.lower() not in PARTICLES and any(map(str.isalnum, part)))
        for part in re.split(r"([\s\-]+)", text)
        if part
    ]


def _between(*parts: Pieces, gap: str = " ") -> Pieces:
    """Parts with ``gap`` between them."""
    joined: Pieces = []
    for number, part in enumerate(parts):
        joined += [(gap, False)] if number else []
        joined += part
    return joined


def _full(who: Person, rng: random.Random) -> Pieces:
    return _between(*map(_parts, (*who.given, who.family)))


def _reordered(who: Person, rng: random.Random) -> Pieces:
    gap = rng.choice((", ", " ", ",", " - "))
    return _between(_parts(who.family), _parts(who.given[0]), gap=gap)


def _initialled(who: Person, rng: random.Random) -> Pieces:
    initial = [(f"{who.given[0][0]}.", True)]
    if not who.given[0][0].isascii():
        return _full(who, rng)
    if rng.random() < 0.5:
        return _between(initial, _parts(who.family))
    return _between(_parts(who.family), initial, gap=", ")


def _alone(who: Person, rng: random.Random) -> Pieces:
    """One word of the name, where it can be read as one."""
    words = [w for p in (*who.given, who.family) for w, secret in _parts(p) if secret]
    word = rng.choice(words)
    if len(word) == 1 or "'" in word[:2] or word in _PRONOUNS:
        return _full(who, rng)
    return [(word, True)]


def _nicknamed(who: Person, rng: random.Random) -> Pieces:
    known = sorted(nicknames(plain(who.given[0])))
    if not known:
        return _full(who, rng)
    nick = rng.choice(known).capitalize()
    return [(nick, True)] if rng.random() < 0.5 else _between([(nick, True)], _parts(who.family))


def _run_together(who: Person, rng: random.Random) -> Pieces:
    given, family = (re.sub(r"[^\w]", "", p) for p in (who.given[0], who.family))
    forms = [given + family, family + given, f"{given}_{family}", f"{given}.{family}"]
    text = rng.choice(forms)
    return [(text, True)] if len(text) > 4 else _full(who, rng)


def _possessive(who: Person, rng: random.Random) -> Pieces:
    return [*_between(_parts(who.given[0]), _parts(who.family)), ("'s", False)]


def _initials(who: Person, rng: random.Random) -> Pieces:
    """Initials alone, dotted, or after a cue without dots."""
    letters = [who.given[0][0], *[w[0] for w, secret in _parts(who.family) if secret]]
    if not all(c.isalpha() and c.isascii() and c.isupper() for c in letters):
        return _full(who, rng)
    run = "".join(letters)
    if rng.random() < 0.5:
        return [("patient initials ", False), (run, True)]
    dotted = rng.choice((".", ". ")).join(letters) + "."
    cue = "patient " if run.lower() in _READ_OTHERWISE else ""
    return [(cue, False), (dotted, True)]


_PRONOUNS = frozenset({"He", "My", "You"})
_READ_OTHERWISE = frozenset(
    "am pm eg ie po iv im sc sl pr od os ou hs qd bd id us uk ms md rn np pa er ed hr rr bm gi gu "
    "ac pc cc st jr sr ca".split()
)
"""Dotted letters that everybody reads as an abbreviation, unless told that they are initials."""
_NAME_FORMS: tuple[Callable[[Person, random.Random], Pieces], ...] = (
    _full,
    _reordered,
    _initialled,
    _alone,
    _alone,
    _nicknamed,
    _run_together,
    _possessive,
    _initials,
)


def _same(pieces: Pieces, rng: random.Random) -> Pieces:
    return pieces


def _unaccented(pieces: Pieces, rng: random.Random) -> Pieces:
    """Without accents, or with umlauts written out."""
    out = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ö": "Oe", "ß": "ss"})
    if rng.random() < 0.3:
        return [(unicodedata.normalize("NFC", t).translate(out), s) for t, s in pieces]
    return [
        ("".join(c for c in unicodedata.normalize("NFKD", t) if not unicodedata.combining(c)), s)
        for t, s in pieces
    ]


def _slip(pieces: Pieces, rng: random.Random) -> Pieces:
    """One letter wrong in one word of five letters or more."""
    long = [i for i, (t, s) in enumerate(pieces) if s and len(t) >= 5 and t.isalpha()]
    if not long:
        return pieces
    at = rng.choice(long)
    beside = sum(s and any(map(str.isalpha, t)) for t, s in pieces) > 1
    slipped = slip(pieces[at][0], rng)
    while key(slipped) in common_words() and not beside:
        slipped = slip(pieces[at][0], rng)
    return [(slipped if i == at else t, s) for i, (t, s) in enumerate(pieces)]


def slip(word: str, rng: random.Random) -> str:
    """One letter left out, doubled, changed, put in or swapped, anywhere in the word."""
    at = rng.randrange(len(word))
    letter = rng.choice("abcdefghijklmnopqrstuvwxyz")
    letter = letter.upper() if word[at].isupper() else letter
    two = min(at, len(word) - 2)
    return rng.choice(
        (
            word[:at] + word[at + 1 :],
            word[: at + 1] + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[:at] + letter + word[at:],
            word + letter.lower(),
            word[:two] + word[two + 1] + word[two] + word[two + 2 :],
        )
    )


def _respaced(pieces: Pieces, rng: random.Random) -> Pieces:
    """Other punctuation or a line's end between the words."""
    gap = rng.choice(("\n", " / ", ". ", " - ", "_", "|", " \n ", ",", "  ", ": "))
    return [(gap if not s and not t.strip(" -,.") else t, s) for t, s in pieces]


def _cut(pieces: Pieces, rng: random.Random) -> Pieces:
    """A word cut over two lines."""
    long = [i for i, (t, s) in enumerate(pieces) if s and len(t) >= 5 and t.isalpha()]
    if not long:
        return _respaced(pieces, rng)
    at = rng.choice(long)
    word = pieces[at][0]
    place = rng.randrange(2, len(word) - 1)
    text = word[:place] + rng.choice(("-\n", "\n", "- ")) + word[place:]
    return [(text if i == at else t, s) for i, (t, s) in enumerate(pieces)]


def _spelt(pieces: Pieces, rng: random.Random) -> Pieces:
    """The letters of one word apart."""
    long = [i for i, (t, s) in enumerate(pieces) if s and len(t) >= 3 and t.isalpha()]
    if not long:
        return pieces
    at, gap = rng.choice(long), rng.choice((" ", "-", ". ", "_", "*"))
    return [(gap.join(t) if i == at else t, s) for i, (t, s) in enumerate(pieces)]


def _unpunctuated(pieces: Pieces, rng: random.Random) -> Pieces:
    """Without apostrophes, with spaces for hyphens."""
    return [(t.replace("'", rng.choice(("", " "))).replace("-", " "), s) for t, s in pieces]


_NAME_TWISTS: tuple[Callable[[Pieces, random.Random], Pieces], ...] = (
    _same,
    _unaccented,
    _slip,
    _slip,
    _respaced,
    _cut,
    _spelt,
    _unpunctuated,
)


def day(made: Record, rng: random.Random) -> Pieces:
    """A date of birth or death, as precise as the record knows it."""
    value = rng.choice(made.dates)
    old = datetime.now(tz=UTC).year - int(value[:4]) > 89
    if len(value) == 4:
        return [(rng.choice(("born in ", "DOB ", "nacido en ")), False), (value, True)]
    template = rng.choice(_MONTH_YEAR if len(value) == 7 else _WHOLE)
    d = date.fromisoformat(f"{value}-01"[:10])
    th = {1: "st", 2: "nd", 3: "rd"}.get(d.day % 10 if d.day not in {11, 12, 13} else 0, "th")
    filled = template.format(
        d=d, month=MONTHS[d.month - 1], mes=MESES[d.month - 1], mon=MONTHS[d.month - 1][:3], th=th,
        ordinal=_ORDINALS[d.day - 1],
    )  # fmt: skip
    pieces = [
        (part, number % 2 == 0 and any(map(str.isalnum, part)))
        for number, part in enumerate(re.split(r"[<>]", filled))
        if part
    ]
    return [(t, s or (old and t == str(d.year))) for t, s in pieces]


# What stands between angle brackets tells nobody.
_MONTH_YEAR = (
    "{month}< >{d:%Y}", "{d:%m}</>{d:%Y}", "{d:%Y}<->{d:%m}", "{mes}< de ><{d:%Y}>",
    "{mon}< ><{d:%Y}>",
)  # fmt: skip
_WHOLE = (
    "<{d:%Y}>-{d:%m-%d}", "{d:%m/%d}/<{d:%Y}>", "{d:%d/%m}/<{d:%Y}>", "{d:%m-%d}-<{d:%y}>",
    "{d:%d.%m}.<{d:%Y}>", "{month}< >{d.day}<, {d:%Y}>", "{d.day}< >{month}< {d:%Y}>",
    "{mon}< >{d.day}", "<the >{d.day}{th}< of >{month}", "{d.day}< de >{mes}< de {d:%Y}>",
    "{d:%Y%m%d}", "{d:%m%d%Y}", "{d:%d%m%Y}", "{month}< >{d.day}{th}", "{d:%d}-{mon}-<{d:%Y}>",
    "{d.month}/{d.day}/<{d:%y}>", "{month}< {d:%Y}>", "<{d:%Y}>/{d:%m/%d}",
    "{d.day}.{d.month}.<{d:%Y}>", "{mon}<. >{d.day}<, {d:%Y}>", "{d.month}/{d.day}",
    "{d.day}-{d.month}", "<the >{ordinal}< of >{month}", "{month}< >{ordinal}<, {d:%Y}>",
    "{d.month} / {d.day} / <{d:%Y}>", "{d:%Y}-{d:%m-%d}T04:10:00Z", "{month}< the >{d.day}{th}",
    "{d:%m} {d:%d} <{d:%Y}>", "<{d:%Y} >{mon}< >{d:%d}", "{d:%m|%d}|<{d:%y}>",
)  # fmt: skip


def phone(made: Record, rng: random.Random) -> Pieces:
    """A telephone number in another format, or its digits as words."""
    value = rng.choice(made.phones)
    if value.startswith("+34"):
        digits = value[4:]
        a, b, c = digits[:3], digits[3:6], digits[6:]
        country = rng.choice(("", "+34 ", "0034 ", "+34-"))
        rest = rng.choice(
            (digits, f"{a} {b} {c}", f"{a}-{b}-{c}", f"{a}.{b}.{c}", " ".join(digits))
        )
        return [(country, False), (rest, True)]
    a, b, c = value.split("-")
    country = rng.choice(("", "", "+1 ", "1-", "001 "))
    rest = rng.choice(
        (
            f"({a}) {b}-{c}",
            f"{a}.{b}.{c}",
            a + b + c,
            f"{b}-{c}",
            f"{a} {b} {c}",
            " ".join(a + b + c),
            f"{a}/{b}/{c}",
            f"{a}--{b}--{c}",
            f"{a}\n{b}-{c}",
            " ".join(_SAID[int(d)] for d in a + b + c),
            f"{a} {b[:2]} {b[2:]}{c[:1]} {c[1:]}",
        )
    )
    return [(country, False), (rest, True)]


def code(made: Record, rng: random.Random) -> Pieces:
    """Any number of the record, with other separators."""
    value = rng.choice(made.codes)
    bare = re.sub(r"[\W_]", "", value)
    at = rng.randrange(1, len(bare))
    text = rng.choice(
        (
            value,
            bare,
            bare.lower(),
            " ".join(bare),
            f"{bare[:at]} {bare[at:]}",
            f"{bare[:at]}.{bare[at:]}",
            f"{bare[:at]}\u2013{bare[at:]}",
            f"{bare[:at]}\n{bare[at:]}",
            f"{bare[:at]}-\n{bare[at:]}",
        )
    )
    return [(text, True)]


def street(made: Record, rng: random.Random) -> Pieces:
    """An address line: whole, abbreviated, misspelt, or without its number."""
    line = rng.choice(made.lines)
    for long, short in _SHORT.items():
        line = line.replace(long, short) if rng.random() < 0.5 else line
    words = line.split()
    if rng.random() < 0.3:
        words = words[1:]
    pieces = _between(*([(w, w.lower() not in PARTICLES)] for w in words))
    return rng.choice((_same, _slip_in_place, _lines))(pieces, rng)


def _slip_in_place(pieces: Pieces, rng: random.Random) -> Pieces:
    """A slip in a long word that is no ordinary one."""
    if any(key(t) in common_words() and len(t) >= 5 for t, _ in pieces):
        return pieces
    return _slip(pieces, rng)


def _lines(pieces: Pieces, rng: random.Random) -> Pieces:
    """Line ends for some spaces."""
    return [("\n" if t == " " and rng.random() < 0.5 else t, s) for t, s in pieces]


def town(made: Record, rng: random.Random) -> Pieces:
    """A town or a postal code."""
    if rng.random() < 0.3:
        return [(rng.choice(made.zips), True)]
    pieces = _between(*([(w, w.lower() not in PARTICLES)] for w in rng.choice(made.towns).split()))
    return rng.choice((_same, _slip_in_place, _lines))(pieces, rng)


def organisation(made: Record, rng: random.Random) -> Pieces:
    """An organisation's name or the part that tells it."""
    words = [w for w in rng.choice(made.organisations).split() if w.isalpha()]
    if "Hospital" not in words[0] and rng.random() < 0.4:
        words = words[: rng.choice((1, 2))]
    pieces = _between(*([(w, True)] for w in words))
    return rng.choice((_same, _lines))(pieces, rng)


def email(made: Record, rng: random.Random) -> Pieces:
    """An e-mail address, also as people say it."""
    local, domain = rng.choice(made.emails).split("@")
    gap = rng.choice(("@", " @ ", " at ", "(at)"))
    said = local.replace(".", " dot ") if rng.random() < 0.3 else local
    return [(said, True), (gap, False), (domain, False)]


KINDS: dict[str, Callable[[Record, random.Random], Pieces]] = {
    "name": name,
    "date": day,
    "phone": phone,
    "code": code,
    "street": street,
    "town": town,
    "organisation": organisation,
    "email": email,
}
WEIGHTS = (8, 2, 1, 2, 1, 1, 1, 1)


def _full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


DISGUISES: tuple[Callable[[str], str], ...] = (
    str,
    str,
    str.upper,
    str.lower,
    str.lower,
    str.title,
    "\u200b".join,
    "\u00ad".join,
    _full_width,
    lambda t: unicodedata.normalize("NFD", t),
    lambda t: "".join(c + "\u0336" if c.isalnum() else c for c in t),
    lambda t: t.translate(str.maketrans("aeopcxTHKM", "аеорсхТНКМ")),
    lambda t: t.replace(" ", "\u00a0"),
)
"""Changes of characters that leave what a person reads."""
