"""Time and memory of an aggregation, by how many contribute.

Contributions have the shapes of the embedded model's adapter. Each measurement runs in a process of
its own, so that its greatest memory is its own; processor time is told beside the time on the
clock, for it depends less on what else the machine does.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from compliance.sealing import IdentityKey
from services.learning.aggregate import Delta, Factors, Rule, aggregate
from services.learning.bench.door import FIELDS
from services.learning.contribution import FileRound, write_contribution

RANK = 8
LAYERS = 30
SHAPES = {"q_proj": (576, 576), "v_proj": (192, 576)}
"""(outputs, inputs) of what is trained in the embedded model (135 million parameters)."""
HOSTILE = 0.1
"""Share of contributions that point the other way; the rule is told to bear as many."""


@dataclass(frozen=True)
class Measured:
    """One aggregation: seconds on the clock and of the processor, greatest memory in MiB.

    ``hostile`` is how many contributions were hostile, ``counted`` how many of them had weight;
    ``counted`` is None where a rule gives no weights.
    """

    rule: Rule
    contributions: int
    seconds: float
    processor: float
    memory: float
    hostile: int
    counted: int | None


def write(folder: Path, count: int, progress: Callable[[str], None]) -> None:
    """Write signed contributions ``0.safetensors`` and on; every tenth is hostile."""
    random = np.random.default_rng(3)
    common = {
        f"layers.{layer}.{name}": _factors(random, shape)
        for layer in range(LAYERS)
        for name, shape in SHAPES.items()
    }
    key = IdentityKey.generate()
    for number in range(count):
        if number % 50 == 0:
            progress(f"Writing contribution {number} of {count}")
        sign = -1.0 if is_hostile(number) else 1.0
        write_contribution(path_of(folder, number), FIELDS, _near(random, common, sign), key)


def drawn(count: int) -> list[Delta]:
    """Changes of one layer, every fifth hostile, to compare rules on."""
    random = np.random.default_rng(0)
    common = {f"layers.0.{name}": _factors(random, shape) for name, shape in SHAPES.items()}
    return [_near(random, common, -1.0 if number % 5 == 0 else 1.0) for number in range(count)]


def path_of(folder: Path, number: int) -> Path:
    """Where a contribution lies."""
    return folder / f"{number}.safetensors"


def is_hostile(number: int) -> bool:
    """Whether this one points the other way."""
    return number % round(1 / HOSTILE) == 0


def measure(folder: Path, rule: Rule, count: int) -> Measured:
    """Aggregate the first contributions of a folder in a process of its own.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    command = [sys.executable, "-m", __name__, str(folder), rule.value, str(count)]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    told = subprocess.run(  # noqa: S603 - our own
        command, env=os.environ | threads, stdout=subprocess.PIPE, check=True
    )
    held = json.loads(told.stdout)
    return Measured(**{**held, "rule": Rule(held["rule"])})


def here(folder: Path, rule: Rule, count: int) -> Measured:
    """Aggregate in this process."""
    hostile = sum(is_hostile(number) for number in range(count))
    contributions = FileRound([path_of(folder, number) for number in range(count)])
    clock, processor = time.perf_counter(), time.process_time()
    made = aggregate(contributions, rule, rank=RANK, hostile=hostile)
    counted = None
    if made.weights is not None:
        counted = sum(w > 0 for n, w in enumerate(made.weights) if is_hostile(n))
    return Measured(
        rule,
        count,
        time.perf_counter() - clock,
        time.process_time() - processor,
        greatest_memory(),
        hostile,
        counted,
    )


def greatest_memory() -> float:
    """The most memory this process has held, MiB."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except OSError:  # no Linux; there, what the parent held before it started us counts too
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@dataclass(frozen=True)
class Growth:
    """How processor time grows: its power of n, and the line ``fixed + each * n`` in seconds."""

    power: float
    fixed: float
    each: float

    def at(self, count: int) -> float:
        """Seconds that so many would take if the line went on; not measured."""
        return self.fixed + self.each * count


def growth(rows: Sequence[Measured]) -> Growth | None:
    """The growth over one rule's rows; None where there are fewer than two counts."""
    counts = np.array([row.contributions for row in rows], np.float64)
    times = np.array([row.processor for row in rows])
    if len(set(counts.tolist())) < 2:  # noqa: PLR2004 - a line has two points
        return None
    power = float(np.polyfit(np.log(counts), np.log(np.maximum(times, 1e-9)), 1)[0])
    each, fixed = np.polyfit(counts, times, 1)
    return Growth(power, float(fixed), float(each))


def _factors(random: np.random.Generator, shape: tuple[int, int]) -> Factors:
    outputs, inputs = shape
    return Factors(
        0.02 * random.standard_normal((outputs, RANK), np.float32),
        random.standard_normal((RANK, inputs), np.float32),
    )


def _near(random: np.random.Generator, common: Delta, sign: float) -> Delta:
    """A change near the common one, or near its opposite."""
    made = {}
    for name, factors in common.items():
        own = _factors(random, (factors.up.shape[0], factors.down.shape[1]))
        up = np.float32(sign) * factors.up + np.float32(0.5) * own.up
        made[name] = Factors(up, factors.down + np.float32(0.5) * own.down)
    return made


if __name__ == "__main__":
    sys.stdout.write(
        json.dumps(asdict(here(Path(sys.argv[1]), Rule(sys.argv[2]), int(sys.argv[3]))))
    )
