"""A node's line to the parent that learns: what each answer of the parent means."""

from __future__ import annotations

import httpx
import pytest

from compliance.errors import NotFoundError
from compliance.sealing import IdentityKey
from services.exchange.contributions import PATH, ContributionLine
from services.exchange.errors import LinkDownError, NotAuthenticatedError
from services.exchange.tokens import CallVerifier
from services.learning.errors import ContributionRefusedError

NODE, PARENT = IdentityKey.generate(), IdentityKey.generate()
ID = "00000000-0000-4000-8000-000000000001"


class Once:
    """A guard that has seen nothing."""

    def first_use(self, token_id, expires):
        return True


def line(answer):
    return ContributionLine(
        "http://parent", NODE, PARENT.public.fingerprint, httpx.MockTransport(answer)
    )


def problem(status, slug, detail="It is so."):
    body = {"type": f"urn:caretier:problem:{slug}", "title": "T", "detail": detail}
    return lambda _: httpx.Response(status, json=body)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "c.safetensors"
    path.write_bytes(b"numbers" * 1000)
    return path


def test_each_call_is_signed_over_its_body(file):
    verifier = CallVerifier(
        PARENT.public.fingerprint,
        lambda name: NODE.public if name == NODE.public.fingerprint else None,
        Once(),
    )
    seen = []

    def parent(request):
        token = request.headers["authorization"].removeprefix("Bearer ")
        path = request.url.path
        seen.append(verifier.verify(token, method=request.method, path=path, body=request.content))
        return httpx.Response(202, json={})

    with line(parent) as up:
        up.send(file)
        up.withdraw(ID)
    assert seen == [NODE.public.fingerprint] * 2


def test_what_is_taken_now_is_read():
    told = {"standings": [{"domain": "general", "epoch": 3, "parent": "general-learned@2"}]}
    with line(lambda _: httpx.Response(200, json=told)) as up:
        (standing,) = up.standings()
    assert (standing.domain, standing.epoch, standing.parent) == ("general", 3, "general-learned@2")


@pytest.mark.parametrize("told", [b"<html>", b'{"standings": [{"domain": "../x", "epoch": -1}]}'])
def test_another_answer_counts_as_a_dead_line(told):
    with line(lambda _: httpx.Response(200, content=told)) as up, pytest.raises(LinkDownError):
        up.standings()


def test_a_refusal_carries_its_reason(file):
    detail = "stale-epoch: It stands on epoch 1; now is 2."
    with (
        line(problem(422, "contribution-refused", detail)) as up,
        pytest.raises(ContributionRefusedError) as raised,
    ):
        up.send(file)
    assert raised.value.reason == "stale-epoch"
    assert raised.value.message == detail


@pytest.mark.parametrize(
    ("status", "slug"), [(413, "too-large"), (422, "bad-input"), (403, "forbidden")]
)
def test_what_will_never_be_taken_is_refused(file, status, slug):
    with line(problem(status, slug)) as up, pytest.raises(ContributionRefusedError) as raised:
        up.send(file)
    assert raised.value.reason == slug


@pytest.mark.parametrize("status", [429, 500, 503, 404])
def test_what_can_pass_waits(file, status):
    with line(problem(status, "x")) as up, pytest.raises(LinkDownError):
        up.send(file)


def test_a_node_that_is_not_enrolled_is_told_so(file):
    with line(problem(401, "not-authenticated")) as up, pytest.raises(NotAuthenticatedError):
        up.send(file)


def test_a_contribution_that_is_not_there_cannot_be_withdrawn():
    with line(problem(404, "not-found")) as up, pytest.raises(NotFoundError):
        up.withdraw(ID)


def test_a_refused_withdrawal_is_not_taken_for_done():
    with line(problem(409, "x")) as up, pytest.raises(LinkDownError):
        up.withdraw(ID)


def test_a_parent_that_is_away_is_said_to_be(file):
    def away(_request):
        raise httpx.ConnectError("no")

    with line(away) as up, pytest.raises(LinkDownError):
        up.send(file)


def test_the_addresses_are_those_of_the_interface(file):
    seen = []

    def parent(request):
        seen.append((request.method, request.url.path))
        return httpx.Response(200, json={"standings": []})

    with line(parent) as up:
        up.standings()
        up.send(file)
        up.withdraw(ID)
    assert seen == [("GET", PATH), ("POST", PATH), ("DELETE", f"{PATH}/{ID}")]
