"""Retention on the device: previews go after a day, and nothing of the person's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from compliance.retention import Schedule
from patient_app.vault.tidying import device_sweeper

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_only_previews_that_are_over_are_deleted_by_a_moved_clock(vault):
    with vault.write() as tx:
        tx.put("preview", "old", {"made": (NOW - timedelta(hours=25)).isoformat()})
        tx.put("preview", "young", {"made": (NOW - timedelta(hours=23)).isoformat()})
        tx.put("preview", "broken", {"made": "?"})
        for kind in ("consult", "ledger", "consent", "map", "record"):
            tx.put(kind, "mine", {"made": "2001-01-01T00:00:00+00:00"})
    sweeper = device_sweeper(Schedule.load(), vault)
    assert sweeper.sweep(NOW) == {"device.preview": 2}
    assert [id_ for id_, _ in vault.items("preview")] == ["young"]
    sweeper.sweep(NOW + timedelta(days=20_000))
    for kind in ("consult", "ledger", "consent", "map", "record"):
        assert vault.get(kind, "mine")
