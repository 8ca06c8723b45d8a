"""What a node has spent of its privacy budget, over all rounds."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from compliance.errors import CaretierError
from services.learning.privacy.accountant import Mechanism, epsilon_of


class BudgetSpentError(CaretierError):
    """This node's privacy budget does not allow another training."""

    kind = "privacy-budget-spent"
    status = 409
    exit_code = 83
    remedy = "Nothing was trained. A person may raise the budget in the update policy."


@dataclass(frozen=True)
class Spending:
    """One training: when, for which domain and round, by which mechanism."""

    at: str
    domain: str
    epoch: int
    steps: int
    rate: float
    noise: float

    @property
    def mechanism(self) -> Mechanism:
        """As the accountant counts it."""
        return Mechanism(self.steps, self.rate, self.noise)


class PrivacyLedger:
    """A file with a line for each training; lines are added and never taken back.

    Args:
        path: of the file.
        delta: of the node, fixed for its life: smaller than one over its number of patients.
    """

    def __init__(self, path: Path, delta: float = 1e-5) -> None:
        self._path, self.delta = path, delta

    def spendings(self) -> list[Spending]:
        """Every training, oldest first.

        Raises:
            BudgetSpentError: a line cannot be read, so that nobody knows what is left.
        """
        if not self._path.is_file():
            return []
        lines = self._path.read_text(encoding="utf-8").splitlines()
        try:
            return [Spending(**json.loads(line)) for line in lines if line]
        except (ValueError, TypeError):
            raise BudgetSpentError(
                f"The ledger {self._path.name} holds a line that cannot be read.",
                remedy="Nothing was trained. Mend that line: what it says was spent counts.",
            ) from None

    def epsilon(self, *further: Mechanism) -> float:
        """The ε of all trainings, and of further ones if they were done as well."""
        return epsilon_of([*(s.mechanism for s in self.spendings()), *further], self.delta)

    def spend(self, domain: str, epoch: int, mechanism: Mechanism, budget: float | None) -> float:
        """Write a training down before its result is used; returns the ε spent with it.

        Raises:
            BudgetSpentError: it would go beyond the budget; nothing was written.
        """
        total = self.epsilon(mechanism)
        if budget is not None and total > budget:
            raise BudgetSpentError(f"With this training ε would be {total:.2f} of {budget:g}.")
        line = Spending(
            datetime.now(UTC).isoformat(),
            domain,
            epoch,
            mechanism.steps,
            mechanism.rate,
            mechanism.noise,
        )
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(line)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return total
