"""What comes along with the matches: what they refer to, and what refers to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from services.fhir._queries import Key, chunks
from services.fhir.models import ReferenceRow, ResourceRow, TokenRow
from services.fhir.search.controls import Include
from services.fhir.search.index import IDENTIFIED
from services.fhir.search.parameters import parameters
from services.fhir.search.view import View

MAX_INCLUDED = 1_000
"""Most resources that come along with one page."""
MAX_ROUNDS = 5
"""How far ``:iterate`` follows from what came along."""


def along(
    session: Session, matched: Sequence[Key], includes: Sequence[Include], view: View
) -> tuple[list[Key], bool]:
    """Return the keys of what comes along, and whether there was more than is given out.

    Args:
        session: to read with.
        matched: the matches of the page.
        includes: the rules.
        view: whose eyes see it; what they may not see is left out without a word.
    """
    found: dict[Key, None] = {}
    frontier, rules = list(matched), list(includes)
    for _ in range(MAX_ROUNDS):
        fresh: dict[Key, None] = {}
        for rule in rules:
            for key in _led_to(session, frontier, rule, view):
                if key not in found and key not in fresh:
                    fresh[key] = None
        fresh = {key: None for key in fresh if key not in set(matched)}
        found.update(fresh)
        rules, frontier = [rule for rule in rules if rule.iterate], sorted(fresh)
        if not (rules and frontier) or len(found) > MAX_INCLUDED:
            break
    return list(found)[:MAX_INCLUDED], len(found) > MAX_INCLUDED


def _led_to(session: Session, keys: Sequence[Key], rule: Include, view: View) -> Iterator[Key]:
    named = (_pointing if rule.reverse else _pointed_at)(session, keys, rule)
    by_kind: dict[str, set[str]] = {}
    for kind, identity in named:
        by_kind.setdefault(kind, set()).add(identity)
    for kind, ids in sorted(by_kind.items()):
        for chunk in chunks((kind, identity) for identity in sorted(ids)):
            query = select(ResourceRow.id).where(
                ResourceRow.type == kind,
                ResourceRow.id.in_([identity for _, identity in chunk]),
                view.comes_along(kind, ResourceRow),
            )
            yield from ((kind, identity) for identity in sorted(session.scalars(query)))


def _paths(rule: Include, kind: str, link: Any) -> Any:
    """The elements that a rule follows of one type of source."""
    if rule.parameter == "*":
        return link.source_type == kind
    parameter = parameters(kind)[rule.parameter]
    wanted = [link.source_type == kind, link.path.in_(parameter.paths)]
    if parameter.target:
        wanted.append(link.target_type.in_([parameter.target, ""]))
    return and_(*wanted)


def _pointed_at(session: Session, keys: Sequence[Key], rule: Include) -> Iterator[Key]:
    link = aliased(ReferenceRow)
    identifiers: dict[tuple[str, str], None] = {}
    for kind, ids in _grouped(keys):
        if rule.source not in {"*", kind}:
            continue
        query = (
            select(link.target_type, link.target_id, link.identifier)
            .where(_paths(rule, kind, link), link.source_id.in_(ids))
            .distinct()
        )
        for target, identity, identifier in session.execute(query):
            if rule.target and target not in {rule.target, ""}:
                continue
            if identity:
                yield target, identity
            elif identifier:
                identifiers[target or rule.target, identifier] = None
    yield from _identified(session, identifiers)


def _identified(session: Session, wanted: Iterable[tuple[str, str]]) -> Iterator[Key]:
    """The resources that have these identifiers (``system|value``), of the type if one is named."""
    for chunk in chunks(wanted):
        kinds = {kind for kind, _ in chunk}
        query = select(TokenRow.source_type, TokenRow.source_id, TokenRow.code).where(
            TokenRow.parameter == IDENTIFIED, TokenRow.code.in_([one for _, one in chunk])
        )
        if "" not in kinds:
            query = query.where(TokenRow.source_type.in_(kinds))
        for kind, identity, identifier in session.execute(query):
            if kind != "Patient" and ((kind, identifier) in chunk or ("", identifier) in chunk):
                yield kind, identity


def _pointing(session: Session, keys: Sequence[Key], rule: Include) -> Iterator[Key]:
    for kind, ids in _grouped(keys):
        if rule.target and kind != rule.target:
            continue
        link, token = aliased(ReferenceRow), aliased(TokenRow)
        to_it = and_(link.target_type == kind, link.target_id.in_(ids))
        if kind != "Patient":
            named = select(token.code).where(
                token.source_type == kind,
                token.source_id.in_(ids),
                token.parameter == IDENTIFIED,
            )
            by_name = and_(
                link.identifier.in_(named),
                link.target_id == "",
                link.target_type.in_([kind, ""]),
            )
            to_it = or_(to_it, by_name)
        query = select(link.source_type, link.source_id).where(to_it).distinct()
        if rule.source != "*":
            query = query.where(_paths(rule, rule.source, link))
        yield from ((source, identity) for source, identity in session.execute(query))


def _grouped(keys: Sequence[Key]) -> Iterator[tuple[str, list[str]]]:
    """Ids by type, in chunks that a statement can name."""
    for kind in sorted({kind for kind, _ in keys}):
        for chunk in chunks(key for key in keys if key[0] == kind):
            yield kind, [identity for _, identity in chunk]
