"""Reads the rule files of a folder into one validated, immutable set.

``lexicon.yaml`` (words), ``modality.yaml`` (cues), ``vitals.yaml`` (how numbers are written),
``countries.yaml`` (telephone numbers) and ``false_friends.yaml`` are needed, ``calm.yaml`` (what
carries no alarm) is not; every other ``*.yaml`` holds concepts and rules of one area.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.consult.triage.calm import CALM
from services.consult.triage.errors import TriageRulesError
from services.consult.triage.modality import CUES
from services.consult.triage.patterns import PatternBook
from services.consult.triage.rules import Language, Rule
from services.consult.triage.spelling import Speller
from services.consult.triage.vitals import VitalReader, VitalsFile

_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NAMED = ("lexicon", "modality", "countries", "false_friends", "vitals", "calm")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Lexicon(_Strict):
    """Words: classes, fillers, barriers, and plain wordings of short forms."""

    fillers: list[str]
    barriers: list[str]
    rewrites: dict[str, str]
    number_words: dict[str, int]
    classes: dict[str, list[str]]


class Wordings(_Strict):
    """Patterns by language; both languages are always looked for, since people mix them.

    ``lasting`` marks what stays true once it was (a removed spleen): being told in the past does
    not take it away.
    """

    en: list[str] = Field(default_factory=list)
    es: list[str] = Field(default_factory=list)
    lasting: bool = False


class Area(_Strict):
    """One file of concepts and rules."""

    concepts: dict[str, Wordings] = Field(default_factory=dict)
    rules: list[Rule] = Field(default_factory=list)


class Numbers(_Strict):
    """Whom to call in one country: a number or a wording, for each language."""

    emergency_number: dict[Language, str]
    crisis_line: dict[Language, str]
    poison_line: dict[Language, str]


class _Countries(_Strict):
    countries: dict[str, Numbers]


class _Friends(_Strict):
    words: list[str]


class _Cues(_Strict):
    cues: dict[str, Wordings]


class _Calm(_Strict):
    calm: dict[str, Wordings]


@dataclass(frozen=True)
class RuleSet:
    """Everything that the files say, compiled."""

    version: str
    rules: tuple[Rule, ...]
    concepts: PatternBook
    cues: PatternBook
    calm: PatternBook
    rewrites: Mapping[tuple[str, ...], tuple[str, ...]]
    countries: Mapping[str, Numbers]
    lasting: frozenset[str]
    vitals: VitalReader


Shape = TypeVar("Shape", bound=BaseModel)


def _read(path: Path, shape: type[Shape], digest: Any) -> Shape:
    """Read one file into ``shape``, adding its bytes to ``digest``.

    Raises:
        TriageRulesError: naming the file and, where there is one, the rule.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TriageRulesError(f"{path.name}: cannot be read ({error.strerror})") from error
    digest.update(path.name.encode() + b"\0" + content + b"\0")
    try:
        # Plain strings only: "no" and "on" are words here, not truth values.
        loaded = yaml.load(content, Loader=_Loader)  # noqa: S506 - BaseLoader makes no objects
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TriageRulesError(f"{path.name}: is not YAML") from error
    try:
        return shape.model_validate(loaded)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        rule = _rule_at(loaded, first["loc"])
        raise TriageRulesError(f"{path.name}: {rule}{place}: {first['msg']}") from error


def _rule_at(loaded: Any, place: tuple[int | str, ...]) -> str:
    """Name the rule that an error's place points into, if it does."""
    if len(place) < 2 or place[0] != "rules":  # noqa: PLR2004 - ("rules", index)
        return ""
    rule = loaded["rules"][place[1]]
    return f"rule {rule.get('id', place[1])}: " if isinstance(rule, dict) else ""


def _add(book: PatternBook, name: str, wordings: Wordings, file: str) -> None:
    for text in (*wordings.en, *wordings.es):
        try:
            book.add(name, text)
        except (ValueError, AttributeError) as error:
            raise TriageRulesError(f"{file}: {name}: pattern {text!r}: {error}") from error


