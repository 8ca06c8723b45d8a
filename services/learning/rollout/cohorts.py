"""Which node is in which cohort: an order by a keyed hash, and how far in it a release is offered.

    salt = new_salt(nodes, preferred)
    reach = reach_of("tenth", nodes, salt)
    members(nodes, salt, reach)          # a tenth of the nodes, rounded up

The key is drawn anew for each release, so nobody can foresee whose turn is first, and it is not the
same clinic's every time. It is published with the release's channel: each node sees for itself
whether it is meant, and whoever hands the channel on cannot say otherwise.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection

from services.bricks.channels import FARTHEST, rank
from services.learning.policy import Cohort

_TRIES = 64
"""Draws at most; with one node in ten reporting, one in 850 times another comes first."""


def draw() -> str:
    """A new key for the order, 32 bytes as hex; nobody can foresee it."""
    return secrets.token_hex(32)


def new_salt(
    nodes: Collection[str], preferred: Collection[str] = (), draw: Callable[[], str] = draw
) -> str:
    """A new key by which a preferred node (one that reports) comes first, if one is soon found.

    Among the preferred each is as likely to be the first.
    """
    wanted = set(nodes) & set(preferred)
    salt = draw()
    for _ in range(_TRIES):
        if not wanted or in_order(nodes, salt)[0] in wanted:
            break
        salt = draw()
    return salt


def in_order(nodes: Collection[str], salt: str) -> list[str]:
    """The nodes, the first to get a release first."""
    return sorted(set(nodes), key=lambda node: rank(salt, node))


def size_of(cohort: Cohort, nodes: int) -> int:
    """How many nodes of a fleet a cohort has.

    The simulator has none; *one-clinic* has one; *tenth* a tenth, rounded up, and so one of ten or
    fewer. With one clinic each of the three is that clinic.
    """
    match cohort:
        case "simulator":
            return 0
        case "one-clinic":
            return min(1, nodes)
        case "tenth":
            return -(-nodes // 10)
        case "all":
            return nodes


def reach_of(cohort: Cohort, nodes: Collection[str], salt: str, before: str | None) -> str | None:
    """How far in the order a release is offered to a cohort; never less far than before.

    Nodes that were revoked are not among ``nodes``; the next in the order takes such a one's place.
    """
    if cohort == "all":
        return FARTHEST
    first = in_order(nodes, salt)[: size_of(cohort, len(set(nodes)))]
    now = rank(salt, first[-1]) if first else None
    return max((reach for reach in (before, now) if reach is not None), default=None)


def members(nodes: Collection[str], salt: str, reach: str | None) -> list[str]:
    """The nodes that a release is offered to, in the order."""
    return [n for n in in_order(nodes, salt) if reach is not None and rank(salt, n) <= reach]
