"""How quickly this machine runs models: measured on two, worked out for the others.

    pace = measured(machine)                       # a few seconds, kept for a month
    pace.estimate(model.shape, file.form, file.size, context=4096).written_per_second

The time of one written token is a little for each layer and the time to read the weights through
once. Two models tell the two: the embedded one has many small layers, the stand-in few large ones.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.advisor.catalogue import Catalogue
from services.advisor.hardware import Gpu, Machine
from services.advisor.shape import Shape
from services.advisor.stand_in import write_stand_in
from services.advisor.trial import Trial, try_model
from services.engines.settings import EngineSettings, embedded_model, models_folder

ERROR = 0.35
"""Share by which an estimate may be off: the most that `caretier advise measure` showed on five
shapes and four forms, rounded up (written tokens: 18 %, read ones: 34 %)."""
READING = {"Q8_0": 0.6, "F16": 0.4, "MXFP4": 0.6}
"""How quickly a prompt is read in a form, beside the forms that llama.cpp lays out anew."""
CARD_ERROR = 0.5
"""How far the estimate for a graphics card may be off: it is computed, not measured."""
KEPT, HOUR = dt.timedelta(days=30), dt.timedelta(hours=1)
"""How long a measurement of this machine counts, and how old one may be on battery."""
BUSY = 1.2
"""Programs that want a core, for each core, from which a measurement counts as disturbed."""
FILE = "pace.json"
"""In the models' folder."""
CONTEXT = 1024
"""Tokens that the short measurement makes room for."""
LARGE = Shape(
    layers=6,
    width=2048,
    hidden=8192,
    heads=16,
    kv_heads=4,
    head=128,
    vocabulary=32000,
    tied=True,
)
"""The stand-in: about 250 MB in four bits, more than any processor's cache but a server's."""
FORM = "Q4_K_M"
"""Of the stand-in that is measured."""
BANDWIDTH = {
    "H200": 4800,
    "H100 PCIe": 2000,
    "H100": 3350,
    "A100-SXM4-40GB": 1555,
    "A100-PCIE-40GB": 1555,
    "A100": 1935,
    "L40S": 864,
    "L4": 300,
    "A10": 600,
    "T4": 300,
    "RTX 4090": 1008,
    "RTX 3090": 936,
}
"""Memory bandwidth of cards in GB/s, by a part of their name, as their maker gives it."""
USED = 0.6
"""Share of a card's bandwidth that one stream reaches: an assumption, not measured here."""


@dataclass(frozen=True)
class Estimate:
    """Tokens a second, each give or take ``error`` (a share)."""

    read_per_second: float
    written_per_second: float
    error: float

    def seconds(self, prompt: int, answer: int) -> float:
        """How long it takes to read a prompt and write an answer of so many tokens."""
        return prompt / self.read_per_second + answer / self.written_per_second


class Pace(BaseModel):
    """What was measured, and what follows.

    Attributes:
        measured: when; cpu, cores, threads: on what; busy: other programs ran, it may be quicker.
        per_layer: seconds that a layer costs beside its weights.
        bytes_per_second: of weights that are read through while tokens are written.
        weights_per_second: that are worked through while a prompt is read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    measured: dt.datetime
    cpu: str
    cores: int
    threads: int
    busy: bool
    per_layer: float = Field(ge=0)
    bytes_per_second: float = Field(gt=0)
    weights_per_second: float = Field(gt=0)

    @classmethod
    def of(cls, machine: Machine, threads: int, small: Trial, large: Trial, size: int) -> Pace:
        """Work the pace out of the two trials; ``size`` is that of the stand-in's file."""
        model = Catalogue.load().model("smollm2-135m-instruct")
        slow, quick = 1 / large.written_per_second, 1 / small.written_per_second
        wide, thin = LARGE.layers, model.shape.layers
        held, most = model.file().size, slow / size
        per_byte = (slow * thin - quick * wide) / (size * thin - held * wide)
        per_byte = min(most, max(most / 2, per_byte))  # beyond, one of the two was disturbed
        return cls(
            measured=dt.datetime.now(dt.UTC),
            cpu=machine.cpu,
            cores=machine.cores,
            threads=threads,
            busy=os.getloadavg()[0] > machine.cores * BUSY,
            per_layer=max(0.0, (quick - held * per_byte) / thin),
            bytes_per_second=1 / per_byte,
            weights_per_second=large.read_per_second * LARGE.parameters,
        )

    def estimate(self, shape: Shape, form: str, size: int, *, context: int) -> Estimate:
        """How quickly a GGUF file of this shape runs here, its context half full."""
        share = min(1.0, shape.read_per_token / shape.parameters)
        passed = size * share + shape.cache(context) / 2
        written = 1 / (shape.layers * self.per_layer + passed / self.bytes_per_second)
        read = self.weights_per_second * READING.get(form, 1.0) / shape.read_per_token
        return Estimate(read, written, ERROR)

    def fits(self, machine: Machine) -> bool:
        """Whether it was measured on such a machine, not too long ago."""
        young = dt.datetime.now(dt.UTC) - self.measured < (HOUR if self.busy else KEPT)
        return young and (self.cpu, self.cores) == (machine.cpu, machine.cores)


def on_card(gpus: tuple[Gpu, ...], shape: Shape, weights: int, *, context: int) -> Estimate | None:
    """How quickly one stream runs on the cards, from their bandwidth; None for unknown cards."""
    known = [next((v for part, v in BANDWIDTH.items() if part in g.name), None) for g in gpus]
    if not known or None in known:
        return None
    bandwidth = sum(v for v in known if v) * 1e9 * USED
    share = min(1.0, shape.read_per_token / shape.parameters)
    written = bandwidth / (weights * share + shape.cache(context) / 2)
    return Estimate(written * 50, written, CARD_ERROR)


def measured(machine: Machine, *, again: bool = False) -> Pace:
    """The pace of this machine: as it was kept, or measured now (some ten seconds).

    Args:
        machine: this one.
        again: measure even where a fitting one was kept.

    Raises:
        TrialError: the models could not be tried.
    """
    kept = None if again else _kept(models_folder() / FILE)
    if kept is not None and kept.fits(machine):
        return kept
    with tempfile.TemporaryDirectory(prefix="caretier-") as folder:
        file = Path(folder) / "stand-in.gguf"
        write_stand_in(file, LARGE, FORM, CONTEXT)
        most = min(EngineSettings().threads, machine.cores)
        # where others run, several threads wait for one another: one alone may be quicker
        paces = [_try(machine, threads, file) for threads in sorted({1, most})]
    pace = max(paces, key=lambda p: p.bytes_per_second)
    _keep(models_folder() / FILE, pace)
    return pace


def _try(machine: Machine, threads: int, file: Path) -> Pace:
    small = try_model(embedded_model(), context=CONTEXT, threads=threads)
    large = try_model(file, context=CONTEXT, threads=threads)
    return Pace.of(machine, threads, small, large, file.stat().st_size)


def _kept(file: Path) -> Pace | None:
    try:
        return Pace.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def _keep(file: Path, pace: Pace) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(f".{os.getpid()}")
    new.write_text(pace.model_dump_json(indent=1))
    new.replace(file)
