"""Which parts of the record a question asks for, from all the evidence together.

The reader's sense of the message speaks first. What the question names (a test, a vaccine, a
medicine …) and how it is worded are weighed with it, and a part whose answer needs something named
is out where nothing is. A question that could also be a general one ("what is a normal A1c?"), a
decision about treatment ("should I stop my metformin?") or about somebody else is not answered from
the record; at most its facts go along as material. A medicine, food or vaccine that is named is
first held against the record, however it is asked: that can only warn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.consult.record import mishap, planned
from services.consult.record.asked import Asked, worded
from services.consult.record.kinds import Kind
from services.consult.record.rules import RULES, is_allergies, is_medicines, is_safety

FLOOR = 0.02
"""Probability that any part keeps, however sure the reader is of another."""
WORDING = 100.0
"""How many times likelier a wording makes its part."""
BEHIND = 0.1
"""How much less a wording tells with each place that it stands further behind."""
NAMED = 4.0
"""How many times likelier a part is whose things are named."""
ASIDE = 0.3
"""What is left of a part that has nothing to do with what is named."""
BESIDE = 0.3
"""Share of the reader's belief in other parts of the record that goes to the part that is named."""
GENERAL = 2.5
"""How many times likelier general knowledge is, where nothing says "my"."""
MEANT = 0.5
"""Share of all the evidence from which a part is answered."""

KNOWLEDGE = 0.8
"""Probability from which a medicine is asked about in general, though nothing says so."""
LISTED = 0.7
"""Probability from which all the screening tests of the person's age are told, with none named."""
SHOT = 0.2
"""Probability from which a vaccine may be meant by the name of its illness."""
CERTAIN = 0.9
"""Probability from which a wrong dose is told of, though no wording of ``mishap.yaml`` fits."""
PLAIN = 0.95
"""Probability from which the reader is believed against the wording."""
DECIDED = 0.85
"""Probability from which a decision is asked for, or somebody else is meant, whatever is worded."""
SURE = 0.6
"""Probability from which a decision on treatment is asked for, though no wording tells."""


def kinds(asked: Asked) -> tuple[Kind, ...]:
    """The parts of the record that may answer, in the order in which they are tried."""
    settled = _settled(asked)
    if settled is not None:
        return settled
    first = (Kind.SAFETY,) if may_harm(asked) else ()
    if asked.meant.get("other-person", 0.0) >= DECIDED:
        return first
    if asked.meant.get("decision", 0.0) >= PLAIN:
        return first if _is_new(asked) else (*first, Kind.DECISION)
    if worded("second_question", asked.text) and not asked.listed:
        return first
    best = likeliest(asked)
    general = asked.meant.get("general", 0.0)
    if best in _FIRM and general >= PLAIN and not worded("owned_word", asked.text):
        return first
    decides = asked.meant.get("decision", 0.0)
    if best is None and asked.own and decides >= SURE and not _is_new(asked):
        best = Kind.DECISION
    return tuple(dict.fromkeys((*first, *((best,) if best else ()))))


def _settled(asked: Asked) -> tuple[Kind, ...] | None:
    """What is settled before all is weighed: mishaps, decisions, other people, children."""
    decides = asked.meant.get("decision", 0.0)
    if _tells_of_mishap(asked):
        return (Kind.MISHAP,)
    if _is_decision(asked):
        doses = decides + asked.meant.get(Kind.MISHAP, 0.0)
        return (Kind.DECISION,) if doses >= SURE and not asked.medicinal else ()
    if asked.other:
        return (Kind.SAFETY,) if is_safety(asked) else ()
    if decides >= DECIDED and _of_own(asked):
        return (Kind.DECISION,)
    return (Kind.SAFETY,) if is_safety(asked) and asked.case.situation.child else None


def _is_new(asked: Asked) -> bool:
    """Whether it asks if something may be taken that is not on the person's list."""
    return not asked.listed and is_safety(asked)


def _of_vaccine(asked: Asked) -> bool:
    """Whether "shingles" is the vaccine rather than the illness."""
    likely = asked.meant.get(Kind.IMMUNIZATIONS, 0.0) >= SHOT
    return likely or worded("vaccine", asked.text)


def _of_own(asked: Asked) -> bool:
    """Whether it names what the person takes, by name or by class."""
    taken = {key for order in asked.case.chart.active_medicines for key in order.classes}
    return bool(asked.listed or taken & set(asked.classes))


def may_harm(asked: Asked) -> bool:
    """Whether a medicine, food or vaccine is named as to be taken, so that warnings come first."""
    if not asked.medicinal and worded("among_mine", asked.text):
        return True
    if not (asked.medicinal or asked.allergen) or worded("side", asked.text):
        return False
    if worded("asks_record", asked.text):
        return False
    new = set(asked.medicines) - asked.listed
    asks = asked.meant.get(Kind.SAFETY, 0.0) + asked.meant.get("decision", 0.0)
    for kind, rule in ((Kind.ALLERGIES, is_allergies), (Kind.MEDICINES, is_medicines)):
        if asked.meant.get(kind, 0.0) > asks and rule(asked):
            return False
    if is_safety(asked):
        return bool(new) or not is_medicines(asked)
    outside = sum(asked.meant.get(kind, 0.0) for kind in ("general", "none"))
    if asked.holding and asked.own:
        outside = asked.meant.get("general", 0.0)
    most = MEANT if worded("explains", asked.text) else KNOWLEDGE
    return bool(new or asked.holding) and outside < most


