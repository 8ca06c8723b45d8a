"""The look at the machine: limits of containers count, what cannot be read is not guessed."""

from __future__ import annotations

import os
from types import SimpleNamespace

import psutil
import pytest

from services.advisor import hardware
from services.advisor.hardware import Battery, probe


@pytest.fixture
def cgroup(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "CGROUP", tmp_path)
    return tmp_path


@pytest.fixture
def card_program(tmp_path, monkeypatch):
    """Puts a program in the place of NVIDIA's that prints what it is given."""

    def put(text, status=0):
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {status}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return put


def test_this_machine_has_cores_memory_and_disk():
    machine = probe()
    assert machine.cores >= 1
    assert 0 < machine.free <= machine.memory
    assert machine.disk > 0


def test_the_limits_of_a_container_count_not_what_its_host_has(cgroup):
    (cgroup / "memory.max").write_text("1073741824\n")
    (cgroup / "memory.current").write_text("73741824\n")
    (cgroup / "cpu.max").write_text("50000 100000\n")
    machine = probe()
    assert machine.memory == 1073741824
    assert machine.free <= 1000000000
    assert machine.cores == 1


def test_a_container_without_limits_has_what_the_host_has(cgroup):
    (cgroup / "memory.max").write_text("max\n")
    (cgroup / "cpu.max").write_text("max 100000\n")
    assert probe().memory == psutil.virtual_memory().total


def test_cards_are_read_from_their_makers_program(card_program):
    card_program("NVIDIA H100 80GB HBM3, 81559, 80994\nNVIDIA L4, 23034, 22000")
    cards = probe().gpus
    assert [c.name for c in cards] == ["NVIDIA H100 80GB HBM3", "NVIDIA L4"]
    assert cards[0].memory == 81559 << 20


@pytest.mark.parametrize(
    ("text", "status"),
    [("No devices were found", 6), ("NVIDIA T4, [N/A], [N/A]", 0), ("a, 1", 0), ("", 0)],
)
def test_a_program_that_says_nothing_usable_means_no_card(card_program, text, status):
    card_program(text, status)
    assert probe().gpus == ()


def test_a_battery_is_told_with_its_power(monkeypatch):
    found = SimpleNamespace(percent=41.5, power_plugged=False)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: found, raising=False)
    assert probe().battery == Battery(percent=41.5, on_power=False)


def test_a_machine_without_a_battery_has_none(monkeypatch):
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None, raising=False)
    assert probe().battery is None
