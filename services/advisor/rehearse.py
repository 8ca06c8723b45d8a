"""A rehearsal: a model's memory and pace measured on this machine before it is here.

What is estimated stands beside what was seen, so that the advisor's own error shows.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from compliance.errors import BadInputError
from services.advisor.catalogue import Catalogue
from services.advisor.errors import AdvisorError
from services.advisor.hardware import probe
from services.advisor.memory import on_processor
from services.advisor.pace import measured
from services.advisor.shape import ROW
from services.advisor.stand_in import FORMS, write_stand_in
from services.advisor.trial import try_model

_SPARE = 1 << 30


def rehearse(name: str, form: str, context: int) -> dict[str, Any]:
    """Measure a model of the catalogue through a stand-in of its shape.

    Args:
        name: of the model.
        form: of its weights, one of FORMS.
        context: tokens; all of it is filled.

    Raises:
        ModelUnknownError: there is no such model.
        BadInputError: a stand-in cannot have this form, or stand for this model.
        AdvisorError: there is not enough memory or disk for it.
    """
    model, machine = Catalogue.load().model(name), probe()
    shape = model.shape
    if form not in FORMS:
        raise BadInputError(f"There is no stand-in in {form}: {', '.join(FORMS)}.")
    if shape.experts > 1 or (shape.width % ROW and "K" in form):
        raise BadInputError(f"A stand-in cannot have the shape of {model.id} in {form}.")
    with tempfile.TemporaryDirectory(prefix="caretier-") as folder:
        file = Path(folder) / "stand-in.gguf"
        _room(shutil.disk_usage(folder).free, machine.free, shape.parameters)
        write_stand_in(file, shape, form, max(context, model.context))
        pace = measured(machine)
        seen = try_model(file, context=context, threads=pace.threads, fill=True)
        memory = on_processor(shape, form, file.stat().st_size, context=context)
        told = pace.estimate(shape, form, file.stat().st_size, context=context)
    return {
        "model": model.id,
        "form": form,
        "context": context,
        "threads": pace.threads,
        "resident": {"seen": seen.resident, "estimated": memory.resident},
        "read_per_second": {"seen": seen.read_per_second, "estimated": told.read_per_second},
        "written_per_second": {
            "seen": seen.written_per_second,
            "estimated": told.written_per_second,
        },
    }


def _room(disk: int, memory: int | None, parameters: int) -> None:
    most = parameters * 2
    if disk < most + _SPARE:
        raise AdvisorError("There is not enough disk for a stand-in.", remedy="Make room.")
    if memory is not None and memory < most:
        raise AdvisorError("There is not enough memory for it now.", remedy="End other programs.")
