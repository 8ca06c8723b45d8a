"""A model in memory: its weights, the adapters beside them and the contexts over them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from services.engines.digest import file_digest
from services.engines.errors import ContextOverflowError, EngineUnavailableError
from services.engines.llama.adapters import Held, Shelf
from services.engines.llama.lane import Lane, Stopped
from services.engines.llama.lanes import Lanes
from services.engines.llama.prefix import PrefixFolder
from services.engines.llama.weights import Weights
from services.engines.llama.writer import Ended, Piece, Task, write
from services.engines.protocol import EngineCard

Put = Callable[[Piece | Ended], None]


class Loaded:
    """What a `LlamaEngine` holds once it is used.

    Args:
        model: the GGUF file; ``card`` names it and gives the context's size.
        contexts: how many requests run at once.
        threads: CPU threads of each.
        prefixes: files of shared beginnings, or None.

    Raises:
        EngineError: the model or its contexts cannot be loaded.
    """

    def __init__(
        self,
        model: Path,
        card: EngineCard,
        *,
        contexts: int,
        threads: int,
        prefixes: PrefixFolder | None,
    ) -> None:
        if file_digest(model) != card.digest:
            raise EngineUnavailableError(f"{model.name} has changed since the engine was opened.")
        self._size = card.context
        self.weights = Weights(model)
        _check_context(self.weights.model.n_ctx_train(), card.context)
        self.shelf = Shelf(self.weights)
        self.lanes = Lanes(
            [
                Lane(
                    self.weights,
                    self.shelf,
                    card.digest,
                    context=card.context,
                    threads=threads,
                    prefixes=prefixes,
                )
                for _ in range(contexts)
            ]
        )

    def run(self, task: Task, held: Held | None, *, shared: bool, put: Put) -> None:
        """Write one answer; its pieces and its end go to ``put``, a stopped one has no end.

        A prompt is never shortened: the system part holds the rules that an answer is held to, the
        user's part the question and its material, and nothing here can tell what may go.

        Raises:
            ContextOverflowError: prompt and answer do not fit.
        """
        told = self.weights.tell(task.prompt)
        if len(told) + task.tokens > self._size:
            raise ContextOverflowError(
                f"Prompt ({len(told)}) and answer ({task.tokens}) exceed {self._size} tokens."
            )
        with self.lanes.lend(held, told.head) as lane:
            try:
                lane.begin(told, held, shared=shared, stop=task.stop)
            except Stopped:
                return
            for item in write(self.weights, lane, task, len(told)):
                put(item)

    def close(self) -> None:
        """Free everything; no request may run."""
        self.lanes.close()
        self.shelf.clear()
        self.weights.close()


def _check_context(trained: int, context: int) -> None:
    """Refuse a context in which the model would lose its way: past its training words go wrong."""
    if context > trained:
        raise EngineUnavailableError(
            f"A context of {context} tokens was asked for; the model was trained for {trained}.",
            remedy="Lower CARETIER_ENGINE_CONTEXT.",
        )
