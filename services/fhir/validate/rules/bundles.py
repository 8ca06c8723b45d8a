"""Invariants of R4 on bundles and parameters."""

from __future__ import annotations

from collections.abc import Mapping

from services.fhir.validate.rules.forms import (
    Form,
    Node,
    Rule,
    distinct,
    exactly_one,
    has,
    needed_where,
    one_of,
    only_where,
)

_ASKING = frozenset({"batch", "transaction", "history"})
_ANSWERING = frozenset({"batch-response", "transaction-response", "history"})


def _entries_have(name: str, kinds: frozenset[str]) -> Form:
    def holds(node: Node) -> bool:
        wanted = node.get("type") in kinds
        return all(has(entry, name) == wanted for entry in node.get("entry", ()))

    return Form(
        f"needs {name} in each entry of these types only: {', '.join(sorted(kinds))}", holds
    )


def _searched(node: Node) -> bool:
    return node.get("type") == "searchset" or not any(
        has(entry, "search") for entry in node.get("entry", ())
    )


def _opens_with(kind: str, resource_type: str) -> Form:
    def holds(node: Node) -> bool:
        first = (node.get("entry") or [{}])[0].get("resource", {})
        return node.get("type") != kind or first.get("resourceType") == resource_type

    return Form(f"needs a {resource_type} first in a {kind}", holds)


def _identified(node: Node) -> bool:
    name = node.get("identifier", {})
    return node.get("type") != "document" or (has(name, "system") and has(name, "value"))


def _place(entry: Node) -> tuple[str, str] | None:
    version = entry.get("resource", {}).get("meta", {}).get("versionId", "")
    return (entry["fullUrl"], version) if "fullUrl" in entry else None


def _once(node: Node) -> bool:
    return node.get("type") == "history" or _DISTINCT.holds(node)


def _unversioned(node: Node) -> bool:
    return "/_history/" not in node.get("fullUrl", "")


_DISTINCT = distinct("entry", _place, "fullUrl and version")

RULES: Mapping[str, tuple[Rule, ...]] = {
    "Bundle": (
        Rule("bdl-1", only_where("total", "type", "searchset", "history")),
        Rule("bdl-2", Form("allows search of an entry only in a searchset", _searched)),
        Rule("bdl-3", _entries_have("request", _ASKING)),
        Rule("bdl-4", _entries_have("response", _ANSWERING)),
        Rule("bdl-7", Form(_DISTINCT.says, _once)),
        Rule("bdl-9", Form("needs an identifier with system in a document", _identified)),
        Rule("bdl-10", needed_where("type", "document", "timestamp")),
        Rule("bdl-11", _opens_with("document", "Composition")),
        Rule("bdl-12", _opens_with("message", "MessageHeader")),
    ),
    "BundleEntry": (
        Rule("bdl-5", one_of("resource", "request", "response")),
        Rule("bdl-8", Form("allows no version in fullUrl", _unversioned)),
    ),
    "ParametersParameter": (Rule("inv-1", exactly_one("value[x]", "resource", "part")),),
}
"""By type of the node."""
