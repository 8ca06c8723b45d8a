"""What patients wrote before a visit: on the chart, and as red flags above the inbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from services.hospital.accounts import SignedIn
from services.hospital.portal.access import CHART_READERS, CHARTS
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.views import age
from services.hospital.previsit.alerts import Alerts
from services.web.i18n import Translator

MAX_ID_CHARS = 64


@dataclass(frozen=True)
class AlertRow:
    """A red flag as the inbox shows it."""

    id: str
    patient: str
    level: str
    received: datetime
    age: str


def alert_rows(alerts: Alerts) -> Callable[[SignedIn, Translator], list[AlertRow]]:
    """What of a clinician's red flags stands above the inbox; nothing for other roles."""

    def rows(who: SignedIn, t: Translator) -> list[AlertRow]:
        if who.user.role not in CHART_READERS:
            return []
        now = datetime.now(UTC)
        return [
            AlertRow(one.id, one.patient, one.level, one.received, age(one.received, now, t))
            for one in alerts.waiting(who.user, who.client)
        ]

    return rows


def intake_pages(router: APIRouter, portal: Portal, alerts: Alerts) -> None:
    """Add the form that takes a red flag up."""
    gate = portal.gate

    @router.post("/intakes/{id_}/seen")
    def take_up(request: Request, id_: str, csrf: Annotated[str, Form()] = "") -> Response:
        """Take a red flag up, and go on to the chart."""
        who = gate.let_change(request, csrf, CHART_READERS)
        return see(f"{CHARTS}/{alerts.take_up(id_[:MAX_ID_CHARS], who.user, who.client)}")
