"""What works beside what breaks: the nearest supported cell, in the same order of events.

Takes a solved study, an unsound cell and the events of its trace, gives the trace of the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from matrix.analyze.cell.answering import trace_lines
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.cause import Beside, Cause, of_cell
from matrix.analyze.space.study import SolvedStudy
from matrix.explore.inputs import SimulationInputs
from matrix.explore.trace import ImpossibleEventError, replay
from matrix.scenarios import scenario
from matrix.solve.nearest import changes, nearest
from matrix.solve.space import Region


def with_what_works(solved: SolvedStudy, cause: Cause) -> Cause:
    """Return a cause with what works beside its example."""
    broken = {**dict(solved.study.baseline), **dict(cause.example)}
    shortest = cause.findings[0].trace if cause.findings else ()
    events = {line.step: line.event for line in shortest if line.step}
    return replace(cause, works=beside(solved, broken, tuple(events.values())))


def beside(solved: SolvedStudy, broken: Mapping[str, str], events: Sequence[str]) -> Beside | None:
    """Return the supported cell nearest to a broken one, with the `events` of its trace after boot.

    A cell that has another CPU and nothing else is preferred, and of these the one with the CPU of
    the baseline. None where no cell is supported or nothing is simulated, and where the events
    cannot happen in the one that is found.
    """
    supported = solved.verdicts.get(Verdict.SUPPORTED)
    if supported is None or supported.is_empty():
        return None
    cell = _nearest(solved, supported, broken)
    question, inputs = of_cell(solved, solved.classes, cell)
    if not isinstance(inputs, SimulationInputs):
        return None
    world = scenario(inputs.scenario)
    try:
        steps, _ = replay(world, world.machines(inputs)[0], events)
    except ImpossibleEventError:
        return None
    return Beside(
        change=tuple(changes(cell, broken).items()),
        trace=trace_lines(question, steps),
        lanes=tuple(step.after for step in steps),
    )


def _nearest(solved: SolvedStudy, supported: Region, broken: Mapping[str, str]) -> dict[str, str]:
    """Return a cell of a region that is not empty."""
    cpus = {axis.name for axis in solved.study.axes if axis.kind == "cpu"}
    others = supported.at({name: option for name, option in broken.items() if name not in cpus})
    usual = others.at({name: option for name, option in solved.study.baseline if name in cpus})
    return usual.pick() or others.pick() or nearest(supported, broken) or {}
