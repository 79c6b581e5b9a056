"""What is known of one cell: facts, predicate, simulation, verdict, and why.

Takes nothing, gives the values that `answering.py` fills and `render` shows.
"""

from __future__ import annotations

from msgspec import Struct

from matrix.analyze.cell.verdict import Verdict
from matrix.diagnostics import Diagnostic
from matrix.explore.outcome import Lane
from matrix.expr.nodes import Value
from matrix.schema.values import Basis


class TraceLine(Struct, frozen=True, kw_only=True):
    """One micro-operation of a trace: the event it belongs to and the kernel line that does it.

    `source` is None where the release has no such code of its own (the simulation then shows what
    the ported series would do). `step` counts the events; the rest is as in `MicroOperation`.
    """

    event: str
    operation: str
    detail: str
    source: str | None
    step: int = 0
    returns: str = ""
    changed: tuple[str, ...] = ()
    stays: bool = False


class Finding(Struct, frozen=True, kw_only=True):
    """A violated invariant or an advisory with its shortest trace.

    `certainty` is `certain` or `assumption=value`; of an advisory also `possible` (something must
    happen besides) or `unknown` (it hangs on what nobody recorded): the message says on what.
    `lanes` are those of the state after each event of the trace, the lines are of `release`.
    """

    invariant: str
    certainty: str
    message: str
    trace: tuple[TraceLine, ...]
    lanes: tuple[tuple[Lane, ...], ...] = ()
    release: str = ""

    @property
    def breaking(self) -> TraceLine:
        """The micro-operation that breaks the invariant: the last one that was done."""
        return next(line for line in reversed(self.trace) if not line.stays)


class Defect(Struct, frozen=True, kw_only=True):
    """What the kernel breaks by itself: a violation just as reachable without the capability.

    `fixed_by` is a commit and `fixed_in` the first release that has it, None where no fix is
    known; `hangs_on` names what nobody recorded where only some of its values lead to it.
    """

    release: str
    invariant: str
    certainty: str
    says: str
    fixed_by: str | None
    fixed_in: str | None
    reported: str | None
    source: str | None
    hangs_on: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Return it in plain words, the fix in front: the first line of every output has it."""
        fix = f"fixed by {self.fixed_by} in {self.fixed_in}" if self.fixed_by else "no fix is known"
        hangs = f"; hangs on {' and '.join(self.hangs_on)}" if self.hangs_on else ""
        field = f"; reported {self.reported}" if self.reported else ""
        return (
            f"a defect of Linux {self.release} ({fix}): {self.says}, with the capability or "
            f"without it{field}{hangs}"
        )


class Unsettled(Struct, frozen=True, kw_only=True):
    """A fact nobody recorded on which the answer depends, and what would settle it.

    `names` are several where any of several CPU fields would tell.
    """

    names: tuple[str, ...]
    why: str
    settled_by: str | None

    @property
    def name(self) -> str:
        """The names as one text."""
        return " and ".join(self.names)

    @property
    def sentence(self) -> str:
        """What is open, why, and what settles it."""
        settled = f"; settled by {self.settled_by}" if self.settled_by else ""
        return f"{self.name}: {self.why}{settled}"


class Fix(Struct, frozen=True, kw_only=True):
    """A change of the cell that was evaluated again and gives `verdict`.

    `costs` are what the change costs besides: (note, source), as the declarations say.
    """

    change: tuple[tuple[str, str], ...]
    verdict: Verdict
    costs: tuple[tuple[str, str], ...] = ()


class Answer(Struct, frozen=True, kw_only=True):
    """The answer for one cell.

    `predicate` is None where the answer is unknown or the capability is absent before it is asked;
    `outcome` is `safe`, `violates` or `not-run`; `confidence` the weakest of the CPU values used.
    `basis` is what judges the predicate. `so_what` is what the verdict means to who runs
    the machine, empty where nobody declared it.
    """

    facts: tuple[tuple[str, Value], ...] = ()
    predicate: bool | None
    outcome: str
    violations: tuple[Finding, ...] = ()
    advisories: tuple[Finding, ...] = ()
    verdict: Verdict
    confidence: str
    reasons: tuple[str, ...]
    unsettled: tuple[Unsettled, ...] = ()
    fixes: tuple[Fix, ...] = ()
    so_what: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()
    defects: tuple[Defect, ...] = ()
    basis: Basis = "simulation"
