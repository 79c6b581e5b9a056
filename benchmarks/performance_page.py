"""docs/performance.md and its plots, made of the figures that a run of the benchmarks has written.

    make bench BENCH="--json docs/performance/measured.json"
    python -m benchmarks.performance_page

A test holds the committed page to the committed figures.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from msgspec import convert

from benchmarks.measuring import ROOT, Figure, number

DOCS = ROOT / "docs"
MEASURED = DOCS / "performance" / "measured.json"

# What each script of benchmarks/ measures.
TITLES = {
    "validate": "`validate` of files",
    "dotconfig": "Reading a `.config`",
    "cells": "`cells`, rows a second of one process",
    "cell_files": "`cells`, a process a core",
    "growth": "Growth of `count`",
    "fleet": "`fleet` of a million hosts",
    "many_cpus": "Reports of many CPUs",
    "study": "The largest shipped study",
    "covering": "Covering arrays",
    "solve": "The solver",
    "simulate": "The simulation",
    "review": "`review`",
    "kconfig": "`kconfig project`",
}
# File, title, what is along, what is up, whether up is logarithmic, and series with their names.
PLOTS: tuple[tuple[str, str, str, str, bool, tuple[tuple[str, str], ...]], ...] = (
    (
        "cells",
        "A count, by the cells of its study at equal classes",
        "cells",
        "CPU s",
        False,
        (("cells", ""),),
    ),
    (
        "cpus",
        "A count, by the CPUs of its study",
        "CPUs",
        "CPU s",
        False,
        (("cpus", "100 differ"), ("cpus-of-any-kind", "up to 768 do")),
    ),
    ("files", "validate, one process, by its files", "files", "CPU s", True, (("files", ""),)),
    (
        "memory",
        "Memory of validate, by its files",
        "files",
        "MiB",
        False,
        (("files-memory", ""),),
    ),
    (
        "rows",
        "Memory of cells, the largest process, by its rows",
        "rows",
        "MiB",
        False,
        (("cells-memory", ""),),
    ),
)
HEAD = (
    "Made of the figures that `make bench` wrote on the machine below. Absolute figures are those "
    "of that machine; ratios hold further. A ratio is the figure divided by its baseline, which "
    "was measured in the same run of its script. *CPU* is user and system time of all processes "
    "together. *wall* is by the clock, and long where the machine did other work."
)
SVG = "http://www.w3.org/2000/svg"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 240, 56, 150, 34, 40
STYLE = (
    "text{font:12px sans-serif;fill:#1f2328}.b{fill:#fff}.g{stroke:#d0d7de}"
    ".l0{stroke:#0550ae}.d0{fill:#0550ae}.l1{stroke:#953800}.d1{fill:#953800}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.b{fill:#0d1117}.g{stroke:#3d444d}"
    ".l0{stroke:#79c0ff}.d0{fill:#79c0ff}.l1{stroke:#ffa657}.d1{fill:#ffa657}}"
)


def power(value: float, begin: str = "^", end: str = "") -> str:
    """Return a large number by its power of ten, others as they are."""
    if value < 10_000:
        return f"{value:,.0f}"
    exponent = math.floor(math.log10(value))
    factor = f"{value / 10**exponent:.2g}"
    return f"{'' if factor == '1' else f'{factor}·'}10{begin}{exponent}{end}"


def pages(measured: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the page and its plots: path below docs/ and text."""
    found = convert(measured["figures"], dict[str, list[Figure]])
    every = [one for some in found.values() for one in some]
    text = [
        "# How fast it is",
        "",
        HEAD,
        "",
        *_machine(measured),
        "## Goals",
        "",
        *_goals(every),
        "## Growth",
        "",
    ]
    for file, title, along, up, is_log, series in PLOTS:
        lines = [
            (name, points)
            for key, name in series
            if (
                points := [(one.size, one.value) for one in every if one.size and one.series == key]
            )
        ]
        if lines:
            yield f"performance/{file}.svg", _plot(title, along, up, lines, is_log=is_log)
            text += [f"![{_told(title, up, lines)}](performance/{file}.svg)", ""]
    text += ["## All figures", ""]
    for script, some in found.items():
        text += [f"### {TITLES[script]}", "", *_table(some)]
    yield "performance.md", "\n".join(text)


