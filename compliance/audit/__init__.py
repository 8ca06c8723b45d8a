"""The audit trail: every crossing of a tier, in an order that cannot be changed unseen.

Workflow. A node opens one `AuditTrail` on its file. Before something crosses a tier, it builds a
FHIR R4 AuditEvent with `crossing` (person, application and model are separate agents) and calls
`record`, which returns only once the event is on the disk. If that fails, an `AuditError` is raised
and the crossing must not happen. What is done at one node (reading, chat, sign-in, keys, erasure)
has its builders in `compliance.audit.acts`. Anyone can check a trail with `verify_file`.

Example:
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> trail = AuditTrail(folder / "audit.jsonl", load_or_create_key(folder), node="clinic-1")
    >>> event = crossing(
    ...     action="send", referral="42", source="device", destination="clinic", model=None,
    ...     person=Agent("person", "patient-7"), application=Agent("application", "caretier"),
    ...     detail={"receipt": "r-1"},
    ... )
    >>> trail.record(event).seq
    0
    >>> verify_file(folder / "audit.jsonl").ok
    True

Format. A trail is a file of JSON lines. Each record has ``seq`` (from 0), ``prev`` (hash of the
record before, 64 zeros for the first), ``time``, ``event``, ``hash`` (SHA-256 over the canonical
JSON of those four: anyone can check it) and ``mac`` (HMAC-SHA256 of the hash under the node's key:
without the key no record can be added). Beside it lies ``<name>.anchor``: how many records there
are, how many bytes, and the hash of the last, with a MAC; it is replaced atomically after each
group of records. Callers that come at once share one write, one sync and one anchor; each of them
goes on only when its own record is on the disk, and if that fails none of the group goes on.

What shows: a record edited, deleted, inserted or reordered (chain); records cut off the end, at a
line or inside one (anchor); the anchor deleted or edited; a trail that vanished, with or without
its anchor (the register in the folder above, see `compliance.audit.registry`); a history written
anew by someone who holds disk and key, as soon as a peer has seen more of it (the books of the
peers, see `compliance.audit.witness`). What a crash may leave is healed when the trail is next
used:

- *whole records behind the anchor's count* (killed between the two writes): taken, if each of them
  continues the chain and has a valid MAC;
- *an unfinished last line*: only if all records that the anchor counts are still there in front of
  it. Then ``record`` never returned for that line and nothing crossed. It is moved to
  ``<name>.torn``, and a record says how many bytes were set aside. If an acknowledged record is
  missing, the same unfinished line is a truncation, and the trail refuses to go on.

What does not show: someone who holds a node's disk and key can write anew what no peer has seen
yet. A device whose trail, register and identity are all made anew looks like another device.
"""

from compliance.audit.agents import Agent
from compliance.audit.errors import AuditError
from compliance.audit.events import crossing
from compliance.audit.files import load_or_create_key
from compliance.audit.records import AuditRecord
from compliance.audit.trail import AuditTrail
from compliance.audit.verify import VerifyReport, verify_file

__all__ = [
    "Agent",
    "AuditError",
    "AuditRecord",
    "AuditTrail",
    "VerifyReport",
    "crossing",
    "load_or_create_key",
    "verify_file",
]
