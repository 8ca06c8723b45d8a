"""Events of access itself: sign-in, keys, enrolment, emergency access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from compliance.audit import balp
from compliance.audit.actors import Actors, event, own
from compliance.audit.agents import DICOM, coding
from compliance.audit.balp import Outcome

_ATTRIBUTES = coding(DICOM, "110137", "User security Attributes Changed")


def sign_in(by: Actors, *, method: str, outcome: Outcome = "0") -> dict[str, Any]:
    """A person signed in, or tried to (outcome ``4`` or ``8``); ``method`` as ``password+totp``."""
    return _session(by, coding(DICOM, "110122", "Login"), "sign-in", method, outcome)


def sign_out(by: Actors, *, method: str) -> dict[str, Any]:
    """A session ended; ``method`` is ``asked`` or ``idle``."""
    return _session(by, coding(DICOM, "110123", "Logout"), "sign-out", method, "0")


def _session(
    by: Actors, subtype: dict[str, str], act: str, method: str, outcome: Outcome
) -> dict[str, Any]:
    return event(
        by,
        kind=coding(DICOM, "110114", "User Authentication"),
        subtypes=[subtype, own(act)],
        action="E",
        entities=[balp.thing(f"account:{by.person.id if by.person else '-'}", method=method)],
        outcome=outcome,
    )


def _security(
    by: Actors, subtype: dict[str, str], act: str, entities: list[dict[str, Any]], outcome: Outcome
) -> dict[str, Any]:
    return event(
        by,
        kind=coding(DICOM, "110113", "Security Alert"),
        subtypes=[subtype, own(act)],
        action="U",
        entities=entities,
        outcome=outcome,
    )


def key(
    by: Actors,
    key_id: str,
    *,
    change: Literal["made", "rotated", "revoked", "refused"],
    outcome: Outcome = "0",
) -> dict[str, Any]:
    """A key or token was made, rotated, revoked or refused; ``key_id`` never is its secret."""
    entities = [balp.thing(f"key:{key_id}", change=change)]
    return _security(by, _ATTRIBUTES, "key", entities, outcome)


def account(
    by: Actors,
    account_id: str,
    *,
    change: str,
    why: str = "",
    detail: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """An account was made or changed.

    Args:
        by: who.
        account_id: of the account; never a name, which may be typed wrong.
        change: ``made``, ``role``, ``disabled``…
        why: in the words of who did it.
        detail: short texts without secrets, for example ``role`` and ``privacy``.
    """
    thing = balp.thing(f"account:{account_id}", change=change, **(detail or {}))
    entities = [thing, *([balp.reason(why)] if why.strip() else [])]
    return _security(by, _ATTRIBUTES, "account", entities, "0")


def trail_used(
    by: Actors, what: str, *, patient: str | None = None, **detail: str
) -> dict[str, Any]:
    """The trail itself was read, checked or given out; ``what`` is ``trail:search`` and such."""
    return event(
        by,
        kind=coding(DICOM, "110101", "Audit Log Used"),
        subtypes=[own("trail")],
        action="R",
        entities=[balp.thing(what, **detail), *([balp.patient(patient)] if patient else [])],
        purpose=by.purpose,
    )


def enrol(by: Actors, node: str, *, level: str, outcome: Outcome = "0") -> dict[str, Any]:
    """A node enrolled here, by its fingerprint, or was refused."""
    entities = [balp.thing(f"node:{node}", level=level)]
    return _security(by, _ATTRIBUTES, "enrol", entities, outcome)


def break_glass(
    by: Actors, patient: str, *, why: str, category: str | None = None, outcome: Outcome = "0"
) -> dict[str, Any]:
    """A person took emergency access to one patient, and said why; ``category`` is its kind."""
    subtype = coding(DICOM, "110127", "Emergency Override Started")
    kind = [balp.thing(f"emergency:{category}", change=category)] if category else []
    entities = [*kind, balp.patient(patient), balp.reason(why)]
    return _security(by, subtype, "break-glass", entities, outcome)


def peer_trail(by: Actors, peer: str, *, trail: str, problem: str) -> dict[str, Any]:
    """A peer's audit trail contradicts what it told before; ``peer`` is its fingerprint."""
    subtype = coding(DICOM, "110135", "Object Security Attributes Changed")
    entities = [balp.thing(f"trail:{trail}", peer=peer, problem=problem)]
    return _security(by, subtype, "peer-trail", entities, "8")
