"""A hospital to measure: many open referrals, clinicians who are signed in, and its own process."""

from __future__ import annotations

import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx

from services.consult.messages import Answer, Level, ModelCardRef, Person, Sentence, Status
from services.exchange.messages import ReferredQuestion
from services.hospital.desk import URGENCY_RANK
from services.hospital.keys import digest_of
from services.hospital.models import PortalSession, Referral, User
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

START_SECONDS = 180.0
_WORDS = (
    "I am [PATIENT] and have had a cough and some fever since [DATE-1]. My inhaler helps a little,"
    " but at night it gets worse and I sleep badly. Should I come in, or wait until [DATE-2]?"
)
_REASONS = ("needs-clinician", "not-covered", "low-confidence", "asked-for", "wrong-matter")
_URGENCIES, _SHARES = ("emergency", "urgent", "routine"), (0.02, 0.18, 0.8)
_SNOOZED, _DRAFTED = 0.05, 0.7
"""Shares of the routine ones, and of all."""
_CHANCE = random.Random(1)  # noqa: S311 - the same ward each time


@dataclass(frozen=True)
class Ward:
    """Where the server is, its process, and a cookie for each clinician."""

    address: str
    process: int
    cookies: tuple[str, ...]


def lay(settings: HospitalSettings, opened: int, signed: int, clinicians: int) -> tuple[str, ...]:
    """Fill a hospital's desk; gives the cookies of its clinicians."""
    hospital = Hospital(settings)
    people = [_clinician(number) for number in range(clinicians)]
    tokens = tuple(secrets.token_urlsafe(32) for _ in people)
    now = datetime.now(UTC)
    with hospital.database.transaction() as session:
        session.add_all(people)
        session.flush()
        session.add_all(
            PortalSession(
                digest=digest_of(token),
                user_id=user.id,
                csrf=secrets.token_urlsafe(24),
                seen=now,
                expires=now + timedelta(hours=12),
            )
            for user, token in zip(people, tokens, strict=True)
        )
    ids = [user.id for user in people]
    rows = [_referral(hospital, ids, done=n >= opened) for n in range(opened + signed)]
    with hospital.database.transaction() as session:
        session.add_all(rows)
    hospital.database.study("hospital_referral")
    hospital.database.close()
    return tokens


@contextmanager
def running(settings: HospitalSettings, cookies: tuple[str, ...]) -> Iterator[Ward]:
    """Serve it in a process of its own until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = "from services.hospital.commands import app; app()"
    arguments = ["--data", str(settings.data.parent), "--port", str(port)]
    given = os.environ | ({"CARETIER_HOSPITAL_DATABASE": settings.database_url})
    with (settings.data.parent / "server.log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603 - our own interpreter and command
            [sys.executable, "-c", command, *arguments], env=given, stdout=log, stderr=log
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(address, server)
        yield Ward(address, server.pid, cookies)
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait(address: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        try:
            if httpx.get(f"{address}/readyz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    raise RuntimeError("The hospital did not start.")


def _clinician(number: int) -> User:
    return User(
        id=str(uuid4()),
        username=f"clinician-{number}",
        display_name=f"Clinician {number}",
        role="clinician",
        password="-",  # nobody signs in with it  # noqa: S106
        created=datetime.now(UTC),
    )


def _referral(hospital: Hospital, people: list[str], *, done: bool) -> Referral:
    id_, seal = str(uuid4()), hospital.desk.seal
    urgency = _CHANCE.choices(_URGENCIES, _SHARES)[0]
    language = _CHANCE.choice(["en", "es"])
    received = datetime.now(UTC) - timedelta(minutes=_CHANCE.expovariate(1 / 600))
    asked = ReferredQuestion(
        referral=id_,
        text=_WORDS,
        person=Person(age_years=41, sex="female", language=language),
        urgency=urgency,
        reason=_CHANCE.choice(_REASONS),
        reply_to="A" * 43,
    )
    asleep = urgency == "routine" and _CHANCE.random() < _SNOOZED
    holder = _CHANCE.choice([None, None, _CHANCE.choice(people)])
    return Referral(
        id=id_,
        urgency=urgency,
        urgency_rank=URGENCY_RANK[urgency],
        reason=asked.reason,
        question=seal(id_, "question", asked.model_dump_json()),
        draft=seal(id_, "draft", _draft(id_).model_dump_json()),
        state="signed" if done else "open",
        assignee=holder,
        handed_by=_CHANCE.choice([None, _CHANCE.choice(people)]) if holder else None,
        snoozed_until=datetime.now(UTC) + timedelta(hours=3) if asleep else None,
        language=language,
        drafted=_CHANCE.random() < _DRAFTED,
        received=received,
        came=received,
        signed=datetime.now(UTC) if done else None,
        signed_by=people[0] if done else None,
    )


def _draft(id_: str) -> Answer:
    said = "Most coughs get better without treatment within three weeks. " * 8
    return Answer(
        id=id_,
        status=Status.ANSWERED,
        text=said,
        tier=Level.HOSPITAL,
        model=ModelCardRef(name="bench", digest="d"),
        confidence=0.5,
        sentences=(Sentence(text=said, citations=("guide#cough",)),),
    )
