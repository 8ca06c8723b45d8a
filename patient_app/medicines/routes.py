"""Routes for a person's medicines and reminders, below ``/api``."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from patient_app.leaflets import Leaflets
from patient_app.medicines import own, reminders
from patient_app.medicines.calendar_file import MEDIA_TYPE, calendar_file
from patient_app.medicines.listing import chart_of, listing
from patient_app.member import Member
from patient_app.service import Device
from services.consult.messages import Words
from services.web.i18n import Catalogue

Name = Annotated[Words, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Time = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Id = Annotated[str, Field(max_length=64)]
MAX_TIMES = 12
LOCALE = Path(__file__).parents[1] / "locale"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OwnBody(_Body):
    """A medicine that the person takes, in their own words."""

    name: Name
    how: Words = Field(default="", max_length=500)
    reason: Words = Field(default="", max_length=200)
    since: date | None = None


class StandingBody(_Body):
    """Whether it is taken."""

    active: bool


class ReminderBody(_Body):
    """When to think of which medicine, on the person's own clock."""

    medicine: Id
    name: Name
    times: tuple[Time, ...] = Field(min_length=1, max_length=MAX_TIMES)
    days: tuple[Annotated[int, Field(ge=0, le=6)], ...] = Field(min_length=1, max_length=7)
    since: date | None = None
    until: date | None = None
    named: bool = False

    def reminder(self, today: date) -> reminders.Reminder:
        """The same, in order and without doubles."""
        return reminders.Reminder(
            medicine=self.medicine,
            name=self.name,
            times=tuple(sorted(set(self.times))),
            days=tuple(sorted(set(self.days))),
            since=self.since or today,
            until=self.until,
            named=self.named,
        )


class DoseBody(_Body):
    """What became of a dose."""

    state: reminders.Note


@lru_cache(maxsize=1)
def _words() -> Catalogue:
    return Catalogue.load(LOCALE)


def clock() -> datetime:
    """The present on the device's own clock, which is the person's."""
    return datetime.now().astimezone()


def medicines_routes(router: APIRouter, device: Device, Mine: Any) -> None:  # noqa: N803 - a type
    """Add them to the device's API."""
    held: list[Leaflets] = []

    def leaflets() -> Leaflets:
        knowledge = device.node.index.knowledge
        if not held or held[0].digest != knowledge.digest:
            held[:] = [Leaflets(knowledge, "medicine")]
        return held[0]

    def shown(member: Member) -> dict[str, Any]:
        return listing(member, leaflets())

    _entry_routes(router, shown, Mine)
    _reminder_routes(router, Mine)


def _entry_routes(
    router: APIRouter,
    shown: Callable[[Member], dict[str, Any]],
    Mine: Any,  # noqa: N803 - a type
) -> None:
    @router.get("/medicines")
    def medicines(member: Mine) -> dict[str, Any]:
        """What is taken, what is on hold, and what was taken."""
        return shown(member)

    @router.post("/medicines")
    def enter(body: OwnBody, member: Mine) -> dict[str, Any]:
        """Add a medicine of one's own; ``id`` names it."""
        made = own.enter(member, body.name, body.how, body.reason, body.since)
        return {"id": made["id"]} | shown(member)

    @router.put("/medicines/{id}")
    def stand(id: Id, body: StandingBody, member: Mine) -> dict[str, Any]:  # noqa: A002 - of the path
        """Say that one's own medicine is taken no more, or again."""
        own.stop(member, id, None if body.active else clock().date())
        return shown(member)

    @router.delete("/medicines/{id}")
    def forget(id: Id, member: Mine) -> dict[str, Any]:  # noqa: A002 - of the path
        """Delete an entry of one's own."""
        own.forget(member, id)
        return shown(member)


def _reminder_routes(router: APIRouter, Mine: Any) -> None:  # noqa: N803 - a type
    @router.get("/reminders")
    def reminding(member: Mine) -> dict[str, Any]:
        """The doses of today, every reminder, and the days before."""
        return _state(member)

    @router.get("/reminders/calendar", response_class=Response)
    def calendar(member: Mine, *, named: bool = False) -> Response:
        """Every reminder as a calendar file; ``named``: with the names of the medicines."""
        t = _words().translator(member.profile["language"])
        text = calendar_file(reminders.reminders(member), clock(), t, named=named)
        kept = {
            "cache-control": "no-store",
            "content-disposition": 'attachment; filename="caretier-reminders.ics"',
        }
        return Response(text, media_type=MEDIA_TYPE, headers=kept)

    @router.post("/reminders")
    def make(body: ReminderBody, member: Mine) -> dict[str, Any]:
        """Make a reminder; ``id`` names it."""
        id_ = reminders.keep(member, body.reminder(clock().date()))
        return {"id": id_} | _state(member)

    @router.put("/reminders/{id}")
    def change(id: Id, body: ReminderBody, member: Mine) -> dict[str, Any]:  # noqa: A002 - of the path
        """Change a reminder."""
        reminders.keep(member, body.reminder(clock().date()), id)
        return _state(member)

    @router.delete("/reminders/{id}")
    def forget(id: Id, member: Mine) -> dict[str, Any]:  # noqa: A002 - of the path
        """Delete a reminder; ``was`` is what it was, to put it back."""
        return {"was": reminders.forget(member, id)} | _state(member)

    @router.put("/doses/{dose}")
    def note(dose: Id, body: DoseBody, member: Mine) -> dict[str, Any]:
        """Note what became of a dose."""
        reminders.note(member, dose, body.state, clock())
        return _state(member)

    @router.delete("/doses/{dose}")
    def unnote(dose: Id, member: Mine) -> dict[str, Any]:
        """Undo that."""
        reminders.unnote(member, dose)
        return _state(member)


def _state(member: Member) -> dict[str, Any]:
    """What the page of reminders shows; ``stopped`` marks one whose medicine is on no list now."""
    now = clock()
    taken = {order.ref for order in chart_of(member, now.date()).active_medicines}
    return {
        "today": [asdict(dose) for dose in reminders.due(member, now)],
        "reminders": [
            {"id": id_, **one.to_json(), "stopped": one.medicine not in taken}
            for id_, one in reminders.reminders(member)
        ],
        "history": reminders.history(member, now),
        "day": now.date().isoformat(),
    }
