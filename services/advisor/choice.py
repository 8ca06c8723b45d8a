"""One model in one form on one machine: what it takes, how quick it is, what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from services.advisor import memory as memories
from services.advisor import pace as paces
from services.advisor.catalogue import BITS, CatalogueModel, ModelFile
from services.advisor.hardware import Machine
from services.advisor.need import Place
from services.advisor.pace import Estimate, Pace
from services.advisor.wish import ANSWER, PROMPT, SHARE, Wish
from services.engines.protocol import Authoring

Runner = Literal["llama.cpp", "vllm"]
"""What runs a model: llama.cpp on the processor, vLLM on a graphics card."""
Reasons = tuple[str, ...]
"""Sentences that say why a model was rejected."""
GB = 1e9
NO_FILE = "no GGUF file of it is known; `caretier bricks convert` makes one"
"""The reason where llama.cpp would run it, and there is nothing to load."""


@dataclass(frozen=True)
class Choice:
    """A model in a form; ``against`` are the reasons why it is not recommended.

    Attributes:
        runner: which engine it runs in.
        form: of its weights.
        file: of the form, for llama.cpp, where one is known.
        memory: that it takes.
        limit: bytes that it may take.
        pace: how quick it is; None where nothing is known of the machine's pace.
    """

    model: CatalogueModel
    runner: Runner
    form: str
    file: ModelFile | None
    memory: memories.Memory
    limit: int
    pace: Estimate | None
    against: Reasons

    @property
    def rank(self) -> tuple[float, ...]:
        """The greater, the better: may it write, published score, domain, size, finer weights."""
        score = self.model.score
        return (
            float(self.model.authoring is not Authoring.NONE),
            score.value if score else 0.0,
            float(self.model.domain == "medicine"),
            float(self.model.parameters),
            BITS.get(self.form, 16.0),
        )

    @property
    def why(self) -> str:
        """What its rank comes from, in words."""
        score = self.model.score
        if self.model.authoring is Authoring.NONE:
            return "its words reach nobody: too small to be let write"
        if score is None:
            return "no medical evaluation is known"
        return f"{score.suite} {score.value:g} % ({score.how}, {score.date:%Y-%m})"

    @property
    def how(self) -> str:
        """What to do to have it."""
        if self.runner == "vllm":
            return (
                f"copy its original weights ({self.model.source}) into a folder, then set"
                " CARETIER_ENGINE_KIND=vllm and CARETIER_VLLM_MODEL to that folder"
            )
        return f"caretier advise pull {self.model.id} --form {self.form}"


@dataclass(frozen=True)
class Bench:
    """The machine that choices are judged on, and how quick it is (None where not measured)."""

    machine: Machine
    pace: Pace | None


def best_choice(model: CatalogueModel, wish: Wish, place: Place, bench: Bench) -> Choice:
    """The finest form of a model that nothing speaks against, else the one nearest to fitting."""
    choices = sorted(_choices(model, wish, place, bench), key=lambda c: c.rank)
    fitting = [choice for choice in choices if not choice.against]
    return fitting[-1] if fitting else min(choices, key=lambda c: len(c.against))


def _choices(model: CatalogueModel, wish: Wish, place: Place, bench: Bench) -> Iterator[Choice]:
    general = tuple(_of_model(model, wish, place))
    if bench.machine.gpus and wish.memory is None:
        yield _on_card(model, wish, bench, general)
    for file in model.files or (None,):
        yield _on_processor(model, file, wish, bench, general)


def _on_processor(
    model: CatalogueModel,
    file: ModelFile | None,
    wish: Wish,
    bench: Bench,
    general: tuple[str, ...],
) -> Choice:
    """In llama.cpp; where no file is known, as one in four bits a weight would be."""
    form = file.form if file else "Q4_K_M"
    size = file.size if file else int(model.parameters * BITS[form] / 8)
    memory = memories.on_processor(
        model.shape, form, size, context=wish.context, contexts=wish.contexts
    )
    limit = int((wish.memory or bench.machine.memory) * SHARE)
    pace = (
        bench.pace.estimate(model.shape, form, size, context=wish.context) if bench.pace else None
    )
    against = (
        *general,
        *(() if file else (NO_FILE,)),
        *_of_memory(memory, limit, wish),
        *_of_disk(file, bench.machine),
        *_of_pace(pace, wish),
    )
    return Choice(model, "llama.cpp", form, file, memory, limit, pace, against)


def _on_card(model: CatalogueModel, wish: Wish, bench: Bench, general: Reasons) -> Choice:
    """In vLLM, over all cards of the machine together."""
    cards = bench.machine.gpus
    native = next((f for f in model.files if f.form == "MXFP4"), None)
    memory = memories.on_card(
        model.shape, context=wish.context * wish.contexts, weights=native.size if native else None
    )
    limit = int(sum(card.memory for card in cards) * SHARE)
    pace = paces.on_card(cards, model.shape, memory.weights, context=wish.context)
    against = (*general, *_of_memory(memory, limit, wish), *_of_pace(pace, wish))
    form = native.form if native else "BF16"
    return Choice(model, "vllm", form, None, memory, limit, pace, against)


def _of_model(model: CatalogueModel, wish: Wish, place: Place) -> Iterator[str]:
    if place.language not in model.languages:
        yield f"does not speak {place.language}"
    if model.context < wish.context:
        yield f"holds {model.context:,} tokens; {wish.context:,} are asked for"
    if model.terms == "research" and not wish.research:
        yield f"its licence ({model.licence}) is for research alone"
    if not model.instructed:
        yield "a base model: it was not taught to follow instructions"
    if model.domain == "medicine" and place.domain != "medicine":
        yield "made for medicine, which is not what is needed"


def _of_memory(memory: memories.Memory, limit: int, wish: Wish) -> Iterator[str]:
    if memory.needed > limit:
        yield (
            f"needs {memory.needed / GB:.2f} GB with {wish.context:,} tokens;"
            f" {SHARE:.0%} of the memory are {limit / GB:.2f} GB"
        )


def _of_disk(file: ModelFile | None, machine: Machine) -> Iterator[str]:
    if file is None or file.embedded or machine.disk is None:
        return
    if file.size > machine.disk:
        yield f"its file has {file.size / GB:.1f} GB; {machine.disk / GB:.1f} GB of disk are free"


def _of_pace(pace: Estimate | None, wish: Wish) -> Iterator[str]:
    if pace is None:
        if wish.tokens_per_second or wish.seconds:
            yield "how quickly it runs on this machine is not known"
        return
    if wish.tokens_per_second and pace.written_per_second < wish.tokens_per_second:
        yield (
            f"writes about {pace.written_per_second:.1f} tokens/s (± {pace.error:.0%});"
            f" {wish.tokens_per_second:g} are asked for"
        )
    if wish.seconds and (taken := pace.seconds(PROMPT, ANSWER)) > wish.seconds:
        told = f"an answer takes about {taken:.0f} s (± {pace.error:.0%})"
        yield f"{told}; {wish.seconds:g} are allowed"
