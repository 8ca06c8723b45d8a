"""What a question turns on beside its topic: whether what answers speaks of it.

The right topic and the right section are not yet an answer. "Arthritis of the collarbone", "which
is stronger", "how do I raise it", "how long before surgery" each turn on one thing, and a passage
that never speaks of that thing answers another question. Each check knows a closed class of such
things and looks for it in the passages; none knows a topic.
"""

from __future__ import annotations

import re
from calendar import day_name, month_name
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from services.bricks.knowledge import Passage, Topic
from services.bricks.retrieval import KnowledgeIndex
from services.bricks.words import CHATTER, STOPWORDS, content_stems, fold, stem, stems, words
from services.consult.asked import Asked
from services.consult.children import named as named_child

LONG_NAME = 4
"""Letters from which a word with a capital is taken for a name."""


_DATES = frozenset(name.lower() for name in (*day_name, *month_name))


class Turn(StrEnum):
    """What a question turns on and the sources do not speak of."""

    ANIMAL = "animal"
    PERSON = "person"
    PART = "part"
    NAME = "name"
    COMPARISON = "comparison"
    DIRECTION = "direction"
    QUANTITY = "quantity"
    EVENT = "event"


@dataclass(frozen=True)
class Turning:
    """A question, and what is held against it.

    ``folded`` is the question in plain letters, ``told`` the text of the passages that would
    answer, ``sentences`` the same one by one, ``held`` all that their topic says, ``names`` what
    it names that no source holds.
    """

    asked: Asked
    topic: Topic
    folded: str
    told: str
    sentences: tuple[str, ...]
    held: str
    names: frozenset[str]


def unmet(asked: Asked, passages: Sequence[Passage], index: KnowledgeIndex) -> Turn | None:
    """What a question turns on that the passages, all of one topic, do not speak of."""
    topic = index.knowledge.by_id[passages[0].topic.id]
    turning = Turning(
        asked,
        topic,
        fold(asked.said),
        fold(" ".join(p.text for p in passages)),
        tuple(fold(s) for p in passages for s in p.sentences),
        fold(" ".join((*topic.names, *(p.text for p in topic.passages)))),
        _strangers(asked.said, index),
    )
    return next((turn for turn, check in _CHECKS.items() if check(turning)), None)


_ANIMALS = frozenset(
    stems(
        """cow bull horse foal pony donkey goat sheep lamb pig piglet hog chicken hen duck goose
        turkey dog puppy doggy cat kitten kitty hamster rabbit bunny parrot parakeet budgie bird
        iguana lizard tortoise turtle snake ferret gerbil guinea fish hedgehog llama alpaca camel
        monkey pet animal livestock cattle poultry"""
    )
)
_ANY_ANIMAL = frozenset(stems("pet animal livestock"))
_FOOD = frozenset(stems("chicken turkey duck lamb fish goose eat soup meat"))
"""Animals that are mostly food, and words that make any of them food."""
_PATIENT = re.compile(
    r"\b(?:in|for|give|giving|treat|treating) (?:(?:the|my|our|a|an|his|her|their) )?(\w+)"
    r"|\b(?:can|may|could|should) (?:(?:the|my|our|a|an|his|her|their) )?(\w+)"
    r" (?:have|take|eat|drink|use|get)\b"
)


def _animal(t: Turning) -> bool:
    """An animal; where it is the patient, only what speaks of just that animal answers."""
    said, held = set(stems(t.folded)), set(stems(t.told))
    named = said & _ANIMALS
    named -= _FOOD if said & _FOOD else set()
    patients = {stem(m[1] or m[2]) for m in _PATIENT.finditer(t.folded)} & named
    if patients:
        return not patients & held
    return bool(named) and not held & (named | _ANY_ANIMAL)


_GROWN = re.compile(r"\b(?:adults?|grown[- ]?ups?|grown (?:man|woman))\b")
_SELF = re.compile(
    r"\b(?:why (?:do|am|did)|do|am|have|can|when) i\b|\bi(?:'m| am| have| get| keep)\b"
)


def _person(t: Turning) -> bool:
    """A grown-up, where the topic is about children."""
    if t.topic.head.audience != "child" or t.asked.child:
        return False
    named = t.topic.head.id in t.asked.named
    grown = bool(_GROWN.search(t.folded)) and not _GROWN.search(t.told)
    return grown or (not named and bool(_SELF.search(t.folded)) and not named_child(t.folded))


