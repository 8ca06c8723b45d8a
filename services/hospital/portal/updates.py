"""Model updates at the portal: rounds, what blocks them, what was measured, and yes or no."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from compliance.errors import NotFoundError
from services.hospital.accounts import SignedIn
from services.hospital.audited import Caller
from services.hospital.portal.access import OPERATORS, UPDATES, WATCHERS
from services.hospital.portal.evidence import consequences, proofs
from services.hospital.portal.gate_words import figure, lines, stopped
from services.hospital.portal.lineage import credit_rows, lineage_pages
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.plots import WIDTH, bars, intervals
from services.hospital.portal.rollouts import rollout_pages, shown
from services.hospital.portal.texts import clean
from services.learning.lineage import Lineage
from services.learning.rollout import Rollout
from services.learning.rounds import Rounds
from services.learning.rounds.acts import Act
from services.learning.rounds.people import NOTE_CHARS
from services.learning.rounds.view import detail, rehearsed, summary

TONES = {
    "released": "ok",
    "waiting": "warn",
    "blocked": "problem",
    "failed": "problem",
    "rolled-back": "problem",
}
"""Colours of the states that ask for a look; the others are on their way."""
DIGEST_CHARS = 71


@dataclass(frozen=True)
class UpdatesDesk:
    """What stands behind the pages.

    Attributes:
        rounds: of the hospital.
        audit: writes down what a person decides, before it happens.
        lineage: says where releases come from; None where nobody asks.
        rollout: brings them to the clinics; None where they are released at once.
    """

    rounds: Rounds
    audit: Callable[[Caller, str, Act], None]
    lineage: Lineage | None = None
    rollout: Rollout | None = None


def update_pages(router: APIRouter, portal: Portal, desk: UpdatesDesk) -> None:
    """Add the list of rounds, one round, and what operators decide."""
    _reading(router, portal, desk)
    _deciding(router, portal, desk)
    if desk.lineage is not None:
        lineage_pages(router, portal, desk.lineage)
    if desk.rollout is not None:
        rollout_pages(router, portal, desk.rounds, desk.rollout)


def _reading(router: APIRouter, portal: Portal, desk: UpdatesDesk) -> None:
    gate, pages, rounds = portal.gate, portal.pages, desk.rounds

    @router.get("/updates")
    def listing(request: Request) -> Response:
        """Every round, what the next one lacks, and what came to nothing."""
        who = gate.let(request, WATCHERS)
        t = pages.translator(request)
        return pages.render(
            request, "updates", who, here=UPDATES, title=t("updates.title"), tones=TONES,
            rows=sorted(
                (
                    {**held, "stop": stopped(held["error"], t)}
                    for held in map(summary, rounds.book.listing())
                ),
                key=lambda one: one["state"] != "waiting",
            ),
            operates=who.user.role in OPERATORS,
            domains={
                name: lines(rehearsed(rounds.dry_run(name))["start"], "round", t, lacking="lacks")
                for name in rounds.policy.domains
            },
            away=_away(desk),
        )  # fmt: skip

    @router.get("/updates/{id_}")
    def one(request: Request, id_: str) -> Response:
        """One round with its evidence."""
        who = gate.let(request, WATCHERS)
        t = pages.translator(request)
        held = detail(rounds, _known(id_))
        policy = rounds.policy.of(held["domain"])
        names, criteria = portal.names(), lines(held["criteria"], "round", t)
        said = [{**one, "name": names.get(one["by"], one["by"])} for one in held["approvals"]]
        return pages.render(
            request, "update", who, here=f"{UPDATES}/{held['id']}", title=t("updates.one"),
            current=UPDATES, tones=TONES, held=held, said=said, width=WIDTH,
            plot=intervals(held["suites"]), bars=bars(held["contributions"]),
            proofs=proofs(held["suites"], t), criteria=criteria,
            stop=stopped(held["error"], t),
            follows=consequences(
                policy, held, t, blocked=any(one.state == "blocks" for one in criteria)
            ), needed=policy.release.approvals,
            yes=sum(one["approved"] for one in said),
            added=credit_rows(held["credit"]), traced=desk.lineage is not None,
            decides=who.user.role in OPERATORS, longest=NOTE_CHARS,
            rollout=shown(desk.rollout, held["brick"]), names=names, figure=partial(figure, t=t),
        )  # fmt: skip


def _away(desk: UpdatesDesk) -> list[dict[str, Any]]:
    """Releases that clinics have or are getting, each with how far it is."""
    rows = [row for row in desk.rounds.book.listing() if row.brick]
    found = [(row, shown(desk.rollout, row.brick)) for row in rows]
    return [
        {"round": row.id, "brick": row.brick, **held} for row, held in found if held and held["may"]
    ]


def _deciding(router: APIRouter, portal: Portal, desk: UpdatesDesk) -> None:
    rounds = desk.rounds

    def decide(
        request: Request, csrf: str, id_: str, act: Act, do: Callable[[SignedIn], Any]
    ) -> Response:
        who = portal.gate.let_change(request, csrf, OPERATORS)
        rounds.book.get(_known(id_))
        by = Caller.user(who.user.id, who.user.role, who.client)
        desk.audit(by, f"round:{id_}", act)
        do(who)
        return see(f"{UPDATES}/{id_}")

    @router.post("/updates/{id_}/approve")
    def approve(
        request: Request,
        id_: str,
        *,
        csrf: Annotated[str, Form()] = "",
        candidate: Annotated[str, Form()] = "",
        note: Annotated[str, Form()] = "",
    ) -> Response:
        """Approve the candidate that was shown."""
        said = clean(note[:NOTE_CHARS])
        return decide(
            request, csrf, id_, "approved",
            lambda who: rounds.approve(id_, candidate[:DIGEST_CHARS], who.user.id, said),
        )  # fmt: skip

    @router.post("/updates/{id_}/reject")
    def reject(
        request: Request,
        id_: str,
        *,
        csrf: Annotated[str, Form()] = "",
        candidate: Annotated[str, Form()] = "",
        note: Annotated[str, Form()] = "",
    ) -> Response:
        """Reject the candidate that was shown, with a reason."""
        said = clean(note[:NOTE_CHARS])
        return decide(
            request, csrf, id_, "rejected",
            lambda who: rounds.reject(id_, candidate[:DIGEST_CHARS], who.user.id, said),
        )  # fmt: skip

    @router.post("/updates/{id_}/retry")
    def retry(request: Request, id_: str, csrf: Annotated[str, Form()] = "") -> Response:
        """Take up a round that failed or was blocked."""
        return decide(request, csrf, id_, "retried", lambda _who: rounds.retry(id_))


def _known(id_: str) -> str:
    """What can be the id of a round.

    Raises:
        NotFoundError: it cannot.
    """
    if len(id_) != 36:  # noqa: PLR2004 - a UUID
        raise NotFoundError("There is no such round.")
    return id_
