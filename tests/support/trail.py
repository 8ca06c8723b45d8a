"""An audit trail that keeps its events in memory, and fails when it is told to."""

from __future__ import annotations

from compliance.audit.errors import AuditError


class Trail:
    def __init__(self):
        self.events, self.fails = [], False

    def record(self, event):
        if self.fails:
            raise AuditError("The audit trail cannot be written.")
        self.events.append(event)

    def record_all(self, events):
        for event in events:
            self.record(event)
