"""Byte-level BPE tokenizers: a GGUF header's fields, and the files that Transformers reads.

How text is cut before pairs are merged is only named in a GGUF header, so a name is written only
for a cut that is known here exactly; everything else is refused, because a model whose words are
cut otherwise than it learned gets quietly worse.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import GGUFValueType, TokenType
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing

from services.bricks.adapters.base import read_json
from services.bricks.adapters.gguf_file import Field, GgufFile
from services.bricks.errors import BrickError

_PREFIX = "tokenizer.ggml."
_TEXT, _NUMBER, _TRUTH = GGUFValueType.STRING, GGUFValueType.UINT32, GGUFValueType.BOOL
_LIST, _SIGNED = GGUFValueType.ARRAY, GGUFValueType.INT32
_IDS = {
    "bos_token": "bos_token_id",
    "eos_token": "eos_token_id",
    "unk_token": "unknown_token_id",
    "pad_token": "padding_token_id",
}
_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True)
class _Cut:
    """How text is cut before merging, and whether a word of the vocabulary is taken whole."""

    cut: Any
    whole_words: bool = False

    def state(self) -> Any:
        return json.loads(self.cut.__getstate__())


def _known() -> dict[str, _Cut]:
    level = pre_tokenizers.ByteLevel
    digits = pre_tokenizers.Digits(individual_digits=True)
    split = pre_tokenizers.Split(Regex(_LLAMA3), "isolated")
    plain = level(add_prefix_space=False, use_regex=False)
    return {
        "smollm": _Cut(pre_tokenizers.Sequence([digits, level(add_prefix_space=False)])),
        "gpt-2": _Cut(level(add_prefix_space=False)),
        "llama-bpe": _Cut(pre_tokenizers.Sequence([split, plain]), whole_words=True),
    }


def tokenizer_fields(folder: Path, vocabulary: int) -> dict[str, Field]:
    """The header's fields for the tokenizer of a folder in Transformers' form.

    Args:
        folder: with ``tokenizer.json``.
        vocabulary: rows of the model's embedding; ids without a word are marked as unused.

    Raises:
        BrickError: the tokenizer is of a kind that cannot be written without loss.
    """
    told = read_json(folder / "tokenizer.json")
    config = read_json(folder / "tokenizer_config.json")
    name = _name_of(told)
    opened = Tokenizer.from_file(str(folder / "tokenizer.json"))  # refuses what is not whole
    words: dict[str, int] = dict(told["model"]["vocab"])
    special = {str(t["content"]): t for t in told.get("added_tokens", [])}
    words |= {text: token["id"] for text, token in special.items()}
    by_id = {number: word for word, number in words.items()}
    if len(by_id) != len(words) or max(by_id, default=0) >= vocabulary:
        raise BrickError(f"{folder.name}: the tokenizer's words do not fit the model's embedding.")
    tokens = [by_id.get(i, f"[PAD{i}]") for i in range(vocabulary)]
    kinds = [_kind(by_id.get(i), special) for i in range(vocabulary)]
    merges = [m if isinstance(m, str) else " ".join(m) for m in told["model"]["merges"]]
    fields = {
        "model": Field("gpt2", _TEXT),
        "pre": Field(name, _TEXT),
        "tokens": Field(tokens, _LIST, _TEXT),
        "token_type": Field(kinds, _LIST, _SIGNED),
        "merges": Field(merges, _LIST, _TEXT),
        "add_bos_token": Field(_adds(opened, config, words), _TRUTH),
        "add_space_prefix": Field(value=False, type=_TRUTH),
    }
    for key, field in _IDS.items():
        text = _text(config.get(key))
        if text is not None and text in words:
            fields[field] = Field(words[text], _NUMBER)
    whole = {_PREFIX + key: field for key, field in fields.items()}
    if template := _template(folder, config):
        whole["tokenizer.chat_template"] = Field(template, _TEXT)
    return whole


def _name_of(told: dict[str, Any]) -> str:
    model = told.get("model", {})
    if model.get("type") != "BPE" or model.get("byte_fallback") or told.get("normalizer"):
        raise BrickError(
            f"The tokenizer is no byte-level BPE, but {model.get('type')}: it is not converted."
        )
    for name, known in _known().items():
        same = _bare(told.get("pre_tokenizer")) == _bare(known.state())
        if same and bool(model.get("ignore_merges")) == known.whole_words:
            return name
    raise BrickError(
        "The tokenizer cuts text in a way that is not known here: it is not converted."
    )


def _bare(state: Any) -> Any:
    """A tokenizer part's state without what changes only offsets."""
    if isinstance(state, dict):
        return {k: _bare(v) for k, v in state.items() if k != "trim_offsets"}
    return [_bare(part) for part in state] if isinstance(state, list) else state


def _kind(word: str | None, special: dict[str, dict[str, Any]]) -> int:
    if word is None:
        return int(TokenType.UNUSED)
    if word not in special:
        return int(TokenType.NORMAL)
    return int(TokenType.CONTROL if special[word].get("special") else TokenType.USER_DEFINED)


def _adds(opened: Tokenizer, config: dict[str, Any], words: dict[str, int]) -> bool:
    first = opened.encode("a").ids[:1]
    return bool(first == [words.get(_text(config.get("bos_token")) or "")])


def _text(token: Any) -> str | None:
    """The text of a token that a configuration names, as text or as an object."""
    text = token.get("content") if isinstance(token, dict) else token
    return text if isinstance(text, str) else None


def _template(folder: Path, config: dict[str, Any]) -> str | None:
    beside = folder / "chat_template.jinja"
    if beside.is_file():
        return beside.read_text(encoding="utf-8")
    return _text(config.get("chat_template"))


def write_tokenizer(held: GgufFile, folder: Path) -> None:
    """Write the files that Transformers reads.

    Raises:
        BrickError: the header's tokenizer is of a kind that is not known here.
    """
    known = _known().get(str(held.get(_PREFIX + "pre")))
    tokens, kinds, merges = (held.get(_PREFIX + k) for k in ("tokens", "token_type", "merges"))
    if known is None or held.get(_PREFIX + "model") != "gpt2" or not (tokens and kinds and merges):
        raise BrickError(f"{held.path.name} has a tokenizer that is not known here.")
    real = {word: i for i, word in enumerate(tokens) if kinds[i] != TokenType.UNUSED}
    pairs = [tuple(merge.split(" ", 1)) for merge in merges]
    made = Tokenizer(models.BPE(real, pairs, ignore_merges=known.whole_words))
    made.pre_tokenizer = known.cut
    made.decoder = decoders.ByteLevel()
    named = {
        key: tokens[number]
        for key, field in _IDS.items()
        if isinstance(number := held.get(_PREFIX + field), int) and number < len(tokens)
    }
    for word, kind in zip(tokens, kinds, strict=True):
        if kind == TokenType.CONTROL:
            made.add_special_tokens([AddedToken(word, special=True, normalized=False)])
        elif kind == TokenType.USER_DEFINED:
            made.add_tokens([AddedToken(word, normalized=False)])
    if held.get(_PREFIX + "add_bos_token") and "bos_token" in named:
        bos = named["bos_token"]
        made.post_processor = TemplateProcessing(
            single=[bos, "$A"], pair=[bos, "$A", "$B"], special_tokens=[(bos, real[bos])]
        )
    made.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", **named}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    if template := held.get("tokenizer.chat_template"):
        (folder / "chat_template.jinja").write_text(template, "utf-8")
