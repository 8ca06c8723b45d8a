"""What a machine has: cores, memory, graphics cards, disk, battery.

    machine = probe()
    machine.cores, machine.memory, machine.gpus

Limits of a container count, not what its host has. Nothing is guessed: what cannot be read is None.
"""

from __future__ import annotations

import csv
import math
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, Field

from services.engines.settings import models_folder

CGROUP = Path("/sys/fs/cgroup")
"""Where the kernel says what a container may use."""
_NVIDIA = "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"
_PATIENCE = 10.0
MIB = 1 << 20


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Gpu(_Part):
    """A graphics card; ``memory`` and ``free`` in bytes."""

    name: str = Field(min_length=1, max_length=100)
    memory: int = Field(ge=0)
    free: int = Field(ge=0)


class Battery(_Part):
    """Charge of a device in percent, and whether it hangs on power."""

    percent: float = Field(ge=0, le=100)
    on_power: bool


class Machine(_Part):
    """What a model can have here; sizes in bytes.

    Attributes:
        cpu: name of the processor; cores: that this process may use.
        memory: in all, or the container's limit; free: of it, now.
        disk: free, where models are kept.
    """

    cpu: str = Field(default="unknown", max_length=200)
    cores: int = Field(ge=1, le=4096)
    memory: int = Field(ge=64 * MIB)
    free: int | None = Field(default=None, ge=0)
    disk: int | None = Field(default=None, ge=0)
    gpus: tuple[Gpu, ...] = Field(default=(), max_length=64)
    battery: Battery | None = None


def probe() -> Machine:
    """Look at this machine; takes less than a second."""
    memory = psutil.virtual_memory()
    limit, used = _memory_limit(), _cgroup_number("memory.current")
    total = min(memory.total, limit) if limit else memory.total
    room = limit - (used or 0) if limit else memory.available
    return Machine(
        cpu=_cpu_name(),
        cores=_cores(),
        memory=total,
        free=max(0, min(room, memory.available)),
        disk=_disk(models_folder()),
        gpus=tuple(_gpus()),
        battery=_battery(),
    )


def _cores() -> int:
    """Cores that this process may use: by its affinity and its container's share of time."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    quota, _, period = _cgroup_text("cpu.max").partition(" ")
    if quota.isdigit() and period.strip().isdigit():
        cores = min(cores, math.ceil(int(quota) / int(period)))
    return max(1, cores)


def _memory_limit() -> int | None:
    return _cgroup_number("memory.max")


def _cgroup_number(name: str) -> int | None:
    text = _cgroup_text(name)
    return int(text) if text.isdigit() else None


def _cgroup_text(name: str) -> str:
    try:
        return (CGROUP / name).read_text().strip()
    except OSError:
        return ""


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _disk(folder: Path) -> int:
    """Free bytes where a folder is, or will be."""
    place = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    return shutil.disk_usage(place).free


def _gpus() -> Iterator[Gpu]:
    """The cards of NVIDIA as its own program tells them; none where there is no such program."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return
    try:
        told = subprocess.run(  # noqa: S603 - the path was looked up, the arguments are fixed
            [program, *_NVIDIA], capture_output=True, text=True, timeout=_PATIENCE, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return
    for row in csv.reader(told.splitlines(), skipinitialspace=True):
        if len(row) == len(Gpu.model_fields) and row[1].isdigit() and row[2].isdigit():
            yield Gpu(name=row[0], memory=int(row[1]) * MIB, free=int(row[2]) * MIB)


def _battery() -> Battery | None:
    sensor = getattr(psutil, "sensors_battery", None)  # not on every system
    found = sensor() if sensor else None
    if found is None:
        return None
    return Battery(percent=min(100.0, max(0.0, found.percent)), on_power=bool(found.power_plugged))
