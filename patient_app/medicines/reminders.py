"""Reminders of medicines: what is due on a day, and what the person noted of it.

A reminder holds times of the person's own clock. Nothing is counted as missed: a dose that nobody
noted is "open", for it may have been taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import Any, Literal
from uuid import uuid4

from compliance.errors import BadInputError, NotFoundError
from patient_app.member import Member

KIND, NOTED = "reminder", "dose"
"""Kinds in the vault: reminders, and what was noted of each dose."""
LATER = timedelta(minutes=30)
"""After which a dose that was put off is due again."""
GRACE = timedelta(hours=2)
"""So long after its time a dose is due; then it is open."""
HISTORY_DAYS = 14
MOST = 60
"""Most reminders of one person."""
State = Literal["ahead", "due", "open", "taken", "skipped", "later"]
Note = Literal["taken", "skipped", "later"]


@dataclass(frozen=True)
class Reminder:
    """When to think of a medicine.

    Attributes:
        medicine: reference of the entry that it is for.
        name: what the medicine is called.
        times: ``HH:MM`` of the person's clock, ascending.
        days: of the week, 0 is Monday.
        since: first day.
        until: last day; None for no end.
        named: whether a notification may say the name, which others may read on a locked screen.
    """

    medicine: str
    name: str
    times: tuple[str, ...]
    days: tuple[int, ...]
    since: date
    until: date | None = None
    named: bool = False

    def is_on(self, day: date) -> bool:
        """Whether it rings on a day."""
        begun = self.since <= day and (self.until is None or day <= self.until)
        return begun and day.weekday() in self.days

    def to_json(self) -> dict[str, Any]:
        """As the vault keeps it."""
        until = self.until.isoformat() if self.until else None
        return {**asdict(self), "since": self.since.isoformat(), "until": until}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Reminder:
        """From `to_json`."""
        until = date.fromisoformat(row["until"]) if row["until"] else None
        lists = {"times": tuple(row["times"]), "days": tuple(row["days"])}
        return cls(**{**row, **lists, "since": date.fromisoformat(row["since"]), "until": until})


@dataclass(frozen=True)
class Dose:
    """One dose of a day: ``id`` names reminder, day and time."""

    id: str
    name: str
    time: str
    state: State
    named: bool


def keep(member: Member, reminder: Reminder, id_: str | None = None) -> str:
    """Keep a reminder, or change the one of that id; returns its id.

    Raises:
        BadInputError: it ends before it begins, or there are too many.
        NotFoundError: there is none of that id.
    """
    if reminder.until is not None and reminder.until < reminder.since:
        raise BadInputError("The reminder ends before it begins.")
    with member.vault.write() as tx:
        if id_ is not None and tx.get(KIND, id_) is None:
            raise NotFoundError("There is no such reminder.")
        if id_ is None and len(tx.items(KIND)) >= MOST:
            raise BadInputError(f"There are {MOST} reminders already.")
        chosen = id_ or uuid4().hex[:16]
        tx.put(KIND, chosen, reminder.to_json())
    return chosen


def forget(member: Member, id_: str) -> dict[str, Any]:
    """Delete a reminder; what was noted stays. Returns it, so that it may be put back.

    Raises:
        NotFoundError: there is none of that id.
    """
    with member.vault.write() as tx:
        held: dict[str, Any] | None = tx.get(KIND, id_)
        if held is None:
            raise NotFoundError("There is no such reminder.")
        tx.delete(KIND, id_)
    return held


def reminders(member: Member) -> list[tuple[str, Reminder]]:
    """Every reminder with its id, by its first time."""
    rows = [(id_, Reminder.of(row)) for id_, row in member.vault.items(KIND)]
    return sorted(rows, key=lambda row: (row[1].times, row[1].name))


def note(member: Member, dose: str, state: Note, now: datetime) -> None:
    """Note what became of a dose.

    Raises:
        NotFoundError: no reminder rings at that time.
    """
    id_, day, time = _parts(dose)
    with member.vault.write() as tx:
        row = tx.get(KIND, id_)
        if row is None or time not in row["times"] or not Reminder.of(row).is_on(day):
            raise NotFoundError("There is no such dose.")
        tx.put(NOTED, dose, {"state": state, "at": now.isoformat(timespec="seconds")})


def unnote(member: Member, dose: str) -> None:
    """Undo what was noted.

    Raises:
        NotFoundError: nothing was.
    """
    with member.vault.write() as tx:
        if not tx.delete(NOTED, dose):
            raise NotFoundError("Nothing was noted of that dose.")


def due(member: Member, now: datetime) -> list[Dose]:
    """The doses of the day of ``now`` (the person's clock), in order of time."""
    noted = dict(member.vault.items(NOTED))
    return _doses(reminders(member), noted, now.date(), now)


def history(member: Member, now: datetime) -> list[dict[str, Any]]:
    """The days before today, newest first: how many doses were taken, skipped and left open."""
    noted, held = dict(member.vault.items(NOTED)), reminders(member)
    days: list[dict[str, Any]] = []
    for back in range(1, HISTORY_DAYS + 1):
        day = now.date() - timedelta(days=back)
        states = [dose.state for dose in _doses(held, noted, day, now)]
        if states:
            counts = {name: states.count(name) for name in ("taken", "skipped")}
            rest = len(states) - sum(counts.values())
            days.append({"day": day.isoformat(), **counts, "open": rest, "all": len(states)})
    return days


def _doses(
    held: list[tuple[str, Reminder]], noted: Mapping[str, Any], day: date, now: datetime
) -> list[Dose]:
    found: list[Dose] = []
    for id_, one in held:
        for time in one.times if one.is_on(day) else ():
            dose = f"{id_}.{day.isoformat()}.{time.replace(':', '')}"
            at = datetime.combine(day, clock_time.fromisoformat(time))
            state = _state(noted.get(dose), at, now)
            found.append(Dose(dose, one.name, time, state, one.named))
    return sorted(found, key=lambda dose: (dose.time, dose.name))


def _state(noted: Mapping[str, Any] | None, at: datetime, now: datetime) -> State:
    """How a dose stands; ``at`` is its time on the person's clock."""
    clock = now.replace(tzinfo=None)
    if noted is not None and noted["state"] != "later":
        state: State = noted["state"]
        return state
    if noted is not None:
        put_off = datetime.fromisoformat(noted["at"]).replace(tzinfo=None) + LATER
        if clock < put_off:
            return "later"
        at = put_off
    if clock < at:
        return "ahead"
    return "due" if clock < at + GRACE else "open"


def _parts(dose: str) -> tuple[str, date, str]:
    """Reminder, day and time of a dose's id.

    Raises:
        NotFoundError: it is none.
    """
    id_, _, rest = dose.partition(".")
    day, _, time = rest.partition(".")
    try:
        return id_, date.fromisoformat(day), f"{time[:2]}:{time[2:]}"
    except ValueError:
        raise NotFoundError("There is no such dose.") from None