def load_rules(folder: Path) -> RuleSet:
    """Load and compile the rule files of ``folder``.

    Raises:
        TriageRulesError: a file is missing or wrong; the message names file and rule.
    """
    digest = hashlib.sha256()
    lexicon = _read(folder / "lexicon.yaml", Lexicon, digest)
    cue_file = _read(folder / "modality.yaml", _Cues, digest)
    countries = _read(folder / "countries.yaml", _Countries, digest).countries
    friends = _read(folder / "false_friends.yaml", _Friends, digest)
    try:
        vitals = VitalReader(_read(folder / "vitals.yaml", VitalsFile, digest))
    except ValueError as error:
        raise TriageRulesError(f"vitals.yaml: {error}") from error
    concepts = PatternBook(lexicon.classes, lexicon.fillers, lexicon.barriers)
    cues = PatternBook(lexicon.classes, lexicon.fillers, lexicon.barriers)
    if unknown := set(cue_file.cues) - set(CUES):
        raise TriageRulesError(f"modality.yaml: unknown cue {min(unknown)}")
    if "other" not in countries:
        raise TriageRulesError("countries.yaml: the fallback `other` is missing")
    for name, wordings in cue_file.cues.items():
        _add(cues, name, wordings, "modality.yaml")
    rules, lasting = _areas(folder, concepts, digest)
    calm = _calm(folder, lexicon, digest)
    # Cue words are known words too: a "never" must not be read as "fever".
    speller = Speller(concepts.vocabulary, {*friends.words, *cues.vocabulary})
    concepts.use(speller)
    return RuleSet(
        version=digest.hexdigest()[:16],
        rules=rules,
        concepts=concepts,
        cues=cues,
        calm=calm,
        rewrites={tuple(k.split()): tuple(v.split()) for k, v in lexicon.rewrites.items()}
        | {(word,): (str(number),) for word, number in lexicon.number_words.items()},
        countries=countries,
        lasting=lasting,
        vitals=vitals,
    )


def _calm(folder: Path, lexicon: Lexicon, digest: Any) -> PatternBook:
    """The words that carry no alarm; a folder without them has none."""
    book = PatternBook(lexicon.classes, lexicon.fillers, lexicon.barriers)
    path = folder / "calm.yaml"
    for name, wordings in _read(path, _Calm, digest).calm.items() if path.exists() else ():
        if name not in CALM:
            raise TriageRulesError(f"calm.yaml: unknown kind {name}")
        _add(book, name, wordings, "calm.yaml")
    return book


def _areas(folder: Path, book: PatternBook, digest: Any) -> tuple[tuple[Rule, ...], frozenset[str]]:
    """Add every area's concepts to ``book``; return all rules in order, and lasting concepts."""
    rules: list[tuple[str, Rule]] = []
    known: dict[str, str] = {}
    lasting: set[str] = set()
    for path in sorted(folder.glob("*.yaml")):
        if path.stem in _NAMED:
            continue
        area = _read(path, Area, digest)
        for name, wordings in area.concepts.items():
            if name in known:
                raise TriageRulesError(f"{path.name}: {name} is in {known[name]} already")
            known[name] = path.name
            if wordings.lasting:
                lasting.add(name)
            _add(book, name, wordings, path.name)
        rules.extend((path.name, rule) for rule in area.rules)
    seen: set[str] = set()
    for file, rule in rules:
        missing = rule.when.concepts() - known.keys()
        if missing:
            raise TriageRulesError(f"{file}: rule {rule.id}: unknown concept {min(missing)}")
        if rule.id in seen:
            raise TriageRulesError(f"{file}: rule {rule.id} is there twice")
        seen.add(rule.id)
    order = {"emergency": 0, "urgent": 1, "routine": 2}
    ordered = sorted((r for _, r in rules), key=lambda r: (order[r.level.value], r.rank, r.id))
    return tuple(ordered), frozenset(lasting)
