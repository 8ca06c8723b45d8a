"""Advice: which models fit a need and a machine, in which order, and why the others do not.

advice = advise(Wish(need="asthma questions, in Spanish", seconds=20), tree=tree)
advice.recommended[0].model.id
advice.rejected[0].against
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.advisor.catalogue import Catalogue
from services.advisor.choice import GB, Bench, Choice, best_choice
from services.advisor.hardware import Battery, Machine, probe
from services.advisor.need import Place, Tree
from services.advisor.pace import Pace, measured
from services.advisor.wish import Wish
from services.bricks.manifest import BrickManifest

LOW = 30.0
"""Percent of charge below which a device should not fetch or run more than it has to."""


@dataclass(frozen=True)
class Advice:
    """What the advisor says.

    Attributes:
        wish: as it was asked; place: the node of the tree that it belongs to.
        machine, pace: what was looked at; pace is None where another machine was described.
        recommended: best first; rejected: each with what speaks against it.
        bricks: of this node that belong to the place.
        notes: what one should know before choosing.
    """

    wish: Wish
    place: Place
    machine: Machine
    pace: Pace | None
    recommended: tuple[Choice, ...]
    rejected: tuple[Choice, ...]
    bricks: tuple[BrickManifest, ...]
    notes: tuple[str, ...]


def advise(
    wish: Wish,
    *,
    tree: Tree | None = None,
    bricks: Iterable[BrickManifest] = (),
    machine: Machine | None = None,
    pace: Pace | None = None,
) -> Advice:
    """Rank the catalogue's models for a need.

    Args:
        wish: what is needed.
        tree: finds the domain of a need in words; None looks only at what is said outright.
        bricks: that are here, to name those that belong to the need.
        machine: this one, where it is known already.
        pace: of this machine, where it is known already.

    Raises:
        AdvisorError: the catalogue cannot be read, or this machine's pace not measured.
    """
    place = (tree or Tree()).place(wish.need, language=wish.language, tier=wish.tier)
    here = wish.machine or machine or probe()
    quick = None if wish.machine else pace or measured(here)
    bench = Bench(here, quick)
    choices = [best_choice(m, wish, place, bench) for m in Catalogue.load().models]
    fitting = sorted((c for c in choices if not c.against), key=lambda c: c.rank, reverse=True)
    rejected = sorted(
        (c for c in choices if c.against), key=lambda c: (len(c.against), c.memory.needed)
    )
    return Advice(
        wish,
        place,
        here,
        quick,
        tuple(fitting),
        tuple(rejected),
        tuple(b for b in bricks if _belongs(b, place)),
        tuple(_notes(here, quick, fitting)),
    )


def _belongs(brick: BrickManifest, place: Place) -> bool:
    """Whether a brick covers the place: its language, and its domain or one above."""
    domains = {place.domain, place.sub_domain} - {None}
    mine = brick.sub_domain or brick.domain
    return place.language in brick.languages and mine in domains


def _notes(machine: Machine, pace: Pace | None, fitting: list[Choice]) -> Iterator[str]:
    if not fitting:
        yield "No model of the catalogue fits. Ask for less context, more time or more memory."
    elif machine.free is not None and fitting[0].memory.needed > machine.free:
        yield (
            f"Only {machine.free / GB:.1f} GB of memory are free now; the first model needs"
            f" {fitting[0].memory.needed / GB:.1f}."
        )
    if pace is None:
        yield "The pace of the described machine is not known: only its cards' speed is estimated."
    elif pace.busy:
        yield "The machine was busy when its pace was measured; a quiet one is quicker."
    if machine.battery is not None:
        yield from _of_battery(machine.battery)
    yield (
        "Examination scores say little of advice to patients. Until a model passes Caretier's own"
        " suites here, it may only phrase what cited sources say."
    )


def _of_battery(battery: Battery) -> Iterator[str]:
    if not battery.on_power:
        yield "On battery: a warm device slows down; the pace was measured as it runs now."
        if battery.percent < LOW:
            yield f"The battery is at {battery.percent:.0f} %: fetch a model when on power."
