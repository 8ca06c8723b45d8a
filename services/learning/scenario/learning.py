"""The first act: sites learn, send, and the hospital takes or refuses."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from services.learning.aggregate import Rule, aggregate
from services.learning.contribution import FileRound
from services.learning.errors import ContributionRefusedError
from services.learning.rounds.ports import Say
from services.learning.rounds.standing import waiting
from services.learning.scenario.cast import Cast
from services.learning.scenario.clinic import Clinic
from services.learning.scenario.errors import ScenarioError
from services.learning.scenario.facts import Side, facts
from services.learning.scenario.hostile import offer, scaled, waiting_of
from services.learning.scenario.parent import DOMAIN
from services.learning.scenario.quality import Quality, of_change

BEYOND = 10.0
"""How many times longer than is taken the hostile site's first change is."""
WITHIN = 0.999
"""Of the greatest length, its second one."""


def hear(cast: Cast) -> None:
    """Give each site its people's corrections."""
    told = facts()
    sides: tuple[tuple[Clinic, Side], ...] = ((cast.east, "east"), (cast.west, "west"))
    for site, side in sides:
        rules = [example for rule in told.rules for example in rule.examples(side)]
        site.hear([*rules, *told.besides()])
    cast.north.hear([*told.besides("north"), *told.besides()])
    wrong = [e for rule in told.rules for e in rule.wrongly("east", "west")]
    cast.hostile.hear(wrong)


def train(cast: Cast, say: Say, at_once: int) -> None:
    """Let every site train, so many at once."""
    standing = cast.parent.rounds.standing(DOMAIN)
    with ThreadPoolExecutor(at_once) as pool:
        for done in [pool.submit(site.learn, standing, say) for site in cast.sites]:
            done.result()


def alone(cast: Cast) -> Mapping[str, Quality]:
    """What each site would answer with its own training alone."""
    rules = facts().rules
    return {site.name: of_change(waiting_of(site)[1], rules) for site in cast.sites}


def send(cast: Cast) -> tuple[Mapping[str, int], str]:
    """Send every change; returns bytes by site, and why the hostile site's first was refused.

    After that it keeps to the bound, and its change is one of the four that count.

    Raises:
        ScenarioError: the change that is too long was taken.
    """
    desk, most = cast.parent.desk, cast.policy.of(DOMAIN).take.max_norm
    manifest, delta = waiting_of(cast.hostile)
    offer(cast.hostile, manifest, scaled(delta, BEYOND * most))
    try:
        cast.hostile.send(desk)
    except ContributionRefusedError as error:
        reason = error.reason
    else:
        raise ScenarioError("The change that is too long was taken.")
    offer(cast.hostile, manifest, scaled(delta, WITHIN * most))
    return {site.name: site.send(desk).bytes for site in cast.sites}, reason


def plain_mean(cast: Cast) -> Quality:
    """What the parent would answer if the four were put together by a plain mean."""
    parent = cast.parent
    with parent.database.reading() as session:
        there = waiting(session, DOMAIN)
    files = [parent.rounds.files.contribution(one.id) for one in there]
    made = aggregate(FileRound(files), Rule.MEAN, rank=cast.policy.of(DOMAIN).take.rank)
    return of_change(made.delta, facts().rules)
