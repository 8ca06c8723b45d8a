"""What each action of the table does to a value; None means that the value is not given out."""

from __future__ import annotations

import base64
import binascii
import html
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import regex
from bs4 import BeautifulSoup

from compliance.deidentify.dateshift import MAX_AGE
from compliance.deidentify.fhir.names import Names
from compliance.deidentify.fhir.needles import Needles
from compliance.deidentify.fhir.people import People
from compliance.deidentify.fhir.table import table
from compliance.deidentify.fhir.texts import REMOVED, Here, Texts
from compliance.deidentify.surrogates import Surrogates
from compliance.markup import with_ends

Action = Callable[[Any, Here], Any]
XHTML = "http://www.w3.org/1999/xhtml"
_READABLE = regex.compile(r"text/(?:plain|html|markdown|xml|csv)\b|application/xhtml\+xml\b")
_TOKEN = regex.compile(r"\S{1,500}|[-+\d.EUL\s]+")
"""A code, a URL, or the numbers of sampled data; anything with words in it is prose."""
_REGION = regex.compile(r"\p{L}+(?:[ .-]+\p{L}+){0,3}\.?")
_YEARS = frozenset({"a", "year", "years", "yr", "yrs"})
_SMALL_ZIP3 = frozenset(
    "036 059 063 102 203 556 692 790 821 823 830 831 878 879 884 890 893".split()
)
"""Three-digit areas of 20,000 people or fewer: 45 CFR 164.514(b)(2)(i)(B), Census of 2000."""


