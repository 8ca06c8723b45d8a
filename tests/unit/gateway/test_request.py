"""What the engine is sent of a request."""

from __future__ import annotations

import json

import pytest
from support.stub_engine import ask

from services.hospital.gateway.errors import ChatRequestError
from services.hospital.gateway.request import ExpertChat


def read(**more) -> ExpertChat:
    return ExpertChat.read(json.dumps(ask(**more)).encode())


def sent(chat: ExpertChat, **more) -> dict:
    return json.loads(chat.for_engine("weights", **more))


def test_only_what_was_said_is_sent_under_the_servers_name_of_the_model():
    body = sent(read(temperature=0.5).limited(64))
    assert body == {
        "model": "weights",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": False,
        "temperature": 0.5,
        "max_tokens": 64,
    }


def test_an_answer_is_never_without_a_limit_and_both_spellings_of_it_are_one():
    assert sent(read().limited(64))["max_tokens"] == 64
    assert sent(read(max_completion_tokens=5).limited(64)) == sent(read(max_tokens=5).limited(64))
    with pytest.raises(ChatRequestError, match="at most 64"):
        read(max_completion_tokens=65).limited(64)


def test_a_stream_always_brings_its_usage_from_the_engine():
    chat = read(stream=True)
    assert not chat.wants_usage
    assert sent(chat.limited(64))["stream_options"] == {"include_usage": True}


def test_a_developers_message_is_a_system_message():
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    body = sent(ExpertChat.read(json.dumps({"model": "a", "messages": messages}).encode()))
    assert [message["role"] for message in body["messages"]] == ["system", "user"]


def test_what_one_key_asked_is_kept_from_the_prefix_cache_of_another():
    chat = read().limited(64, "of this key")
    assert sent(chat, salted=True)["cache_salt"] == "of this key"
    assert "cache_salt" not in sent(chat)
    with pytest.raises(ChatRequestError):
        read(cache_salt="of another key")


def test_tokens_are_reserved_for_the_prompt_and_every_choice():
    one, three = read(max_tokens=10).limited(64), read(max_tokens=10, n=3).limited(64)
    assert three.reserve() - one.reserve() == 20
    assert one.reserve() - one.prompt_size() == 10
