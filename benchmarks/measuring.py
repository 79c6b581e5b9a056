"""What every benchmark gives: figures, each with its clock and its baseline of the same run.

A script of this folder has `figures()`, which yields them as they are measured. A ratio is the
figure divided by its baseline. CPU is user and system time of all processes; wall is by the clock,
and means little on a machine that does other work.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, to_builtins

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("MATRIX_SHARED") or ROOT.parent / "shared")
BOOTED = ROOT / "tests" / "data" / "booted"
# Not of the folder it is begun in (-P): PYTHONPATH says which matrix.
MATRIX = (sys.executable, "-P", "-m", "matrix")
SCHEMA = "matrix/benchmarks/1"

Made = TypeVar("Made")


class Figure(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One figure: `clock` is CPU or wall where it is a time or a rate.

    A goal is `most` or `least`, of the ratio where there is one. `series` and `size` place it in a
    plot of growth.
    """

    name: str
    value: float
    unit: str = "s"
    clock: str = ""
    baseline: str = ""
    ratio: float | None = None
    most: float | None = None
    least: float | None = None
    series: str = ""
    size: float | None = None

    @property
    def missed(self) -> bool:
        """Tell whether it has a goal and does not reach it."""
        held = self.value if self.ratio is None else self.ratio
        return (self.most is not None and held > self.most) or (
            self.least is not None and held < self.least
        )

    def line(self) -> str:
        """Return it in words."""
        parts = [f"{self.name}: {number(self.value)} {self.unit} {self.clock}".rstrip()]
        if self.ratio is not None:
            parts.append(f"{number(self.ratio)} × {self.baseline}")
        for sign, bound in (("≤", self.most), ("≥", self.least)):
            if bound is not None:
                parts.append(f"goal {sign} {number(bound)}" + (" MISSED" if self.missed else ""))
        return ", ".join(parts)


def figure(
    name: str,
    value: float,
    unit: str = "s",
    *,
    clock: str | None = None,
    beside: tuple[str, float] | None = None,
    most: float | None = None,
    least: float | None = None,
    series: tuple[str, float] | None = None,
) -> Figure:
    """Return a figure; `beside` is its baseline and what that takes, `series` its place in a plot.

    Unless told, a time or a rate is one of CPU time.
    """
    return Figure(
        name=name,
        value=value,
        unit=unit,
        clock=("CPU" if unit in {"s", "ms", "rows/s"} else "") if clock is None else clock,
        baseline=beside[0] if beside else "",
        ratio=value / beside[1] if beside else None,
        most=most,
        least=least,
        series=series[0] if series else "",
        size=series[1] if series else None,
    )


def number(value: float) -> str:
    """Return a number with three digits that count, more where it is whole."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - int(f'{value:e}'.partition('e')[2]))}f}"


class Used(Struct, frozen=True, kw_only=True):
    """What a command took: seconds, MiB of its largest process and of all at once; its output."""

    cpu: float
    wall: float
    largest: float
    together: float
    output: bytes


def run(
    command: Sequence[str | Path],
    *,
    runs: int = 1,
    codes: Sequence[int] = (0,),
    sampled: bool = False,
    heard: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Used:
    """Return the least times and the most memory of some runs of a command.

    The memory of all its processes at once, what they share counted once, is looked at every
    twentieth of a second, and only where `sampled`. That of the largest is the system's, which
    never says less than this process has itself: so its output is kept only where it is `heard`.
    SystemExit where it ends otherwise.
    """
    known = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    known.pop("PYTHONDONTWRITEBYTECODE", None)
    found: list[Used] = []
    for _ in range(runs):
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as speech:
            start = time.perf_counter()
            process = subprocess.Popen(command, stdout=output, stderr=speech, env=known)
            together = _Sampled(process.pid) if sampled else None
            # Unlike RUSAGE_CHILDREN, this is of this process and those it waited for alone.
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            for file in (speech, output):
                file.seek(0)
            if process.returncode not in codes:
                raise SystemExit(f"{shlex.join(map(str, command))}: {speech.read().decode()}")
            found.append(
                Used(
                    cpu=usage.ru_utime + usage.ru_stime,
                    wall=wall,
                    largest=usage.ru_maxrss / 1024,
                    together=together.end() if together else 0,
                    output=output.read() if heard else b"",
                )
            )
    return Used(
        cpu=min(one.cpu for one in found),
        wall=min(one.wall for one in found),
        largest=max(one.largest for one in found),
        together=max(one.together for one in found),
        output=found[0].output,
    )


class _Sampled:
    """The most memory of a process and its children, MiB, until the end."""

    def __init__(self, process: int) -> None:
        self._process, self._most = process, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def end(self) -> float:
        """Stop looking; return the most."""
        self._ended.set()
        self._thread.join()
        return self._most / 1024

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            self._most = max(self._most, _proportional(self._process))


def _proportional(process: int) -> int:
    """Return the KiB of a process and its children, shared memory in proportion."""
    place = Path(f"/proc/{process}")
    try:
        found = re.search(r"^Pss: +(\d+)", (place / "smaps_rollup").read_text(), re.MULTILINE)
        children = (place / "task" / str(process) / "children").read_text().split()
    except OSError:  # it has ended, or this is no Linux
        return 0
    return int(found[1] if found else 0) + sum(map(_proportional, map(int, children)))


def cpu(action: Callable[[], Made], runs: int = 1) -> tuple[Made, float]:
    """Return what an action gives, and its least CPU seconds, of all threads together."""
    found = []
    for _ in range(runs):
        start = time.process_time()
        made = action()
        found.append(time.process_time() - start)
    return made, min(found)


def peer(program: str, variable: str) -> list[str] | None:
    """Return the command of a program that a variable names, or that is on PATH; None without."""
    path = os.environ.get(variable) or shutil.which(program)
    if path is None:
        print(f"{program} is not installed, and {variable} names none: no ratio to it")
        return None
    # A script of a checkout runs with this Python.
    return [sys.executable, path] if Path(path).read_bytes()[:2] == b"#!" else [path]


def measured(name: str) -> list[Figure]:
    """Return the figures of a script, each printed at once."""
    found: list[Figure] = []
    for figure in import_module(f"benchmarks.bench_{name}").figures():
        print(f"  {figure.line()}", flush=True)
        found.append(figure)
    return found


def machine() -> dict[str, str | int | float]:
    """Return what the machine is, as far as it says; `busy`: processes that want a core."""
    told = Path("/proc/cpuinfo").read_text() if sys.platform == "linux" else ""
    models = re.findall(r"^model name\s*: (.*)$", told, re.MULTILINE)
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1,
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "busy": round(os.getloadavg()[1], 1),
    }


def document(found: Mapping[str, Sequence[Figure]]) -> dict[str, Any]:
    """Return what is written as JSON: the figures of each script, and the machine."""
    return {
        "schema": SCHEMA,
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "figures": to_builtins(found),
    }


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody sees a half of it."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", delete=False) as file:
        file.write(text)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def as_text(value: object) -> str:
    """Return JSON that is nice to read."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
