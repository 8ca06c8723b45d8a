"""Words: folding, light stemming and the names of topics found in a text.

names = NameFinder({"asthma": ["Asthma", "wheezing attacks"]})
names.find("Is my astma getting worse?")      # [Mention("asthma", "astma", 0.9, …)]
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
SHORT_WORD = 3
"""Words this short keep their ending: 'gas' is no plural."""
TYPO_LETTERS = 6
"""Names shorter than this are matched letter by letter only: 'gout' is no misspelt 'good'."""

STOPWORDS = frozenset(
    """a about after again all also am an and any are as at be because been before being but by can
    cannot could did do does doing don down during each even every few for from further get gets
    getting give go goes going got had has have having he help her here hers him his how i if in
    into is it its just keep kind know let like long lot make many may me mean means might more most
    much must my need new no nor not now of off often ok on once one only or other our out over own
    people person please put really same say see shall she should so some something still such take
    tell than that the their them then there these they thing things think this those through time
    to too try under until up us use used using very want was way we well were what when where which
    while who why will with without won would yes yet you your doctor okay hi hello thanks thank
    s t d ll m re ve""".split()
)
"""Words that say nothing of what a question is about, in English and Spanish."""

CHATTER = frozenset(
    """able actually advice advise afraid aged almost already always anybody anyone anything anyway
    around ask asked asking away aware bad badly believe best better big bit bother bothered bothering
    bother call called calling came care careful case certain cheers child clear come comes coming
    common commonly concern concerned confused constantly correct couple curious considered daily daughter  day
    days dear deal dealing definitely describe detail details different discuss early doc doctors else
    especially everyone everything exact exactly experience experienced experiencing explain
    explanation fact facts family father feel feels feeling felt figure find finding first forever
    fine found friend friends full gave general generally girlfriend good google great guess guy guys
    half handle happen happened happening happens happy hard hate hear heard help helpful helps
    history home honestly hope hour hours husband idea important info information instead interested
    issue issues job kid kids kinda knew knowing known last lately later learn least left less
    likely little live living longer look looked looking looks lots love main mainly major mate matter
    maybe mention mentioned mind minute minutes mom moment month months morning mother mum name named
    near nearly necessary next nice night normally nothing number obviously occur old older online
    option options order parent partner past people perhaps person personally place play plan point
    possible possibly pretty probably problem problems proper properly question questions quick
    quickly quite rather read reading real reason reasons recently recommend recommended regarding
    regular related remember right room safe safely said saw scared school seem seems seen serious
    several short sign simple simply since sister situation small somebody someone something
    sometimes son soon sorry sort sound sounds start started starting stay step steps stuff suddenly
    suggest suggestion supposed sure taken talk talking telling terms terrible terrified thank thinking
    thought three today together told tomorrow tonight took topic totally toward tried truly trying
    turn two type types typical typically understand understanding unsure usual usually various version
    wait week weeks went whatever whenever whether whole wife wonder wondered wondering word words
    work working works worried worries worry worse worst write wrong year years yesterday
    alguien algo amigo ayuda ayudar bien bueno como con cual cuando cuanto de del desde doctor donde
    duda el ella en entender es esa ese eso esta estar estas este esto estoy explicar explique favor
    fue gracias hace hacer hay hijo hija hola informacion la las le lo los mas me mi mis mucho muy
    nada necesito no nos o para pero por porque preocupa preocupado preocupada pregunta puede puedo
    que quiero saber se ser si sin sobre soy su sus tan tener tengo tiene todo tu un una uno unos va
    voy y ya yo""".split()
)
"""Words of conversation: they say nothing about what is asked, so they need not be in a source."""


LAY = {
    "constipated": "constipation",
    "depressed": "depression",
    "anxious": "anxiety",
    "dizzy": "dizziness",
    "nauseous": "nausea",
    "wheezy": "wheezing",
    "diabetic": "diabetes",
    "hypertensive": "hypertension",
    "asthmatic": "asthma",
    "arthritic": "arthritis",
    "anemic": "anemia",
    "anaemic": "anemia",
    "anaemia": "anemia",
    "diarrhoea": "diarrhea",
    "haemorrhoids": "hemorrhoids",
    "oesophageal": "esophageal",
    "tumour": "tumor",
    "epileptic": "epilepsy",
    "menopausal": "menopause",
    "feverish": "fever",
    "itchy": "itching",
    "pregnant": "pregnancy",
}
"""Words of everyday speech and other spellings, and the word that topics are named by."""

_ACHE = re.compile(
    r"\b(?:my|the|his|her) ([a-z]+(?: [a-z]+)?) (?:really )?(?:hurts?|aches?|is sore|is killing me)\b"
)


def fold(text: str) -> str:
    """Lower case, accents and curly quotes folded to plain ASCII letters where there are any."""
    if text.isascii():  # most are, and a node folds its whole knowledge at each start
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.replace("\u2019", "'").replace("\u2018", "'"))
    marks = {ord(c) for c in set(plain) if unicodedata.combining(c)}
    return plain.translate(dict.fromkeys(marks)).lower()


def words(text: str) -> list[str]:
    """Folded words and numbers of a text, possessives stripped."""
    return [w.removesuffix("'s") for w in _WORD.findall(fold(text))]


def stem(word: str) -> str:
    """Cut the commonest English endings so that singular and plural, verb and noun meet."""
    if not word.endswith("s"):
        return word
    if word.endswith("aches") and not word.endswith(("eaches", "oaches")):
        return word[:-1]  # headaches, not reaches
    for ending, rest in (
        ("ies", "y"),
        ("sses", "ss"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("xes", "x"),
    ):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word.removesuffix(ending) + rest
    if len(word) > SHORT_WORD and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def stems(text: str) -> list[str]:
    """Stemmed words of a text."""
    return [stem(w) for w in words(text)]


def content_stems(text: str) -> list[str]:
    """Stemmed words that carry meaning, in order, each once."""
    kept = (w for w in words(text) if w not in STOPWORDS and w not in CHATTER)
    return list(dict.fromkeys(stem(w) for w in kept if not w.isdigit()))


def one_edit_apart(a: str, b: str) -> bool:
    """Whether one insertion, deletion, replacement or swap of neighbours turns ``a`` into ``b``."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return a == b
    i = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if len(a) == len(b):
        swapped = a[i + 1 : i + 2] + a[i : i + 1] + a[i + 2 :] == b[i:]
        return a[i + 1 :] == b[i + 1 :] or swapped
    short, long = sorted((a, b), key=len)
    return short[i:] == long[i + 1 :]


