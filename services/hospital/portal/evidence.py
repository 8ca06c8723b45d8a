"""What was measured of a model update, in plain words: what, on how much, which way, how surely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.hospital.portal.plots import Interval, intervals
from services.learning.policy import DomainPolicy
from services.web.i18n import Translator

FEW = 100
"""Items below which the reader is told that there are few."""
Suites = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Proof:
    """One suite: its picture, and what there is to say of it.

    Attributes:
        row: where its marks stand.
        what: was asked.
        found: how many were right before and after, and how many changed.
        verdict: whether that is enough, and why.
        unsure: how far the figure may be from the truth.
    """

    row: Interval
    what: str
    found: str
    verdict: str
    unsure: str


def proofs(suites: Suites, t: Translator) -> list[Proof]:
    """Every suite, those that hold the update back first."""
    rows = intervals(suites).rows
    told = [_proof(one, row, t) for one, row in zip(suites, rows, strict=True)]
    return sorted(told, key=lambda one: one.row.reaches)


def _proof(one: Mapping[str, Any], row: Interval, t: Translator) -> Proof:
    kind, items = one["kind"], one["items"]
    low, high = f"{one['gain_low']:+.1%}", f"{one['gain_high']:+.1%}"
    found = {
        "items": items,
        "before": f"{one['before']:.0%}",
        "after": f"{one['after']:.0%}",
        "better": one["better"],
        "worse": one["worse"],
        "same": items - one["better"] - one["worse"],
    }
    end = "good" if row.reaches else "bad"
    return Proof(
        row=row,
        what=t(f"proof.what_{kind}"),
        found=t("proof.found", **found),
        verdict=t(f"proof.{kind}_{end}", low=low, bound=f"{one['bound']:+.0%}", count=one["worse"]),
        unsure=t(
            "proof.unsure_few" if items < FEW else "proof.unsure", low=low, high=high, items=items
        ),
    )


def consequences(
    policy: DomainPolicy, held: Mapping[str, Any], t: Translator, *, blocked: bool = False
) -> dict[str, list[str]]:
    """What follows if somebody approves now, and if somebody rejects: in sentences.

    ``blocked``: a check does not hold now, so that no approval lets it out.
    """
    needed = policy.release.approvals
    yes = sum(bool(one["approved"]) for one in held["approvals"])
    more = max(0, needed - yes - 1)
    way = ", ".join(t(f"updates.cohort_{one}") for one in policy.rollout.cohorts)
    parent = held["parent"] or t("updates.bare")
    out = [
        t("decision.approve_more", count=more) if more else t("decision.approve_last"),
        t("decision.approve_way", way=way, minutes=f"{policy.rollout.watch_minutes:g}"),
        t("decision.approve_back", parent=parent),
        t("decision.approve_undo"),
    ]
    return {
        "approve": [t("decision.approve_held")] if blocked else out,
        "reject": [
            t("decision.reject_blocks"),
            t("decision.reject_stays", parent=parent),
            t("decision.reject_again"),
        ],
    }
