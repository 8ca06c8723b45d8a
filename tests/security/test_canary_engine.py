"""Canaries: a raw question goes to no engine but one that its tier may use."""

from __future__ import annotations

import http.server
import threading

import pytest

from services.consult import node
from services.engines.errors import EngineNotAllowedError
from services.engines.open import on_this_machine, open_engine
from services.engines.protocol import Budget, Prompt
from services.engines.settings import EngineSettings

ELSEWHERE = (
    "http://192.0.2.7:8001/v1",
    "https://models.example.org/v1",
    "http://localhost.example.org/v1",
    "http://127.0.0.1.example.org/v1",
    "http://127.0.0.1@models.example.org/v1",
    "http://models.example.org#127.0.0.1",
    "http://[2001:db8::1]:8001/v1",
    "http://[::ffff:192.0.2.7]/v1",
    "http://0.0.0.0:8001/v1",
    "http://10.0.0.5/v1",
    "//127.0.0.1/v1",
    "file:///tmp/engine",
    "127.0.0.1:8001/v1",
    "http:///v1",
    "http://user:word@127.0.0.1/v1",
    "",
)
HERE = (
    "http://127.0.0.1:8001/v1",
    "http://localhost:8001/v1",
    "http://LOCALHOST/v1",
    "https://127.8.8.8/v1",
    "http://[::1]:8001/v1",
)


def served(url: str, **more: str) -> EngineSettings:
    return EngineSettings(kind="http", url=url, **more)


@pytest.mark.parametrize("url", ELSEWHERE)
@pytest.mark.parametrize("level", ["device", "clinic", "hospital"])
def test_a_server_beyond_this_machine_is_refused_at_every_tier_unless_it_is_named(url, level):
    with pytest.raises(EngineNotAllowedError) as refusal:
        open_engine(served(url), level)
    assert refusal.value.advice
    assert "example.org" not in str(refusal.value)


@pytest.mark.parametrize("url", HERE)
@pytest.mark.parametrize("level", ["device", "clinic", "hospital"])
async def test_a_server_on_this_machine_is_opened(url, level):
    engine = open_engine(served(url), level)
    assert engine is not None
    await engine.close()


@pytest.mark.parametrize("level", ["clinic", "hospital"])
async def test_above_the_device_a_host_that_is_named_is_opened(level):
    engine = open_engine(served("https://GPU.example.org/v1", hosts="a, gpu.example.org"), level)
    assert engine is not None
    await engine.close()


def test_no_setting_lets_a_device_send_a_question_elsewhere(monkeypatch):
    monkeypatch.setenv("CARETIER_ENGINE_KIND", "http")
    monkeypatch.setenv("CARETIER_ENGINE_URL", "https://gpu.example.org/v1")
    monkeypatch.setenv("CARETIER_ENGINE_HOSTS", "gpu.example.org,*")
    with pytest.raises(EngineNotAllowedError, match="not masked"):
        open_engine(EngineSettings(), "device")


def test_a_caller_that_names_no_tier_is_held_to_the_rule_of_the_device():
    with pytest.raises(EngineNotAllowedError):
        open_engine(served("https://gpu.example.org/v1", hosts="gpu.example.org"))


@pytest.mark.parametrize("hosts", ["*", "example.org", "gpu.example.org:443", ".example.org", ""])
def test_a_host_is_named_exactly_or_not_at_all(hosts):
    with pytest.raises(EngineNotAllowedError, match="does not name"):
        open_engine(served("https://gpu.example.org/v1", hosts=hosts), "clinic")


def test_a_device_with_such_an_engine_does_not_start(monkeypatch):
    for name in ("KnowledgeIndex", "Knowledge", "Embedder", "Triager"):
        monkeypatch.setattr(node, name, type(name, (), {"__init__": lambda *_: None}))
    monkeypatch.setattr(node.Knowledge, "load", lambda _level: None, raising=False)
    monkeypatch.setattr(node.Embedder, "load", lambda: None, raising=False)
    with pytest.raises(EngineNotAllowedError):
        node.Node.open("device", served("https://gpu.example.org/v1", hosts="gpu.example.org"))


def test_names_that_only_look_like_this_machine_are_not_it():
    assert not any(map(on_this_machine, ("localhost.", "127.1", "0", "::", "local", "")))


async def test_a_proxy_of_the_environment_sees_no_question(monkeypatch):
    seen: list[str] = []

    class Catch(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"data: [DONE]\n\n")

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Catch) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        port = server.server_address[1]
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        engine = open_engine(served(f"http://127.0.0.1:{port}/v1"), "device")
        assert engine is not None
        prompt = Prompt(system="", user="I am Zephyrine Quackenbush.")
        assert [piece async for piece in engine.generate(prompt, Budget())] == []
        await engine.close()
        server.shutdown()
        thread.join()
    assert seen == ["/v1/chat/completions"]  # the server itself; a proxy is given a whole address
