"""A contribution is taken whole or refused by name; a hostile file is never half believed."""

from __future__ import annotations

import dataclasses
import json
import struct
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from compliance.sealing import IdentityKey
from services.learning.aggregate import Factors, Rule, aggregate
from services.learning.contribution import (
    Expected,
    FileRound,
    Privacy,
    check_contribution,
    read_manifest,
    write_contribution,
)
from services.learning.errors import ContributionRefusedError

BASE = "sha256:" + "a" * 64
SHAPES = {"layers.0.q": (6, 5), "layers.0.v": (4, 5)}
KEY = IdentityKey.generate()
FIELDS = {
    "domain": "general",
    "base": BASE,
    "parent": "general@3",
    "epoch": 3,
    "site": "site-1",
    "examples": 40,
    "privacy": Privacy(mechanism="none"),
}


def a_delta(rank=2, seed=0, scale=0.1, shapes=None):
    random = np.random.default_rng(seed)
    return {
        m: Factors(
            (scale * random.normal(size=(o, rank))).astype(np.float32),
            random.normal(size=(rank, i)).astype(np.float32),
        )
        for m, (o, i) in (shapes or SHAPES).items()
    }


def expected(**changes):
    made = Expected(
        domain="general",
        base=BASE,
        parent="general@3",
        epoch=3,
        rank=2,
        shapes=SHAPES,
        max_norm=10.0,
        signer=lambda key: KEY.public if key == KEY.public.fingerprint else None,
        taken=lambda _manifest: False,
    )
    return dataclasses.replace(made, **changes)


def refused(path, because, **changes):
    with pytest.raises(ContributionRefusedError) as caught:
        check_contribution(path, expected(**changes))
    assert caught.value.reason == because


@pytest.fixture
def path(tmp_path):
    return tmp_path / "c.safetensors"


def test_what_was_written_is_taken(path):
    made = write_contribution(path, FIELDS, a_delta(), KEY)
    assert check_contribution(path, expected()) == made
    assert made.rank == 2


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"base": "sha256:" + "b" * 64}, "wrong-base"),
        ({"domain": "cardiology"}, "wrong-base"),
        ({"epoch": 4, "parent": "general@4"}, "stale-epoch"),
        ({"rank": 3}, "wrong-rank"),
        ({"shapes": {**SHAPES, "layers.0.v": (4, 6)}}, "wrong-shape"),
        ({"shapes": {"layers.0.q": (6, 5)}}, "wrong-shape"),
        ({"max_norm": 0.01}, "too-long"),
        ({"signer": lambda _key: None}, "unknown-signer"),
        ({"signer": lambda _key: IdentityKey.generate().public}, "bad-signature"),
        ({"taken": lambda _manifest: True}, "replayed"),
    ],
)
def test_what_does_not_fit_the_round_is_refused_by_name(path, changes, because):
    write_contribution(path, FIELDS, a_delta(), KEY)
    refused(path, because, **changes)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_refused(path, value):
    delta = a_delta()
    delta["layers.0.v"].up[1, 1] = value
    write_contribution(path, FIELDS, delta, KEY)
    refused(path, "not-finite")


def test_long_factors_that_cancel_do_not_hide_the_length_of_a_change(path):
    random = np.random.default_rng(0)
    shapes = {"layers.0.q": (64, 512)}
    up = (1e6 * random.normal(size=(64, 1))).astype(np.float32)
    down = (1e12 * random.normal(size=(1, 512))).astype(np.float32)
    other = -down
    other[0, 0] = np.nextafter(other[0, 0], np.float32(0))
    made = Factors(np.hstack([up, up]), np.vstack([down, other]))
    write_contribution(path, FIELDS, {"layers.0.q": made}, KEY)
    refused(path, "too-long", shapes=shapes, max_norm=1e9)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_figure_that_is_no_number_is_refused_before_anything_else(path, value):
    write_contribution(path, FIELDS, a_delta(), KEY)
    with safe_open(path, framework="np") as file:
        told = file.metadata()
    manifest = {**json.loads(told["manifest"]), "metrics": {"loss": value}}
    save_file(load_file(path), path, {**told, "manifest": json.dumps(manifest)})
    refused(path, "malformed")


@pytest.mark.parametrize("days", [-40, 1], ids=["too old", "clock ahead"])
def test_a_wrong_clock_is_refused(path, days):
    made = datetime.now(UTC) + timedelta(days=days)
    write_contribution(path, {**FIELDS, "made": made}, a_delta(), KEY)
    refused(path, "wrong-time")


def test_tensors_that_were_changed_after_signing_are_refused(path):
    write_contribution(path, FIELDS, a_delta(), KEY)
    raw = bytearray(path.read_bytes())
    raw[-2] ^= 1
    path.write_bytes(raw)
    refused(path, "digest-mismatch")


def test_a_manifest_that_was_changed_after_signing_is_refused(path):
    write_contribution(path, FIELDS, a_delta(), KEY)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'\\"examples\\":40', b'\\"examples\\":99'))
    refused(path, "bad-signature")


def header(told, data=b""):
    raw = json.dumps(told).encode()
    return struct.pack("<Q", len(raw)) + raw + data


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x80\x04pickle",
        struct.pack("<Q", 2**63) + b"{}",
        header({}),
        header({"__metadata__": {"manifest": "{}"}}),
        header({"a.up": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 999]}}),
        header(
            {"a.up": {"dtype": "F32", "shape": [2**40, 2], "data_offsets": [0, 8]}}, b"12345678"
        ),
    ],
    ids=["empty", "pickle", "huge header", "nothing", "no manifest", "beyond the end", "overflow"],
)
def test_a_file_that_is_no_contribution_is_refused(path, raw):
    path.write_bytes(raw)
    refused(path, "malformed")


def test_a_file_that_is_too_large_is_not_read(path, monkeypatch):
    write_contribution(path, FIELDS, a_delta(), KEY)
    monkeypatch.setattr("services.learning.contribution.MAX_BYTES", 100)
    with pytest.raises(ContributionRefusedError, match="too-large"):
        read_manifest(path)


def test_a_round_of_files_is_put_together_as_one_in_memory(tmp_path):
    paths = []
    for seed in range(5):
        paths.append(tmp_path / f"{seed}.safetensors")
        write_contribution(paths[-1], FIELDS, a_delta(seed=seed), KEY)
    made = aggregate(FileRound(paths), Rule.MEAN, rank=5)
    right = np.mean([a_delta(seed=s)["layers.0.q"].dense() for s in range(5)], axis=0)
    assert np.allclose(made.delta["layers.0.q"].dense(), right, atol=1e-5)
