"""Where a repository keeps its settings."""

from __future__ import annotations

import os
from pathlib import Path

FILE_NAME = "matrix.toml"


def find_settings(folder: Path) -> Path | None:
    """Return the nearest matrix.toml of a folder and its parents, up to the root of its repository.

    Outside of a git repository only the folder itself counts: a file of somebody's home folder must
    not change an answer.
    """
    looked_at = [folder, *folder.parents]
    roots = [number for number, parent in enumerate(looked_at) if (parent / ".git").exists()]
    within = looked_at[: roots[0] + 1] if roots else looked_at[:1]
    # A folder of this name, or a link to nowhere, is told when it is read: it may hide mutes.
    named = (parent / FILE_NAME for parent in within)
    return next((path for path in named if os.path.lexists(path)), None)
