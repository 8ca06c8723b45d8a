"""`caretier experts`, against a hospital's API in a thread."""

from __future__ import annotations

import json
from contextlib import contextmanager

import numpy as np
import pytest
from fastapi import FastAPI, Request
from support.served import served
from typer.testing import CliRunner

from services.exchange.errors import NotAuthenticatedError
from services.experts import Experts, Gate
from services.experts.commands import app
from services.experts.errors import HospitalAwayError, HospitalRefusedError
from services.experts.routes import experts_router
from services.web.app import create_app

RUN = CliRunner()


class Nowhere:
    def encode(self, texts):
        return np.full((len(texts), 4), 0.5, np.float32)


@pytest.fixture
def hospital(experts, monkeypatch):
    with running(experts) as address:
        monkeypatch.setenv("CARETIER_URL", address)
        monkeypatch.setenv("CARETIER_KEY", "good")
        yield experts


@contextmanager
def running(experts: Experts):
    gate = Gate(Nowhere(), 0.5)

    async def plan(text: str):
        return gate.plan(text, experts.ready())

    def door(request: Request) -> str:
        if request.headers.get("authorization") != "Bearer good":
            raise NotAuthenticatedError("The key is unknown or revoked.")
        return "operator"

    def make(_address: str) -> FastAPI:
        made = create_app("experts", ready=dict)
        routes = experts_router(experts, plan, operate=door, ask=door, audit=lambda *_: None)
        made.include_router(routes)
        return made

    with served(make) as address:
        yield address


def run(*arguments: str) -> str:
    done = RUN.invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_an_expert_is_pushed_listed_explained_and_popped(hospital):
    assert "No expert is pushed" in run("list")
    assert "amber@1 answers as model amber" in run("push", "amber")
    assert json.loads(run("push", "birch@1", "--json"))["ready"] is True
    listed = json.loads(run("list", "--json"))["experts"]
    assert [one["id"] for one in listed] == ["amber", "birch"]
    table = run("list")
    assert "in place" in table
    parts = json.loads(run("explain", "What is amber?", "--json"))["parts"]
    assert (parts[0]["expert"], parts[0]["by"]) == ("amber", "rule")
    assert "nobody" in run("explain", "Hello")
    table = run("explain", "Is it [/] or [bold]?")
    assert "[/]" in table
    assert "[bold]?" in table
    assert "answers no more" in run("pop", "amber")
    assert [one["id"] for one in json.loads(run("list", "--json"))["experts"]] == ["birch"]


@pytest.mark.parametrize("arguments", [["push", "other"], ["pop", "amber"], ["push", "a@0"]])
def test_what_the_hospital_says_is_what_the_command_says(hospital, arguments):
    done = RUN.invoke(app, arguments)
    assert isinstance(done.exception, HospitalRefusedError)
    assert done.exception.exit_code == 88
    assert done.exception.advice


def test_a_wrong_key_is_told_apart_from_a_hospital_that_is_away(hospital, monkeypatch):
    monkeypatch.setenv("CARETIER_KEY", "bad")
    assert isinstance(RUN.invoke(app, ["list"]).exception, HospitalRefusedError)
    monkeypatch.delenv("CARETIER_KEY")
    assert isinstance(RUN.invoke(app, ["list"]).exception, HospitalRefusedError)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense", "http://[::1"])
def test_a_hospital_that_is_away_is_said_so(monkeypatch, url):
    monkeypatch.setenv("CARETIER_URL", url)
    monkeypatch.setenv("CARETIER_KEY", "good")
    assert isinstance(RUN.invoke(app, ["list"]).exception, HospitalAwayError)


def test_no_command_takes_a_key_where_others_could_read_it():
    for command in ("list", "push", "pop", "explain"):
        assert "--key" not in RUN.invoke(app, [command, "--help"]).stdout
