"""The figures as text, and the targets that they must reach."""

from __future__ import annotations

from dataclasses import dataclass

from compliance.deidentify.evaluate.score import Score, wilson


@dataclass(frozen=True, slots=True)
class Target:
    """Least recall, highest leak and over; None where nothing is asked."""

    recall: float | None = None
    leak: float | None = None
    over: float | None = None

    def missed(self, score: Score) -> list[str]:
        """What falls short, each with the figure and what is asked."""
        found = []
        if self.recall is not None and score.recall() < self.recall:
            found.append(f"recall {score.recall():.3f} under {self.recall}")
        for label, value, limit in (
            ("leak", score.leak(), self.leak),
            ("over", score.over(), self.over),
        ):
            if limit is not None and value > limit:
                found.append(f"{label} {value:.4f} over {limit}")
        return found


def report(name: str, score: Score, target: Target | None = None) -> str:
    """One table as text."""
    rows = [f"{name}: {score.documents} documents, {score.refused} refused"]
    rows += [_share(k, "recall", score.found[k], n) for k, n in sorted(score.total.items())]
    if score.total:
        rows.append(_share("ALL", "recall", score.found.total(), score.total.total()))
        rows.append(_share("leak", "", score.leaking, score.documents))
    rows.append(_share("over", "", score.removed, score.words))
    if score.excluded:
        left = ", ".join(f"{kind} {n}" for kind, n in sorted(score.excluded.items()))
        rows.append(f"  not asked for: {left}")
    missed = target.missed(score) if target else []
    rows += [f"  MISSED: {line}" for line in missed]
    return "\n".join(rows)


def _share(label: str, what: str, hits: int, total: int) -> str:
    """One row: a share with its interval."""
    low, high = wilson(hits, total)
    share = hits / total if total else 0.0
    return f"  {label:34s} {what:6s} {share:7.4f} [{low:.4f}, {high:.4f}]  n={total}"
