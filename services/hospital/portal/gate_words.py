"""What gates, sources and rollouts say, for people: criteria explained, in the reader's language.

They write English into rows and onto the wire. A text that none of the patterns knows is shown as
it is, marked as English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.web.i18n import Translator

_PERCENT, _NUMBER = r"-?\d+(?:\.\d+)?%", r"\d+(?:\.\d+)?"
_GAIN = r"(?P<a>[+-][\d.]+%) \((?P<b>[+-][\d.]+%) to (?P<c>[+-][\d.]+%)\)"
_ROSE = r" rose from (?P<a>[\d.]+%) to (?P<b>[\d.]+%)"
_SLOWER = r"latency rose from (?P<a>\d+) to (?P<b>\d+) ms"
_CHANCE = ", which may be chance"
_SAID = {
    "at_least": r"at least (?P<a>\d+)",
    "at_least_items": r"at least (?P<a>\d+) items",
    "number": r"(?P<a>\d+|-?\d+(?:\.\d+)?%)",
    "nothing": "none",
    "days_since": rf"(?P<a>{_NUMBER}) days since the last round",
    "no_round": "no round yet",
    "days": rf"(?P<a>{_NUMBER}) days",
    "none_running": "no round of this domain is running",
    "one_running": "one is running",
    "error_needs": r"(?P<a>\d+) corrections, or (?P<b>\d+%) of answers corrected",
    "error_needs_drift": r"(?P<a>\d+) corrections, or (?P<b>\d+%) of answers corrected"
    r", or a rise of (?P<c>\d+%)",
    "error_none": r"(?P<a>\d+) corrections, none of answers(?:, no rise known)?",
    "error_has": r"(?P<a>\d+) corrections, (?P<b>\d+%) of answers(?:, no rise known)?",
    "error_drift": r"(?P<a>\d+) corrections, (?P<b>\d+%) of answers, a change of (?P<c>[+-]\d+%)",
    "lost_most": r"at most (?P<a>\d+%) of the change lost",
    "no_budget": "no budget asked for",
    "budget_most": rf"at most ε (?P<a>{_NUMBER}) at every node",
    "budget_unsaid": "a node said none",
    "budget": rf"ε (?P<a>{_NUMBER})",
    "shadow_needs": r"(?P<a>\d+) answers in the shadow, no more lost than won",
    "shadow_has": r"(?P<a>\d+) answers, (?P<b>\d+) lost",
    "nobody": "nobody rejected this candidate; another one may be made",
    "rejected": r"rejected by (?P<a>\d+)",
    "scores": "the suite's scores, before and after",
    "unmeasured": "not measured",
    "items": r"(?P<a>\d+) items",
    "nothing_worse": "nothing worse",
    "items_worse": r"(?P<a>\d+) items worse",
    "gain_above": r"a gain surely above (?P<a>-?\d+%)",
    "not_worse": r"surely not worse by more than (?P<a>\d+%)",
    "gain": _GAIN,
    "terms_needs": r"terms read by a person within (?P<a>\d+) days",
    "terms_has": r"(?P<a>.+), terms read on (?P<b>\d{4}-\d\d-\d\d)",
    "terms_changed": r"(?P<a>.+), terms read on (?P<b>\d{4}-\d\d-\d\d); until now it was (?P<c>.+)",
    "terms_unread": "nobody here has read its terms",
    "unreadable_most": r"at most (?P<a>\d+%) unreadable",
    "of": r"(?P<a>\d+) of (?P<b>\d+)",
    "size_needs": rf"no more than (?P<a>\d+%) lost, at most (?P<b>{_NUMBER}) times as much",
    "size_first": r"(?P<a>\d+) passages, the first time",
    "size_has": r"(?P<a>\d+) passages before, (?P<b>\d+) now",
    "screened_most": r"at most (?P<a>\d+) topics with text addressed to programs",
    "screened": r"(?P<a>\d+), left out",
    "looked_at": "none that nobody looked at",
    "contradictions": r"(?P<a>\d+) found; (?P<b>\d+) passages left out"
    r", (?P<c>\d+) kept by a person",
    "worse_most": r"at most (?P<a>\d+%) worse",
    "worse_most_one": r"at most (?P<a>\d+%) worse, or by one question",
    "answered_now": "every protected question that is answered now",
    "lost": "lost: (?P<a>.+)",
    "too_few": r"(?P<a>\d+) contributions from (?P<b>\d+) sites are left; "
    r"(?P<c>\d+) from (?P<d>\d+) are needed\.",
    "not_finite": r"Contribution (?P<a>\d+) of the round is not finite\.",
    "no_signer": r"Nobody may sign bricks of (?P<a>\S+)\.",
    "no_repository": r"There is no signed repository to publish into\.",
    "on_its_way": r"(?P<a>\S+) is still on its way\.",
    "other_adapter": r"The adapter is not the one that was measured\.",
    "other_model": r"The model was changed since that release\. .+",
    "not_foreseen": r"(?P<a>[A-Z]\w*(?:Error|Exception|Expired|Interrupt))",
    "source_replayed": r"replayed: .+",
    "source_licence": r"licence-changed: .+ says: (?P<a>.+)\. That was not reviewed\.",
    "source_future": r"future: It bears the date (?P<a>\S+), which is to come\.",
    "source_older": r"older: It is of (?P<a>.+); what is here is of (?P<b>\S+)\.",
    "source_robots": r"robots: .+",
    "source_no_entries": r"unusable: The feed has no entries\.",
    "source_malformed": r"malformed: The file is not (?P<a>\w+) .+ \((?P<b>\w+)\)\.",
    "source_name": r"name-taken: (?P<a>\S+) is no knowledge; the source needs another id\.",
    "source_not_allowed": r"not-allowed: .+",
    "source_outbound": r"outbound: .+",
    "source_empty": r"empty: .+",
    "source_size": r"size: (?P<a>.+) is a link, or larger than (?P<b>\d+) MiB\.",
    "source_redirect": r"redirect: .+",
    "source_answer": r"(?:answer: )?It answers with (?P<a>\d+)\.",
    "source_silent": r"It does not answer(?: \((?P<a>\w+)\))?\.",
    "source_peace": r"It asks to be left in peace\.",
    "source_nothing": r"None of its addresses gives anything\.",
    "source_no_robots": r"Its robots\.txt cannot be had now\.",
    "source_gone": r"There is no source '(?P<a>.*)'\.",
    "change_overtaken": r"Another version of (?P<a>\S+) came out meanwhile\.",
    "change_licence": r"Its licence is listed otherwise now\.",
    "change_other": r"The candidate is not what was looked at\.",
    "change_keys": r"Too few keys are at hand, or there is no repository\.",
    "watch_overrides": "overrides" + _ROSE,
    "watch_overrides_chance": "overrides" + _ROSE + _CHANCE,
    "watch_abstentions": "abstentions" + _ROSE,
    "watch_abstentions_chance": "abstentions" + _ROSE + _CHANCE,
    "watch_referrals": "referrals" + _ROSE,
    "watch_referrals_chance": "referrals" + _ROSE + _CHANCE,
    "watch_latency": _SLOWER,
    "watch_latency_chance": _SLOWER + _CHANCE,
    "watch_canaries": r"(?P<a>\d+) canary questions failed at nodes",
    "watch_no_node": r"there is no node",
    "watch_report": r"(?P<a>\d+) of (?P<b>\d+) nodes report",
    "watch_answers": r"(?P<a>\d+) of (?P<b>\d+) answers under it",
    "watch_answers_before": r"(?P<a>\d+) of (?P<b>\d+) answers under the former release",
    "watch_minutes": r"(?P<a>[\d.]+) minutes of watching are not over",
    "watch_no_canaries": r"There are no canary questions to ask of it\.",
    "figure": rf"(?P<a>{_PERCENT}) now \(n = (?P<b>\d+)\)",
    "figure_before": rf"(?P<c>{_PERCENT}) before, (?P<a>{_PERCENT}) now \(n = (?P<b>\d+)\)",
}
"""What can be said: the key of its sentence, and the pattern that takes its figures out."""
_UNJUDGED = "It cannot be judged: "
_PATTERNS = {key: re.compile(pattern, re.DOTALL) for key, pattern in _SAID.items()}


@dataclass(frozen=True)
class Figure:
    """What a gate needs or has; ``known``: it is in the reader's language."""

    text: str
    known: bool


