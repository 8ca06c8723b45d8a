"""Work that needs torch, done by a program of vLLM's environment.

The environment that Caretier runs in has no torch. A module of the other one is started for one
piece of work, is given a JSON object on its standard input and answers with lines of JSON: so many
``{"progress": "…"}``, and then one ``{"result": {…}}`` or ``{"refused": "…", "advice": "…"}``.

    run_module("services.bricks.adapters.train", {"base": "…"}, say=print)    # here
    if __name__ == "__main__":                                                # there
        answer(train)
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from compliance.errors import CaretierError
from services.engines.errors import EngineError, EngineUnavailableError

ROOT = Path(__file__).parents[2]
HOUR = 3600.0
Say = Callable[[str], None]
"""Is told, in a line, how far a piece of work has come."""


def torch_python() -> Path:
    """The Python that has torch: ``CARETIER_TORCH_PYTHON``, else that of ``.venv-vllm``.

    Raises:
        EngineUnavailableError: there is none.
    """
    chosen = os.environ.get("CARETIER_TORCH_PYTHON")
    python = Path(chosen) if chosen else ROOT / ".venv-vllm" / "bin" / "python"
    if not python.is_file():
        raise EngineUnavailableError(
            "The environment with torch is not here.",
            remedy="Run infra/vllm.sh, or set CARETIER_TORCH_PYTHON to a Python that has torch.",
        )
    return python


def run_module(
    module: str,
    request: Mapping[str, Any],
    *,
    python: Path | None = None,
    say: Say | None = None,
    seconds: float = HOUR,
    refused: type[CaretierError] = EngineError,
) -> dict[str, Any]:
    """Run a module in a process of its own and return its result.

    Args:
        module: its dotted name; it ends with ``answer(…)``.
        request: what it is to do; becomes JSON.
        python: to run it with; by default the one that has torch.
        say: is told of its progress.
        seconds: after which it is stopped, with all that it started.
        refused: the kind of error to raise for what the module cannot use.

    Raises:
        EngineUnavailableError: there is no such environment.
        EngineError: the module broke off or took too long; its last lines are in the message.
        CaretierError: of the kind ``refused``, with the module's own words.
    """
    process = _start(module, python or torch_python())
    late = threading.Event()

    def give_up() -> None:
        late.set()
        _stop(process)

    clock = threading.Timer(seconds, give_up)
    clock.start()
    try:
        answer, errors = _converse(process, json.dumps(request), say)
    finally:
        clock.cancel()
        _stop(process)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    if late.is_set():
        raise EngineError(f"{module} took longer than {seconds:g} s and was stopped.")
    if "result" in answer:
        return dict(answer["result"])
    if "refused" in answer:
        raise refused(answer["refused"], remedy=answer.get("advice"))
    raise EngineError(f"{module} broke off (status {process.returncode}): {errors or 'no output'}")


def _start(module: str, python: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own module by its name
        [str(python), "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=_environment(),
        start_new_session=True,
    )


def _stop(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # with all that it started


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CARETIER_", "PYTHON"))}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _converse(
    process: subprocess.Popen[str], request: str, say: Say | None
) -> tuple[dict[str, Any], str]:
    """Give the request, hear the lines: the last answer, and the end of the error output."""
    assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018 - all are pipes
    errors: deque[str] = deque(maxlen=5)
    reader = threading.Thread(target=errors.extend, args=(process.stderr,), daemon=True)
    reader.start()
    answer: dict[str, Any] = {}
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(request)
        process.stdin.close()
    for line in process.stdout:
        try:
            told = json.loads(line)
        except ValueError:
            continue  # a library's own words
        if not isinstance(told, dict):
            continue
        if "progress" in told:
            if say is not None:
                say(str(told["progress"]))
        else:
            answer = told
    process.wait()
    reader.join()
    return answer, " ".join(line.strip() for line in errors)


def answer(work: Callable[[dict[str, Any], Say], dict[str, Any]]) -> None:
    """Be the other end of `run_module`: read the request, do the work, write the result.

    Raises:
        SystemExit: 1 when the work refused its request.
    """
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries print; the answer stays clean

    def tell(held: Mapping[str, Any]) -> None:
        out.write(json.dumps(held) + "\n")
        out.flush()

    try:
        result = work(json.load(sys.stdin), lambda line: tell({"progress": line}))
    except CaretierError as error:
        tell({"refused": error.message, "advice": error.advice})
        raise SystemExit(1) from None
    tell({"result": result})
