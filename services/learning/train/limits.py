"""What a node can spare: training gives way to the people who use the machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from compliance.errors import CaretierError
from services.engines.torch_side import Say

LOOK_SECONDS = 1.0
"""How long the processor is watched to say how busy it is."""
EVERY_SECONDS = 5.0
"""Between two looks while training runs."""


class TrainingHeldError(CaretierError):
    """Training did not start or was stopped, because the machine is needed or a person said so."""

    kind = "training-held"
    status = 409
    exit_code = 84
    remedy = "Nothing was spent or sent. It is tried again when the machine has time to spare."
    retry_after = 900


@dataclass(frozen=True)
class Machine:
    """A look at the machine.

    Attributes:
        busy: share of the processor in use; free: MB of memory.
        plugged: on power; None where there is no battery.
    """

    busy: float
    free: int
    plugged: bool | None


@dataclass(frozen=True)
class Limits:
    """When training may run; see `Machine`.

    Attributes:
        busy: greatest share of the processor that others may use when it starts. While it runs it
            has the lowest claim to the processor, so this is not asked again.
        free: MB of memory that must be free when it starts.
        on_power: not on a battery, at any time.
    """

    busy: float = 0.5
    free: int = 4000
    on_power: bool = True


def look() -> Machine:
    """Look at the machine for a second."""
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    return Machine(
        busy=psutil.cpu_percent(LOOK_SECONDS) / 100,
        free=psutil.virtual_memory().available >> 20,
        plugged=None if battery is None else battery.power_plugged is not False,
    )


def held(limits: Limits, machine: Machine, *, running: bool = False) -> list[str]:
    """Why training may not run now, in words; nothing when it may.

    Args:
        limits: of this node.
        machine: as it is.
        running: training has begun, so that what it takes itself is not held against it.
    """
    reasons = []
    if limits.on_power and machine.plugged is False:
        reasons.append("the machine runs on its battery")
    if running:
        return reasons
    if machine.busy > limits.busy:
        reasons.append(f"the processor is {machine.busy:.0%} busy, at most {limits.busy:.0%}")
    if machine.free < limits.free:
        reasons.append(f"{machine.free} MB of memory are free, {limits.free} are needed")
    return reasons


def start_or_hold(limits: Limits, machine: Machine) -> None:
    """Let training start, or say why not.

    Raises:
        TrainingHeldError: naming every reason.
    """
    if reasons := held(limits, machine):
        raise TrainingHeldError(f"Not now: {'; '.join(reasons)}.")


def watched(
    limits: Limits,
    say: Say,
    stopped: Callable[[], bool],
    look: Callable[[], Machine] = look,
) -> Say:
    """Return what hears a training's progress: it passes it on, and ends it where it must.

    Args:
        limits: of this node.
        say: is told of the progress.
        stopped: whether a person wants the training to end.
        look: looks at the machine.

    Raises:
        TrainingHeldError: by the returned function; `train_local` then ends the process.
    """
    last = time.monotonic()

    def heard(line: str) -> None:
        nonlocal last
        if stopped():
            raise TrainingHeldError("The training was stopped.")
        if time.monotonic() - last > EVERY_SECONDS:
            last = time.monotonic()
            if reasons := held(limits, look(), running=True):
                raise TrainingHeldError(f"The training was stopped: {'; '.join(reasons)}.")
        say(line)

    return heard
