"""Numbers and names as readers see them: grouped digits, honest percentages, release with patch.

Takes plain numbers and words, gives text for pages; exact integer arithmetic throughout.
"""

from __future__ import annotations

from collections.abc import Sequence

# Keeps `1 234` and `12 %` on one line and is narrower than a space (SI Brochure 5.4.4 groups so).
THIN = "\N{NARROW NO-BREAK SPACE}"

# Stands where a table has no value: no such cell, nothing recorded.
NOTHING = "\N{EN DASH}"


def grouped(number: int) -> str:
    """Return the number with its digits in groups of three, separated by narrow spaces."""
    return f"{number:,}".replace(",", THIN)


def percent(part: int, whole: int) -> str:
    """Return the share to a tenth of a percent; only nothing is `0 %` and only all is `100 %`.

    Raises ValueError unless 0 <= part <= whole.
    """
    if not 0 <= part <= whole:
        raise ValueError(f"{part} of {whole} is no share")
    if part == 0:
        return f"0{THIN}%"
    if part == whole:
        return f"100{THIN}%"
    # Integers: exact, however large the counts are.
    tenths = (part * 2000 + whole) // (2 * whole)
    if tenths == 0:
        return f"<{THIN}0.1{THIN}%"
    if tenths == 1000:
        return f">{THIN}99.9{THIN}%"
    return f"{tenths // 10}.{tenths % 10}{THIN}%"


def cells(number: int) -> str:
    """Return `1 cell`, `2 345 cells`."""
    return counted(number, "cell")


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return the number with its noun: `1 class`, `7 classes`; the plural adds s unless given."""
    return f"{grouped(number)} {noun if number == 1 else plural or noun + 's'}"


def listing(words: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`; the empty text for none."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def first_names(names: Sequence[str], most: int) -> str:
    """Return `a, b, c`, or `a, b and 3 more` where there are more than `most`."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def release_label(releases: Sequence[str], patch: str | None) -> str:
    """Return `7.3 + v12`, `7.2, 7.3 + v12`: no release has the feature without the series."""
    names = ", ".join(releases)
    return f"{names} + {patch}" if patch else names
