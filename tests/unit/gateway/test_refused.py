"""What the gateway refuses, and that OpenAI's own client understands why."""

from __future__ import annotations

import json

import openai
import pytest
from support.stub_engine import ask

from compliance.audit import AuditError
from services.engines.http import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def refused(here, kind, key="all", **body):
    """The error that OpenAI's client raises, its code and param."""
    with pytest.raises(kind) as caught:
        await here.client(key).chat.completions.create(**body)
    return caught.value


@pytest.mark.parametrize("model", ["other", "weights", "amber@", "caretier-general", "", "../base"])
async def test_a_model_that_is_not_listed_is_not_found_whatever_the_server_calls_it(here, model):
    names = [model, f"amber@{here.engine.held['amber'].digest[7:15]}"]
    for name in names:
        error = await refused(here, openai.NotFoundError, **ask(model=name))
        assert error.code == "model_not_found"
    assert here.stub.seen == []


@pytest.mark.parametrize(
    ("words", "model"),
    [
        ("chat", "amber"), ("chat", "base"), ("chat", "auto"), ("engine", "base"),
        ("engine", "caretier"), ("engine.birch", "amber"), ("engine.base", "amber"),
    ],
)  # fmt: skip
async def test_a_model_beyond_the_scopes_looks_as_if_it_were_not_there(here, words, model):
    here.user("narrow", words)
    error = await refused(here, openai.NotFoundError, "narrow", **ask(model=model))
    assert error.code == "model_not_found"
    assert here.stub.seen == []
    assert here.audited == []


async def test_two_names_in_one_body_are_understood_alike_on_both_sides(here):
    body = b'{"model": "base", "model": "amber", "messages": [{"role": "user", "content": "x"}]}'
    here.user("narrow", "engine.amber")
    reply = await here.post(body, "narrow")
    assert reply.status_code == 200
    assert here.stub.seen[0]["model"].startswith("amber@")


async def test_an_unknown_key_is_an_authentication_error(here):
    error = await refused(here, openai.AuthenticationError, "nobody", **ask())
    assert error.code == "invalid_api_key"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lora_request", {"lora_path": "/etc"}),
        ("chat_template", "{{ 1 }}"),
        ("prompt_logprobs", 20),
        ("kv_transfer_params", {}),
        ("guided_decoding_backend", "x"),
        ("n", 99),
        ("top_logprobs", 99),
        ("temperature", "hot"),
        ("max_tokens", 0),
        ("max_tokens", 1_000_000),
        ("stop", 7),
    ],
)
async def test_a_field_that_is_unknown_or_out_of_bounds_is_named(here, field, value):
    error = await refused(here, openai.BadRequestError, **ask(), extra_body={field: value})
    assert error.param.split(".")[0] == field
    assert error.type == "invalid_request_error"
    assert here.stub.seen == []


@pytest.mark.parametrize("kind", ["image_url", "input_audio", "file"])
async def test_an_address_in_a_message_is_not_fetched_by_anybody(here, kind):
    part = {"type": kind, kind: {"url": "http://169.254.169.254/latest"}}
    body = {"model": "amber", "messages": [{"role": "user", "content": [part]}]}
    reply = await here.post(body)
    assert reply.status_code == 400
    assert "169.254" not in reply.text
    assert here.stub.seen == []


async def test_what_stood_in_a_bad_request_is_not_repeated(here):
    body = {"model": "amber", "messages": [{"role": "Hollingsberry 555-0100", "content": "x"}]}
    reply = await here.post(body)
    assert reply.status_code == 400
    assert "Hollingsberry" not in reply.text


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b"null", b'{"model": "amber"}', b'{"model": "amber", "messages": []}',
        b'{"model": "amber", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"model": "amber", "temperature": 1e999, "messages": [{"role": "user", "content": "x"}]}',
        b'{"model": "amber", "messages": ' + b"[" * 60_000 + b"]" * 60_000 + b"}",
        b'{"model": "amber", "seed": ' + b"9" * 5_000 + b', "messages": [{"role":"user"}]}',
    ],
)  # fmt: skip
async def test_a_body_that_is_none_is_refused_in_the_shape_of_both_kinds_of_clients(here, body):
    reply = await here.post(body)
    said = reply.json()
    assert reply.status_code in {400, 422}
    assert said["type"].startswith("urn:caretier:problem:")
    assert said["error"]["type"] == "invalid_request_error"
    assert here.stub.seen == []


