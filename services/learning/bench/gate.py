"""What the release gate says of a table's cell, by the reviewed policy that is installed."""

from __future__ import annotations

from services.learning.bench.cells import Cell
from services.learning.gates import Evidence, may_release
from services.learning.policy import Policy

DOMAIN = "general"


def blocked_by(cell: Cell) -> tuple[str, ...]:
    """Names of the criteria that keep a cell's model from being released; none lets it out.

    Only what the cell measured is judged: privacy, shadow and approvals are granted, so that it is
    never these that block.
    """
    policy = Policy.load().of(DOMAIN)
    evidence = Evidence(
        suites=cell.suites,
        lost=cell.lost,
        shadow=(policy.release.shadow, 0),
        approvals=frozenset(f"person-{number}" for number in range(policy.release.approvals)),
        epsilon=policy.take.epsilon,
    )
    return tuple(one.name for one in may_release(policy, evidence) if not one.holds)
