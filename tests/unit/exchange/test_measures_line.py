"""A node sends counts to its parent by signed calls; whatever it answers is one of few errors."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest

from compliance.sealing import IdentityKey
from services.exchange.errors import LinkDownError, NotAuthenticatedError
from services.exchange.measures import send_measures
from services.learning.rollout.measures import Measures, Report

REPORT = Report(
    brick="learned-general",
    version=3,
    since=datetime(2026, 1, 5, 8, tzinfo=UTC),
    measures=Measures(answers=5),
)


def send(answer):
    heard = []

    def parent(request):
        heard.append(request)
        return answer(request)

    key = IdentityKey.generate()
    told = send_measures(
        "https://hospital.example.org",
        key,
        "f" * 32,
        [REPORT],
        transport=httpx.MockTransport(parent),
    )
    return told, heard


def test_counts_go_up_signed_and_nothing_else_does():
    told, (request,) = send(lambda _: httpx.Response(200, json={"counted": 1, "look": True}))
    assert (told.counted, told.look) == (1, True)
    assert request.url.path == "/v1/measures"
    assert request.headers["authorization"].startswith("Bearer ")
    (sent,) = json.loads(request.content)["reports"]
    assert sorted(sent) == ["brick", "measures", "since", "version"]
    assert all(isinstance(one, int | float | None) for one in sent["measures"].values())


def away(_request):
    raise httpx.ConnectError("no")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda _: httpx.Response(401), NotAuthenticatedError),
        (lambda _: httpx.Response(404), LinkDownError),
        (lambda _: httpx.Response(503), LinkDownError),
        (lambda _: httpx.Response(200, json={"told": "something else"}), LinkDownError),
        (away, LinkDownError),
    ],
    ids=["stranger", "older", "busy", "else", "away"],
)
def test_whatever_goes_wrong_the_counts_can_wait(answer, error):
    with pytest.raises(error):
        send(answer)
