"""Everything that is said of the check of a patch, before it has a form.

Filled by the flows; `matrix/render/review.py` makes a reply of it, `review_values.py` JSON.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from matrix.analyze.cell.answer import Finding
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.facts.implied import Implication
from matrix.analyze.proof.review import Granularity, PageSizes, VmKind
from matrix.analyze.proof.rules import FeatureRule
from matrix.analyze.proof.synthesis import ComparedPredicate, Synthesis
from matrix.analyze.space.cause import Cause, Place
from matrix.analyze.space.result import StudyDefect
from matrix.diagnostics import Diagnostic, ExitCode, Location
from matrix.expr.trees import names
from matrix.kernel.patch.check import PatchedCheck
from matrix.kernel.patch.inlining import VM
from matrix.schema.values import CheckFunction


class ReviewedRule(Struct, frozen=True, kw_only=True):
    """A rule for cells in which the check is wrong, one of its cells, and what is found there.

    `cause` numbers the cause of an unsound one, from 1; `places` are its CPUs by condition, none
    where every CPU is in it. `findings` have the shortest trace first; an overstrict cell has none.
    """

    verdict: Verdict
    cause: int | None
    rule: FeatureRule
    places: tuple[Place, ...]
    cell: Mapping[str, str]
    findings: tuple[Finding, ...]


class KconfigAnswer(Struct, frozen=True, kw_only=True):
    """What Kconfig says of a condition of the check, per kernel, where `premise` is built in.

    `directive` is the line of an `#if` around the function, None for a condition in its body.
    """

    condition: str
    directive: str | None
    location: Location
    premise: str
    kernels: tuple[Implication, ...]


class RefutedStatement(Struct, frozen=True, kw_only=True):
    """What the message says on some lines of the mail, and a claim that is refuted of `kernels`.

    `source` are the kernel lines that show it, those of `release`.
    """

    claim: str
    lines: tuple[int, ...]
    kernels: tuple[str, ...]
    instead: str
    source: str | None
    release: str


class PlaceInTree(Struct, frozen=True, kw_only=True):
    """The lines of the files that the proposed check changes, in the tree of one `version`.

    `needs` maps a function that it calls to the header to include; `lacks` are functions that no
    header at hand declares.
    """

    version: str
    files: Mapping[str, tuple[str, ...]]
    needs: Mapping[str, str]
    lacks: tuple[str, ...]


class ReviewResult(Struct, frozen=True, kw_only=True):
    """The review of one check. Counts are of the cells that may have the capability.

    `of_tree` are the names of the check that were read in the tree. `kernels` have it, `without`
    were asked and have it in no cell. `same_as` are the declared
    versions of the predicate that say the same everywhere. The first of `compared` is the patch.
    `command_lines` and `surroundings` say what options stand for, `permitted` what the manual of
    the architecture says of an assumption. `tree` is there where one was given.
    """

    study: str

    check: PatchedCheck
    of_tree: tuple[str, ...]
    function: CheckFunction | None
    predicate: str
    assumes_patch: str | None
    kernels: tuple[str, ...]
    without: tuple[str, ...]
    same_as: tuple[str, ...]
    verdicts: Mapping[Verdict, int]
    causes: tuple[Cause, ...]
    rules: tuple[ReviewedRule, ...]
    baseline: Mapping[str, str]
    command_lines: Mapping[tuple[str, str], str]
    surroundings: Mapping[tuple[str, str], str]
    permitted: Mapping[str, str]
    statements: tuple[RefutedStatement, ...]
    kconfig: tuple[KconfigAnswer, ...]
    vm_kinds: tuple[VmKind, ...]
    page_sizes: PageSizes | None
    granularity: Granularity
    synthesis: Synthesis
    compared: tuple[ComparedPredicate, ...]
    diagnostics: tuple[Diagnostic, ...]
    defects: tuple[StudyDefect, ...] = ()
    tree: PlaceInTree | None = None

    @property
    def moves(self) -> bool:
        """Whether the proposed check looks into an argument that its header only declares."""
        declared = self.function is not None and self.check.path in self.function.incomplete_in
        return declared and VM in names(self.synthesis.expression)

    @property
    def stands_in(self) -> str | None:
        """The file of the proposed check; None where nobody declared where it goes."""
        if not self.moves:
            return self.check.path
        end = self.function.goes_to if self.function is not None else None
        return None if end is None else end.path

    @property
    def exit_code(self) -> ExitCode:
        """1 where the check says yes and must not."""
        return ExitCode.FINDINGS if self.verdicts[Verdict.UNSOUND] > 0 else ExitCode.OK
