"""The chart of one person as a page and as JSON, and what came of a record with a referral."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse

from compliance.errors import NotFoundError
from services.hospital.accounts import SignedIn
from services.hospital.caseload import Person
from services.hospital.chart import Charts, Summary
from services.hospital.chart.referred import absent, groups
from services.hospital.errors import NoRelationError
from services.hospital.portal.access import CHART_READERS, CHARTS, READERS
from services.hospital.portal.apps import let_form_go
from services.hospital.portal.drafts import view_draft
from services.hospital.portal.errors import NoSuchPatientError
from services.hospital.portal.glass import glass_form
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.texts import clean
from services.hospital.previsit.summary import Before
from services.hospital.smart.clients import Client

MAX_NUMBER_CHARS = 100
BeforeVisit = Callable[[str, Callable[..., str], str], Sequence[Before]]
"""What a Patient (by id) wrote before a visit, with the reader's translator and language."""
Treated = Callable[[SignedIn], Sequence[Person]]
"""Whom a reader treats, written to the audit trail before they are shown."""
SHOWN = 8
"""Lines of one part that are shown at once; the rest is folded."""


def nobody(_who: SignedIn) -> Sequence[Person]:
    """Where nobody says who treats whom."""
    return ()


def nothing_before(_patient: str, _say: Callable[..., str], _language: str) -> Sequence[Before]:
    """Where there are no intakes."""
    return ()


def _open(portal: Portal, charts: Charts, request: Request, who: SignedIn, id_: str) -> Summary:
    """Open a chart in the reader's language.

    Raises:
        NoSuchPatientError: there is no such person.
    """
    try:
        return charts.open(portal.pages.reader(request, who), id_)
    except NotFoundError:
        raise NoSuchPatientError("There is no such patient.") from None


def chart_pages(
    router: APIRouter,
    portal: Portal,
    charts: Charts,
    *,
    apps: Callable[[], list[Client]] = list,
    treated: Treated = nobody,
    before: BeforeVisit = nothing_before,
) -> None:
    """Add the page that looks a person up, and the chart, from which apps can be launched.

    Whom the reader treats is listed there; what the person wrote before a visit stands on the
    chart, if they wrote anything.
    """
    gate, pages = portal.gate, portal.pages

    def form(request: Request, who: SignedIn, *, missed: bool) -> Response:
        t = pages.translator(request)
        status = 404 if missed else 200
        return pages.render(
            request, "patients", who, here=CHARTS, title=t("chart.lookup"), status=status,
            missed=missed, people=treated(who),
        )  # fmt: skip

    @router.get("/patients")
    def lookup(request: Request) -> Response:
        """Whom the reader treats, written to the audit trail, and a field for anybody's number."""
        return form(request, gate.let(request, CHART_READERS), missed=False)

    @router.post("/patients")
    def find(
        request: Request, csrf: Annotated[str, Form()] = "", number: Annotated[str, Form()] = ""
    ) -> Response:
        """Go on to the chart of the person with this number; it does not stand in the address."""
        who = gate.let_change(request, csrf, CHART_READERS)
        found = charts.find(clean(number[:MAX_NUMBER_CHARS]).strip())
        return see(f"{CHARTS}/{found}") if found else form(request, who, missed=True)

    @router.get("/patients/{id_}")
    def chart(request: Request, id_: str) -> Response:
        """One person's chart, written to the audit trail before it is shown.

        Who does not treat the person is asked whether this is an emergency.
        """
        who = gate.let(request, CHART_READERS)
        try:
            summary = _open(portal, charts, request, who, id_)
        except NoRelationError:
            return glass_form(portal, request, who, id_)
        t, launched = pages.translator(request), apps()
        page = pages.render(
            request, "chart", who, here=f"{CHARTS}/{id_}", title=t("chart.title"), current=CHARTS,
            summary=summary, shown=SHOWN, patient=id_, apps=launched,
            before=before(id_, t, pages.language(request)),
        )  # fmt: skip
        return let_form_go(page, *(app.launch_url for app in launched if app.launch_url))


def chart_api(router: APIRouter, portal: Portal, charts: Charts | None) -> None:
    """Add the summaries as JSON; errors are problem documents."""
    gate, pages = portal.gate, portal.pages
    headers = {"Cache-Control": "no-store"}

    @router.get("/referrals/{id_}/summary")
    def referred(request: Request, id_: str) -> JSONResponse:
        """What came of the record with a referral, and what stands against its draft.

        The patient is not identified; there is nothing to look up and no address to go to.
        """
        who = gate.let(request, READERS)
        item = portal.item(id_)
        portal.audit_read(who.user, item.id, who.client)
        found = groups(item.question)
        facts = [fact for group in found for fact in group.facts]
        view = view_draft(item, facts, pages.language(request))
        body: dict[str, Any] = {
            "identified": False,
            "person": item.question.person.model_dump(mode="json"),
            "groups": [group.model_dump(mode="json") for group in found],
            "absent": absent(item.question),
            "cautions": [
                {"sentence": said.index, **caution.model_dump(mode="json")}
                for said, caution in view.cautions
            ],
        }
        return JSONResponse(body, headers=headers)

    if charts is None:
        return

    @router.get("/patients/{id_}/summary")
    def summary(request: Request, id_: str) -> JSONResponse:
        """One person's chart, written to the audit trail before it is given out."""
        who = gate.let(request, CHART_READERS)
        body = _open(portal, charts, request, who, id_).model_dump(mode="json")
        return JSONResponse(body, headers=headers)