_PARTS = tuple(
    frozenset(group.split())
    for group in (
        "eye eyes eyelid eyelids eyelash eyelashes eyeball cornea",
        "ear ears eardrum hearing",
        "nose nostril nostrils nasal",
        "mouth lip lips oral",
        "tongue",
        "gum gums",
        "tooth teeth dental molar",
        "jaw",
        "throat tonsil tonsils swallow swallowing esophagus",
        "neck nape",
        "face facial cheek cheeks forehead",
        "scalp head hair skull",
        "brain",
        "shoulder shoulders",
        "collarbone clavicle",
        "arm arms",
        "elbow elbows",
        "wrist wrists hand hands palm palms thumb thumbs finger fingers",
        "fingernail fingernails toenail toenails nail nails",
        "chest breast breasts breastbone nipple nipples rib ribs lung lungs breathing",
        "heart cardiac",
        "stomach belly abdomen abdominal tummy gut",
        "bowel bowels intestine intestines colon gut stool rectum",
        "rectum rectal anus anal bottom",
        "liver",
        "gallbladder bile",
        "pancreas",
        "kidney kidneys",
        "bladder urine urinary",
        "spleen",
        "thyroid",
        "uterus uterine womb cervix cervical",
        "ovary ovaries ovarian",
        "vagina vaginal vulva genital genitals penis foreskin",
        "testicle testicles testicular scrotum scrotal groin",
        "prostate",
        "hip hips",
        "buttock buttocks",
        "leg legs calf calves shin thigh thighs",
        "knee knees",
        "ankle ankles foot feet heel heels toe toes sole",
        "spine spinal back vertebra vertebrae disc discs",
        "armpit armpits underarm",
        "bone bones",
        "salivary",
        "vocal voice",
    )
)
"""Parts of the body; where a source speaks of one, it may speak of its neighbours in the line."""
_AT = re.compile(
    r"\b(?:in|on|of|inside) (?:(?:the|my|your|his|her|a|an|one) )?"
    r"(\w+)(?: (?:or|and) (?:the )?(\w+))?(?: (\w+))?"
)


def _part(t: Turning) -> bool:
    """Another part of the body than a disease is described at."""
    if t.topic.head.kind not in {"disease", "symptom"}:
        return False
    held = set(words(t.held))
    said = {w for m in _AT.finditer(t.folded) for w in m.groups() if w}
    said |= set(_before(t))
    near = [frozenset().union(*(g for g in _PARTS if w in g)) for w in said]
    return any(group and not group & held for group in near)


_KIND = re.compile(r"\b[A-Za-z]{4,} [A-HJ-Z]\d{0,2}\b|\b[Tt]ype \d\b")
_ADJECTIVE = re.compile(r"\w{3,}(?:ic|ive|al|ous|[uo]lar|ary|oid)$")
_COURSE = frozenset(
    """chronic typical normal natural medical seasonal effective positive negative dangerous serious
    annual regular usual actual real total several special general""".split()
)
"""Words of that form that make no other disease of one."""


def _name(t: Turning) -> bool:
    """Another thing than the topic, by a name nobody holds, a letter or a word before its name."""
    if t.names:
        return True
    if any(fold(m[0]) not in t.held for m in _KIND.finditer(t.asked.said)):
        return True
    if t.topic.head.kind not in {"disease", "symptom"}:
        return False
    held = set(stems(t.held))
    return any(
        _ADJECTIVE.match(before) and before not in _COURSE and stem(before) not in held
        for before in _before(t)
    )


def _before(t: Turning) -> list[str]:
    """The word before each mention of the topic."""
    given = words(t.folded)
    own = (m for m in t.asked.mentions if m.topic == t.topic.head.id)
    return [given[m.start - 1] for m in own if 0 < m.start <= len(given)]


def _strangers(text: str, index: KnowledgeIndex) -> frozenset[str]:
    """Names, written as such, that no source holds; where somebody goes is none."""
    pieces = re.findall(r"[.!?:;\n]|[^\W\d_][\w'-]*", text)
    found = (
        word
        for before, word in pairwise(pieces)
        if word[0].isupper()
        and not word.isupper()
        and len(word) >= LONG_NAME
        and before not in {".", "!", "?", ":", ";", "\n", "to", "in", "from", "at"}
        and fold(word) not in STOPWORDS | CHATTER | _DATES
    )
    return frozenset(w for w in found if index.strange(w))


_COMPARES = re.compile(
    r"\b(?:better|worse|stronger|weaker|faster|safer|gentler|cheaper|milder|harder|quicker|"
    r"longer|(?:more|less) \w+) than (?!ever|before|usual|normal|last|i\b|it\b|that\b)"
    r"|^\W*which (?:\w+ ){0,5}(?:better|worse|stronger|faster|safer|gentler|quicker|cheaper|most|"
    r"least|fewest|best|worst|more|less)\b"
    r"|\b(?:or|and) [\w ]{2,40}, which\b|\bwhich (?:is|one is|works|hurts) (?:\w+er|worse|more)\b"
    r"|\b(?:difference between|compared? (?:to|with)|versus|vs)\b"
    r"|\bwhat hurts more\b|\bbeats?\b|\bas (?:good|strong|effective|safe|bad) as\b"
)
_COMPARED = re.compile(
    r"\bthan\b|\b(?:compar\w+|unlike|differ\w*|first choice|preferred|whereas|most|least|fewest|"
    r"best|usually chosen|as well as|instead)\b"
)


def _comparison(t: Turning) -> bool:
    """Which of two things is more so; a source has to compare."""
    return bool(_COMPARES.search(t.folded)) and not _COMPARED.search(t.told)