class Actions:
    """The actions of one run, by their names in the table."""

    def __init__(
        self, texts: Texts, names: Names, people: People, surrogates: Surrogates, needles: Needles
    ) -> None:
        self._texts = texts
        self._names = names
        self._people = people
        self._surrogates = surrogates
        self._needles = needles
        self.by_name: Mapping[str, Action] = {
            "keep": self.keep,
            "keep:coding": self.coding,
            "keep:public": self.public,
            "keep:region": self.region,
            "shift": self.shift,
            "mask": self.mask,
            "mask:attachment": self.attachment,
            "mask:narrative": self.narrative,
            "pseudonym:code": lambda value, _: _of_text(value, self._names.code),
            "pseudonym:contact": self.contact,
            "pseudonym:human-name": self.human_name,
            "pseudonym:id": lambda _, here: self._names.pseudonym(here.name),
            "pseudonym:identifier": self.identifier,
            "pseudonym:name": lambda value, _: _of_text(
                value, lambda name: self._people.written(name, "")
            ),
            "pseudonym:organization": lambda value, _: _of_text(
                value, self._surrogates.organization
            ),
            "pseudonym:reference": self.reference,
            "pseudonym:street": lambda value, _: _of_text(value, self._surrogates.street),
            "pseudonym:town": lambda value, _: _of_text(value, self._surrogates.town),
            "generalise:birth": self.shift,
            "generalise:quantity": self.quantity,
            "generalise:zip": self.zip,
        }

    def keep(self, value: Any, here: Here) -> Any:  # noqa: ARG002 - one shape for all
        """A code, number or boolean as it is, unless it is prose or an identifier of the record."""
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and not _TOKEN.fullmatch(value):
            return None
        if isinstance(value, str | int | float | Decimal) and not self._needles.found(str(value)):
            return value
        return None

    def region(self, value: Any, here: Here) -> str | None:  # noqa: ARG002 - one shape for all
        """A state or country: 45 CFR 164.514(b)(2)(i)(B) lets it stay."""
        named = isinstance(value, str) and _REGION.fullmatch(value)
        return value if named and not self._needles.found(value) else None

    def coding(self, value: Any, here: Here) -> dict[str, Any] | None:
        """A coding; a code of a house's own is kept only where the text pipeline sees nothing."""
        if not isinstance(value, Mapping):
            return None
        made: dict[str, Any] = {}
        code, system = self.keep(value.get("code"), here), value.get("system")
        if public := self.public(system, here):
            made["system"] = public
        elif isinstance(system, str):
            made["system"] = self._names.system(system)
        if isinstance(code, str) and (public or self._texts.masked(code, here) == code):
            made["code"] = code
        for key in ("version", "userSelected"):
            if (kept := self.keep(value.get(key), here)) is not None:
                made[key] = kept
        if isinstance(value.get("display"), str):
            made["display"] = self.mask(value["display"], here)
        return made if {"code", "display"} & set(made) else None

    def public(self, value: Any, here: Here) -> str | None:
        """The URL of a public code system or profile; None for those of a house."""
        public = isinstance(value, str) and value.startswith(table().public)
        kept: str | None = self.keep(value, here) if public else None
        return kept

    def shift(self, value: Any, here: Here) -> str | None:
        """A date moved; None when it tells an age over 89."""
        return here.shift.fhir(value) if isinstance(value, str) else None

    def mask(self, value: Any, here: Here) -> str | None:
        """Free text through the text pipeline."""
        if not isinstance(value, str):
            return None
        return self._texts.masked(value, here) or REMOVED

    def narrative(self, value: Any, here: Here) -> dict[str, Any] | None:
        """A narrative written anew: its text alone, masked, in paragraphs."""
        div = value.get("div") if isinstance(value, Mapping) else None
        if not isinstance(div, str):
            return None
        masked = self.mask(_plain(div), here) or REMOVED
        lines = [html.escape(line, quote=False) for line in masked.splitlines() if line.strip()]
        body = "".join(f"<p>{line}</p>" for line in lines or [REMOVED])
        return {"status": "generated", "div": f'<div xmlns="{XHTML}">{body}</div>'}

    def attachment(self, value: Any, here: Here) -> dict[str, Any] | None:
        """Readable text decoded, masked and encoded again; everything else without its content."""
        if not isinstance(value, Mapping):
            return None
        kind = str(value.get("contentType", ""))
        made: dict[str, Any] = {}
        text = _decoded(value.get("data"), kind)
        masked = self._texts.masked(text, here) if text is not None else None
        if masked is not None:
            made["contentType"] = "text/plain; charset=utf-8"
            made["data"] = base64.b64encode(masked.encode()).decode("ascii")
        if isinstance(value.get("title"), str):
            made["title"] = self.mask(value["title"], here)
        if masked is None:
            made["title"] = REMOVED
        if created := self.shift(value.get("creation"), here):
            made["creation"] = created
        return made

    def contact(self, value: Any, here: Here) -> dict[str, Any] | None:
        """A telephone number or mail address of nobody; other ways to reach people are dropped."""
        if not isinstance(value, Mapping) or not isinstance(value.get("value"), str):
            return None
        system = value.get("system")
        if system in {"phone", "fax", "sms", "pager"}:
            made = self._surrogates.phone(value["value"])
        elif system == "email":
            made = self._surrogates.email(value["value"])
        else:
            return None
        kept = {key: value[key] for key in ("system", "use", "rank") if key in value}
        return {**kept, "value": made, **self._period(value, here)}

    def human_name(self, value: Any, here: Here) -> dict[str, Any] | None:
        """The name of the person's surrogate, without suffixes and titles of its own."""
        if not isinstance(value, Mapping):
            return None
        given = [part for part in value.get("given", ()) if isinstance(part, str)]
        family = value.get("family") if isinstance(value.get("family"), str) else ""
        made: dict[str, Any] = {"use": value["use"]} if isinstance(value.get("use"), str) else {}
        if given or family:
            new, last = self._people.human(given, family or "")
            made |= {"family": last} if last else {}
            made |= {"given": new} if new else {}
        elif isinstance(value.get("text"), str):
            made["text"] = self._people.written(value["text"], "")
        return {**made, **self._period(value, here)}

    def identifier(self, value: Any, here: Here) -> dict[str, Any] | None:
        """A pseudonym in a system of pseudonyms; its type stays."""
        if not isinstance(value, Mapping):
            return None
        made = {"use": value["use"]} if isinstance(value.get("use"), str) else {}
        made |= {"type": kind} if (kind := _type(value.get("type"))) else {}
        if isinstance(value.get("system"), str):
            made["system"] = self._names.system(value["system"])
        if isinstance(value.get("value"), str):
            made["value"] = self._names.code(value["value"])
        return {**made, **self._period(value, here)} or None

    def reference(self, value: Any, here: Here) -> dict[str, Any] | None:
        """A reference to the pseudonym of its target."""
        if not isinstance(value, Mapping):
            return None
        made: dict[str, Any] = {}
        target = value.get("reference")
        if isinstance(target, str) and (new := self._names.reference(target, here.name)):
            made["reference"] = new
        if isinstance(value.get("type"), str) and self.keep(value["type"], here):
            made["type"] = value["type"]
        if identifier := self.identifier(value.get("identifier"), here):
            made["identifier"] = identifier
        if isinstance(value.get("display"), str):
            made["display"] = self.mask(value["display"], here)
        return made or None

    def quantity(self, value: Any, here: Here) -> dict[str, Any] | None:
        """A quantity as it is; an age over 89 becomes "90 or more"."""
        if not isinstance(value, Mapping):
            return None
        keys = ("value", "comparator", "system", "code")
        made = {k: value[k] for k in keys if self.keep(value.get(k), here) is not None}
        unit = value.get("unit")
        if isinstance(unit, str):
            made["unit"] = self.mask(unit, here)
        number = value.get("value")
        if {value.get("code"), unit} & _YEARS and _above(number, MAX_AGE):
            made |= {"value": MAX_AGE + 1, "comparator": ">="}
        return made or None

    def zip(self, value: Any, here: Here) -> str | None:  # noqa: ARG002 - one shape for all
        """The first three digits of a US postal code, 000 for small areas; None for others."""
        match = regex.fullmatch(r"(\d{3})\d{2}(?:-?\d{4})?", value) if _is(value) else None
        return ("000" if match[1] in _SMALL_ZIP3 else match[1]) if match else None

    def _period(self, value: Mapping[str, Any], here: Here) -> dict[str, Any]:
        """``{"period": …}`` moved, or nothing."""
        period = value.get("period")
        if not isinstance(period, Mapping):
            return {}
        made = {k: d for k in ("start", "end") if (d := self.shift(period.get(k), here))}
        return {"period": made} if made else {}


