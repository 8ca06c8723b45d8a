"""The second act: a person approves, the release is signed, rolled out, fetched, and answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from services.bricks.updater.updater import Pulled
from services.learning.evaluate.forms import parent_worn
from services.learning.models import LearningRound
from services.learning.rollout import Case
from services.learning.rollout.simulator import Rates
from services.learning.rounds.ports import Say
from services.learning.scenario.cast import Cast
from services.learning.scenario.clinic import Clinic
from services.learning.scenario.errors import ScenarioError
from services.learning.scenario.facts import facts
from services.learning.scenario.outcome import Released
from services.learning.scenario.parent import BRICK, Parent
from services.learning.scenario.quality import Quality, of_adapter

NIGHTLY = 0.4
"""Share of the simulated clinics' questions that are about the rule which no suite asks for."""


def release(cast: Cast, round_: LearningRound, say: Say) -> Released:
    """Approve a round that waits, roll its release out, and see how that ends.

    Raises:
        ScenarioError: a criterion of the policy blocks the round, naming each.
    """
    parent = cast.parent
    if round_.state != "waiting":
        blocked = [f"{c['name']}: {c['has']}" for c in round_.criteria or () if not c["holds"]]
        raise ScenarioError(f"The round is {round_.state} ({round_.error}): {'; '.join(blocked)}")
    published = parent.approve(round_, say)
    say(f"{published.brick} is signed and begins to roll out")
    let_override(parent, published.brick or "", published.parent)
    ended, hours = parent.roll_out(published)
    say(f"{published.brick} is {ended.state} after {hours:.0f} simulated hours")
    return _released(cast, ended, hours)


def fetch(cast: Cast) -> Mapping[str, Pulled]:
    """Let every site bring its bricks up to date; what each fetched, by its name."""
    return {site.name: done[0] for site in cast.sites if (done := site.update())}


def in_use(site: Clinic) -> str | None:
    """The release that a site has in use."""
    version = site.updater.installed.active().get(BRICK)
    return f"{BRICK}@{version}" if version else None


def ask_north(cast: Cast) -> tuple[Quality, str]:
    """Ask the engine of the clinic that never saw the rules, as its bricks are now."""
    return asyncio.run(cast.north.ask(facts().rules))


def quality_of(parent: Parent, ref: str | None, *, unasked: bool = False) -> Quality:
    """What the parent answers with a release; with the rule that no suite asks for alone."""
    told = facts()
    rules = [told.unasked()] if unasked else told.rules
    return of_adapter(parent_worn(parent.store, ref).path, rules)


def let_override(parent: Parent, ref: str, former: str | None) -> None:
    """Let simulated clinicians override what the release really answers worse than the former one.

    Asked is the rule that no suite asks for; a share of a clinic's questions is about it.
    """
    lost = quality_of(parent, former, unasked=True).share
    lost -= quality_of(parent, ref, unasked=True).share
    parent.fleet.worse[ref] = Rates(overrides=NIGHTLY * max(0.0, lost))


def steps_of(case: Case) -> tuple[str, ...]:
    """The steps of a rollout, each with its cohort."""
    return tuple(f"{step['move']} {step['cohort']}" for step in case.channel.steps)


def _released(cast: Cast, round_: LearningRound, hours: float) -> Released:
    parent, ref = cast.parent, round_.brick or ""
    case, held = parent.rollout.book.get(ref), round_.evidence or {}
    names = {site.learner.site: site.name for site in cast.sites}
    return Released(
        brick=ref,
        state=str(round_.state),
        quality=quality_of(parent, ref),
        unasked=quality_of(parent, ref, unasked=True),
        suites={
            name: (_mean(one["before"]), _mean(one["after"]))
            for name, one in held.get("suites", {}).items()
        },
        criteria={one["name"]: one["holds"] for one in round_.criteria or ()},
        weights={names[one["site"]]: one["weight"] for one in held["contributions"]},
        epsilon=held.get("epsilon"),
        signed=_is_signed(cast, ref),
        hours=hours,
        steps=steps_of(case),
        reason=case.deployment.reason,
    )


def _is_signed(cast: Cast, ref: str) -> bool:
    """Whether a client that trusts the first root alone finds the release in signed metadata."""
    return any(entry.ref == ref for entry in cast.north.updater.check().signed)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