async def test_a_body_that_is_too_large_is_refused_in_the_same_shape(here):
    reply = await here.post(b" " * (3 << 20))
    assert reply.status_code == 413
    assert reply.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ((400, {"error": {"message": "bad tool"}}), openai.BadRequestError, "chat_request"),
        (
            (400, {"error": {"message": "maximum context length is 2048 tokens"}}),
            openai.APIStatusError,
            "context_length_exceeded",
        ),
        ((429, {}), openai.RateLimitError, "engine_busy"),
        ((401, {}), openai.InternalServerError, "engine_unavailable"),
        ((404, {}), openai.InternalServerError, "engine_unavailable"),
        ((500, {"error": "the prompt was: secret"}), openai.InternalServerError, "engine_failed"),
    ],
)
async def test_an_error_of_the_server_becomes_one_of_ours(here, fault, kind, code):
    here.stub.fault = fault
    for stream in (False, True):
        error = await refused(here, kind, **ask(stream=stream))
        assert error.code == code
        assert "secret" not in str(error)


async def test_a_servers_name_of_a_model_does_not_come_out_in_an_error(here):
    served = f"amber@{here.engine.held['amber'].digest[7:15]}"
    here.stub.fault = (400, {"error": {"message": f"`{served}` has no tools"}})
    error = await refused(here, openai.BadRequestError, **ask())
    assert served not in str(error)
    assert "`amber` has no tools" in str(error)


@pytest.mark.parametrize("plain", [b"", b"[]", b"<html>"])
async def test_nonsense_of_the_server_is_a_server_error(here, plain):
    here.stub.plain = plain
    error = await refused(here, openai.InternalServerError, **ask())
    assert error.code == "engine_failed"


async def test_a_server_that_is_away_is_a_server_error(here, monkeypatch):
    monkeypatch.setattr(here.engine, "_served", Served("http://127.0.0.1:9/v1", "weights"))
    error = await refused(here, openai.InternalServerError, **ask(model="base"))
    assert error.code == "engine_unavailable"


async def test_a_stream_that_breaks_off_says_so_and_is_not_taken_for_whole(here):
    here.stub.broken_after = 2
    stream = await here.client().chat.completions.create(**ask(stream=True))
    with pytest.raises(openai.APIError) as caught:
        [chunk async for chunk in stream]
    assert caught.value.code == "engine_unavailable"
    reply = await here.post(ask(stream=True))
    assert "[DONE]" not in reply.text
    last = json.loads(reply.text.strip().rsplit("data: ", 1)[1])
    assert last["error"]["type"] == "server_error"


async def test_a_server_that_takes_too_long_is_not_waited_for(here):
    here.stub.pause = 3
    error = await refused(here, openai.InternalServerError, **ask())
    assert error.code == "engine_timeout"
    assert error.status_code == 504


async def test_nothing_is_answered_that_could_not_be_written_down(here, monkeypatch):
    def full(*_: object) -> None:
        raise AuditError("The disk is full.")

    monkeypatch.setattr(here.gateway.desk, "_audit", full)
    for stream in (False, True):
        reply = await here.post(ask(stream=stream))
        assert reply.status_code == 503
        assert reply.json()["error"]["code"] == "audit_unavailable"
    assert here.stub.seen == []


async def test_each_call_is_written_down_by_key_and_model(here):
    for model in ("amber", "base"):
        await here.post(ask(model=model))
    assert here.audited == [("all", "amber"), ("all", "base")]
