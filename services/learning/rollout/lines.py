"""From the rows of releases to the lines that nodes are shown."""

from __future__ import annotations

from collections.abc import Sequence

from services.bricks.channels import Line, Next
from services.bricks.manifest import split_ref
from services.learning.rollout.book import WITHDRAWN, Case
from services.learning.rollout.tally import version_of


def lines_of(cases: Sequence[Case]) -> dict[str, Line]:
    """The line of each brick that was ever rolled out."""
    by_brick: dict[str, list[Case]] = {}
    for case in cases:
        by_brick.setdefault(split_ref(case.brick)[0], []).append(case)
    return {brick: _line(brick, own) for brick, own in by_brick.items()}


def _line(brick: str, cases: Sequence[Case]) -> Line:
    """Settled is the highest version that was released, or came before the first rollout."""
    coming, settled = None, set[int]()
    withdrawn: dict[int, str] = {}
    for case in cases:
        version = split_ref(case.brick)[1]
        former = version_of(case.deployment.former, brick)
        settled |= {former} if former else set()
        if case.deployment.state == "released":
            settled.add(version)
        elif case.deployment.state in WITHDRAWN:
            withdrawn[version] = case.deployment.reason or "It was rolled back."
        elif coming is None or version > coming.version:
            coming = Next(version=version, salt=case.channel.salt, reach=case.channel.reach)
    usable = settled - set(withdrawn)
    return Line(settled=max(usable, default=None), next=coming, withdrawn=withdrawn)
