"""How wide a line for a person may be."""

from __future__ import annotations

# Below and above this, lines are no longer good to read.
_NARROWEST, _WIDEST = 40, 100


def terminal_width() -> int:
    """Return how many characters a line may have: the terminal's, within what is good to read."""
    import shutil  # imported only where something is shown: start-up is a feature

    return min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)
