"""Whatever happens to a node, in whatever order, no brick is in use that must not be."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.bricks.errors import BrickError, BrickUnknownError
from services.bricks.updater.installed import Installed

VERSIONS = st.integers(1, 6)


class History(RuleBasedStateMachine):
    """One brick, and everything that publisher, operator, measures and updates may do to it."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.installed = Installed(Path(self._folder.name))
        self.revoked: set[int] = set()
        self.worse: set[int] = set()

    def teardown(self) -> None:
        self._folder.cleanup()

    @property
    def active(self) -> int | None:
        return self.installed.active().get("a")

    @rule(version=VERSIONS)
    def an_update_comes(self, version: int) -> None:
        now = self.installed.state().of("a")
        try:
            self.installed.activate(f"a@{version}")
        except BrickError:
            return
        assert version >= now.highest or version in {now.active, now.pinned}
        assert now.pinned in {None, version}

    @rule(version=VERSIONS)
    def the_publisher_takes_back(self, version: int) -> None:
        self.installed.revoke({f"a@{version}": "unsafe"})
        self.revoked.add(version)

    @rule()
    def a_measure_gets_worse(self) -> None:
        before = self.active
        try:
            after = self.installed.fall_back("a", "worse")
        except BrickUnknownError:
            assert before is None
            return
        assert before is not None
        self.worse.add(before)
        assert after is None or after != before

    @rule(version=VERSIONS)
    def the_operator_rolls_back(self, version: int) -> None:
        before = self.active
        try:
            self.installed.roll_back(f"a@{version}", "by hand")
        except BrickError:
            return
        self.worse.discard(version)
        if before is not None:
            self.worse.add(before)

    @rule(version=st.none() | VERSIONS)
    def the_operator_pins(self, version: int | None) -> None:
        try:
            self.installed.pin("a", version)
        except BrickError:
            assert version in self.revoked

    @rule()
    def the_operator_drops(self) -> None:
        self.installed.drop("a")
        assert self.active is None

    @invariant()
    def nothing_is_in_use_that_was_taken_back_or_put_aside(self) -> None:
        assert self.active not in self.revoked
        assert self.active not in self.worse

    @invariant()
    def the_last_good_version_is_usable_and_another_one(self) -> None:
        state = self.installed.state()
        good = state.good("a")
        assert good is None or good not in self.revoked | self.worse
        assert good is None or good != state.of("a").active


TestAnyHistory = History.TestCase
TestAnyHistory.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, derandomize=True, database=None
)
