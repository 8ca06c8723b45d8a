"""Which passwords are taken."""

from __future__ import annotations

import pytest

from services.hospital.passwords import WeakPasswordError, check_password


@pytest.mark.parametrize(
    "password",
    [
        *("", "short", "x" * 11, "y" * 257, "aaaaaaaaaaaa", "abababababab"),
        *("password1234", "Password1234!", "P@ssw0rd2026!", "contraseña2026", "qwertyuiop12"),
        *("123456789012", "hospital-2026", "Caretier2026!", "abcdefghijkl", "summersummer1"),
        *("welcome-welcome", "ana-maria-ana-maria1"),
    ],
)
def test_what_is_tried_first_is_refused_without_being_repeated(password):
    with pytest.raises(WeakPasswordError) as raised:
        check_password(password, "ana-maria")
    assert not password or password not in raised.value.message


@pytest.mark.parametrize(
    "password",
    ["a long enough password", "correct horse battery", "tR4!x9-Qm2#Lz", "gatos en la ventana 7"],
)
def test_several_words_or_a_thorough_mixture_are_taken(password):
    check_password(password, "ana")
