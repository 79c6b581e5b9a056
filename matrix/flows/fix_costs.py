"""What the fixes of an answer cost besides, as the declarations say.

A fix pays for every fact it makes true, and for the capability itself, which nobody had before.
The facts of the changed cell are evaluated; a fix that changes more than symbols and boot
parameters (a CPU, a release) is left without a note.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer, Fix
from matrix.analyze.cell.answering import Cell, facts_of
from matrix.analyze.cell.memory import DetectedCpu
from matrix.expr.nodes import Value
from matrix.flows.answers import Answers, Situation
from matrix.schema.values import Cost

_SWITCHES: dict[str, Value] = {"y": True, "n": False}


def with_costs(answer: Answer, answers: Answers, situation: Situation, cpu: DetectedCpu) -> Answer:
    """Return the answer of a situation with the costs of its fixes."""
    before = dict(answer.facts)

    def costs(fix: Fix) -> Iterator[Cost]:
        changed = _changed(fix, situation, cpu)
        if changed is None:
            return
        after = dict(facts_of(situation.build.question, changed))
        for fact in answers.architecture.facts:
            if fact.cost and after.get(fact.name) is True and before.get(fact.name) is False:
                yield fact.cost
        # What having the capability costs, where the fix makes it be there.
        if answer.predicate is not True:
            yield from answers.capability.costs

    return replace(
        answer,
        fixes=tuple(
            replace(fix, costs=tuple((cost.note, cost.source) for cost in costs(fix)))
            for fix in answer.fixes
        ),
    )


def _changed(fix: Fix, situation: Situation, cpu: DetectedCpu) -> Cell | None:
    """Return the cell that a fix leaves, None where it changes the CPU or the release."""
    cell = situation.cell(cpu)
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
    variables = situation.reline(" ".join(parameters)) if parameters else cell.variables
    return Cell(variables=variables, atoms=atoms, detections=cell.detections)
