"""The retention schedule: whole, reviewed, and never promising what nobody deletes."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from compliance.receipt import CLOCK_SKEW, LONGEST_VALIDITY
from compliance.retention import DEFAULT, RetentionError, Schedule, Sweeper

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def schedule():
    return Schedule.load()


@pytest.fixture
def written(tmp_path):
    """Write the schedule with a change."""

    def write(change):
        body = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
        change(body)
        path = tmp_path / "retention.yaml"
        path.write_text(yaml.safe_dump(body), encoding="utf-8")
        return path

    return write


def test_every_tier_has_its_rules_and_each_says_why_and_who_decides(schedule):
    for tier in ("device", "clinic", "hospital"):
        assert schedule.of(tier)
    assert all(rule.why and rule.decides and rule.where for rule in schedule.rules)


@pytest.mark.parametrize("rule", ["clinic.referral", "hospital.refused"])
def test_what_guards_against_a_second_coming_outlives_every_receipt(schedule, rule):
    assert schedule.rule(rule).keep > LONGEST_VALIDITY + CLOCK_SKEW


@pytest.mark.parametrize("rule", ["hospital.record", "hospital.audit", "hospital.open-referral"])
def test_what_no_program_may_delete_by_age_has_no_time(schedule, rule):
    assert schedule.rule(rule).keep is None


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b["rules"].append(b["rules"][0]),
        lambda b: b["rules"][0].pop("why"),
        lambda b: b["rules"][0].update(why=""),
        lambda b: b["rules"][0].update(keep="P-3D"),
        lambda b: b["rules"][0].update(keep="a year"),
        lambda b: b["rules"][0].update(tier="clinic"),
        lambda b: b["rules"][0].update(more="x"),
        lambda b: b.pop("reviewer"),
        lambda b: b.update(rules=[]),
    ],
)
def test_a_schedule_that_is_not_whole_is_refused(written, change):
    with pytest.raises(RetentionError):
        Schedule.load(written(change))


@pytest.mark.parametrize("content", [b"", b"\xff", b"[1", b"- 1"])
def test_a_file_that_is_no_schedule_is_refused(tmp_path, content):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(RetentionError):
        Schedule.load(path)


def test_a_rule_that_is_not_there_is_an_error(schedule):
    with pytest.raises(RetentionError):
        schedule.rule("hospital.nothing")


def deleters(seen, *, but=(), more=()):
    names = [r.id for r in Schedule.load().of("clinic") if r.keep is not None]
    return {
        name: lambda before, held, name=name: seen.append((name, before, held)) or 1
        for name in [*(n for n in names if n not in but), *more]
    }


@pytest.mark.parametrize("change", [{"but": ["clinic.token"]}, {"more": ["clinic.other"]}])
def test_a_rule_that_nobody_deletes_by_and_a_deleter_without_rule_are_refused(schedule, change):
    with pytest.raises(RetentionError):
        Sweeper(schedule, "clinic", deleters([], **change))


def test_each_deleter_is_told_before_when_and_what_is_held(schedule):
    seen, held = [], frozenset({"referral:1"})
    counts = Sweeper(schedule, "clinic", deleters(seen), lambda: held).sweep(NOW)
    assert counts == {"clinic.referral": 1, "clinic.signal": 1, "clinic.token": 1}
    assert seen == [
        ("clinic.referral", NOW - timedelta(days=31), held),
        ("clinic.signal", NOW - timedelta(days=180), frozenset()),
        ("clinic.token", NOW, frozenset()),
    ]


def test_one_that_fails_holds_up_no_other_and_says_nothing_of_what_it_held(schedule, caplog):
    seen = []
    made = deleters(seen)

    def broken(_before, _held):
        raise ValueError("Ana has asthma")

    made["clinic.referral"] = broken
    with caplog.at_level(logging.ERROR):
        done = Sweeper(schedule, "clinic", made).sweep(NOW)
    assert done == {"clinic.signal": 1, "clinic.token": 1}
    assert "clinic.referral: ValueError" in caplog.text
    assert "Ana" not in caplog.text


def test_without_knowing_what_is_held_nothing_is_deleted(schedule):
    seen = []

    def unknown():
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - any failure will do
        Sweeper(schedule, "clinic", deleters(seen), unknown).sweep(NOW)
    assert seen == []
