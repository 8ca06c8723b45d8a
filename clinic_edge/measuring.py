"""The measures of a clinic, wired: which bricks, which hospital."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from clinic_edge.bricks import ClinicBricks
from clinic_edge.measures import ClinicMeasures
from clinic_edge.settings import ClinicSettings
from compliance.errors import CaretierError
from compliance.sealing import IdentityKey, IdentityPublic
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed
from services.exchange.measures import send_measures
from services.learning.policy import POLICY, Policy
from services.learning.rollout.measures import Report
from services.learning.rollout.routes import Counted
from services.store.database import Database


def measures_of(
    settings: ClinicSettings,
    database: Database,
    bricks: ClinicBricks,
    identity: IdentityKey,
    hospital: Callable[[], IdentityPublic | None],
) -> ClinicMeasures:
    """What this clinic counts.

    Args:
        settings: of this node.
        database: with its signals.
        bricks: looks at the channels.
        identity: key of this node.
        hospital: its identity, None before enrolment.
    """
    folder = settings.data / "bricks"

    @cache
    def learned() -> list[str]:
        from services.learning.publish import brick_of

        return [brick_of(domain) for domain in Policy.load(settings.updates or POLICY).domains]

    def in_use() -> dict[str, int]:
        try:
            active, store = Installed(folder).active(), BrickStore(folder)
            none = dict.fromkeys(learned(), 0)
            sent = {b: v for b, v in active.items() if store.get(f"{b}@{v}").kind == "adapter"}
        except CaretierError:
            return {}  # what is in use is not known, so nothing can be said of it
        return {**none, **sent}

    def send(reports: Sequence[Report]) -> Counted | None:
        peer = hospital()
        if peer is None:
            return None
        return send_measures(settings.hospital_url, identity, peer.fingerprint, reports)

    def look() -> None:
        bricks.sync()
        bricks.update()

    return ClinicMeasures(settings.data / "measures.json", database, in_use, send, look)
