"""The operators' pages: health, nodes, queues, rounds, versions; nothing of a patient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Form, Query, Request, Response

from services.hospital.audited import Caller
from services.hospital.operations import Check
from services.hospital.operations.nodes import NodeRow
from services.hospital.operations.service import Queues
from services.hospital.operations.versions import VersionRow
from services.hospital.portal.access import OPERATORS, SYSTEM, WATCHERS
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.plots import WIDTH, columns
from services.hospital.portal.views import age
from services.web.i18n import Translator

TABS = ("health", "nodes", "queues", "rounds", "versions")
TONES = {"ok": "ok", "none": "info", "warn": "warn", "bad": "problem"}
NODE_TONES = {"fresh": "ok", "new": "info", "stale": "warn", "revoked": "info"}
JOB_CHARS = 80


class Watched(Protocol):
    """What the pages show, and what operators do (`services.hospital.operations.Operations`)."""

    def checks(self) -> list[Check]: ...  # noqa: D102 - said there
    def nodes(self) -> list[NodeRow]: ...  # noqa: D102
    def devices(self) -> int: ...  # noqa: D102
    def queues(self) -> Queues: ...  # noqa: D102
    def ehrs(self) -> list[dict[str, Any]]: ...  # noqa: D102
    def rounds(self) -> list[dict[str, Any]]: ...  # noqa: D102
    def changes(self) -> list[dict[str, Any]]: ...  # noqa: D102
    def versions(self) -> list[VersionRow]: ...  # noqa: D102
    def retry(self, job: str, by: Caller) -> None: ...  # noqa: D102
    def give_up(self, job: str, by: Caller) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class CheckRow:
    """One check in words: what it is, how it stands, what that means, what to do."""

    name: str
    state: str
    tone: str
    title: str
    found: str
    means: str
    remedy: str
    until: datetime | None


def operation_pages(pages: APIRouter, _api: APIRouter, portal: Portal, operations: Watched) -> None:
    """Add the five tabs, and what an operator does with a job that was given up."""
    _showing(pages, portal, operations)
    _deciding(pages, portal, operations)


def _showing(pages: APIRouter, portal: Portal, operations: Watched) -> None:
    def show(request: Request, tab: str, **more: Any) -> Response:
        who = portal.gate.let(request, WATCHERS)
        t = portal.pages.translator(request)
        checks = [_words(one, t) for one in operations.checks()]
        here = SYSTEM if tab == "health" else f"{SYSTEM}/{tab}"
        return portal.pages.render(
            request,
            "system",
            who,
            here=here,
            current=SYSTEM,
            title=f"{t('system.title')}: {t(f'system.tab_{tab}')}",
            words=("live",),
            tab=tab,
            tabs=TABS,
            checks=checks,
            worst=checks[0] if checks else None,
            others=sum(one.state in {"bad", "warn"} for one in checks[1:]),
            as_of=datetime.now(UTC),
            operates=who.user.role in OPERATORS,
            fresh=who.is_fresh(),
            ago=lambda moment: age(moment, datetime.now(UTC), t),
            **{name: find() if callable(find) else find for name, find in more.items()},
        )

    @pages.get("/system")
    def health(request: Request) -> Response:
        """Whether all is well, and what to do where it is not."""
        return show(request, "health", ehrs=operations.ehrs)

    @pages.get("/system/nodes")
    def nodes(request: Request, did: Annotated[str, Query()] = "") -> Response:
        """Clinics, the silent ones first."""
        return show(
            request,
            "nodes",
            nodes=operations.nodes,
            devices=operations.devices,
            tones=NODE_TONES,
            revoked=did == "revoked",
        )

    @pages.get("/system/queues")
    def queues(request: Request, did: Annotated[str, Query()] = "") -> Response:
        """Jobs, the last day, and what was given up."""
        found = operations.queues()
        plot = columns([(hour.done, hour.pending, hour.dead) for hour in found.hours])
        done = did if did in {"retried", "dropped"} else ""
        return show(request, "queues", queues=found, plot=plot, width=WIDTH, did=done)

    @pages.get("/system/rounds")
    def rounds(request: Request) -> Response:
        """What is being learned, in short."""
        return show(request, "rounds", rounds=operations.rounds, changes=operations.changes)

    @pages.get("/system/versions")
    def versions(request: Request) -> Response:
        """What runs here, and what is new since yesterday."""
        return show(request, "versions", versions=operations.versions)


def _deciding(pages: APIRouter, portal: Portal, operations: Watched) -> None:
    def caller(request: Request, csrf: str) -> Caller:
        who = portal.gate.let_change(request, csrf, OPERATORS)
        return Caller.user(who.user.id, who.user.role, who.client)

    @pages.post("/system/queues/retry")
    def retry(
        request: Request, csrf: Annotated[str, Form()] = "", job: Annotated[str, Form()] = ""
    ) -> Response:
        """Try a job again that was given up."""
        operations.retry(job[:JOB_CHARS], caller(request, csrf))
        return see(f"{SYSTEM}/queues?did=retried")

    @pages.post("/system/queues/drop")
    def drop(
        request: Request, csrf: Annotated[str, Form()] = "", job: Annotated[str, Form()] = ""
    ) -> Response:
        """Drop a job for good."""
        operations.give_up(job[:JOB_CHARS], caller(request, csrf))
        return see(f"{SYSTEM}/queues?did=dropped")


def _words(check: Check, t: Translator) -> CheckRow:
    """A check in the reader's language; one that could not be made says so."""
    broken = "error" in check.found
    found = t("health.broken", **check.found) if broken else _said(check, t)
    asked = check.state in {"warn", "bad"} or (check.name, check.state) == ("backup", "none")
    remedy = t(f"health.{check.name}.do", **check.found) if asked else ""
    return CheckRow(
        name=check.name,
        state=check.state,
        tone=TONES[check.state],
        title=t(f"health.{check.name}.title"),
        found=found,
        means=t(f"health.{check.name}.means"),
        remedy=remedy,
        until=check.until,
    )


def _said(check: Check, t: Translator) -> str:
    key = f"health.{check.name}.{check.state}"
    try:
        return t(key, **check.found)
    except KeyError:
        return t(f"health.{check.name}.found", **check.found)
