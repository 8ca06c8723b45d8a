"""When a person's adapter is trained, and whether it is taken."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psutil

from patient_app.personal.adapter import (
    MIN_EXAMPLES,
    Floats,
    PersonalAdapter,
    foreseen,
    train,
)
from patient_app.personal.policy import KIND, read_policy
from patient_app.personal.suggestions import Suggester
from patient_app.vault import Vault

ADAPTER = "personal-adapter"
"""Key in the vault, beside the versions of the policy."""
IDLE_SECONDS = 300.0
BUSY_PERCENT = 50.0
HELD_OUT = 4
"""Every so-manieth consult, the newest among them, is held out to judge by."""
_LOG = logging.getLogger("caretier.device")


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    ``before`` and ``after`` are the shares of held-out topics foreseen without and with it;
    ``reason`` says why nothing was taken.
    """

    taken: bool
    examples: int
    before: float | None = None
    after: float | None = None
    reason: str | None = None


def on_power() -> bool:
    """Whether this machine runs on mains, or has no battery."""
    battery = psutil.sensors_battery()
    return battery is None or bool(battery.power_plugged)


def idle(last_used: float) -> bool:
    """Whether nobody asked for five minutes and the processor is mostly free."""
    return time.monotonic() - last_used > IDLE_SECONDS and psutil.cpu_percent(0.2) < BUSY_PERCENT


def asked_about(vault: Vault) -> list[str]:
    """Topics that the person's answers came from, oldest first, one per consult."""
    rows = sorted(
        (v["asked"], v["answer"].get("citations") or ()) for _, v in vault.items("consult")
    )
    firsts = [str(cited[0]["id"]).partition("#") for _, cited in rows if cited]
    return [topic for topic, mark, _section in firsts if mark]


def train_for(vault: Vault, suggester: Suggester) -> Trained:
    """Train an adapter from the vault, and keep it if it foresees what was held out.

    It is taken only when it does better than the interests alone; otherwise what was there stays.
    """
    rows = [suggester.row[t] for t in asked_about(vault) if t in suggester.row]
    if len(rows) < MIN_EXAMPLES:
        return Trained(taken=False, examples=len(rows), reason="too-few-questions")
    held_out = rows[HELD_OUT - 1 :: HELD_OUT]
    learned = [row for at, row in enumerate(rows) if at % HELD_OUT != HELD_OUT - 1]
    base = suggester.base(read_policy(vault).interests)
    before = foreseen(base, held_out)
    after = foreseen(base + _added(suggester.vectors, learned), held_out)
    if after <= before:
        return Trained(
            taken=False, examples=len(rows), before=before, after=after, reason="no-better"
        )
    result = Trained(taken=True, examples=len(rows), before=before, after=after)
    _keep(vault, train(suggester.vectors, rows), result)
    return result


def _added(vectors: Floats, learned: list[int]) -> Floats:
    return train(vectors, learned).scores(vectors)


def _keep(vault: Vault, adapter: PersonalAdapter, result: Trained) -> None:
    row: dict[str, Any] = {
        **adapter.dump(),
        "trained": datetime.now(UTC).isoformat(),
        "examples": result.examples,
        "before": result.before,
        "after": result.after,
    }
    with vault.write() as tx:
        tx.put(KIND, ADAPTER, row)


def adapter_of(vault: Vault) -> PersonalAdapter | None:
    """The person's adapter, if one was taken and learning is on."""
    held = vault.get(KIND, ADAPTER)
    return PersonalAdapter.load(held) if held and read_policy(vault).learn else None


def forget(vault: Vault) -> bool:
    """Delete the adapter; returns whether there was one."""
    with vault.write() as tx:
        return tx.delete(KIND, ADAPTER)


def due(vault: Vault) -> bool:
    """Whether the person wants an adapter and asked enough since the last one was trained."""
    if not read_policy(vault).learn:
        return False
    held = vault.get(KIND, ADAPTER)
    return len(asked_about(vault)) >= (held["examples"] if held else 0) + MIN_EXAMPLES


def train_when_due(vault: Vault, suggester: Callable[[], Suggester], last_used: float) -> None:
    """Train if it is due and the device is idle and on power."""
    if due(vault) and on_power() and idle(last_used):
        result = train_for(vault, suggester())
        _LOG.info("personal adapter: %s", "taken" if result.taken else result.reason)
