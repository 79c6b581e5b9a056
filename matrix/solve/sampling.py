"""Uniform random choice without a hidden state: the same seed gives the same ranks anywhere."""

from __future__ import annotations

from hashlib import blake2b

_CHUNK_BYTES = 64


def distinct_ranks(total: int, size: int, seed: int) -> tuple[int, ...]:
    """Return `size` different numbers below `total`, every such set equally likely, ascending.

    Robert Floyd's algorithm (Bentley, CACM 30/9, 1987): no rejected draws, whatever the size.
    All numbers where `size` is not below `total`.
    """
    if size >= total:
        return tuple(range(total))
    chosen: set[int] = set()
    # Step by step the choice is uniform among the subsets of 0 … bound: where the drawn number is
    # taken already, `bound` itself, which could not be drawn before, keeps the odds equal.
    for step, bound in enumerate(range(total - size, total)):
        rank = _below(bound + 1, seed, step)
        chosen.add(bound if rank in chosen else rank)
    return tuple(sorted(chosen))


def _below(bound: int, seed: int, step: int) -> int:
    """Return a number below `bound`, all equally likely: a hash of seed, step and attempt.

    The hash is cut to the bits of the bound and drawn again where it is not below it, so that no
    number is favoured; on average that takes less than two attempts.
    """
    bits = (bound - 1).bit_length()
    attempt = 0
    while True:
        value = 0
        for chunk in range(-(-bits // (8 * _CHUNK_BYTES))):
            text = f"{seed}/{step}/{attempt}/{chunk}".encode()
            digest = blake2b(text, digest_size=_CHUNK_BYTES).digest()
            value = value << (8 * _CHUNK_BYTES) | int.from_bytes(digest, "big")
        value &= (1 << bits) - 1
        if value < bound:
            return value
        attempt += 1
