"""The hospital's FastAPI application: wiring."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import RedirectResponse
from starlette.middleware import Middleware

from services.advisor.routes import advisor_router
from services.bricks.repository import REPOSITORY
from services.bricks.repository.refresh import keep_fresh
from services.bricks.routes import bricks_router
from services.bricks.store import BrickStore
from services.bricks.updater.own import follow_own
from services.bricks.updater.pin import RootPin
from services.bricks.updater.routes import pin_router
from services.engines.vllm.metrics import EngineCollector
from services.exchange.courier import running
from services.exchange.messages import MAX_SEALED_CHARS
from services.exchange.routes import NodeCaller, exchange_router
from services.exchange.tokens import CallVerifier
from services.experts.routes import experts_router
from services.fhir import jsontext
from services.fhir.bulk.routes import router as bulk_router
from services.fhir.bulk.sources import MAX_BYTES
from services.fhir.cds import cds_router
from services.fhir.cds.cors import CdsCors
from services.fhir.cds.engine import MAX_BODY
from services.fhir.cds.routes import PREFIX
from services.fhir.deidentify import router as study_router
from services.fhir.outcome import as_outcome
from services.fhir.routes import MAX_BUNDLE
from services.fhir.routes import router as fhir_router
from services.fhir.routes import unmatched as fhir_unmatched
from services.fhir.subscriptions.routes import router as subscriptions_router
from services.hospital.asking import ask_router, operation_definition
from services.hospital.caseload import Caseload
from services.hospital.doors import Doors
from services.hospital.ehr.routes import ehr_router
from services.hospital.gateway.routes import gateway_router
from services.hospital.gateway.wire import as_openai
from services.hospital.learning import contributions_router, followed_loop, rounds_loop
from services.hospital.notices.watch import watch_loop
from services.hospital.portal import STATIC, portal_router
from services.hospital.portal.asking import AskingPages
from services.hospital.portal.design import design_pages
from services.hospital.portal.documents import DocumentPages
from services.hospital.portal.drafter import DrafterPages
from services.hospital.portal.enrolling import enrolling_pages
from services.hospital.portal.filing import FilingDesk
from services.hospital.portal.knowledge import KnowledgeDesk
from services.hospital.portal.lists import Lists
from services.hospital.portal.notices import notice_pages
from services.hospital.portal.operations import operation_pages
from services.hospital.portal.opinions import OpinionPages
from services.hospital.portal.own import OwnPages
from services.hospital.portal.people import PeoplePages
from services.hospital.portal.phrases import PhrasePages
from services.hospital.portal.requests import RequestPages, RequestsDesk
from services.hospital.portal.resource import ResourcePages
from services.hospital.portal.routes import Room
from services.hospital.portal.signing_in import SignInSteps
from services.hospital.portal.trail import TrailPages
from services.hospital.portal.trail_query import AskedKey
from services.hospital.portal.trust import TrustPages
from services.hospital.portal.updates import UpdatesDesk
from services.hospital.portal.versions import ReplyVersionPages
from services.hospital.previsit import questionnaires
from services.hospital.previsit.summary import before_visit
from services.hospital.queue import Hints, make_celery
from services.hospital.rollout import rollout_loop
from services.hospital.secret_file import TextKey, load_or_create
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from services.hospital.smart.consent import Consent
from services.hospital.smart.cors import SmartCors
from services.hospital.smart.discovery import fhir_security
from services.hospital.smart.routes import smart_router
from services.hospital.sources import sources_loop
from services.hospital.subscribing import subscriptions_loop
from services.learning.contribution import MAX_BYTES as CONTRIBUTION_BYTES
from services.learning.intake import ContributionDesk
from services.learning.rollout.routes import measures_router
from services.learning.trust import Trust
from services.web.app import LOOPBACK_HOSTS, create_app, join
from services.web.problems import Problem
from services.web.templating import mount_static


def create(settings: HospitalSettings | None = None, hospital: Hospital | None = None) -> FastAPI:
    """Build the application; ``hospital`` may be given by tests."""
    chosen = settings or HospitalSettings()
    here = hospital or Hospital(chosen)
    if chosen.redis:
        here.intake.hint = Hints(make_celery(chosen))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(lambda: here.node)  # load before "ready"
        await asyncio.to_thread(_lay_own, here)
        await asyncio.to_thread(here.desk.describe)
        await asyncio.to_thread(here.cds.warm)
        await here.cds.load_keys()
        gc.collect()
        gc.freeze()  # what is loaded for good is not walked through at each later collection
        async with running(
            here.doing.loop(),
            here.tidy_loop(),
            here.ehr.loop(),
            here.gateway.keep(),
            here.node.follow(),
            subscriptions_loop(here.subscriptions),
            rounds_loop(here.rounds),
            followed_loop(here.rounds, here.experts, chosen.data / "learning"),
            sources_loop(here.sources),
            rollout_loop(here.rollout),
            here.signals.loop(),
            watch_loop(here.watch),
            keep_fresh(chosen.data),
            follow_own(chosen.data),
        ):
            yield
        await here.close()

    app = create_app(
        "Caretier hospital",
        ready=here.ready,
        lifespan=lifespan,
        hosts=(*LOOPBACK_HOSTS, *(h.strip() for h in chosen.hosts.split(",") if h.strip())),
        base_url=chosen.base_url,
        dress=_dress,
        large=_large(here),
    )
    app.state.hospital = here
    _add_apis(app, here)
    join(app, _portal(here))
    mount_static(app, portal=STATIC)

    @app.get("/", include_in_schema=False)
    def root() -> RedirectResponse:
        return RedirectResponse("/portal/", status_code=303)

    return app


def _lay_own(here: Hospital) -> None:
    """Put the hospital's own definitions into the record where they are not there word for word.

    Reading first is quicker: writing would load everything that checks resources.
    """
    for resource in (*questionnaires().values(), operation_definition()):
        kept = here.records.entry(resource["resourceType"], resource["id"])
        if kept is None or kept.text != jsontext.dumps(resource):
            here.records.put(resource)


def _dress(path: str, problem: Problem) -> Response:
    """A refusal of the frame as the callers of a path understand it."""
    return as_openai(path, problem) or as_outcome(path, problem)


def _large(here: Hospital) -> dict[str, int]:
    """Addresses that take more than the usual body, in bytes."""
    return {
        "/v1/referrals": MAX_SEALED_CHARS + (1 << 20),
        "/v1/contributions": CONTRIBUTION_BYTES,
        "/fhir": MAX_BUNDLE,
        "/fhir/$import": MAX_BYTES,
        **{f"{PREFIX}/{service}": MAX_BODY for service in here.cds.hooks.services},
    }


def _add_apis(app: FastAPI, here: Hospital) -> None:
    """What programs speak to; below ``/fhir`` operations come before single resources."""
    app.state.fhir_topics = tuple(here.subscriptions.topics)
    app.state.fhir_security = fhir_security
    doors = Doors(here.accounts, here.auditor, here.relations, here.smart.tokens)
    _add_models(app, here, doors)  # first, since routes are tried in their order
    join(app, smart_router(here.smart))
    app.user_middleware.append(Middleware(SmartCors, origins=here.smart.clients.origins))
    join(app, exchange_router(here.keys, here.registry, here.intake))
    verifier = CallVerifier(here.keys.fingerprint, here.registry.lookup, here.registry)
    nodes = NodeCaller(verifier)
    join(
        app, contributions_router(here.rounds, here.auditor, verifier, doors.operate, here.lineage)
    )
    join(app, measures_router(here.rollout, nodes))
    repository = here.settings.data / REPOSITORY
    join(app, bricks_router(repository, nodes))
    vouch = partial(RootPin.of_repository, repository, here.keys.identity)
    join(app, pin_router(vouch, nodes))
    join(app, ehr_router(here.ehr.subscriptions))
    join(app, bulk_router(here.bulk, doors.fhir))
    join(app, subscriptions_router(here.subscriptions, doors.fhir))
    join(app, ask_router(lambda: here.records, lambda: here.node, doors.ask))
    join(
        app,
        study_router(
            lambda: here.records, doors.study, study=here.studies.study, once=here.studies.once
        ),
    )
    join(app, fhir_router(lambda: here.records, doors.fhir))
    join(app, fhir_unmatched())
    join(app, cds_router(lambda: here.cds.hooks, here.cds.admit))
    app.user_middleware.append(
        Middleware(CdsCors, allowed=here.cds.ehrs.allows, refresh=here.cds.refresh)
    )


def _add_models(app: FastAPI, here: Hospital, doors: Doors) -> None:
    """What programs ask models, and how operators change the experts among them."""
    gateway, slots = here.gateway, here.gateway.desk.slots
    join(app, gateway_router(gateway, doors.models))
    join(
        app,
        experts_router(
            here.experts,
            gateway.choose,
            operate=doors.operate,
            ask=doors.explain,
            audit=here.auditor.expert,
        ),
    )
    store = BrickStore(here.settings.data / "bricks")
    join(app, advisor_router(lambda: here.node.index.embedder, store.manifests, doors.operate))
    gateway.desk.metrics.publish(app.state.metrics, lambda: slots.running, lambda: slots.waiting)
    app.state.metrics.register(EngineCollector(lambda: here.node.engine))


def _portal(here: Hospital) -> APIRouter:
    """What people see."""
    chosen = here.settings
    return portal_router(
        here.accounts,
        here.desk,
        secure_cookies=chosen.secure_cookies,
        audit_read=here.audit_read,
        idle=timedelta(minutes=chosen.session_minutes),
        charts=here.charts,
        relations=here.relations,
        export=here.export,
        filing=FilingDesk(here.filings, here.relations),
        alerts=here.alerts,
        lists=Lists(here.worklist, here.holding),
        before=partial(before_visit, here.database),
        consent=Consent(here.smart, Caseload(here.database, here.relations), here.relations),
        knowledge=KnowledgeDesk(here.sources, here.auditor.knowledge),
        updates=UpdatesDesk(here.rounds, here.auditor.learning, here.lineage, here.rollout),
        steps=SignInSteps(
            here.accounts,
            factors=here.factors,
            pending=here.pending,
            provider=here.provider,
            local=chosen.sign_in != "provider",
            issuer=chosen.name,
            launching=here.launching,
        ),
        more=_rooms(here),
    )


def _trail_key(here: Hospital) -> TextKey:
    return TextKey(load_or_create(here.settings.data / "keys" / "trail.key"))


def _rooms(here: Hospital) -> tuple[Room, ...]:
    """What else the portal has, beside desk, charts and learning."""
    store = BrickStore(here.settings.data / "bricks")
    return (
        design_pages,
        partial(notice_pages, notices=here.notices),
        partial(operation_pages, operations=here.operations),
        partial(enrolling_pages, enrolling=here.enrolling),
        PeoplePages(here.people),
        ResourcePages(here.charts),
        AskingPages(here.charts),
        DocumentPages(here.charts),
        OwnPages(here.people, here.explorer.lately),
        TrailPages(here.explorer, here.auditor, here.charts, AskedKey(_trail_key(here))),
        ReplyVersionPages(here.versions),
        RequestPages(
            RequestsDesk(here.charts, here.record_erasures, here.erasures, here.holds, here.auditor)
        ),
        TrustPages(
            ContributionDesk(here.rounds, Trust(here.rounds.database), here.auditor.contribution),
            here.operations,
        ),
        PhrasePages(here.phrases),
        OpinionPages(here.opinions),
        DrafterPages(
            store,
            lambda: here.node.model,
            lambda: frozenset(expert.ref for expert in here.experts.all()),
        ),
    )
