"""What is said beside the answer of one cell: what it takes for granted, or cannot rely on."""

from __future__ import annotations

from collections.abc import Sequence

from matrix.analyze.cell.question import Question
from matrix.analyze.facts.evaluation import Evaluation
from matrix.diagnostics import Diagnostic, Severity
from matrix.expr.printer import to_c


def granule_note(question: Question, cell: Evaluation) -> tuple[Diagnostic, ...]:
    """Return that nobody knows whether the kernel boots, where it is so."""
    if cell.of(question.boots) is not None:
        return ()
    return (
        Diagnostic(
            code="MX0904",
            severity=Severity.NOTE,
            message="nobody recorded whether every CPU supports the kernel's translation granule",
            hint="the answer takes it that the kernel boots",
        ),
    )


def unbuildable_note(question: Question, cores: Sequence[Sequence[int]]) -> Diagnostic:
    """Return that no build has the settings, with the constraints of each core they contradict."""
    program = question.program
    # A study's own constraints come behind those of the release, and have no words of their own.
    own = map(to_c, question.constraints[len(program.constraints) :])
    texts = (*program.constraint_texts, *own)
    broken = "; ".join(" and ".join(texts[number] for number in core) for core in cores)
    return Diagnostic(
        code="MX0919",
        severity=Severity.WARNING,
        message=f"the Kconfig of Linux {program.release} makes no such `.config`: {broken}",
        hint="is it of another release? the answer takes the settings as they stand, and drops no "
        "other constraint",
    )
