"""Releases on their way, as people and programs see them."""

from __future__ import annotations

from typing import Any

from services.learning.rollout.book import UNDER_WAY, Case
from services.learning.rollout.cohorts import size_of
from services.learning.rollout.moves import held_by_person
from services.learning.rollout.service import Rollout


def told(rollout: Rollout, case: Case) -> dict[str, Any]:
    """All there is of a release on its way.

    ``plan`` are its cohorts with how many nodes each has, ``nodes`` those that it is offered to by
    fingerprint, ``may`` what a person can do now.
    """
    row, channel = case.deployment, case.channel
    fleet = rollout.fleet()
    return {
        "brick": row.brick,
        "former": row.former,
        "domain": channel.domain,
        "round": row.round,
        "state": row.state,
        "cohort": row.cohort,
        "since": row.since.isoformat(timespec="seconds"),
        "reason": row.reason,
        "before": row.before,
        "now": row.now,
        "plan": [
            {"cohort": cohort, "nodes": size_of(cohort, len(fleet))}
            for cohort in rollout.allowed(case).cohorts
        ],
        "nodes": rollout.nodes_of(case) if case.under_way else [],
        "steps": channel.steps,
        "may": may(case),
    }


def may(case: Case) -> list[str]:
    """What a person can do with a release."""
    state = case.deployment.state
    found = {"watching": ["hold"], "held": ["go-on"]}.get(state, [])
    return [*found, *(["roll-back"] if state in {*UNDER_WAY, "released"} else [])]


def next_word(case: Case) -> str:
    """What `Rollout.go_on` would do: watch again, or go on to the next cohort."""
    return "watch" if held_by_person(case) else "next"
