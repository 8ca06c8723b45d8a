"""Guessing passwords of the portal at once, and strangers before its programs' doors."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher

from services.hospital.accounts import FAILURES_BEFORE_LOCK, Accounts
from services.hospital.errors import SignInError


@pytest.fixture
def accounts(database, monkeypatch):
    class Quick(PasswordHasher):
        def __init__(self) -> None:
            super().__init__(time_cost=1, memory_cost=64, parallelism=1)

    monkeypatch.setattr("services.hospital.accounts.PasswordHasher", Quick)
    made = Accounts(database)
    made.add_user("doc", "a long password", "Dr Test", "clinician")
    return made


def test_a_right_guess_that_began_before_the_lock_does_not_open_after_it(accounts, monkeypatch):
    """Of many guesses at once all pass the first look; the lock must count at the end too."""
    began, locked = threading.Event(), threading.Event()
    matches = accounts._matches

    def slow(stored: str, password: str) -> bool:
        if password == "a long password":
            began.set()
            assert locked.wait(20)
        return matches(stored, password)

    monkeypatch.setattr(accounts, "_matches", slow)
    with ThreadPoolExecutor(1) as pool:
        right = pool.submit(accounts.sign_in, "doc", "a long password")
        assert began.wait(20)
        for n in range(FAILURES_BEFORE_LOCK):
            with pytest.raises(SignInError):
                accounts.sign_in("doc", f"guess {n}")
        locked.set()
        with pytest.raises(SignInError):
            right.result(20)


def test_an_unknown_name_is_refused_in_the_same_words(accounts):
    said = set()
    for name in ("doc", "nobody", "doc\x00", "a" * 500, "' or 1=1 --"):
        with pytest.raises(SignInError) as raised:
            accounts.sign_in(name, "wrong password")
        said.add(raised.value.message)
    assert len(said) == 1
