"""`caretier advise` and POST /v1/advise: what they answer, and how they end."""

from __future__ import annotations

import json

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from compliance.errors import BadInputError
from services.advisor import hardware, rehearse
from services.advisor import pace as paces
from services.advisor.commands import app
from services.advisor.errors import ModelSourceError, ModelUnknownError
from services.advisor.routes import advisor_router
from services.advisor.trial import Trial
from services.web.app import create_app

RUNNER = CliRunner()
DESCRIBED = {"cores": 8, "memory": 32_000_000_000}


@pytest.fixture(autouse=True)
def known_machine(monkeypatch, machine, pace, tmp_path):
    monkeypatch.setenv("CARETIER_MODELS", str(tmp_path))
    monkeypatch.setattr(hardware, "probe", lambda: machine)
    monkeypatch.setattr(paces, "measured", lambda *_a, **_k: pace)


def run(*args):
    return RUNNER.invoke(app, list(args), catch_exceptions=True)


def test_advice_as_json_has_reasons_for_every_model():
    told = json.loads(run("--json", "--memory", "8", "--seconds", "60").stdout)
    assert told["recommended"]
    assert told["recommended"][0]["memory"]["needed"] <= 5_600_000_000
    assert all(row["against"] for row in told["rejected"])


def test_advice_for_people_shows_what_fits_and_what_does_not(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    shown = run("--memory", "8").stdout
    assert "medgemma-4b-it" in shown
    assert "because" in shown
    assert "caretier advise pull" in shown
    assert "of 5.60 GB" in shown


def test_all_shows_more(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert "more: --all" in run().stdout
    assert "more: --all" not in run("--all").stdout


@pytest.mark.parametrize(
    "args",
    [
        ("--device", "moon"),
        ("--language", "xx"),
        ("--seconds", "0"),
        ("--seconds", "nan"),
        *[("--memory", value) for value in ("0.001", "0", "-8", "nan", "inf", "1e300")],
    ],
)
def test_an_option_that_cannot_be_used_is_bad_input(args):
    assert isinstance(run(*args).exception, BadInputError)


def test_the_catalogue_is_listed_and_one_model_shown(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    told = json.loads(run("catalogue", "--json").stdout)
    assert len(told["models"]) >= 25
    one = json.loads(run("catalogue", "llama3-med42-8b", "--json").stdout)["models"]
    assert one[0]["score"] == 62.8
    assert "not known" in run("catalogue").stdout


def test_pull_of_the_embedded_model_says_how_to_run_it():
    shown = run("pull", "smollm2-135m-instruct").stdout
    assert "CARETIER_ENGINE_MODEL=" in shown
    assert "CARETIER_ENGINE_AUTHORING=none" in shown


def test_pull_without_a_source_says_what_to_copy():
    error = run("pull", "qwen2.5-7b-instruct").exception
    assert isinstance(error, ModelSourceError)
    assert error.exit_code == 28


def test_pull_without_a_name_takes_the_one_that_is_recommended():
    shown = run("--memory", "8", "pull", "--dry-run").stdout
    assert "medgemma-4b-it-Q8_0.gguf" in shown.replace("\n", "")


def test_pull_without_a_name_where_nothing_fits_says_so():
    error = run("--tokens-per-second", "9000", "pull").exception
    assert isinstance(error, ModelUnknownError)


def test_a_model_for_a_card_is_told_how_to_be_had(monkeypatch, machine):
    card = hardware.Gpu(name="NVIDIA H100 80GB HBM3", memory=80 * 10**9, free=80 * 10**9)
    equipped = machine.model_copy(update={"gpus": (card,)})
    monkeypatch.setattr(hardware, "probe", lambda: equipped)
    error = run("--tokens-per-second", "20", "pull").exception
    assert isinstance(error, ModelSourceError)
    assert "CARETIER_VLLM_MODEL" in error.advice


def test_a_dry_run_fetches_nothing(tmp_path):
    result = run("pull", "qwen2.5-7b-instruct", "--dry-run")
    assert result.exit_code == 0
    assert str(tmp_path) in result.stdout.replace("\n", "")


def test_pull_of_an_unknown_model_or_with_a_wrong_digest_is_refused():
    assert isinstance(run("pull", "nothing").exception, ModelUnknownError)
    wrong = run("pull", "qwen2.5-7b-instruct", "--digest", "sha256:12")
    assert isinstance(wrong.exception, BadInputError)


def test_measure_puts_what_was_seen_beside_the_estimate(monkeypatch):
    monkeypatch.setattr(rehearse, "probe", hardware.probe)
    monkeypatch.setattr(rehearse, "measured", paces.measured)
    monkeypatch.setattr(rehearse, "write_stand_in", lambda f, *_: f.write_bytes(bytes(9)))
    monkeypatch.setattr(rehearse, "try_model", lambda *_a, **_k: Trial(10**9, 50.0, 9.0))
    told = json.loads(run("measure", "llama-3.2-1b-instruct", "--json").stdout)
    assert told["written_per_second"]["seen"] == 9.0
    assert "estimated" in run("measure", "llama-3.2-1b-instruct").stdout


@pytest.mark.parametrize(
    ("model", "form"),
    [("gpt-oss-20b", "Q8_0"), ("qwen3-4b", "Q2_K"), ("qwen2.5-0.5b-instruct", "Q4_K_M")],
)
def test_what_a_stand_in_cannot_stand_for_is_refused(model, form):
    assert isinstance(run("measure", model, "--form", form).exception, BadInputError)


@pytest.fixture
def client(embedder):
    def operate(key: str = "") -> None:
        if key != "operator":
            raise HTTPException(403)

    api = create_app("test", ready=dict, hosts=("testserver",))
    api.include_router(advisor_router(lambda: embedder, list, operate))
    return TestClient(api)


def test_operators_have_advice_for_a_machine_they_describe(client):
    body = {"need": "asthma questions in Spanish", "machine": DESCRIBED, "context": 8192}
    told = client.post("/v1/advise?key=operator", json=body)
    assert told.status_code == 200
    assert told.json()["place"]["path"][:4] == ["all", "es", "medicine", "respiratory"]
    assert told.json()["recommended"][0]["score"]
    assert "asthma questions" not in told.text


def test_nobody_else_has_advice_or_the_catalogue(client):
    assert client.post("/v1/advise", json={"machine": DESCRIBED}).status_code == 403
    assert client.get("/v1/advise/catalogue").status_code == 403
    assert client.get("/v1/advise/catalogue?key=operator").json()["models"]


@pytest.mark.parametrize(
    "body",
    [
        {"context": 1},
        {"memory": -1},
        {"need": ""},
        {"language": "fr"},
        {"more": 1},
        {"machine": {"cores": 0, "memory": 10**9}},
        {"seconds": 0},
        {"need": "x" * 3000},
    ],
)
def test_a_wish_of_the_wrong_shape_is_refused_before_anything_is_looked_at(client, body):
    assert client.post("/v1/advise?key=operator", json=body).status_code == 422
