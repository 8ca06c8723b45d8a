"""AuditEvents for what is done at one node: reading, search, writing, chat, sign-in, keys, erasure.

Every function returns a dict for `AuditTrail.record`; call it before the thing happens.

Example:
    >>> by = Actors(
    ...     person=Agent("person", "u-7", role="clinician"),
    ...     application=Agent("application", "caretier-portal"),
    ...     node="hospital",
    ...     client="10.0.0.9",
    ... )
    >>> event = read(by, "Observation/o1", patient="Patient/p1")
    >>> event["meta"]["profile"][0].rsplit("/", 1)[1]
    'IHE.BasicAudit.PatientRead'
    >>> sign_in(by, method="password", outcome="8")["outcome"]
    '8'

A node that holds records names their patients by reference, so its trail is protected data too.
"""

from compliance.audit.actors import Actors
from compliance.audit.agents import Agent
from compliance.audit.record_acts import (
    change,
    chat,
    erase,
    everything,
    export,
    history,
    read,
    search,
)
from compliance.audit.security_acts import (
    account,
    break_glass,
    enrol,
    key,
    peer_trail,
    sign_in,
    sign_out,
    trail_used,
)

__all__ = [
    "Actors",
    "Agent",
    "account",
    "break_glass",
    "change",
    "chat",
    "enrol",
    "erase",
    "everything",
    "export",
    "history",
    "key",
    "peer_trail",
    "read",
    "search",
    "sign_in",
    "sign_out",
    "trail_used",
]
