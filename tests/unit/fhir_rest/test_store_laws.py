"""Laws of the store, tried with whatever sequence of writes: nothing is lost, nothing is invented.

A model in memory does the same; after every step the store and the model must say the same.
"""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.fhir import jsontext
from services.fhir._history import Asked
from services.fhir._prepare import prepare
from services.fhir.errors import FhirNotFoundError
from services.fhir.patching import patched

LAWS = settings(
    max_examples=12,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
IDS = st.sampled_from(["a", "b", "c"])
DECIMALS = st.decimals(-(10**9), 10**9, allow_nan=False, places=3)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs"]), min_size=1)
BODIES = st.fixed_dictionaries(
    {
        "url": st.just("urn:x"),
        "extension": st.lists(
            st.one_of(
                st.builds(lambda d: {"url": "urn:d", "valueDecimal": d}, DECIMALS),
                st.builds(lambda t: {"url": "urn:t", "valueString": t}, TEXTS),
            ),
            min_size=1,
            max_size=3,
        ),
    }
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), IDS, BODIES),
        st.tuples(st.just("delete"), IDS, st.none()),
        st.tuples(st.just("patch"), IDS, DECIMALS),
    ),
    min_size=1,
    max_size=12,
)


def text_of(identity, body):
    return jsontext.dumps({"resourceType": "Patient", "id": identity, "extension": [body]})


def patch_of(value):
    operation = {"op": "add", "path": "/extension/0/extension/0", "value": None}
    operation["value"] = {"url": "urn:p", "valueDecimal": value}
    return patched(jsontext.dumps([operation]).encode())


class Model:
    """What a store is: the current text of each id, and every version that ever was."""

    def __init__(self):
        self.current, self.versions = {}, []

    def write(self, identity, text):
        if self.current.get(identity) != text:
            number = 1 + sum(1 for i, _, _ in self.versions if i == identity)
            self.versions.append((identity, number, text))
            self.current[identity] = text
            if text is None:
                del self.current[identity]

    def step(self, store, verb, identity, value):
        if verb == "put":
            self.write(identity, text_of(identity, value))
            store.put(text_of(identity, value))
        elif identity not in self.current:
            with pytest.raises(FhirNotFoundError) if not self.knew(identity) else _nothing():
                _do(store, verb, identity, value)
        elif verb == "delete":
            store.delete("Patient", identity)
            self.write(identity, None)
        else:
            text = patch_of(value)(self.current[identity]).text
            written = _do(store, verb, identity, value)
            assert written.text == text
            self.write(identity, text)

    def knew(self, identity):
        return any(i == identity for i, _, _ in self.versions)


class _nothing:  # noqa: N801  # reads as a word
    def __enter__(self):
        return self

    def __exit__(self, kind, _error, _trace):
        return kind is not None  # a patch of what was deleted is refused, a deletion is not


def _do(store, verb, identity, value):
    if verb == "delete":
        return store.delete("Patient", identity)
    return store.write(lambda writer: writer.patch("Patient", identity, patch_of(value)))


@LAWS
@given(steps=STEPS)
def test_the_store_says_what_was_written_and_its_history_everything_that_was(store, steps):
    for identity in ("a", "b", "c"):
        store.purge(identity)
    model = Model()
    for step in steps:
        model.step(store, *step)
        for identity in ("a", "b", "c"):
            entry = store.entry("Patient", identity)
            assert (entry.text if entry else None) == model.current.get(identity)
    page = store.history(Asked("Patient", count=500))
    assert [(v.id, v.version, v.text) for v in page.versions] == model.versions[::-1]
    sequences = [v.sequence for v in page.versions]
    assert sequences == sorted(set(sequences), reverse=True)
    for identity, number, text in model.versions:
        assert store.version("Patient", identity, number).text == text


@LAWS
@given(steps=STEPS, cut=st.integers(0, 12))
def test_a_transaction_that_fails_leaves_nothing(store, steps, cut):
    for identity in ("a", "b", "c"):
        store.purge(identity)
    parts = [{"url": "urn:t", "valueString": "before"}]
    store.put(text_of("a", {"url": "urn:x", "extension": parts}))
    before = store.history(Asked(count=500))

    class StopError(Exception):
        pass

    def work(writer):
        for number, (verb, identity, value) in enumerate(steps):
            if number == cut:
                break
            if verb == "put":
                writer.update(prepare(text_of(identity, value)))
            elif writer.mine("Patient", identity, "u") is not None:
                if verb == "delete":
                    writer.delete("Patient", identity)
                else:
                    writer.patch("Patient", identity, patch_of(value))
        raise StopError

    with pytest.raises(StopError):
        store.write(work)
    assert store.history(Asked(count=500)) == before


@LAWS
@given(value=DECIMALS, spaces=st.text(" \t\r\n", max_size=3))
def test_text_goes_in_and_out_to_the_last_space(store, value, spaces):
    body = text_of("a", {"url": "urn:d", "valueDecimal": value})
    text = spaces + body.replace(",", f",{spaces}").replace(":{", f"{spaces}:{{")
    store.put(text)
    assert store.entry("Patient", "a").text == text
    assert jsontext.loads_exact(text) == jsontext.loads_exact(body)
    created = store.create(text)
    assert json.loads(created.text) == {**json.loads(text), "id": created.id}
    assert jsontext.with_id(created.text, "a") == text


@given(DECIMALS | TEXTS | st.integers(-(10**30), 10**30) | st.booleans() | st.none())
def test_strict_and_exact_reading_agree(value):
    text = jsontext.dumps({"k": [value, {"é": value}]})
    assert jsontext.loads_strict(text, exact=True) == jsontext.loads_exact(text)
    assert jsontext.loads_exact(jsontext.pretty(text)) == jsontext.loads_exact(text)


@settings(max_examples=30)
@given(
    st.recursive(
        DECIMALS | TEXTS | st.none(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=8,
    )
)
def test_an_id_is_put_in_and_nothing_else_is_touched(value):
    for given_id in ({}, {"id": "old"}, {"id": None}):
        whole = {"a": value, **given_id, "z": {"id": value}}
        text = jsontext.dumps(whole)
        made = jsontext.loads_exact(jsontext.with_id(text, "new-1"))
        assert made == {**whole, "id": "new-1"}
        assert [k for k in made if k != "id"] == ["a", "z"]
    assert Decimal("1.50") == jsontext.loads_exact(jsontext.with_id('{"a":1.50}', "x"))["a"]
