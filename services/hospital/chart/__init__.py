"""The chart summary: one person's record on one page, every line with the resource it comes from.

Workflow. `source` reads the person's own resources out of the FHIR store, leaves out what was
entered in error or belongs to somebody else (and counts it), and keeps of long series only the
newest entries. `summary` lets each part say its lines: problems and medicines (`listing`), results
with range and trend (`results`), vaccines that are due (`vaccines`), visits, appointments and open
referrals (`events`), what changed since the last visit (`changes`), what contradicts
(`conflicts`) and what is missing (`gaps`).

Beside the summary, `trends` gives each test's numbers over time with its reference range, and
`timeline` what happened, one year at a time (`years`).

Everything is made by rules; no model has a part in it. A line names the resources that carry it
and, where a rule was applied, the rule's source; a line without a resource cannot be made. That
nothing is found is said as such and never as "safe".

    charts = Charts(database, audit=write_down)
    summary = charts.open(Reader(user, translate, "en"), "p01")     # audited, then read
"""

from services.hospital.chart.models import Line, Rule, Section, Summary
from services.hospital.chart.reader import Reader
from services.hospital.chart.service import Charts
from services.hospital.chart.summary import summarise

__all__ = ["Charts", "Line", "Reader", "Rule", "Section", "Summary", "summarise"]
