"""The `caretier` command: help, exit codes, lines in and out, the trail of a deployment."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

import httpx
import pytest

from tests.support.stack import ROOT, Stack, eventually, free_ports

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("stack")]

PROMISED = {
    "up", "hospital", "worker", "clinic", "device", "ask", "triage", "deidentify", "audit",
    "doctor", "bench",
}  # fmt: skip
OPTIONS = {
    "ask": ("--patient", "--local-only", "--yes", "--json", "--jsonl", "--data"),
    "triage": ("--json", "--jsonl"),
    "deidentify": ("--patient", "--language", "--json", "--jsonl"),
    "up": ("--data",),
    "audit verify": ("--data",),
}
QUESTION = "What are the signs of asthma?"


def test_every_command_is_there_and_has_help(stack: Stack) -> None:
    installed = {p.name for p in entry_points(group="caretier.commands")}
    assert installed >= PROMISED
    page = stack.run("--help")
    assert page.returncode == 0
    assert all(name in page.stdout for name in installed)


@pytest.mark.parametrize("command", sorted(PROMISED | set(OPTIONS)))
def test_help_names_the_promised_options(stack: Stack, command: str) -> None:
    done = stack.run(*command.split(), "--help", COLUMNS="200", NO_COLOR="1", TERM="dumb")
    assert done.returncode == 0, done.stderr
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert "Usage" in plain
    for option in OPTIONS.get(command, ()):
        assert option in plain


def test_an_unknown_command_exits_with_2(stack: Stack) -> None:
    assert stack.run("fly").returncode == 2


@pytest.mark.parametrize("command", ["triage", "deidentify", "ask"])
def test_each_line_in_is_a_line_out_with_its_id(stack: Stack, command: str) -> None:
    ids = ["b", "a", "10", "Ünï"]
    lines = "".join(json.dumps({"id": i, "text": QUESTION}) + "\n" for i in ids)
    options = ["--local-only", "--data", str(stack.data)] if command == "ask" else []
    done = stack.run(command, "--jsonl", *options, text=lines)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows] == ids
    field = {"triage": "level", "deidentify": "entities", "ask": "status"}[command]
    assert all(field in row for row in rows)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ([QUESTION, "--local-only", "--json"], 0),
        (["What is shingles?", "--local-only", "--json"], 7),
        (["I have crushing chest pain", "--json"], 0),
        (["   ", "--json"], 2),
        ([QUESTION, "--patient", "nobody", "--json"], 3),
    ],
)
def test_asks_exit_status_says_what_became_of_the_question(
    stack: Stack, arguments: list[str], status: int
) -> None:
    done = stack.run("ask", *arguments, "--data", str(stack.data))
    assert done.returncode == status, done.stdout + done.stderr
    assert isinstance(json.loads(done.stdout), dict)


def test_the_json_of_an_answer_has_every_promised_field(stack: Stack) -> None:
    done = stack.run("ask", QUESTION, "--local-only", "--json", "--data", str(stack.data))
    answer = json.loads(done.stdout)
    assert set(answer) >= {
        "id", "status", "text", "tier", "model", "experts", "degraded_from", "triage",
        "confidence", "citations", "disclosure", "trace",
    }  # fmt: skip
    assert set(answer["triage"]) >= {"level", "rule", "advice"}
    assert set(answer["citations"][0]) >= {"id", "title", "source", "url", "date", "quote"}


def test_the_trails_of_a_deployment_verify_and_an_edited_record_is_named(
    stack: Stack, tmp_path: Path
) -> None:
    consult = stack.patient("p02").refer("What are the symptoms of shingles?")
    stack.patient("p02").wait(consult, "answered")
    done = stack.run("audit", "verify", "--data", str(stack.data))
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "clinic" / "audit"
    shutil.copytree(stack.data / "clinic" / "audit", folder)
    assert stack.run("audit", "verify", "--data", str(tmp_path)).returncode == 0
    trail = folder / "clinic.jsonl"
    lines = trail.read_text(encoding="utf-8").splitlines()
    assert len(lines) >= 2
    record = json.loads(lines[1])
    record["time"] = "2020-01-01T00:00:00+00:00"
    lines[1] = json.dumps(record)
    trail.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = stack.run("audit", "verify", "--data", str(tmp_path))
    assert done.returncode == 5
    assert re.search(r"\b1\b", done.stdout + done.stderr), "the record is named by its number"
    assert "Traceback" not in done.stderr


def test_doctor_reports_the_machine(stack: Stack) -> None:
    done = stack.run("doctor", "--json", "--data", str(stack.data))
    report = json.loads(done.stdout)
    assert {row["check"] for row in report["checks"]} >= {"triage rules", "knowledge", "sealing"}
    assert done.returncode == (0 if report["ok"] else 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_starts_everything_and_leaves_nothing_behind(
    stack: Stack, tmp_path: Path, number: signal.Signals
) -> None:
    """On the seeded folder of the shared deployment, so that nothing has to be made anew."""
    data = tmp_path / "data"
    for part in ("sandbox", "device", "clinic", "hospital"):
        shutil.copytree(stack.data / part, data / part, ignore=shutil.ignore_patterns("*-shm"))
    ports = free_ports(3)
    names = ("hospital", "clinic", "device")
    options = [f"--{name}-port={port}" for name, port in zip(names, ports, strict=True)]
    anchors = tmp_path / "anchors"
    shutil.copytree(stack.folder / "anchors", anchors)
    surroundings = {**stack.environment, "CARETIER_ANCHORS": str(anchors)}
    surroundings = {k: v for k, v in surroundings.items() if not k.endswith(("_URL", "_REDIS"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", "up", "--data", str(data), *options],
        cwd=ROOT, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        eventually(lambda: ready(ports[2]) or process.poll() is not None, seconds=120)
        assert process.poll() is None, process.stdout and process.stdout.read().decode()
        for port in ports:
            assert httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).is_success
    finally:
        time.sleep(1)
        process.send_signal(number)
        printed = process.communicate(timeout=60)[0].decode()
    assert printed.index("Starting hospital and clinic") < printed.index("ready")
    assert "Traceback" not in printed
    assert [port for port in ports if listening(port)] == []


def ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False, timeout=2).is_success
    except httpx.HTTPError:
        return False


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_up_refuses_a_port_that_is_taken(stack: Stack, tmp_path: Path) -> None:
    taken = stack.hospital.rsplit(":", 1)[1]
    done = stack.run("up", "--data", str(tmp_path / "data"), "--hospital-port", taken)
    assert done.returncode == 60
    assert f"port {taken}" in done.stderr
