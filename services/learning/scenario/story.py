"""The scenario, told step by step."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.bricks.manifest import split_ref
from services.engines.settings import embedded_model
from services.learning.rounds.ports import Say
from services.learning.scenario.cast import Cast
from services.learning.scenario.facts import facts
from services.learning.scenario.hostile import scaled, waiting_of
from services.learning.scenario.learning import alone, hear, plain_mean, send, train
from services.learning.scenario.outcome import Outcome, SiteResult, Step
from services.learning.scenario.quality import of_adapter
from services.learning.scenario.regression import FORGOTTEN, ask_again, plant
from services.learning.scenario.releasing import ask_north, fetch, in_use, quality_of, release

USUAL_HOURS = 72
"""How long the first release is in use before the next: what is usual has to be known first."""


class Clock:
    """Times steps, in seconds and in seconds of the processor."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self.steps: list[Step] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step."""
        self._say(f"— {name}")
        began, before = time.monotonic(), _cpu()
        yield
        step = Step(name, time.monotonic() - began, _cpu() - before)
        self.steps.append(step)
        self._say(f"— {name}: {step.seconds:.0f} s, {step.cpu:.0f} s of the processor")


def run(folder: Path, say: Say, at_once: int = 2) -> Outcome:
    """Run everything.

    Args:
        folder: of all state; it must not be there, and stays.
        say: is told how far it is.
        at_once: trainings at the same time, each on one thread.

    Raises:
        ScenarioError: the story goes another way than it should, with the reason.
        EngineUnavailableError: there is no environment with torch.
    """
    cast = Cast(folder)
    try:
        return _tell(cast, Clock(say), say, at_once)
    finally:
        cast.close()


def _tell(cast: Cast, clock: Clock, say: Say, at_once: int) -> Outcome:
    with clock.step("ask the bare model"):
        bare = of_adapter(None, facts().rules)
    with clock.step("train at four sites"):
        hear(cast)
        train(cast, say, at_once)
    with clock.step("ask each site alone"):
        trained, hostile = alone(cast), waiting_of(cast.hostile)[1]
    with clock.step("send and check"):
        sent, refused = send(cast)
    with clock.step("a plain mean, for comparison"):
        mean = plain_mean(cast)
    with clock.step("aggregate and judge"):
        round_ = cast.parent.judge(say)
    with clock.step("approve, sign, roll out"):
        first = release(cast, round_, say)
    with clock.step("fetch, and ask the third clinic"):
        fetched = fetch(cast)
        north, said = ask_north(cast)
    with clock.step("two bad releases: sign, roll out, roll back"):
        number = split_ref(first.brick)[1]
        cast.parent.wait(hours=USUAL_HOURS)
        second = plant(cast, hostile, first.brick, number + 1, say)
        forgot = scaled(hostile, FORGOTTEN)
        third = plant(cast, forgot, first.brick, number + 2, say)
        cast.parent.wait(hours=1)
        fetch(cast)
        told = ask_again(cast, third.brick)
    sites = tuple(
        SiteResult(
            site.name,
            bare,
            trained[site.name],
            north if site is cast.north else quality_of(cast.parent, in_use(site)),
            sent[site.name],
            fetched[site.name].moved,
        )
        for site in cast.sites
    )
    return Outcome(
        sites=sites,
        mean=mean,
        refused=refused,
        trust=cast.parent.trust.of(cast.hostile.fingerprint),
        first=first,
        second=second,
        third=third,
        said=said,
        kept=cast.parent.fleet.using(number) / len(cast.parent.fleet.nodes),
        again=told,
        nodes=len(cast.parent.fleet.nodes),
        model_bytes=embedded_model().stat().st_size,
        steps=tuple(clock.steps),
    )


def _cpu() -> float:
    """Seconds of the processor so far, with those of processes that have ended."""
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system
