"""The same medicine twice, under another name or in a product of several ingredients."""

from __future__ import annotations

from collections.abc import Iterator

from services.consult.messages import Fact
from services.consult.record import safety, words
from services.consult.record.asked import Asked
from services.consult.record.reading import Medicine
from services.consult.record.tables import sources
from services.consult.record.wording import listed, sentence_case


def duplicates(asked: Asked, language: str) -> list[safety.Warned]:
    """Return the warnings about what is asked and is taken, or named, already."""
    found = [*_with_list(asked, language), *_among_named(asked, language)]
    return list({item.fact.id: item for item in found}.values())


def _with_list(asked: Asked, language: str) -> Iterator[safety.Warned]:
    orders = asked.case.chart.active_medicines if asked.case.own else []
    for phrase, keys in asked.mentions:
        for order in orders:
            shared = set(keys) & set(order.generics) & set(asked.medicines)
            if shared and not _is_own_name(phrase, order, asked):
                yield _warned(order, "same", language, asked=words.titled(phrase),
                              shared=listed(sorted(shared), language), have=order.name)  # fmt: skip
        for key in keys:
            yield from _same_group(key, phrase, orders, asked, language)


def _same_group(
    key: str, phrase: str, orders: list[Medicine], asked: Asked, language: str
) -> Iterator[safety.Warned]:
    if asked.case.takes(key) or key not in asked.medicines:
        return
    groups = words.data("facts/duplicates")["classes"]
    for order in orders:
        alike = sorted(words.classes_of(key) & order.classes & set(groups))
        if alike and key not in order.generics:
            called = safety.as_asked(key, phrase, language)
            yield _warned(order, "group", language, asked=called, have=order.called,
                          group=groups[alike[0]][language])  # fmt: skip


def _among_named(asked: Asked, language: str) -> Iterator[safety.Warned]:
    pairs = [(a, b) for i, a in enumerate(asked.mentions) for b in asked.mentions[i + 1 :]]
    groups = words.data("facts/duplicates")["classes"]
    for (one, first), (two, second) in pairs:
        names = {"one": words.titled(one), "two": words.titled(two)}
        if shared := sorted(set(first) & set(second)):
            if one != two:
                yield _warned(None, "both", language, shared=listed(shared, language), **names)
            continue
        alike = [
            g for a in first for b in second for g in words.classes_of(a) & words.classes_of(b)
            if g in groups and not (asked.case.takes(a) or asked.case.takes(b))
        ]  # fmt: skip
        if alike:
            yield _warned(None, "both_group", language, group=groups[min(alike)][language],
                          **names)  # fmt: skip


def among_listed(orders: list[Medicine], language: str) -> Iterator[safety.Warned]:
    """Warn of two medicines of the list that hold the same, or are of one group."""
    groups = words.data("facts/duplicates")["classes"]
    for number, one in enumerate(orders):
        for other in orders[number + 1 :]:
            names = {"one": one.name, "two": other.name}
            if shared := sorted(set(one.generics) & set(other.generics)):
                yield _warned(one, "both", language, shared=listed(shared, language), **names)
            elif alike := sorted(one.classes & other.classes & set(groups)):
                group = groups[alike[0]][language]
                yield _warned(one, "both_group", language, group=group, **names)


def _is_own_name(phrase: str, order: Medicine, asked: Asked) -> bool:
    """Whether the phrase just names the medicine of the list: "can I take my metformin"."""
    plain = any(words.fold(phrase)[:4] == words.fold(g)[:4] for g in order.generics)
    recorded = words.fold(phrase) in words.fold(order.name)
    claimed = any(f"{word} {phrase}" in asked.text for word in ("my", "her", "his", "mi", "su"))
    return plain or recorded or claimed


def _warned(order: Medicine | None, kind: str, language: str, **said: str) -> safety.Warned:
    """Warn of an order, or, with None, of what the question itself names."""
    table = words.data("facts/duplicates")
    rule = f"duplicate-{kind}"
    identity = f"{order.ref}#{rule}" if order else f"rule:{rule}"
    chosen = f"{kind}_entered" if order and order.entered else kind
    texts = table["texts"].get(chosen) or table["texts"][kind]
    text = sentence_case(str(texts[language]).format(**said))
    fact = Fact(id=identity, kind="interaction", text=text, warning=True)
    return safety.sourced(fact, rule, sources()[table["source"]], language)
