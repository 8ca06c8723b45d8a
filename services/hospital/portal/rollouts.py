"""A release on its way, on its round's page: cohorts, measures before and now, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from compliance.errors import NotFoundError
from services.hospital.portal.access import OPERATORS, UPDATES
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.plots import ROW, WIDTH, Interval, Intervals
from services.hospital.portal.texts import clean
from services.learning.rollout import Rollout
from services.learning.rollout.view import told
from services.learning.rounds import Rounds

REASON_CHARS = 200
Text = Annotated[str, Form()]
TONES = {"released": "ok", "held": "warn", "stopped": "problem", "rolled-back": "problem"}


def shown(rollout: Rollout | None, brick: str | None) -> dict[str, Any] | None:
    """What the page says of a release; None where it was not rolled out."""
    if rollout is None or brick is None:
        return None
    try:
        held = told(rollout, rollout.book.get(brick))
    except NotFoundError:
        return None
    rises = (held["now"] or {}).get("rises", [])
    return {
        **held,
        "tone": TONES.get(held["state"], "info"),
        "plot": plot_of([one for one in rises if one["name"] != "latency"]),
        "latency": next((one for one in rises if one["name"] == "latency"), None),
        "plan": _marked(held),
        "longest": REASON_CHARS,
    }


def rollout_pages(router: APIRouter, portal: Portal, rounds: Rounds, rollout: Rollout) -> None:
    """Add what operators decide; each is written down before it counts."""

    def decide(request: Request, csrf: str, id_: str, do: str, reason: str) -> Response:
        who = portal.gate.let_change(request, csrf, OPERATORS)
        brick = rounds.book.get(id_).brick if len(id_) <= len("0" * 36) else None
        if brick is None:
            raise NotFoundError("There is no such release.")
        getattr(rollout, do)(brick, who.user.id, clean(reason[:REASON_CHARS]))
        return see(f"{UPDATES}/{id_}")

    @router.post("/updates/{id_}/hold")
    def hold(request: Request, id_: str, csrf: Text = "", reason: Text = "") -> Response:
        """Let a release go no further."""
        return decide(request, csrf, id_, "hold", reason)

    @router.post("/updates/{id_}/go-on")
    def go_on(request: Request, id_: str, csrf: Text = "", reason: Text = "") -> Response:
        """Let a held release go on."""
        return decide(request, csrf, id_, "go_on", reason)

    @router.post("/updates/{id_}/roll-back")
    def roll_back(request: Request, id_: str, csrf: Text = "", reason: Text = "") -> Response:
        """Take a release back from every node."""
        return decide(request, csrf, id_, "roll_back", reason)


def plot_of(rises: Sequence[Mapping[str, Any]]) -> Intervals:
    """Rises of shares with their intervals, symmetrical about no change; worse is to the right."""
    ends = [abs(float(one[key])) for one in rises for key in ("low", "high", "allowed")]
    reach = min(max([0.05, *ends]), 1.0) * 1.05

    def place(value: float) -> float:
        return round(WIDTH / 2 * (1 + max(-reach, min(reach, value)) / reach), 1)

    rows = tuple(
        Interval(
            name=one["name"],
            kind="rise",
            words=_words(one),
            reaches=not one["worse"],
            y=ROW * number + ROW // 2,
            low=place(one["low"]),
            mean=place(one["now"] - one["before"]),
            high=place(one["high"]),
            bound=place(one["allowed"]),
        )
        for number, one in enumerate(rises)
    )
    return Intervals(rows, place(0.0), f"{reach:.0%}", ROW * len(rows))


def _words(one: Mapping[str, Any]) -> str:
    rise = one["now"] - one["before"]
    return (
        f"{one['before']:.1%} → {one['now']:.1%}; "
        f"{rise:+.1%} ({one['low']:+.1%} … {one['high']:+.1%})"
    )


def _marked(held: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cohorts, each *past*, *now* or *to come*."""
    names = [one["cohort"] for one in held["plan"]]
    at = names.index(held["cohort"]) if held["cohort"] in names else 0
    over = held["state"] == "released"
    marks = [
        "past" if n < at or over else "now" if n == at else "coming" for n in range(len(names))
    ]
    return [{**one, "mark": mark} for one, mark in zip(held["plan"], marks, strict=True)]