@dataclass(frozen=True)
class Line:
    """One criterion: what it is called and means, how it stands, what it needs and has.

    ``state`` is ``holds``, ``blocks``, ``people`` where only a person's word is still lacking, or
    ``lacks`` where nothing is wrong and time brings it.
    """

    name: str
    suite: str
    means: str
    state: str
    needs: Figure
    has: Figure


def figure(text: str, t: Translator) -> Figure:
    """A text in the reader's language, where it, or each part between semicolons, is known."""
    for key, pattern in _PATTERNS.items():
        found = pattern.fullmatch(text)
        if found:
            return Figure(t(f"gate.said.{key}", **found.groupdict()), known=True)
    parts = text.removeprefix(_UNJUDGED).split("; ")
    if len(parts) > 1 or text != parts[0]:
        told = [figure(part, t) for part in parts]
        if all(one.known for one in told):
            said = "; ".join(one.text for one in told)
            return Figure(
                t("gate.unjudged", why=said) if text.startswith(_UNJUDGED) else said, True
            )
    return Figure(text, known=False)


@dataclass(frozen=True)
class Stop:
    """Why a round stands still: in which step, or by whom, and what was said."""

    where: str
    said: Figure


def stopped(error: str | None, t: Translator) -> Stop | None:
    """Why a round stopped, in the reader's language; None where it did not.

    Args:
        error: of the round: the state that it was in, or ``rejected``, a colon, and what was said.
        t: the reader's.
    """
    if not error:
        return None
    step, _, said = error.partition(": ")
    if step == "rejected":
        return Stop(t("updates.stopped_rejected"), Figure(said, known=True))
    return Stop(t("updates.stopped_in", step=t(f"updates.state_{step}")), figure(said, t))


def lines(
    criteria: Sequence[Mapping[str, Any]], subject: str, t: Translator, *, lacking: str = "blocks"
) -> list[Line]:
    """The criteria of a decision, those that do not hold first.

    Args:
        criteria: as rows and the wire hold them.
        subject: ``round`` or ``knowledge``; they have words of their own.
        t: the reader's.
        lacking: how it stands with what does not hold: ``blocks`` or ``lacks``.
    """
    told = [_line(one, subject, t, lacking) for one in criteria]
    return sorted(told, key=lambda one: ("blocks", "lacks", "people", "holds").index(one.state))


def _line(one: Mapping[str, Any], subject: str, t: Translator, lacking: str) -> Line:
    kind, _, suite = str(one["name"]).partition(":")
    if kind == "approvals":
        lacking = "people"
    return Line(
        name=t(f"gate.{subject}.{kind}.name"),
        suite=suite,
        means=t(f"gate.{subject}.{kind}.means"),
        state="holds" if one["holds"] else lacking,
        needs=figure(str(one["needs"]), t),
        has=figure(str(one["has"]), t),
    )
