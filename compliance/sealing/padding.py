"""Size classes: what is sealed is padded, so that its length tells only a power of two."""

from __future__ import annotations

from compliance.sealing.errors import SealingError

SMALLEST_BYTES = 1 << 10
LARGEST_BYTES = 8 << 20
LENGTH_BYTES = 4


def size_class(length: int) -> int:
    """Return the padded size, in bytes, of a plaintext of ``length`` bytes.

    Raises:
        SealingError: it does not fit 8 MiB (``too-large``).
    """
    size = SMALLEST_BYTES
    while size < length + LENGTH_BYTES:
        size *= 2
    if size > LARGEST_BYTES:
        raise SealingError(
            "This is larger than 8 MiB and cannot be sealed in one piece.",
            reason="too-large",
            remedy="Send less at once.",
        )
    return size


def pad(plaintext: bytes) -> bytes:
    """Put the length before the plaintext and zeros behind it, up to its size class.

    Raises:
        SealingError: it does not fit (``too-large``).
    """
    size = size_class(len(plaintext))
    return (len(plaintext).to_bytes(LENGTH_BYTES, "big") + plaintext).ljust(size, b"\x00")


def unpad(padded: bytes) -> bytes:
    """Undo `pad`; only the one padding that `pad` makes is taken.

    Raises:
        SealingError: the length, the size class or a padding byte is wrong (``bad-padding``).
    """
    length = int.from_bytes(padded[:LENGTH_BYTES], "big")
    end = LENGTH_BYTES + length
    fits = LENGTH_BYTES <= len(padded) <= LARGEST_BYTES and end <= len(padded)
    if not fits or size_class(length) != len(padded) or padded[end:].strip(b"\x00"):
        raise SealingError("The sealed content is not padded as agreed.", reason="bad-padding")
    return padded[LENGTH_BYTES:end]