_ASKS_HOW = (
    r"(?:\b(?:how (?:do|can|to|would|could|should|might)|what|ways? to|foods?|"
    r"medicines? (?:to|that)|(?:want|need|trying) to)\b"
    r"|^(?=(?:get|bring|make|lower|raise|reduce|increase|boost) my\b))"
)
_RAISES = re.compile(
    _ASKS_HOW + r".{0,30}\b(?:raises?|increases?|boosts?|thickens?|gain \w+|bring on|bring up"
    r"|(?:bring|get|make) (?:my|your|the|his|her) .{1,30} (?:up|higher|rise)|get an? higher)\b"
)
_LOWERS = re.compile(
    _ASKS_HOW + r".{0,30}\b(?:lowers?|reduces?|decreases?|bring down"
    r"|(?:bring|get|make) (?:my|your|the|his|her) .{1,30} (?:down|lower|drop))\b"
)
_UP = re.compile(
    r"\b(?:rais\w*|increas\w*|boost\w*|higher|gain\w*|rise\w*|builds?|adds?|thick\w*|trigger\w*|"
    r"set off|more)\b"
)
_DOWN = re.compile(
    r"\b(?:lower\w*|reduc\w*|decreas\w*|less|fewer|los[es]\w*|limit\w*|down|drop\w*|fall\w*|"
    r"prevent\w*|cut\w*|avoid\w*|stop\w*|quit\w*|better|help\w*|treat\w*)\b"
)


def _direction(t: Turning) -> bool:
    """How to raise or to lower something, where no sentence tells, or more tell the opposite."""
    raises, lowers = _RAISES.search(t.folded), _LOWERS.search(t.folded)
    if bool(raises) is bool(lowers):
        return False
    this, other = (_UP, _DOWN) if raises else (_DOWN, _UP)
    things = set(content_stems(t.folded))
    if t.topic.head.kind == "test":  # of many values: the one that was asked after
        things = {w for w in things if not (_UP.match(w) or _DOWN.match(w))}
    elif t.topic.head.id in t.asked.named:
        things |= {w for name in t.topic.names for w in stems(name)}
    told = [s for s in t.sentences if this.search(s) and things & set(stems(s))]
    return not told or bool(raises and len(other.findall(t.told)) > len(this.findall(t.told)))


_QUANTITIES = (
    (
        re.compile(
            r"\bhow (?:long|soon|fast|quick(?:ly)?|many (?:minutes|hours|days|weeks|wks|months|"
            r"years|yrs))\b"
        ),
        re.compile(
            r"\b(?:second|minute|hour|day|night|week|month|year|decade)s?\b|\b(?:lifelong|for life|"
            r"until|lasting|long|short|daily|weekly|yearly|at once|right away|overnight|trimester|"
            r"soon|quickly|slowly|fast|immediately|life|age|always|never|once|morning|bedtime|"
            r"before|after|sudden\w*)\b"
        ),
    ),
    (
        re.compile(r"\bhow (?:much|many)\b|\bat what (?:age|weight|level|temperature|number)\b"),
        re.compile(
            r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|half|once|twice|each|every|"
            r"single|double|dozen|several|few|most|many|amount|number)\b"
        ),
    ),
    (
        re.compile(
            r"\b(?:what|which) (?:percent\w*|share|fraction|proportion)\b"
            r"|\bhow many (?:people|women|men|children|patients)\b"
        ),
        re.compile(
            r"\d ?%|\bpercent|\b(?:in|out of) (?:every )?\d|\b(?:half|third|quarter)\b"
            r"|\b(?:most|many|few) (?:people|women|men|children|patients)\b"
        ),
    ),
)
"""What asks for a length of time, an amount, a share of people; and what any such answer holds."""


def _quantity(t: Turning) -> bool:
    """How long, how much, how many: the source has to tell something of that form."""
    return any(asks.search(t.folded) and not tells.search(t.told) for asks, tells in _QUANTITIES)


_WHEN = re.compile(r"\bhow (?:long|soon|many)\b|(?:^|[,.;?!] ?)(?:so |and )?when\b|\bwhat time\b")
_EVENT = re.compile(
    r"\b(?:before|after|since|following|until|till)\b(?: (?:a|an|the|my|our|his|her|having|getting|"
    r"taking|i|we|he|she|it|can|may|must|should))*((?: [a-z0-9']+){1,3})"
)


def _event(t: Turning) -> bool:
    """How long before or after something: the source has to speak of that something."""
    if not _WHEN.search(t.folded):
        return False
    held = {*stems(t.told), *(w for name in t.topic.names for w in stems(name))}
    asked = [set(content_stems(m[1])) for m in _EVENT.finditer(t.folded)]
    return any(event and not event & held for event in asked)


_Check = Callable[[Turning], bool]
_CHECKS: dict[Turn, _Check] = {
    Turn.ANIMAL: _animal,
    Turn.PERSON: _person,
    Turn.NAME: _name,
    Turn.PART: _part,
    Turn.COMPARISON: _comparison,
    Turn.DIRECTION: _direction,
    Turn.QUANTITY: _quantity,
    Turn.EVENT: _event,
}
