from __future__ import annotations

import base64
import json
import pickle
import stat
from pathlib import Path

import pytest
import regex

from compliance.deidentify.pseudonyms import ENVIRONMENT, StudyKey, StudyKeyError, new_root_file
from compliance.deidentify.reversal import ReversalMap

ROOT = bytes(range(32))


@pytest.fixture
def key() -> StudyKey:
    return StudyKey.from_root(ROOT, "asthma-2026")


def test_a_pseudonym_is_the_same_each_time_in_a_study(key: StudyKey) -> None:
    again = StudyKey.from_root(ROOT, " asthma-2026 ")
    assert key.pseudonym("patient", "Patient/p01") == again.pseudonym("patient", "Patient/p01")


@pytest.mark.parametrize("other", [(ROOT, "asthma-2027"), (bytes(32), "asthma-2026")])
def test_pseudonyms_of_two_studies_or_two_roots_have_nothing_in_common(
    key: StudyKey, other: tuple[bytes, str]
) -> None:
    there = StudyKey.from_root(*other)
    ours = {key.pseudonym("patient", f"Patient/{n}")[8:] for n in range(500)}
    theirs = {there.pseudonym("patient", f"Patient/{n}")[8:] for n in range(500)}
    assert len(ours) == len(theirs) == 500
    assert not ours & theirs


def test_a_pseudonym_is_readable_and_a_valid_fhir_id(key: StudyKey) -> None:
    made = key.pseudonym("coverageeligibilityresponse", "CoverageEligibilityResponse/x")
    assert regex.fullmatch(r"[a-z]+(?:-[a-z2-7]{4}){4}", made)
    assert regex.fullmatch(r"[A-Za-z0-9\-.]{1,64}", made)


def test_parts_do_not_run_into_one_another(key: StudyKey) -> None:
    assert key.digest("a", "bc", "d") != key.digest("a", "b", "cd")
    assert key.digest("ab", "c") != key.digest("a", "bc")


def test_a_guess_is_compared_in_full(key: StudyKey) -> None:
    made = key.pseudonym("patient", "Patient/p01")
    assert key.matches("patient", "Patient/p01", made)
    assert not key.matches("patient", "Patient/p02", made)
    assert not key.matches("patient", "Patient/p01", made + "\udc80")


def test_a_uuid_is_of_version_8_and_stable(key: StudyKey) -> None:
    assert regex.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                           key.uuid("urn:uuid:1"))  # fmt: skip
    assert key.uuid("urn:uuid:1") == key.uuid("urn:uuid:1") != key.uuid("urn:uuid:2")


def test_the_key_is_in_no_text_of_itself(key: StudyKey) -> None:
    raw = key._raw
    for text in (repr(key), str(key), f"{key!r:>200}"):
        assert raw.hex() not in text
        assert base64.b64encode(raw).decode() not in text
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(TypeError):
        json.dumps(key)


def test_a_new_root_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    new_root_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    assert StudyKey.from_file(path, "s").pseudonym("a", "b")
    with pytest.raises(StudyKeyError):
        new_root_file(path)
    assert path.read_bytes() == before


def test_a_root_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    new_root_file(path)
    path.chmod(0o640)
    with pytest.raises(StudyKeyError, match="Others"):
        StudyKey.from_file(path, "s")


@pytest.mark.parametrize("content", ["", "short", "!!not base64!!", "é" * 60])
def test_a_bad_root_is_refused_without_quoting_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "root.key"
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(StudyKeyError) as refusal:
        StudyKey.from_file(path, "s")
    assert not content or content not in str(refusal.value)


def test_the_root_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, base64.urlsafe_b64encode(ROOT).decode().rstrip("="))
    made = StudyKey.from_environment("s").pseudonym("a", "b")
    assert made == StudyKey.from_root(ROOT, "s").pseudonym("a", "b")
    monkeypatch.delenv(ENVIRONMENT)
    with pytest.raises(StudyKeyError):
        StudyKey.from_environment("s")


@pytest.mark.parametrize("study", ["", "  ", "x" * 101])
def test_a_study_needs_a_name(study: str) -> None:
    with pytest.raises(StudyKeyError):
        StudyKey.from_root(ROOT, study)


def test_the_way_back_opens_with_the_key_of_its_study_alone(key: StudyKey) -> None:
    sealed = ReversalMap([("Barlow", "Whitcombe"), ("Barlow", "Abernathy")]).seal(key)
    assert b"Whitcombe" not in sealed
    assert ReversalMap.unseal(sealed, key).originals("Barlow") == ("Abernathy", "Whitcombe")
    assert ReversalMap.unseal(sealed, key).originals("Nobody") == ()
    other = StudyKey.from_root(ROOT, "another")
    for wrong in (other, StudyKey(key._raw, "another")):
        with pytest.raises(StudyKeyError):
            ReversalMap.unseal(sealed, wrong)
    for place in (0, 1, 20, len(sealed) - 1):
        bent = bytearray(sealed)
        bent[place] ^= 1
        with pytest.raises(StudyKeyError):
            ReversalMap.unseal(bytes(bent), key)
    with pytest.raises(StudyKeyError):
        ReversalMap.unseal(b"", key)


def test_two_maps_of_a_study_make_one() -> None:
    both = ReversalMap([("a", "1")]).merged(ReversalMap([("a", "2"), ("b", "3")]))
    assert list(both.pairs()) == [("a", "1"), ("a", "2"), ("b", "3")]
    assert "1" not in repr(both)
