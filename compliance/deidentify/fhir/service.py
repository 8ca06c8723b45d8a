"""``FhirDeidentifier``: resources or a bundle in, the same without the people out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import regex
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from compliance.deidentify.dateshift import DateShift
from compliance.deidentify.errors import DeidentificationError
from compliance.deidentify.fhir.actions import Actions
from compliance.deidentify.fhir.names import Names
from compliance.deidentify.fhir.needles import Needles
from compliance.deidentify.fhir.people import People, squeezed
from compliance.deidentify.fhir.texts import Here, Language, Texts
from compliance.deidentify.fhir.walk import PSEUDONYMISED, Walk, WithheldError
from compliance.deidentify.known import KnownIdentifiers
from compliance.deidentify.pseudonyms import StudyKey
from compliance.deidentify.reversal import ReversalMap
from compliance.deidentify.service import Deidentifier
from compliance.deidentify.surrogates import Surrogates
from compliance.errors import CaretierError

Resource = Mapping[str, Any]
_WRITTEN = ("date", "effectiveDateTime", "authoredOn", "recordedDate", "issued", "created", "sent")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"})


@dataclass(frozen=True, slots=True)
class Note:
    """What was left out or changed more than usual.

    Attributes:
        path: type and elements, never a value.
        reason: why, one phrase.
        count: how often.
    """

    path: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Exported:
    """What may be given out.

    Attributes:
        resources: the de-identified resources, in the order in which they came.
        notes: what was left out, by path.
        detector: version of the text pipeline.
        resource: the bundle, where one was given.
        reversal: the way back, sealed with the study's key (`ReversalMap`); stays with the key.
    """

    resources: tuple[dict[str, Any], ...]
    notes: tuple[Note, ...]
    detector: str
    resource: dict[str, Any] | None = None
    reversal: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class FhirDeidentifier:
    """De-identifies FHIR R4 for one study.

    Attributes:
        detector: the text pipeline.
        key: the study's; it never gets into the output.
        today: day of the export; decides which dates tell an age over 89.
        language: of free text in resources that do not say theirs.
    """

    detector: Deidentifier
    key: StudyKey
    today: date
    language: Language = "en"

    def resources(self, resources: Iterable[Resource]) -> Exported:
        """De-identify resources that belong together: one patient's record, or several.

        Raises:
            DeidentificationError: it could not be shown that no identifier is left.
            KnownIdentifiersError: something is not a FHIR resource.
        """
        run = _Run(self, [(None, resource) for resource in resources])
        done = [made for _, _, made in run.treated()]
        return Exported(tuple(done), run.notes(), self.detector.version, reversal=run.reversal())

    def bundle(self, bundle: Resource) -> Exported:
        """De-identify a Bundle; its entries stay linked.

        Raises:
            DeidentificationError: it is no Bundle, or not free of identifiers.
            KnownIdentifiersError: an entry is not a FHIR resource.
        """
        if bundle.get("resourceType") != "Bundle":
            raise DeidentificationError("This is not a Bundle.")
        entries = [e for e in bundle.get("entry", ()) if isinstance(e, Mapping)]
        holding = [e for e in entries if isinstance(e.get("resource"), Mapping)]
        run = _Run(self, [(_text(e.get("fullUrl")), e["resource"]) for e in holding])
        made: dict[str, Any] = {"resourceType": "Bundle"}
        if regex.fullmatch(r"[a-z]+(?:-[a-z]+)*", str(bundle.get("type"))):
            made["type"] = bundle["type"]
        treated = list(run.treated())
        out = [run.entry(holding[number], name, done) for number, name, done in treated]
        if out:
            made["entry"] = out
            made["meta"] = {"security": [PSEUDONYMISED]}
        run.look(made)
        resources = tuple(done for _, _, done in treated)
        return Exported(
            resources, run.notes(), self.detector.version, made, reversal=run.reversal()
        )


class _Run:
    """One call: what is known of the record, and the walk over it."""

    def __init__(
        self, study: FhirDeidentifier, entries: Sequence[tuple[str | None, Resource]]
    ) -> None:
        self._study = study
        self._entries = entries
        resources = [resource for _, resource in entries]
        known = KnownIdentifiers.from_record(resources)
        self._names = Names(study.key, entries)
        self._needles = Needles(known, (r["id"] for r in resources if isinstance(r.get("id"), str)))
        surrogates = self._surrogates = Surrogates(study.key, self._needles.words)
        codes = {squeezed(v): self._names.code(v) for r in resources for v in _identifiers(r)}
        people = People(known, resources, surrogates, codes)
        texts = Texts(study.detector, known, people, surrogates, self._needles)
        actions = Actions(texts, self._names, people, surrogates, self._needles)
        self._walk = Walk(actions, self._names)
        self._withheld: Counter[tuple[str, str]] = Counter()

    def treated(self) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """Number, canonical name and de-identified form of each resource that is given out."""
        for number, (url, resource) in enumerate(self._entries):
            name = self._names.name(resource, url)
            made = self._resource(resource, name)
            if made is not None:
                yield number, name, made

    def _resource(self, resource: Resource, name: str) -> dict[str, Any] | None:
        """One resource; None, with a note, when it is withheld."""
        kind = _path(str(resource.get("resourceType")))
        reason = ""
        try:
            made = self._walk.resource(resource, self._here(resource, name))
            if left := self._left(made):
                raise WithheldError(f"it still held {left}")  # noqa: TRY301 - told as the others
            get_fhir_model_class(kind).model_validate(made)
        except WithheldError as why:
            self._withheld[kind, f"withheld: {why}"] += 1
        except (ValidationError, LookupError):
            self._withheld[kind, "withheld: what is left of it is not valid FHIR"] += 1
        except CaretierError:
            raise
        except Exception as error:  # noqa: BLE001 - any failure must refuse, never pass a record on
            reason = f"A {kind} could not be treated ({type(error).__name__})."
        else:
            return made
        if reason:
            raise DeidentificationError(reason)
        return None

    def _here(self, resource: Resource, name: str) -> Here:
        """Where the values of a resource stand."""
        owner = self._names.owner(name)
        said = str(resource.get("language", ""))[:2]
        return Here(
            shift=DateShift.of(self._study.key, owner, self._study.today),
            name=name,
            language="es" if said == "es" else "en" if said == "en" else self._study.language,
            written=next((d for key in _WRITTEN if (d := _day(resource.get(key)))), None),
        )

    def entry(self, entry: Resource, name: str, made: dict[str, Any]) -> dict[str, Any]:
        """An entry of the bundle around its de-identified resource."""
        out: dict[str, Any] = {}
        if url := _text(entry.get("fullUrl")):
            full = self._names.full_url(url, name)
            out |= {"fullUrl": full} if full else {}
        out["resource"] = made
        search = entry.get("search")
        if isinstance(search, Mapping) and search.get("mode") in {"match", "include", "outcome"}:
            out["search"] = {"mode": search["mode"]}
        request = entry.get("request")
        if isinstance(request, Mapping) and request.get("method") in _METHODS:
            out["request"] = {
                "method": request["method"],
                "url": "/".join(made[k] for k in ("resourceType", "id") if k in made),
            }
        return out

    def look(self, value: Any) -> None:
        """Raise DeidentificationError when anything in ``value`` is an identifier."""
        if left := self._left(value):
            raise DeidentificationError(f"The de-identified record still holds {left}.")

    def _left(self, value: Any) -> str | None:
        """The kind of the first identifier in a JSON value, or None."""
        if isinstance(value, Mapping):
            # what an attachment holds was looked at before it was encoded
            encoded = "contentType" in value
            value = [inner for key, inner in value.items() if key != "data" or not encoded]
        if isinstance(value, list):
            return next((left for item in value if (left := self._left(item))), None)
        if isinstance(value, bool) or value is None:
            return None
        return self._needles.found(str(value))

    def reversal(self) -> bytes:
        """The way back, sealed."""
        pairs = self._names.given_out | self._surrogates.given_out
        return ReversalMap(pairs).seal(self._study.key)

    def notes(self) -> tuple[Note, ...]:
        """What was left out so far, sorted."""
        every = self._walk.notes + self._withheld
        return tuple(Note(path, reason, n) for (path, reason), n in sorted(every.items()))


def _identifiers(value: Any) -> Iterator[str]:
    """Values of the identifiers of a resource."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "identifier":
                for one in inner if isinstance(inner, list) else [inner]:
                    if isinstance(one, Mapping) and isinstance(one.get("value"), str):
                        yield one["value"]
            yield from _identifiers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _identifiers(inner)


def _path(kind: str) -> str:
    """A type as a path, unless it is something else."""
    return kind if regex.fullmatch(r"[A-Z][A-Za-z]{2,63}", kind) else "resource"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _day(value: Any) -> date | None:
    """The day of a full FHIR date."""
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