def _machine(measured: Mapping[str, Any]) -> Iterator[str]:
    machine = measured["machine"]
    yield (
        f"Measured on {measured['measured']}: {machine['cores']} cores of {machine['processor']}, "
        f"{machine['memory']}, {machine['system']}, Python {machine['python']}. "
        f"At the end {number(machine['busy'])} processes, on average, wanted a core."
    )
    yield from ("", *((measured["note"], "") if "note" in measured else ()))


def _goals(figures: Sequence[Figure]) -> Iterator[str]:
    yield from ("| what | measured | goal | |", "|---|---|---|---|")
    for one in figures:
        bound = one.least if one.most is None else one.most
        if bound is None:
            continue
        clock = f" ({one.clock})" if one.clock else ""
        held = f"{number(one.value)} {one.unit}" if one.ratio is None else _ratio(one)
        goal = f"{'≥' if one.most is None else '≤'} {number(bound)}"
        reached = "**missed**" if one.missed else "reached"
        yield f"| {one.name}{clock} | {held} | {goal} | {reached} |"
    yield ""


def _ratio(one: Figure) -> str:
    return "" if one.ratio is None else f"{number(one.ratio)} × {one.baseline}"


def _table(figures: Sequence[Figure]) -> Iterator[str]:
    yield from ("| what | figure | | ratio |", "|---|---|---|---|")
    for one in figures:
        yield f"| {one.name} | {number(one.value)} {one.unit} | {one.clock} | {_ratio(one)} |"
    yield ""


Line = tuple[str, Sequence[tuple[float, float]]]


def _told(title: str, up: str, lines: Sequence[Line]) -> str:
    """Return what stands for a plot where nobody sees it."""
    said = [
        f"{f'{name}: ' if name else ''}"
        + ", ".join(f"{number(value)} at {power(size)}" for size, value in points)
        for name, points in lines
    ]
    return f"{title} ({up}). {'; '.join(said)}"


def _plot(title: str, along: str, up: str, lines: Sequence[Line], *, is_log: bool) -> str:
    """Return a plot as SVG, along the powers of ten."""
    sizes = [math.log10(size) for _, points in lines for size, _ in points]
    values = [value for _, points in lines for _, value in points]
    first, last = min(sizes), max(sizes)
    if is_log:
        least, most = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        ticks = [10.0**exponent for exponent in range(least, most + 1)]
    else:
        ticks = [_round_up(max(values)) * quarter / 4 for quarter in range(5)]
    scale = math.log10 if is_log else float
    low, high = scale(ticks[0]), scale(ticks[-1])

    def x(size: float) -> float:
        return LEFT + (math.log10(size) - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (scale(value) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="{SVG}" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img">',
        f"<title>{escape(_told(title, up, lines))}</title><style>{STYLE}</style>",
        f'<rect class="b" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        f'<text x="{LEFT}" y="20">{escape(title)}</text>',
    ]
    for tick in ticks:
        at = y(tick)
        parts.append(f'<path class="g" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for size in dict.fromkeys(size for _, points in lines for size, _ in points):
        shown = power(size, '<tspan dy="-4" font-size="9">', "</tspan>")
        parts.append(
            f'<text x="{x(size):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{shown}'
            "</text>"
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{along}</text>')
    parts.append(f'<text x="6" y="20">{up}</text>')
    for at, (name, points) in enumerate(lines):
        path = "L".join(f"{x(size):.1f} {y(value):.1f}" for size, value in points)
        dashes = ' stroke-dasharray="6 4"' if at else ""
        parts.append(f'<path class="l{at}" fill="none" stroke-width="2"{dashes} d="M{path}"/>')
        parts += [
            f'<circle class="d{at}" cx="{x(size):.1f}" cy="{y(value):.1f}" r="3"/>'
            for size, value in points
        ]
        size, value = points[-1]
        told = f"{number(value)} {up}" + (f", {name}" if name else "")
        parts.append(f'<text x="{x(size) + 8:.1f}" y="{y(value) + 4:.1f}">{escape(told)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 4, 6, 8 and their tenfolds that is not less."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(step * unit for step in (1, 2, 4, 6, 8, 10) if step * unit >= value)


if __name__ == "__main__":
    made = dict(pages(json.loads(MEASURED.read_text("utf-8"))))
    for left in set(MEASURED.parent.glob("*.svg")) - {DOCS / name for name in made}:
        left.unlink()
    for name, text in made.items():
        (DOCS / name).write_text(text, "utf-8")
