"""The list of medicines: as the record and the person wrote it, with what is doubtful said so.

What stands against a medicine comes from the rules of `services.consult.record`, each with its
source; that none is found is not said, for it would sound like "safe".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from patient_app.leaflets import Leaflets, told
from patient_app.medicines.own import all_known
from patient_app.member import Member
from services.consult.record import words
from services.consult.record.chart import Chart
from services.consult.record.duplicates import among_listed
from services.consult.record.own import medicine, warned_of
from services.consult.record.reading import Medicine, own_resources
from services.consult.record.safety import Warned

SECTIONS = ("uses", "how-to-take", "missed-dose", "side-effects", "serious-side-effects",
            "when-to-seek-care")  # fmt: skip
"""What of a leaflet is shown."""
_VAGUE = re.compile(
    r"\b(?:as|use) directed\b|\bas instructed\b|\bseg[uú]n (?:se )?indi(?:cado|cación|que)\b|"
    r"\bsegún instrucciones\b|\but dict",
    re.IGNORECASE,
)
"""Words of a dose that say nothing of how much or when."""


def chart_of(member: Member, today: date | None = None) -> Chart:
    """The record together with what the person entered, as the rules read it."""
    return Chart(own_resources(all_known(member)), today or datetime.now(UTC).date())


def listing(member: Member, leaflets: Leaflets, today: date | None = None) -> dict[str, Any]:
    """What is taken, what is on hold, and what was taken.

    Args:
        member: whose.
        leaflets: of medicines.
        today: the day on which the record is read; the present one when None.
    """
    chart, profile = chart_of(member, today), member.profile
    active = chart.active_medicines
    stopped = [m for m in chart.medicines if not (m.active or m.on_hold)]
    twice = [_warning(one) for one in among_listed(active, profile["language"])]
    return {
        "active": [_shown(one, chart, profile, leaflets) for one in active],
        "on_hold": [_brief(one) for one in chart.medicines if one.on_hold],
        "stopped": [_brief(one) for one in stopped],
        "twice": twice,
        "allergies": [a.name for a in chart.allergies if not a.none],
    }


def doubt_of(dose: str | None) -> str | None:
    """Why it is not known how to take a medicine: nothing is written, or nothing exact."""
    if not dose:
        return "missing"
    return "vague" if _VAGUE.search(dose) else None


def _shown(
    order: Medicine, chart: Chart, profile: dict[str, Any], leaflets: Leaflets
) -> dict[str, Any]:
    language = profile["language"]
    found = {
        warned.fact.id: _warning(warned)
        for generic in order.generics
        for warned in warned_of(medicine(generic, order.name), chart, language)
    }
    return {
        **_brief(order),
        "dose": order.dose,
        "doubt": doubt_of(order.dose),
        "reasons": [words.condition_in(reason, language) for reason in order.reasons],
        "prescriber": order.prescriber,
        "warnings": list(found.values()),
        "leaflet": _leaflet(order.generics, chart, profile, leaflets),
    }


def _brief(order: Medicine) -> dict[str, Any]:
    return {"ref": order.ref, "name": order.name, "since": order.day, "own": order.entered}


def _warning(warned: Warned) -> dict[str, Any]:
    source = warned.source
    return {
        "text": warned.fact.text,
        "source": source.source if source else None,
        "url": source.url if source else None,
    }


def _leaflet(
    generics: Iterable[str], chart: Chart, profile: dict[str, Any], leaflets: Leaflets
) -> dict[str, Any] | None:
    topic = leaflets.topic(generics, chart.person.age_years)
    if topic is None:
        return None
    level = profile["reading_level"]
    return {
        "title": topic.head.title,
        "passages": told(topic, SECTIONS, level, profile["language"]),
    }
