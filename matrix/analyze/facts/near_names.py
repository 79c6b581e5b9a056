"""Which known boot parameter a misspelt one stands for: only where hardly anything else could.

The kernel has thousands of parameters that no profile declares, and some are near: `arm64.nosme`
is two letters from `arm64.nomte`. So a name is near only at one edit, or where nothing but case and
separators differ (`kfence_sample_interval`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# A name of fewer letters is one edit from too many others (`ro`, `nokaslr`).
_SHORTEST = 5


def near_name(name: str, first: Iterable[str], names: Mapping[str, str]) -> str | None:
    """Return the known name that a text is a slip of, None for a name of its own.

    `names` has the known names by their key (with `_` for `-`); those of `first` win.
    """
    key = name.replace("-", "_")
    if len(key) < _SHORTEST:
        return None
    for known in (*first, *names):
        if known != key and (_bare(known) == _bare(key) or one_edit_apart(known, key)):
            return names[known]
    return None


def one_edit_apart(left: str, right: str) -> bool:
    """Tell whether one letter was changed, left out, added, or swapped with its neighbour."""
    if len(left) > len(right):
        left, right = right, left
    if left == right or len(right) - len(left) > 1:
        return False
    start = next((index for index, letter in enumerate(left) if letter != right[index]), len(left))
    if len(left) < len(right):
        return left[start:] == right[start + 1 :]
    swapped = right[start + 1 : start + 2] + right[start : start + 1] + right[start + 2 :]
    return left[start + 1 :] == right[start + 1 :] or left[start:] == swapped


def _bare(key: str) -> str:
    return key.lower().replace("_", "").replace(".", "")
