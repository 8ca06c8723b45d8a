"""The client of PyPI's ``openai`` against the chat API."""

from __future__ import annotations

import openai
import pytest

QUESTION = "What are the signs of asthma?"


@pytest.fixture
def client(here):
    with openai.OpenAI(base_url=f"{here.address}/v1", api_key=here.key("chat")) as opened:
        yield opened


def test_models_are_listed(client):
    assert [model.id for model in client.models.list()] == ["caretier"]


def test_a_question_is_answered_with_its_sources(client):
    messages = [{"role": "user", "content": QUESTION}]
    answer = client.chat.completions.create(model="caretier", messages=messages)
    text = answer.choices[0].message.content
    assert "wheez" in text.lower()
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None


def test_a_stream_is_the_same_answer_in_parts(client):
    messages = [{"role": "user", "content": QUESTION}]
    whole = client.chat.completions.create(model="caretier", messages=messages)
    parts = [
        part.choices[0].delta.content or ""
        for part in client.chat.completions.create(model="caretier", messages=messages, stream=True)
        if part.choices
    ]
    assert len(parts) > 1
    assert "".join(parts).split() == whole.choices[0].message.content.split()


def test_an_unknown_model_is_not_found(client):
    messages = [{"role": "user", "content": QUESTION}]
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="other", messages=messages)


def test_a_wrong_key_is_refused(here):
    with (
        openai.OpenAI(base_url=f"{here.address}/v1", api_key="nothing") as client,
        pytest.raises((openai.AuthenticationError, openai.PermissionDeniedError)),
    ):
        client.models.list()


def test_an_empty_conversation_is_a_bad_request(client):
    with pytest.raises((openai.BadRequestError, openai.UnprocessableEntityError)):
        client.chat.completions.create(model="caretier", messages=[])
