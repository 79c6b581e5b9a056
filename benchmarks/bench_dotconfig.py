"""How long one `.config` takes to read, beside a plain line-by-line reader in the same run.

    python benchmarks/bench_dotconfig.py FILE…

The baseline does what most tools do: split the lines, match each with a regular expression, store
the value. It looks for no duplicates, no malformed lines and no architecture, and knows no places.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from matrix.kernel.config.dotconfig import read_dotconfig

_REPEATS = 5
_LINE = re.compile(r"(?:# )?CONFIG_(\w+)(?:=(.*)| is not set)$")


def read_line_by_line(data: bytes) -> dict[str, str]:
    """Return the settings of a `.config`, the plain way."""
    found: dict[str, str] = {}
    for line in data.decode().splitlines():
        match = _LINE.match(line)
        if match:
            found[match[1]] = match[2] or "n"
    return found


def _best(function: Callable[[], object]) -> float:
    """Return the shortest of some runs, in seconds."""
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def main(paths: list[str]) -> None:
    """Measure every file and print the totals."""
    ours = plain = 0.0
    size = 0
    for path in paths:
        data = Path(path).read_bytes()
        size += len(data)
        ours += _best(lambda data=data: read_dotconfig(data, "bench"))  # type: ignore[misc]
        plain += _best(lambda data=data: read_line_by_line(data))  # type: ignore[misc]
    count = len(paths)
    print(f"files                  {count} ({size / count / 1000:.0f} kB each)")
    print(f"read_dotconfig         {ours / count * 1000:.2f} ms per file")
    print(f"line by line           {plain / count * 1000:.2f} ms per file")
    print(f"ratio                  {plain / ours:.1f}")


if __name__ == "__main__":
    shipped = Path(__file__).parent.parent / "tests" / "data" / "booted"
    main(sys.argv[1:] or [str(path) for path in sorted(shipped.glob("*.config"))])