@dataclass(frozen=True)
class Mention:
    """A topic named in a text.

    ``start`` and ``end`` count words; ``exact`` is False for a typing error one letter away.
    """

    topic: str
    name: str
    start: int
    end: int
    exact: bool


class NameFinder:
    """Finds names of topics in a text, longest first, forgiving one typing error a word.

    Args:
        names: topic id to its names (title and aliases).
        others: stemmed words that are no misspelt names (`single` is no `shingle`).
    """

    def __init__(self, names: Mapping[str, Iterable[str]], others: Iterable[str] = ()) -> None:
        self._names: dict[tuple[str, ...], list[str]] = {}
        for topic, given in names.items():
            for name in given:
                for form in _forms(name):
                    holders = self._names.setdefault(form, [])
                    if topic not in holders:
                        holders.append(topic)
        self._longest = max((len(n) for n in self._names), default=0)
        self._alike: dict[tuple[str, int], list[str]] = {}
        for word in {w for n in self._names for w in n if len(w) >= TYPO_LETTERS}:
            for size in (len(word) - 1, len(word), len(word) + 1):
                self._alike.setdefault((word[0], size), []).append(word)
        self._known = {w for n in self._names for w in n} | set(others)

    def correct(self, word: str) -> str | None:
        """The only name word one typing error away from ``word``, or None."""
        if len(word) < TYPO_LETTERS or word in self._known:
            return None
        near = [w for w in self._alike.get((word[0], len(word)), ()) if one_edit_apart(word, w)]
        return near[0] if len(near) == 1 else None

    def find(self, text: str) -> list[Mention]:
        """Mentions in the order of the text, not overlapping."""
        given = _plain(text)
        mended = [self.correct(w) or w for w in given]
        out: list[Mention] = []
        at = 0
        while at < len(given):
            step = 1
            for size in range(min(self._longest, len(given) - at), 0, -1):
                key = tuple(mended[at : at + size])
                if key in self._names:
                    exact = key == tuple(given[at : at + size])
                    name = " ".join(key)
                    out += [Mention(t, name, at, at + size, exact) for t in self._names[key]]
                    step = size
                    break
            at += step
        return out


def _plain(text: str) -> list[str]:
    """Stems of a text's words, lay words as the names of what they mean."""
    return [stem(LAY.get(w, w)) for w in words(_ACHE.sub(r"\1 pain", fold(text)))]


def _forms(name: str) -> list[tuple[str, ...]]:
    """The stemmed words of a name, with and without what stands in brackets."""
    forms = [name, re.sub(r"\s*\(.*?\)", "", name), *re.findall(r"\((.*?)\)", name)]
    keys = (tuple(_plain(form)) for form in forms)
    return [key for key in dict.fromkeys(keys) if key and not all(w in STOPWORDS for w in key)]
