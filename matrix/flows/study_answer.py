"""What every answer about a whole study holds, whatever was asked."""

from __future__ import annotations

from msgspec import Struct

from matrix.analyze.space.result import StudyDefect
from matrix.diagnostics import Diagnostic, ExitCode
from matrix.schema.values import MatrixStudy, PredicateVersion


class StudyAnswer(Struct, frozen=True, kw_only=True):
    """The study and the predicate asked, and the defects that cells asked about may meet.

    `diagnostics` are for the person who asked; they are no part of the answer.
    """

    study: MatrixStudy
    predicate: PredicateVersion
    defects: tuple[StudyDefect, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """How a command that asks this ends."""
        return ExitCode.OK
