"""The kinds of notices: who gets them, where they lead, and which nobody can switch off."""

from __future__ import annotations

from dataclasses import dataclass

CLINICIAN, OPERATOR, PRIVACY, ADMIN = "clinician", "operator", "privacy", "admin"
EVERYBODY = (CLINICIAN, OPERATOR, PRIVACY, ADMIN)


@dataclass(frozen=True)
class Kind:
    """One kind of notice.

    ``address`` is the page that it leads to, ``{}`` standing for the subject; ``always``: it cannot
    be switched off, since somebody may come to harm.
    """

    icon: str
    address: str
    roles: frozenset[str]
    always: bool = False


_REFERRAL = "/portal/referrals/{}"


def _kind(icon: str, address: str, *roles: str, always: bool = False) -> Kind:
    return Kind(icon, address, frozenset(roles), always)


KINDS: dict[str, Kind] = {
    "red-flag": _kind("alert", "/portal/", CLINICIAN, always=True),
    "handed-over": _kind("person", _REFERRAL, CLINICIAN),
    "snooze-ended": _kind("clock", _REFERRAL, CLINICIAN),
    "opinion-ready": _kind("model", _REFERRAL, CLINICIAN),
    "round-waits": _kind("model", "/portal/updates/{}", OPERATOR),
    "change-waits": _kind("cite", "/portal/knowledge/{}", CLINICIAN),
    "answers-doubted": _kind("thumb-down", "/portal/updates", CLINICIAN),
    "glass-break": _kind("shield", "/portal/reviews", PRIVACY, always=True),
    "rights-given": _kind("person", "/portal/audit", PRIVACY, always=True),
    "rights-given-by": _kind("person", "/portal/users/{}", ADMIN, always=True),
    "guessed": _kind("lock", "/portal/account", *EVERYBODY, always=True),
    "guessed-at": _kind("lock", "/portal/users/{}", ADMIN, always=True),
    "job-dead": _kind("alert", "/portal/system/queues", OPERATOR),
    "node-stale": _kind("clinic", "/portal/system/nodes", OPERATOR),
    "expiring": _kind("lock", "/portal/system", OPERATOR),
}
"""By the name under which a notice is kept."""


def kinds_of(role: str) -> dict[str, Kind]:
    """The kinds that a role gets."""
    return {name: kind for name, kind in KINDS.items() if role in kind.roles}
