"""A run: what becomes of each item, a pack that loads, a run that breaks off and goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
import yaml

from services.bricks.compact import MANIFEST, TOPICS
from services.bricks.errors import BrickError
from services.bricks.ingest import ManifestError, ingest, manifest_of
from services.bricks.ingest.journal import NAME, Journal
from services.bricks.ingest.tally import KEPT, PROBLEMS
from services.bricks.knowledge import PACKS, TIERS, Knowledge, pack_folders


def line(number: int, section: str = "symptoms", **fields) -> str:
    held = {"title": f"Illness {number}", "section": section, "text": f"It has sign {number}."}
    return json.dumps(held | fields) + "\n"


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(lines))
    return path


class TestManifest:
    @pytest.mark.parametrize("name", ["title", "publisher", "licence", "date", "id"])
    def test_what_is_not_said_is_refused_by_name(self, fields, name):
        del fields[name]
        with pytest.raises(ManifestError, match=f"{name} is not said"):
            manifest_of(fields)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("date", "soon"),
            ("date", "2999-01-01"),
            ("url", "http://example.org"),
            ("id", "A pack"),
            ("kind", "illness"),
            ("level", "cloud"),
            ("language", "tlh"),
            ("licence", " "),
            ("colour", "red"),
        ],
    )
    def test_what_is_wrong_is_refused_by_name(self, fields, name, value):
        with pytest.raises(ManifestError, match=name):
            manifest_of(fields | {name: value})

    def test_options_come_before_the_file(self, tmp_path, fields):
        file = tmp_path / "pack.yaml"
        file.write_text(yaml.safe_dump(fields | {"license": fields.pop("licence")}))
        made = manifest_of({"title": "Other", "url": None}, file)
        assert (made.title, made.licence, made.url) == ("Other", "CC BY 4.0", fields["url"])

    @pytest.mark.parametrize("text", ["[", "- a", "", "\x00"])
    def test_a_file_that_is_no_mapping_is_refused(self, tmp_path, text):
        file = tmp_path / "pack.yaml"
        file.write_text(text)
        with pytest.raises(ManifestError, match=r"pack\.yaml"):
            manifest_of({}, file)


class TestPack:
    def test_a_pack_loads_with_what_went_in(self, tmp_path, pack):
        source = write(
            tmp_path / "a.jsonl",
            line(1, url="http://example.org/1"),
            line(1, "treatment", text="Rest helps.", url="http://example.org/1"),
            line(2, "zebra", date="2024-02-03", publisher="WHO"),
        )
        report = ingest([source], tmp_path / "out", pack)
        assert (report.items, report.topics, report.passages, report.bad) == (3, 2, 3, 0)
        first, second = Knowledge.load("device", tmp_path / "out").topics
        assert first.head.title == "Illness 1"
        assert first.head.id.startswith("leaflets-illness-1-")
        assert [p.section for p in first.passages] == ["symptoms", "treatment"]
        assert first.passages[0].source.url == "https://example.org/1"
        assert first.passages[0].date == "2025-06-30"
        assert (second.passages[0].section, second.passages[0].date) == ("more", "2024-02-03")
        assert second.passages[0].source.name == "WHO"
        assert second.passages[0].source.url == "https://example.org/leaflets"

    def test_the_manifest_says_what_the_pack_is(self, tmp_path, pack, fields):
        ingest([write(tmp_path / "a.jsonl", line(1))], tmp_path / "out", pack)
        held = yaml.safe_load((tmp_path / "out" / MANIFEST).read_text())
        assert fields.items() <= held.items()
        assert (held["topics"], held["passages"]) == (1, 1)
        assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [MANIFEST, TOPICS]

    def test_the_same_material_gives_the_same_bytes(self, tmp_path, pack):
        source = write(tmp_path / "a.jsonl", *(line(i) for i in range(20)))
        for out in ("one", "two"):
            ingest([source], tmp_path / out, pack)
        assert (tmp_path / "one" / TOPICS).read_bytes() == (tmp_path / "two" / TOPICS).read_bytes()

    def test_a_folder_is_read_whole_and_what_is_unknown_ignored(self, tmp_path, pack):
        folder = tmp_path / "in"
        (folder / "sub").mkdir(parents=True)
        (folder / "gout.html").write_text("<h1>Gout</h1><p>Gout is arthritis.</p>")
        (folder / "sub" / "flu.md").write_text("# Flu\n\nFlu spreads easily.\n")
        (folder / "LICENSE.txt").write_text("x")
        (folder / ".hidden.md").write_text("# No\n\nNot this one.\n")
        report = ingest([folder], tmp_path / "out", pack)
        assert (report.topics, report.ignored, report.bad) == (2, 1, 0)

    def test_pages_of_one_name_in_two_folders_are_two_documents(self, tmp_path, pack):
        for name in ("gout", "flu"):
            (tmp_path / ".in" / name).mkdir(parents=True)
            text = f"<h1>Illness</h1><p>This is about {name}.</p>"
            (tmp_path / ".in" / name / "index.html").write_text(text)
        (tmp_path / ".in" / "index.pdf").write_bytes(b"x")
        report = ingest([tmp_path / ".in"], tmp_path / "out", pack)
        assert (report.topics, report.bad) == (2, 1)

    def test_a_problem_in_a_folder_says_where(self, tmp_path, pack):
        (tmp_path / "in" / "sub").mkdir(parents=True)
        write(tmp_path / "in" / "sub" / "a.jsonl", line(1), "{")
        report = ingest([tmp_path / "in"], tmp_path / "out", pack)
        assert report.problems[0].place == "sub/a.jsonl:2"

    def test_a_file_that_is_named_and_unknown_is_a_problem(self, tmp_path, pack):
        good = write(tmp_path / "a.jsonl", line(1))
        report = ingest([write(tmp_path / "b.txt", "x"), good], tmp_path / "out", pack)
        assert [(p.place, report.topics) for p in report.problems] == [("b.txt", 1)]

    def test_the_same_item_twice_is_taken_once(self, tmp_path, pack):
        source = write(tmp_path / "a.jsonl", line(1), line(1))
        report = ingest([source, source], tmp_path / "out", pack)
        assert (report.items, report.repeated, report.topics) == (4, 3, 1)

    def test_bad_items_are_reported_with_their_place_and_stop_nothing(self, tmp_path, pack):
        source = write(tmp_path / "a.jsonl", line(1), "{\n", line(2, text="More"), line(3))
        report = ingest([source, tmp_path / "gone.jsonl"], tmp_path / "out", pack)
        assert (report.topics, report.bad) == (2, 3)
        assert [(p.place, p.reason) for p in report.problems] == [
            ("a.jsonl:2", "not JSON"),
            ("a.jsonl:3", "no sentence that can be quoted"),
            ("gone.jsonl", "cannot be read: No such file or directory"),
        ]
        held = (tmp_path / "out" / PROBLEMS).read_text().splitlines()
        assert json.loads(held[0]) == {"place": "a.jsonl:2", "reason": "not JSON"}

    def test_however_many_problems_all_are_written_down(self, tmp_path, pack):
        source = write(tmp_path / "a.jsonl", line(1), *(f"{i}\n" for i in range(KEPT + 50)))
        report = ingest([source], tmp_path / "out", pack)
        assert (report.bad, len(report.problems)) == (KEPT + 50, KEPT)
        assert len((tmp_path / "out" / PROBLEMS).read_text().splitlines()) == KEPT + 50

    def test_an_item_without_any_address_is_a_problem(self, tmp_path, pack):
        bare = pack.model_copy(update={"url": None})
        source = write(
            tmp_path / "a.jsonl",
            line(1),
            line(2, url="https://example.org/2"),
            line(3, url="ftp://example.org"),
            line(4, url="https://user@example.org"),
        )
        report = ingest([source], tmp_path / "out", bare)
        assert (report.topics, report.bad) == (1, 3)
        assert "no address" in report.problems[0].reason

    def test_nothing_usable_makes_no_pack(self, tmp_path, pack):
        with pytest.raises(BrickError, match="Nothing in the sources") as raised:
            ingest([write(tmp_path / "a.jsonl", "{")], tmp_path / "out", pack)
        assert "a.jsonl:1: not JSON" in raised.value.advice
        assert not (tmp_path / "out" / MANIFEST).exists()

    def test_another_pack_is_not_written_over(self, tmp_path, pack):
        source = write(tmp_path / "a.jsonl", line(1))
        ingest([source], tmp_path / "out", pack)
        with pytest.raises(BrickError, match="holds the pack leaflets"):
            ingest([source], tmp_path / "out", pack.model_copy(update={"id": "other"}))
        ingest([source], tmp_path / "out", pack)

    def test_a_folder_of_markdown_is_not_made_a_pack(self, tmp_path, pack):
        source = write(tmp_path / "a.jsonl", line(1))
        with pytest.raises(BrickError, match="holds Markdown"):
            ingest([source], PACKS, pack)

    def test_what_a_reader_did_not_foresee_says_only_its_kind(self, tmp_path, pack):
        bad = tmp_path / "b.md"
        bad.write_bytes(b"# Patient John\xff")
        report = ingest([write(tmp_path / "a.jsonl", line(1)), bad], tmp_path / "out", pack)
        assert report.problems[0].reason == "cannot be read (UnicodeDecodeError)"


def stop_at(number: int):
    """A progress that breaks the run off after so many items."""
    seen = iter(range(1000))

    def stop(_path, _size):
        if next(seen) == number:
            raise KeyboardInterrupt

    return stop


class TestResume:
    def test_a_run_that_broke_off_goes_on_where_it_stopped(self, tmp_path, pack):
        source = write(tmp_path / "a.jsonl", *(line(i) for i in range(30)), "{\n", line(31))
        ingest([source], tmp_path / "whole", pack)
        with pytest.raises(KeyboardInterrupt):
            ingest([source], tmp_path / "out", pack, progress=stop_at(10))
        assert not (tmp_path / "out" / TOPICS).exists()
        report = ingest([source], tmp_path / "out", pack)
        assert (report.items, report.resumed, report.bad) == (32, 11, 1)
        whole = (tmp_path / "whole" / TOPICS).read_bytes()
        assert (tmp_path / "out" / TOPICS).read_bytes() == whole
        assert not (tmp_path / "out" / NAME).exists()

    def test_a_problem_of_the_first_run_is_reported_by_the_second(self, tmp_path, pack):
        source = write(tmp_path / "a.jsonl", "{\n", line(1), line(2))
        with pytest.raises(KeyboardInterrupt):
            ingest([source], tmp_path / "out", pack, progress=stop_at(1))
        report = ingest([source], tmp_path / "out", pack)
        assert (report.resumed, report.bad) == (2, 1)

    @pytest.mark.parametrize("cut", [1, 20, 75])
    def test_a_torn_last_line_is_cut_away(self, tmp_path, pack, cut):
        with Journal(tmp_path, pack) as journal:
            for number in range(3):
                journal.add(bytes([number]) * 32, {"number": number})
        path = tmp_path / NAME
        path.write_bytes(path.read_bytes()[:-cut])
        with Journal(tmp_path, pack) as journal:
            assert journal.find(bytes([1]) * 32) is not None
            assert journal.find(bytes([2]) * 32) is None
            place = journal.add(bytes([2]) * 32, {"number": 2})
            assert journal.get(place)["number"] == 2

    def test_another_format_is_tried_anew(self, tmp_path, pack):
        source = write(tmp_path / "a.jsonl", line(1))
        with pytest.raises(BrickError, match="Nothing"):
            ingest([source], tmp_path / "out", pack, "fhir")
        report = ingest([source], tmp_path / "out", pack, "jsonl")
        assert (report.topics, report.resumed) == (1, 0)

    def test_a_journal_of_another_manifest_is_begun_anew(self, tmp_path, pack):
        with Journal(tmp_path, pack) as journal:
            journal.add(b"x" * 32, {})
        with Journal(tmp_path, pack.model_copy(update={"licence": "other"})) as journal:
            assert journal.find(b"x" * 32) is None

    def test_two_runs_do_not_write_to_one_folder(self, tmp_path, pack):
        with Journal(tmp_path, pack), pytest.raises(BrickError, match="Another run"):
            Journal(tmp_path, pack)

    def test_a_killed_process_loses_no_item_and_leaves_no_half_pack(self, tmp_path, pack, fields):
        source = write(tmp_path / "a.jsonl", *(line(i) for i in range(400)))
        ingest([source], tmp_path / "whole", pack)
        code = (
            "import sys, time; from pathlib import Path\n"
            "from services.bricks.ingest import ingest, manifest_of\n"
            f"made = manifest_of({fields!r})\n"
            "wait = lambda path, size: time.sleep(0.01)\n"
            f"ingest([Path({str(source)!r})], Path({str(tmp_path / 'out')!r}), made, progress=wait)"
        )
        for _ in range(2):
            process = subprocess.Popen([sys.executable, "-c", code])
            before = _size(tmp_path / "out" / NAME)
            while process.poll() is None and _size(tmp_path / "out" / NAME) < before + 4000:
                time.sleep(0.01)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            assert not (tmp_path / "out" / MANIFEST).exists()
        report = ingest([source], tmp_path / "out", pack)
        assert report.resumed > 20
        whole = (tmp_path / "whole" / TOPICS).read_bytes()
        assert (tmp_path / "out" / TOPICS).read_bytes() == whole


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def test_memory_does_not_grow_with_the_text(tmp_path, pack):
    body = "It is a long text about a sign that comes and goes again. " * 200
    source = tmp_path / "a.jsonl"
    with source.open("w") as stream:
        stream.writelines(line(i, text=f"{body} Number {i} is last.") for i in range(600))
    assert source.stat().st_size > 6 * 2**20
    tracemalloc.start()
    ingest([source], tmp_path / "out", pack)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 2**20


class TestLoading:
    def make(self, tmp_path, pack, name="out", **update):
        source = write(tmp_path / f"{name}.jsonl", *(line(i) for i in range(3)))
        ingest([source], tmp_path / name, pack.model_copy(update=update))
        return tmp_path / name

    def test_several_folders_are_read_one_after_the_other(self, tmp_path, pack):
        folders = [self.make(tmp_path, pack), self.make(tmp_path, pack, "two", id="two")]
        assert len(Knowledge.load("device", folders).topics) == 6
        assert len(Knowledge.load("device", tmp_path).topics) == 6

    def test_the_variable_adds_folders_to_the_built_in_pack(self, tmp_path, pack, monkeypatch):
        built_in = len(Knowledge.load("hospital").topics)
        folders = [self.make(tmp_path, pack), self.make(tmp_path, pack, "two", id="two")]
        monkeypatch.setenv("CARETIER_PACKS", os.pathsep.join(map(str, folders)))
        assert pack_folders() == (PACKS, *folders)
        assert len(Knowledge.load("hospital").topics) == built_in + 6

    def test_a_folder_that_the_variable_names_must_be_there(self, tmp_path, monkeypatch):
        monkeypatch.setenv("CARETIER_PACKS", str(tmp_path / "gone"))
        with pytest.raises(BrickError, match="CARETIER_PACKS"):
            Knowledge.load("device")

    def test_a_pack_keeps_to_its_tier(self, tmp_path, pack):
        folder = self.make(tmp_path, pack, level="clinic")
        held = {level: Knowledge.load(level, folder) for level in TIERS}
        assert [len(k.topics) for k in held.values()] == [0, 3, 3]
        assert len(held["device"].directory) == 3

    def test_markdown_beside_a_pack_is_read_and_in_it_is_not(self, tmp_path, pack):
        folder = self.make(tmp_path, pack)
        topic = next((PACKS / "primary-care").rglob("asthma.md")).read_text()
        (folder / "README.md").write_text("# About")
        (tmp_path / "asthma.md").write_text(topic)
        assert len(Knowledge.load("device", tmp_path).topics) == 4

    def test_the_same_pack_twice_is_refused(self, tmp_path, pack):
        folder = self.make(tmp_path, pack)
        with pytest.raises(BrickError, match="Two topics are called"):
            Knowledge.load("device", [folder, folder])

    def test_the_digest_follows_the_text(self, tmp_path, pack):
        first = self.make(tmp_path, pack)
        again = self.make(tmp_path, pack, "two")
        other = self.make(tmp_path, pack, "three", date=pack.date.replace(year=2020))
        digests = [Knowledge.load("device", f).digest for f in (first, again, other)]
        assert digests[0] == digests[1] != digests[2]

    @pytest.mark.parametrize("change", [b"sign 1", b""])
    def test_topics_that_were_changed_are_refused(self, tmp_path, pack, change):
        folder = self.make(tmp_path, pack)
        raw = (folder / TOPICS).read_bytes()
        (folder / TOPICS).write_bytes(raw.replace(b"sign 1", b"sign 7") if change else raw[:-90])
        with pytest.raises(BrickError):
            Knowledge.load("device", folder)

    @pytest.mark.parametrize(
        "bad",
        [
            "{}",
            "[]",
            "{",
            '{"head": {}, "passages": []}',
            "null",
        ],
    )
    def test_a_line_that_is_no_topic_is_refused_by_its_number(self, tmp_path, pack, bad):
        folder = self.make(tmp_path, pack)
        with (folder / TOPICS).open("a") as stream:
            stream.write(f"{bad}\n")
        with pytest.raises(BrickError, match=r"topics\.jsonl:4: not a topic"):
            Knowledge.load("device", folder)

    def test_topics_without_manifest_are_refused(self, tmp_path, pack):
        folder = self.make(tmp_path, pack)
        (folder / MANIFEST).unlink()
        with pytest.raises(BrickError, match="cannot be read"):
            Knowledge.load("device", folder)