def _is(value: Any) -> bool:
    return isinstance(value, str)


def _of_text(value: Any, make: Callable[[str], str]) -> str | None:
    """``make`` of a text that says something."""
    return make(value) if isinstance(value, str) and value.strip() else None


def _above(number: Any, limit: int) -> bool:
    """Whether a JSON number is above ``limit``."""
    try:
        return float(number) > limit
    except (TypeError, ValueError):
        return False


def _type(concept: Any) -> dict[str, Any] | None:
    """Type of an identifier: its codes of HL7's table 0203 alone."""
    codings = concept.get("coding") if isinstance(concept, Mapping) else None
    kept = [
        {"system": c["system"], "code": c["code"]}
        for c in (codings if isinstance(codings, list) else ())
        if isinstance(c, Mapping)
        and str(c.get("system", "")).endswith("/v2-0203")
        and regex.fullmatch(r"[A-Z]{1,8}", str(c.get("code")))
    ]
    return {"coding": kept} if kept else None


def _decoded(data: Any, kind: str) -> str | None:
    """The text of base64 data of a readable kind."""
    if not isinstance(data, str) or not _READABLE.match(kind.lower()):
        return None
    charset = regex.search(r"charset=\"?([\w-]+)", kind.lower())
    try:
        text = base64.b64decode(regex.sub(r"\s", "", data), validate=True).decode(
            charset[1] if charset else "utf-8"
        )
    except (binascii.Error, UnicodeDecodeError, LookupError):
        return None
    return _plain(text) if "html" in kind or "xml" in kind else text


def _plain(markup: str) -> str:
    """The words of HTML, a line for each block."""
    soup = BeautifulSoup(with_ends(markup), "html.parser")
    for hidden in soup(["script", "style"]):
        hidden.decompose()
    lines = (line.strip() for line in soup.get_text("\n").splitlines())
    return "\n".join(line for line in lines if line)
