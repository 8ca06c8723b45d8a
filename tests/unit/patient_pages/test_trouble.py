"""Every refusal that a person can meet on the device is there in Spanish, and stays typed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel

import patient_app.app as device_app
from compliance.errors import BadInputError, NotFoundError
from patient_app.errors import LockedError, NotLinkedError
from patient_app.trouble import LOCALE, InReadersLanguage, problem_in, refusal_of, told
from services.fhir.client import FhirSignInError
from services.web.app import create_app
from services.web.i18n import Catalogue
from services.web.problems import _SLUGS

ROOT = Path(device_app.__file__).parents[1]
SOURCES = ("patient_app", "services/fhir/client")
NO_PAGE = {"commands.py", "bench.py", "places.py", "icons.py"}
"""Modules of the command line and of the start, where nobody reads Spanish."""
SAID_EXACTLY = {
    "BadInputError", "NotFoundError", "DisclosureRefusedError", "OtherPersonError",
    "LaunchOverError", "NoPlaceError",
}  # fmt: skip
"""Errors whose kind says too little."""
ELSEWHERE = (
    "adapter-", "brick-", "expert", "hospital-", "enrol", "referral-", "receipt-", "retention-",
    "engine-not-allowed", "not-authenticated", "too-many-enrolments", "too-many-referrals",
)  # fmt: skip
"""Beginnings of kinds that only another tier, a command or a loop in the background meets."""
OF_A_STORE = {
    "fhir-bad-parameter", "fhir-bad-request", "fhir-busy", "fhir-conflict", "fhir-entry",
    "fhir-format", "fhir-gone", "fhir-method", "fhir-not-found", "fhir-precondition",
    "fhir-unknown-type", "scope-missing",
}  # fmt: skip
"""Kinds of a FHIR store, which a device has not."""


LISTED = """
import patient_app.app
from compliance.errors import CaretierError
left = [CaretierError]
while left:
    one = left.pop()
    left += one.__subclasses__()
    print(one.__module__, one.kind)
"""
"""Says the kinds of all errors in what a device runs, in a process that loaded nothing else."""


def kinds() -> set[str]:
    """Kinds of the errors in the modules that a device runs."""
    told = subprocess.run(
        [sys.executable, "-c", LISTED], check=True, capture_output=True, text=True
    )
    pairs = [line.split() for line in told.stdout.splitlines()]
    return {
        k
        for module, k in pairs
        if not module.startswith(("services.hospital", "services.learning"))
    }


def raised() -> Iterator[tuple[str, str, str]]:
    """File, error and English sentence, with ``{}`` for what is put in, of every raise."""
    for path in (p for folder in SOURCES for p in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                text = node.args[0]
                parts = text.values if isinstance(text, ast.JoinedStr) else [text]
                said = "".join(str(p.value) if isinstance(p, ast.Constant) else "x" for p in parts)
                yield path.name, node.func.id, said


def test_every_kind_that_a_person_can_meet_has_words_in_both_languages():
    known = Catalogue.load(LOCALE).sentences
    met = {k for k in kinds() if not k.startswith(ELSEWHERE)} - OF_A_STORE
    met |= {slug for slug, _ in _SLUGS.values()} | {"wrong-host", "http-error", "internal"}
    for language, sentences in known.items():
        lacking = {k for k in met if not {f"trouble.{k}", f"trouble.{k}_do"} <= set(sentences)}
        assert lacking == set(), language


def test_every_sentence_that_the_device_refuses_with_is_there_in_spanish():
    lacking = [
        (name, said)
        for name, error, said in raised()
        if error in SAID_EXACTLY and name not in NO_PAGE and refusal_of(said) is None
    ]
    assert lacking == []


def test_no_translation_is_left_of_a_sentence_that_is_said_no_more():
    said = {key[0] for _, _, text in raised() if (key := refusal_of(text))}
    known = {
        key
        for key in Catalogue.load(LOCALE).sentences["en"]
        if key.startswith("refusal.") and not key.endswith("_do")
    }
    assert known - said == {"refusal.unfit"}, "a newcomer's form says more by itself"


def test_what_stands_in_a_sentence_is_carried_over_and_what_to_do_is_too():
    error = BadInputError("Line 12 is not JSON.")
    assert told(error.kind, error.message, error.advice, "es") == (
        "La línea 12 no es JSON.",
        "Corríjalo y envíelo otra vez.",
    )
    denied = FhirSignInError("The connection was not allowed (access_denied).")
    assert "(access_denied)" in problem_in(denied, "es")["detail"]


def test_an_error_that_nobody_foresaw_is_said_by_its_kind():
    document = problem_in(LockedError("Something quite new."), "es")
    assert document["detail"] == document["title"] == "Los datos están cerrados."


def test_an_english_reader_gets_what_was_raised_but_no_command():
    document = problem_in(NotFoundError("There is no such form."), "en")
    assert (document["detail"], document["remedy"]) == ("There is no such form.", "Check the id.")
    assert "`" not in problem_in(NotLinkedError("Not enrolled."), "en")["remedy"]


class Body(BaseModel):
    number: int


@pytest.fixture
async def client():
    app: FastAPI = create_app("t", ready=dict, hosts=("testserver",), limit=100)
    whose = {"language": ""}
    app.add_middleware(InReadersLanguage, language=lambda _: whose["language"] or None)

    @app.post("/form")
    def form(body: Body) -> int:
        return body.number

    @app.get("/gone")
    def gone(request: Request) -> None:
        whose["language"] = request.headers.get("x-language", "")
        raise NotFoundError("There is no such preparation.")

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        yield http


@pytest.mark.parametrize(
    ("asked", "kind", "words"),
    [
        (("GET", "/gone", None), "not-found", "No existe esa preparación."),
        (("GET", "/nowhere", None), "not-found", "Aquí no hay nada así."),
        (("PUT", "/form", None), "method-not-allowed", "Esta dirección no hace eso."),
        (("POST", "/form", {"number": "x"}), "bad-input", "no se cambió nada"),
        (("POST", "/form", {"number": "x" * 200}), "too-large", "más grande"),
        (("GET", "/broken", None), "internal", "Algo falló aquí."),
    ],
)
async def test_a_browser_in_spanish_is_refused_in_spanish(client, asked, kind, words):
    method, path, body = asked
    reply = await client.request(method, path, json=body, headers={"accept-language": "es-MX"})
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["content-language"] == "es"
    document = reply.json()
    assert document["type"] == f"urn:caretier:problem:{kind}"
    assert document["status"] == reply.status_code
    assert words in document["detail"]
    assert document["remedy"]
    plain = (await client.request(method, path, json=body)).json()
    assert set(plain) - {"detail"} <= set(document)
    assert plain["title"] != document["title"]
    assert {**plain, **{k: document[k] for k in ("title", "detail", "remedy")}} == document


async def test_the_persons_own_language_counts_before_the_browsers(client):
    headers = {"x-language": "es", "accept-language": "en"}
    reply = await client.get("/gone", headers=headers)
    assert reply.json()["detail"] == "No existe esa preparación."
    headers["x-language"] = "en"
    assert (await client.get("/gone", headers=headers)).headers["content-language"] == "en"


async def test_what_is_no_problem_passes_as_it_is(client):
    reply = await client.get("/healthz", headers={"accept-language": "es"})
    assert (reply.text, "content-language" in reply.headers) == ("ok\n", False)
    assert (await client.post("/form", json={"number": 3})).json() == 3
