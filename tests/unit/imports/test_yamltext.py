"""YAML is read alike however long it is, and refused where it would end the process."""

from __future__ import annotations

import pytest
import yaml

from compliance.yamltext import DEEPEST, read_yaml


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 100_000, "? " * 100_000])
def test_a_text_of_levels_without_end_is_refused(text):
    with pytest.raises(yaml.YAMLError):
        read_yaml(text)


def test_what_is_deep_but_within_the_bound_is_read():
    found = read_yaml("[" * DEEPEST + "]" * DEEPEST)
    for _ in range(DEEPEST - 1):
        found = found[0]
    assert found == []


@pytest.mark.parametrize("text", ["a: 1\nb: [x, 2.5]\n", "", "---\n- é\n", b"d: 2026-01-02\n"])
def test_it_reads_as_the_plain_loader_does(text):
    assert read_yaml(text) == yaml.safe_load(text)


def test_no_object_is_made():
    with pytest.raises(yaml.YAMLError):
        read_yaml("!!python/object/apply:os.system ['true']")
