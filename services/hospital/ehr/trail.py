"""What is written down of another record: that it was read into this one, and who connected it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from compliance.audit import acts, balp
from compliance.audit.actors import about, event, own
from compliance.audit.acts import Actors, Agent
from compliance.audit.agents import DESTINATION, SOURCE
from compliance.audit.balp import IMPORT
from services.hospital.audited import SHELL, Caller
from services.hospital.ehr.applying import Told

SYNC = Agent("application", "caretier-ehr-sync")
Record = Callable[[Sequence[dict[str, Any]]], None]
"""Writes events to the trail; all of them, or none counts."""


class Trail:
    """Writes down what the synchronisation does.

    Args:
        record: writes events to the trail.
        node: name of the hospital.
    """

    def __init__(self, record: Record, node: str) -> None:
        self._record, self._node = record, node

    def told(self, what: Told) -> None:
        """Resources come in, an event for each person; or one is deleted.

        Raises:
            AuditError: it could not be written; it must not happen then.
        """
        by = Actors(application=SYNC, node=self._node, client=SYNC.id)
        if what.deleted:
            gone = what.deleted
            self._record([acts.change(by, gone, "delete", patient=p) for p in what.patients])
            return
        self._record(
            [
                event(
                    by,
                    kind=IMPORT,
                    subtypes=[own("import")],
                    action="C",
                    agents=by.to_fhir((SOURCE,), (DESTINATION,)),
                    entities=[
                        balp.thing(f"ehr:{what.connection}", resources=str(count)),
                        *about(patient),
                    ],
                    purpose=by.purpose,
                )
                for patient, count in what.patients.items()
            ]
        )

    def connected(self, name: str, base: str, change: str) -> None:
        """An operator connects or disconnects an EHR."""
        by = Actors(
            application=SHELL,
            node=self._node,
            person=Caller.shell().person,
            client=SHELL.id,
            purpose="HOPERAT",
        )
        entities = [balp.thing(f"ehr:{name}", base=base, change=change)]
        made = event(by, kind=IMPORT, subtypes=[own("ehr-connection")], action="U",
                     entities=entities, purpose=by.purpose)  # fmt: skip
        self._record([made])
