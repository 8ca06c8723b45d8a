"""The places of the portal: what stands in its navigation, and for whom."""

from __future__ import annotations

from dataclasses import dataclass

from services.hospital.portal.access import (
    ADMINS,
    AUDIT,
    CHART_READERS,
    CHARTS,
    CLIENTS,
    HOME,
    KNOWLEDGE,
    OPERATORS,
    READERS,
    REQUESTS,
    REVIEWERS,
    REVIEWS,
    SYSTEM,
    UPDATES,
    USERS,
    WATCHERS,
)


@dataclass(frozen=True)
class Place:
    """One entry of the navigation; ``room`` is the part of the portal that must be there."""

    address: str
    icon: str
    label: str
    roles: frozenset[str]
    room: str | None = None


PLACES = (
    Place(HOME, "inbox", "nav.inbox", READERS),
    Place(CHARTS, "record", "nav.charts", CHART_READERS, "charts"),
    Place(REVIEWS, "shield", "nav.reviews", REVIEWERS, "charts"),
    Place(REQUESTS, "trash", "nav.requests", REVIEWERS, "charts"),
    Place(AUDIT, "history", "nav.audit", REVIEWERS),
    Place(USERS, "person", "nav.users", ADMINS),
    Place(SYSTEM, "chart", "nav.system", WATCHERS),
    Place(UPDATES, "model", "nav.updates", WATCHERS, "updates"),
    Place(KNOWLEDGE, "cite", "nav.knowledge", WATCHERS, "knowledge"),
    Place(CLIENTS, "external", "nav.clients", OPERATORS, "apps"),
)


def places_of(role: str, rooms: frozenset[str]) -> list[Place]:
    """What a role finds in the navigation of a portal that has these rooms."""
    return [
        place
        for place in PLACES
        if role in place.roles and (place.room is None or place.room in rooms)
    ]
