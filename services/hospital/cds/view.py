"""``patient-view``: what waits for the patient, and what they have been told."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from services.consult.record import words
from services.consult.record.reading import day_of
from services.consult.record.safety import condition_name
from services.fhir.cds import Call, Card, Decision, Link, Service, Source
from services.fhir.cds.cards import SUMMARY_CHARS
from services.fhir.cds.markdown import fill, plain, text
from services.fhir.cds.messages import Context
from services.hospital.cds.record import Resource, loinc_of, newest_of, read_whole
from services.hospital.chart import events, vaccines
from services.hospital.chart.gaps import FOLLOWED_DAYS
from services.hospital.chart.models import Line
from services.hospital.chart.view import View, rules
from services.hospital.portal.views import LOCALE
from services.hospital.writing.reply import REFERRAL
from services.web.i18n import COMMON, Catalogue, Translator

FOLLOWED = ("a1c", "egfr", "creatinine", "tsh", "ldl")
"""Tests by which conditions are followed, by their names in tests.yaml."""
TOLD_DAYS = 365
"""How long a reply is shown, in days."""
MOST_TOLD = 3
QUOTED = 280
"""Characters of a reply that are quoted."""
_AS_GOOD = {"egfr": ("egfr", "creatinine")}
"""Tests that tell the same as the one that is looked for."""
OURS = Source(label="Caretier")
PREFETCH = {
    "patient": "Patient/{{context.patientId}}",
    "services": "ServiceRequest?patient={{context.patientId}}&status=active",
    "conditions": "Condition?patient={{context.patientId}}",
    "immunizations": "Immunization?patient={{context.patientId}}",
    "results": newest_of(loinc_of(FOLLOWED), 60),
    "pressure": newest_of(loinc_of(("blood_pressure",)), 5),
    "replies": "Communication?patient={{context.patientId}}",
}
CALLED = {
    "patient": "age and sex",
    "services": "open orders",
    "conditions": "conditions",
    "immunizations": "vaccines given",
    "results": "results",
    "pressure": "blood pressure",
    "replies": "replies to the patient",
}


def patient_view() -> Service[Context]:
    """The service."""
    return Service(
        id="caretier-patient-view",
        hook="patient-view",
        title="Caretier: what waits for this patient",
        description=(
            "Open referrals and orders, vaccines and tests that are due, and the replies that the "
            "patient was given through Caretier, as far as the record tells."
        ),
        usage="What could not be had is said on a card; nothing is due without its data.",
        context=Context,
        prefetch=PREFETCH,
        called=CALLED,
        decide=_decide,
        optional=frozenset({"replies"}),
        silence="info",
    )


@lru_cache(maxsize=1)
def _say() -> Translator:
    return Catalogue.load(COMMON, LOCALE).translator("en")


def _decide(call: Call[Context]) -> Iterator[Decision]:
    record = read_whole(call.gathered)
    view = View(record, call.today, lambda key, **v: _say()(f"chart.{key}", **v), "en")
    known = set(call.gathered.resources) - call.gathered.missing
    if replies := _replies(view):
        yield _told(call, replies)
    if due := [*_vaccines(view, known), *_tests(view, known)]:
        yield _due(call, due)
    if opened := list(events.referrals(view)):
        yield _open(call, opened)


def _open(call: Call[Context], lines: list[Line]) -> Decision:
    names = ", ".join(line.text for line in lines)
    count = f"{len(lines)} open referrals and orders" if len(lines) > 1 else "An open order"
    return _card(call, "open-referrals", f"{count}: {names}", lines, OURS)


def _due(call: Call[Context], lines: list[Line]) -> Decision:
    names = ", ".join(line.text.removeprefix("Due: ") for line in lines)
    rule = next((line.rule for line in lines if line.rule and line.rule.source), None)
    source = Source(label=rule.source, url=rule.url) if rule and rule.source else OURS
    return _card(call, "care-due", f"Due: {names}", lines, source)


def _vaccines(view: View, known: set[str]) -> Iterator[Line]:
    """Vaccines that are due; nothing without the doses given and the age."""
    if {"immunizations", "patient"} <= known:
        yield from (line for line in vaccines.immunizations(view) if line.flag == "due")


def _tests(view: View, known: set[str]) -> Iterator[Line]:
    """Conditions that are followed by a test without a result of the last year."""
    if not {"conditions", "results", "pressure"} <= known:
        return
    table = words.data("tests")["tests"]
    for key, test in rules()["followed"].items():
        found = [
            c for c in view.chart.conditions if c.active and not c.unconfirmed and key in c.keys
        ]
        results = [r for name in _AS_GOOD.get(test, (test,)) for r in view.chart.latest(name)]
        newest = max(results, key=lambda r: r.day or "", default=None)
        if found and not (newest and view.chart.within(newest.day, FOLLOWED_DAYS)):
            last = f", last on {newest.day}" if newest and newest.day else ", no result on record"
            yield Line(
                text=f"{table[test]['en']} ({condition_name(found[0], 'en')}{last})",
                sources=(found[0].ref, *([newest.ref] if newest else [])),
                day=newest.day if newest else None,
                flag="due",
            )


def _replies(view: View) -> list[Resource]:
    """Replies that were signed here and given to the patient, the newest first."""
    found = [r for r in view.record.of("Communication") if _is_ours(r)]
    recent = [r for r in found if view.chart.within(day_of(r, "sent"), TOLD_DAYS)]
    return sorted(recent, key=lambda r: str(r.get("sent")), reverse=True)[:MOST_TOLD]


def _is_ours(resource: Resource) -> bool:
    named = [i for i in resource.get("identifier", ()) if i.get("system") == REFERRAL]
    return bool(named) and resource.get("status") == "completed"


def _told(call: Call[Context], replies: list[Resource]) -> Decision:
    days = ", ".join(str(r["sent"])[:10] for r in replies)
    lines = []
    for reply in replies:
        said = " ".join(str(p.get("contentString", "")) for p in reply.get("payload", ()))
        by = (reply.get("sender") or {}).get("display", "a clinician")
        drafted = any(
            c.get("code") == "AIAST" for c in (reply.get("meta") or {}).get("security", ())
        )
        how = "drafted with software, signed by" if drafted else "signed by"
        head = fill("{day}, {how} {by}", day=str(reply["sent"])[:10], how=how, by=by)
        lines.append(f"- {head} (Communication/{text(reply.get('id', ''))}): {text(said, QUOTED)}")
    card = Card(
        summary=plain(f"Told the patient through Caretier on {days}", SUMMARY_CHARS),
        detail="\n".join(lines),
        indicator="info",
        source=OURS,
        links=_links(call),
    )
    about = tuple(f"Communication/{r.get('id', '')}" for r in replies)
    return Decision(card=card, rule="told-patient", about=about)


def _card(
    call: Call[Context], rule: str, summary: str, lines: list[Line], source: Source
) -> Decision:
    said = []
    for line in lines:
        day = f", {line.day}" if line.day else ""
        detail = f" {text(line.detail, QUOTED)}" if line.detail else ""
        said.append(f"- {text(line.text)}{day} ({text(line.sources[0])}).{detail}")
    card = Card(
        summary=plain(summary, SUMMARY_CHARS),
        detail="\n".join(said),
        indicator="info",
        source=source,
        links=_links(call),
    )
    return Decision(card=card, rule=rule, about=tuple(line.text for line in lines))


def _links(call: Call[Context]) -> tuple[Link, ...]:
    """To the portal: to the chart where the EHR's record is this hospital's own."""
    own = call.ehr.fhir_server == f"{call.base}/fhir"
    path = f"/portal/patients/{call.context.patient_id}" if own else "/portal/"
    return (Link(label="Open the Caretier portal", url=f"{call.base}{path}", type="absolute"),)
