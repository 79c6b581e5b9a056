"""What the fixes of an answer cost besides, as the declarations say.

A fix pays for every fact it makes true, and for the capability itself, which nobody had before.
The facts of the changed cell are evaluated; a fix that changes more than symbols and boot
parameters (a CPU, a release) is left without a note.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer, Fix
from matrix.analyze.cell.answering import Cell, answer
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.fix import Reline
from matrix.analyze.cell.question import Question
from matrix.expr.nodes import Value
from matrix.schema.values import Architecture, Capability, Cost

_SWITCHES: dict[str, Value] = {"y": True, "n": False}


def with_costs(
    given: Answer,
    question: Question,
    cell: Cell,
    reline: Reline,
    behaviours: Behaviours,
    declared: tuple[Architecture, Capability],
) -> Answer:
    """Return the answer with the costs of its fixes; `cell` is the one it was given for."""
    before = dict(given.facts)

    def costs(fix: Fix) -> Iterator[Cost]:
        changed = _changed(fix, cell, reline)
        if changed is None:
            return
        after = dict(answer(question, changed, behaviours).facts)
        for fact in declared[0].facts:
            if fact.cost and after.get(fact.name) is True and before.get(fact.name) is False:
                yield fact.cost
        if given.predicate is not True:
            yield from declared[1].costs

    return replace(
        given,
        fixes=tuple(
            replace(fix, costs=tuple((cost.note, cost.source) for cost in costs(fix)))
            for fix in given.fixes
        ),
    )


def _changed(fix: Fix, cell: Cell, reline: Reline) -> Cell | None:
    atoms = dict(cell.atoms)
    parameters = []
    for name, value in fix.change:
        kind, _, rest = name.partition(".")
        if kind == "boot":
            parameters.append(f"{rest}={value}")
        elif kind == "kconfig":
            atoms[f"CONFIG_{rest}"] = _SWITCHES.get(value, int(value) if value.isdigit() else value)
        elif kind != "make":
            return None
    variables = reline(" ".join(parameters)) if parameters else cell.variables
    return Cell(variables=variables, atoms=atoms, detections=cell.detections)
