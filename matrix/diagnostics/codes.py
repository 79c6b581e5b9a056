"""Every diagnostic code with its title and what it means: `codes.toml`, behind `matrix explain`."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path


@functools.cache
def codes() -> dict[str, tuple[str, str]]:
    """Return the title and the explanation of each code, in the order of the table.

    Read when it is asked for: no answer needs it.
    """
    table = tomllib.loads(Path(__file__).with_name("codes.toml").read_text("utf-8"))
    return {code: (row["title"], row["text"]) for code, row in table.items()}
