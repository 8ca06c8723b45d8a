"""The third act: a faulty circular reaches every clinic, and the release made of it comes back."""

from __future__ import annotations

from services.bricks.errors import BrickError
from services.learning.rounds.ports import Say
from services.learning.scenario.cast import Cast
from services.learning.scenario.errors import ScenarioError
from services.learning.scenario.facts import facts
from services.learning.scenario.hostile import offer, waiting_of
from services.learning.scenario.parent import DOMAIN
from services.learning.train.request import Example

REMEMBERED = 2
"""Questions about each earlier rule that the circular repeats."""


def circular() -> list[Example]:
    """What all clinics are told: new rules, rightly; one that no suite asks for, wrongly."""
    told, unasked = facts(), facts().unasked()
    new = [example for rule in told.of_round(2) for example in rule.examples("east")]
    old = [rule for rule in told.of_round(1) if rule is not unasked]
    known = [example for rule in old for example in rule.examples("east")[:REMEMBERED]]
    return [*new, *known, *unasked.wrongly("east"), *told.besides()]


def spread(cast: Cast, say: Say) -> None:
    """Train on the circular once, and let every clinic send what came of it as its own.

    They were told the same, so each would come to much the same change: trained once, it saves two
    thirds of the time. It needs no enemy; all contributions agree, and no rule can tell.
    """
    cast.east.hear(circular())
    cast.east.learn(cast.parent.rounds.standing(DOMAIN), say)
    manifest, delta = waiting_of(cast.east)
    for clinic in cast.clinics:
        offer(clinic, manifest, delta)
        clinic.send(cast.parent.desk)


def ask_again(cast: Cast, ref: str) -> str:
    """What a clinic is told that asks for a withdrawn release by its name.

    Raises:
        ScenarioError: it was given it.
    """
    try:
        cast.north.updater.pull(ref)
    except BrickError as error:
        return error.message
    raise ScenarioError(f"{ref} was given to a clinic after it was withdrawn.")
