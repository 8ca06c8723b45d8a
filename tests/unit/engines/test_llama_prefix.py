"""What was read of a shared beginning is kept, and never changes an answer."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import stat

import pytest

from services.engines.llama import LlamaEngine
from services.engines.llama.lane import Lane
from services.engines.llama.prefix import PrefixFolder, prefix_key
from services.engines.protocol import Budget, Prompt
from services.engines.settings import embedded_model

SYSTEM = "Copy each sentence of the material and name its source. " * 6
PROMPT = Prompt(SYSTEM, "What is asthma?")
OTHER = Prompt(SYSTEM, "Who gets gout?")
BUDGET = Budget(tokens=3, seconds=120)


@pytest.fixture
def read(monkeypatch):
    """Counts the tokens that models really read."""
    counted: list[int] = []
    decode = Lane._decode

    def counting(self, tokens):
        counted.append(len(tokens))
        decode(self, tokens)

    monkeypatch.setattr(Lane, "_decode", counting)
    return counted


@pytest.fixture
async def open_engine(tmp_path):
    """Engines with the same folder for prefix files, closed at the end."""
    opened: list[LlamaEngine] = []

    def make(*, shared=(SYSTEM,), folder=tmp_path / "prefixes") -> LlamaEngine:
        opened.append(
            LlamaEngine(
                embedded_model(),
                threads=1,
                context=256,
                prefixes=PrefixFolder(folder),
                shared=shared,
            )
        )
        return opened[-1]

    yield make
    for engine in opened:
        await engine.close()


@pytest.fixture(scope="module")
def cold():
    """What the engine answers when it keeps nothing."""

    async def answers() -> dict[Prompt, object]:
        engine = LlamaEngine(embedded_model(), threads=1, context=256)
        found = {p: await engine.complete(p, BUDGET, scores=True) for p in (PROMPT, OTHER)}
        await engine.close()
        return found

    return asyncio.run(answers())


def files(tmp_path):
    return sorted((tmp_path / "prefixes").glob("*"))


async def test_kept_or_from_a_file_the_answer_is_the_same_to_the_bit(open_engine, cold, read):
    first, second = open_engine(), open_engine()
    assert await first.complete(PROMPT, BUDGET, scores=True) == cold[PROMPT]
    whole = sum(read)
    read.clear()
    assert await first.complete(OTHER, BUDGET, scores=True) == cold[OTHER]
    assert sum(read) < whole / 4
    read.clear()
    assert await second.complete(PROMPT, BUDGET, scores=True) == cold[PROMPT]
    assert sum(read) < whole / 4


async def test_what_nobody_said_is_shared_is_neither_kept_nor_written(open_engine, read, tmp_path):
    engine = open_engine(shared=())
    await engine.complete(PROMPT, BUDGET)
    whole = sum(read)
    read.clear()
    await engine.complete(PROMPT, BUDGET)
    assert sum(read) == whole
    assert files(tmp_path) == []


async def test_only_the_shared_system_part_is_written(open_engine, tmp_path):
    engine = open_engine()
    await engine.complete(PROMPT, BUDGET)
    written = [path.read_bytes() for path in files(tmp_path)]
    await engine.complete(OTHER, BUDGET)
    assert [path.read_bytes() for path in files(tmp_path)] == written


async def test_a_system_part_can_be_shared_later(open_engine, tmp_path):
    engine = open_engine(shared=())
    engine.share(SYSTEM)
    await engine.complete(PROMPT, BUDGET)
    assert len(files(tmp_path)) == 1


async def test_each_adapter_has_a_beginning_of_its_own(open_engine, adapter_files, tmp_path):
    engine, plain = open_engine(), open_engine(shared=())
    prompts = [PROMPT, dataclasses.replace(PROMPT, adapter="amber")]
    for one in (engine, plain):
        await one.hold(adapter_files["amber"])
    wanted = [await plain.complete(p, BUDGET, scores=True) for p in prompts]
    for _ in range(2):
        assert [await engine.complete(p, BUDGET, scores=True) for p in prompts] == wanted
    assert len(files(tmp_path)) == 2


async def test_a_file_that_was_damaged_is_made_anew(open_engine, cold, tmp_path):
    await open_engine().complete(PROMPT, BUDGET)
    (path,) = files(tmp_path)
    sound = path.read_bytes()
    middle = len(sound) // 2
    path.write_bytes(sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :])
    assert await open_engine().complete(PROMPT, BUDGET, scores=True) == cold[PROMPT]
    assert path.read_bytes() == sound


async def test_a_sealed_file_that_the_library_cannot_read_is_made_anew(open_engine, cold, tmp_path):
    await open_engine().complete(PROMPT, BUDGET)
    (path,) = files(tmp_path)
    sound = path.read_bytes()
    PrefixFolder(path.parent).save(path.stem, b"no keys and values")
    assert await open_engine().complete(PROMPT, BUDGET, scores=True) == cold[PROMPT]
    assert path.read_bytes() == sound


async def test_a_folder_that_cannot_be_written_costs_nothing_but_the_file(
    open_engine, cold, tmp_path
):
    (tmp_path / "taken").write_text("a file stands where the folder should")
    engine = open_engine(folder=tmp_path / "taken")
    assert await engine.complete(PROMPT, BUDGET, scores=True) == cold[PROMPT]


def test_files_used_longest_ago_go_when_the_folder_is_full(tmp_path):
    folder = PrefixFolder(tmp_path, limit=1000)
    for number, key in enumerate("abc"):
        folder.save(key, bytes(300))
        os.utime(tmp_path / f"{key}.prefix", (number, number))
    assert folder.load("a") == bytes(300)  # used again
    folder.save("d", bytes(300))
    assert [folder.load(key) is not None for key in "abcd"] == [True, False, True, True]


def test_what_is_larger_than_the_folder_may_be_is_not_written(tmp_path):
    folder = PrefixFolder(tmp_path / "new", limit=100)
    folder.save("a", bytes(100))
    assert folder.load("a") is None
    assert not (tmp_path / "new").exists()


def test_a_file_under_another_name_is_not_taken_for_it(tmp_path):
    folder = PrefixFolder(tmp_path)
    folder.save("a", b"of a")
    (tmp_path / "a.prefix").rename(tmp_path / "b.prefix")
    assert folder.load("b") is None


@pytest.mark.parametrize("content", [b"", b"short", bytes(1000)])
def test_a_file_that_is_not_sound_is_removed(tmp_path, content):
    (tmp_path / "a.prefix").write_bytes(content)
    assert PrefixFolder(tmp_path).load("a") is None
    assert not (tmp_path / "a.prefix").exists()


def test_writes_that_were_broken_off_are_cleared_away(tmp_path):
    (tmp_path / "x.part").write_bytes(b"half")
    os.utime(tmp_path / "x.part", (0, 0))
    PrefixFolder(tmp_path).save("a", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a.prefix"]


def test_the_files_are_for_their_owner_alone(tmp_path):
    PrefixFolder(tmp_path / "new").save("a", b"data")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / "a.prefix").stat().st_mode) == 0o600


def test_the_name_depends_on_all_that_decides_the_content(monkeypatch):
    keys = {
        prefix_key("m", "", (1, 2)),
        prefix_key("n", "", (1, 2)),
        prefix_key("m", "a", (1, 2)),
        prefix_key("m", "", (12,)),
    }
    monkeypatch.setattr("services.engines.llama.prefix.version", lambda _: "9")
    assert len(keys | {prefix_key("m", "", (1, 2))}) == 5
