"""How long one `.config` takes to read, beside a plain line-by-line reader.

The baseline does what most tools do: split the lines, match each with a regular expression, store
the value. It looks for no duplicates, no malformed lines and no architecture, and knows no places.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.bench_validate import bases
from benchmarks.measuring import Figure, cpu, figure
from matrix.kernel.config.dotconfig import read_dotconfig

_LINE = re.compile(r"(?:# )?CONFIG_(\w+)(?:=(.*)| is not set)$")


def read_line_by_line(data: bytes) -> dict[str, str]:
    """Return the settings of a `.config`, the plain way."""
    found: dict[str, str] = {}
    for line in data.decode().splitlines():
        match = _LINE.match(line)
        if match:
            found[match[1]] = match[2] or "n"
    return found


def figures() -> Iterator[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        texts = [path.read_bytes() for path in bases(Path(folder))]
    ours = sum(cpu(partial(read_dotconfig, text, "bench"), 5)[1] for text in texts)
    plain = sum(cpu(partial(read_line_by_line, text), 5)[1] for text in texts)
    ours, plain = ours / len(texts) * 1000, plain / len(texts) * 1000
    yield figure("one whole `.config` read", ours, "ms", beside=("a loop over its lines", plain))