def _tells_of_mishap(asked: Asked) -> bool:
    """Whether a wrong dose is told of, by its wording or as the reader is all but certain of it."""
    likely = asked.meant.get(Kind.MISHAP, 0.0)
    if mishap.is_mishap(asked.text):
        return likely >= FLOOR or asked.meant.get(Kind.SAFETY, 0.0) < CERTAIN
    sure = likely >= CERTAIN
    return sure and worded("wrong_dose", asked.text) and not worded("treatment", asked.text)


def _is_decision(asked: Asked) -> bool:
    """Whether a treatment that the person has is to be changed; a new one is a matter of safety."""
    if not worded("treatment", asked.text):
        return False
    return bool(asked.listed or not asked.medicines or worded("quitting", asked.text))


def likeliest(asked: Asked) -> Kind | None:
    """The part with the most evidence, if it has more than all the others together."""
    weights = {kind: _weight(place, asked) for place, (kind, _) in enumerate(RULES)}
    elsewhere = "general", "none", "decision", *(() if asked.medicinal else (Kind.SAFETY,))
    general = sum(asked.meant.get(kind, FLOOR) for kind in elsewhere)
    best = max(weights, key=lambda kind: weights[kind])
    if not dict(RULES)[best](asked):
        general *= 1.0 if asked.own else GENERAL
        general *= GENERAL if worded("general", asked.text) else 1.0
    return best if weights[best] > MEANT * (general + sum(weights.values())) else None


def _weight(place: int, asked: Asked) -> float:
    """The evidence for one part; of wordings that fit, narrower ones stand first in the table."""
    kind, rule = RULES[place]
    weight = asked.meant.get(kind.value, 0.0) + FLOOR
    if rule(asked):
        return weight * WORDING / (1.0 + BEHIND * place)
    if kind in _NEEDS and not _NEEDS[kind](asked):
        return 0.0
    named = {known for known, names in _NAMES.items() if names(asked)}
    if not asked.own:
        return 0.0 if worded("general", asked.text) else weight
    if kind in named & _FIRM:
        # the reader may have the record right and its part wrong; what is named tells the part
        weight += BESIDE * sum(
            asked.meant.get(known, 0.0) for known, _ in RULES if known not in named
        )
    return weight * (NAMED if kind in named else ASIDE if named else 1.0)


_NEEDS: Mapping[Kind, Callable[[Asked], bool]] = {
    Kind.RESULT: lambda asked: (
        bool(asked.tests) and not worded("preparing", asked.text) and not _is_new(asked)
    ),
    Kind.CONDITIONS: lambda asked: (
        not (asked.tests or asked.medicines or worded("diagnose_me", asked.text))
    ),
    Kind.IMMUNIZATIONS: lambda asked: (
        bool(asked.vaccines)
        and (worded("lately", asked.text) or not worded("not_vaccine", asked.text))
        and (not worded("explains", asked.text) or _of_vaccine(asked))
    ),
    Kind.PROCEDURES: lambda asked: bool(asked.procedures),
    Kind.SCREENING: lambda asked: (
        bool(asked.procedures)
        or (asked.meant.get(Kind.SCREENING, 0.0) >= LISTED and not (asked.tests or asked.vaccines))
    ),
    Kind.MEDICINES: lambda asked: (
        (bool(asked.listed or not asked.medicines) or worded("asks_record", asked.text))
        and not worded("may_take", asked.text)
        and not worded("among_mine", asked.text)
    ),
}
"""What a question has to name for its part to be answered from the record."""
_FIRM = {Kind.RESULT, Kind.IMMUNIZATIONS, Kind.PROCEDURES}
_NAMES: Mapping[Kind, Callable[[Asked], bool]] = {
    Kind.RESULT: lambda asked: bool(asked.tests),
    Kind.IMMUNIZATIONS: lambda asked: bool(asked.vaccines),
    Kind.PROCEDURES: lambda asked: bool(asked.procedures),
    Kind.MEDICINES: lambda asked: bool(asked.listed or asked.classes),
    Kind.ALLERGIES: lambda asked: asked.allergen and not asked.listed,
    Kind.CONDITIONS: lambda asked: bool(asked.conditions),
    Kind.APPOINTMENTS: lambda asked: bool(planned.named(asked)) and worded("when_day", asked.text),
    Kind.GOALS: lambda asked: bool(asked.tests) and asked.meant.get(Kind.GOALS, 0.0) >= BESIDE,
}
"""What speaks for a part when it is named."""
