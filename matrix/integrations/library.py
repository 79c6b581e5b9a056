"""The public Python API: `import matrix`.

    >>> import matrix
    >>> known = matrix.load()
    >>> known.ask("cpu=apple-m2", study="arm64-overview").verdict
    'unsound'

What is here keeps its names, parameters and meanings until the next major version; what is to go
warns with `DeprecationWarning` for at least one minor version before. All else below `matrix` may
change at any time. Values are frozen; in a notebook they show themselves as tables.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from matrix.analyze.cell.answer import Answer, Finding
from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.result import Table
from matrix.diagnostics import InputError, Location
from matrix.flows.knowledge import DEFAULT_STUDY
from matrix.flows.session import Session
from matrix.render import parts
from matrix.render.block_request import Block as Request
from matrix.render.block_request import Option
from matrix.render.document import Block, plain
from matrix.render.document import Table as ShownTable
from matrix.render.document_forms import MARKDOWN
from matrix.render.embed import content, shown_table
from matrix.render.findings import events
from matrix.render.quantities import counted, listing
from matrix.render.writers import fragment

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Cell", "Counts", "Declarations", "InputError", "Rule", "Rules", "Step", "View", "load"]


class _Shown(Struct, frozen=True, kw_only=True):
    """A value that shows itself: as text, in a notebook, in a document."""

    def _blocks(self) -> Iterable[Block]:
        """Return what is shown; each value says it for itself."""
        raise NotImplementedError

    def __str__(self) -> str:
        return fragment(self._blocks(), "text")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._told()}>"

    def _told(self) -> str:
        """Return what `repr` says of it, in one line; each value says it for itself."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return fragment(self._blocks(), "html")

    def _repr_markdown_(self) -> str:
        return fragment(self._blocks(), "markdown")


class Step(Struct, frozen=True, kw_only=True):
    """One micro-operation of a trace: the event it belongs to, and where the kernel has it.

    `source` is `path:line`, None for what is no line of the kernel.
    """

    event: str
    operation: str
    detail: str
    source: str | None


class Cell(_Shown, frozen=True, kw_only=True):
    """The answer of one cell, of a study or of a `.config`.

    `predicate` is what the kernel's check answers, None where that is not known or it is not
    asked. `traces` are the shortest ways to what is violated, by the names of the invariants.
    """

    kernel: str
    where: Mapping[str, str]
    verdict: str
    reasons: tuple[str, ...]
    predicate: bool | None
    confidence: str
    traces: Mapping[str, tuple[Step, ...]]

    def _told(self) -> str:
        where = ",".join(f"{axis}={option}" for axis, option in self.where.items())
        return f"{self.verdict}: Linux {self.kernel}, {where or 'the baseline'}"

    def _blocks(self) -> Iterable[Block]:
        verdict = parts.verdict(Verdict(self.verdict))
        where = parts.pairs(self.where.items()) or plain("the baseline")
        row = (plain(self.kernel), where, verdict, "; ".join(self.reasons))
        return [ShownTable(header=("Kernel", "Where", "Verdict", "Why"), rows=(row,))]


class Counts(_Shown, frozen=True, kw_only=True):
    """The exact number of cells of a study, in all and by verdict."""

    study: str
    cells: int
    verdicts: Mapping[str, int]

    def _told(self) -> str:
        return f"of {self.study}: {self.cells:,} cells"

    def _blocks(self) -> Iterable[Block]:
        rows = tuple(
            (parts.verdict(Verdict(verdict)), f"{cells:,}")
            for verdict, cells in self.verdicts.items()
        )
        return [ShownTable(header=("Verdict", "Cells"), rows=rows, align="lr")]


class Rule(Struct, frozen=True, kw_only=True):
    """A conjunction: each name has one of its options; `cells` are all that it describes."""

    verdict: str
    when: Mapping[str, tuple[str, ...]]
    cells: int


class Rules(_Shown, frozen=True, kw_only=True):
    """The rules of the verdicts of a study; together those of a verdict are exactly its cells."""

    study: str
    rules: tuple[Rule, ...]

    def _told(self) -> str:
        return f"of {self.study}: {counted(len(self.rules), 'rule')}"

    def _blocks(self) -> Iterable[Block]:
        rows = tuple(
            (
                parts.verdict(Verdict(rule.verdict)),
                parts.pairs((name, "|".join(options)) for name, options in rule.when.items()),
                f"{rule.cells:,}",
            )
            for rule in self.rules
        )
        return [ShownTable(header=("Verdict", "Where", "Cells"), rows=rows, align="llr")]


class View(_Shown, frozen=True, kw_only=True):
    """A table of a study or a part of one."""

    study: str
    title: str
    shown: tuple[Block, ...]
    table: Table

    def _told(self) -> str:
        rows = sum(map(len, self.table.row_groups))
        size = f"{counted(rows, 'row')}, {counted(len(self.table.columns), 'column')}"
        return f"of {self.study}: {self.title}; {size}"

    def _blocks(self) -> Iterable[Block]:
        return self.shown

    def frame(self) -> pd.DataFrame:
        """Return the verdicts as a frame: a row for each label, columns of as many levels.

        A cell that does not exist is None. pandas is imported here alone.
        """
        from matrix.analyze.space.frame import table_frame

        return table_frame(self.table)


class Declarations:
    """All declarations, ready to be asked; what is asked twice is computed once.

    Every method raises `matrix.InputError` with all that is wrong (`error.diagnostics`).
    """

    def __init__(self, *configs: str | os.PathLike[str]) -> None:
        self._configs = tuple(map(Path, configs))
        self._session = Session(self._configs)

    def __repr__(self) -> str:
        return f"matrix.load({', '.join(repr(str(folder)) for folder in self._configs)})"

    def __str__(self) -> str:
        counts = (
            counted(len(self.kernels), "kernel"),
            counted(len(self.cpus), "CPU"),
            f"{len(self.capabilities)} capabilities",
            f"{len(self.studies)} studies",
        )
        return listing(counts)

    @property
    def studies(self) -> tuple[str, ...]:
        """The ids of the studies.

        >>> "arm64-overview" in load().studies
        True
        """
        return tuple(study.id for study in self._session.library.knowledge.studies)

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The ids of the capabilities."""
        return tuple(one.id for one in self._session.library.knowledge.capabilities)

    @property
    def kernels(self) -> tuple[str, ...]:
        """The releases that have a profile.

        >>> "7.3" in load().kernels
        True
        """
        return tuple(dict.fromkeys(one.release for one in self._session.library.knowledge.kernels))

    @property
    def cpus(self) -> tuple[str, ...]:
        """The declared CPU types."""
        return tuple(cpu.id for cpu in self._session.library.knowledge.cpus)

    def ask(self, cell: str = "", *, study: str = DEFAULT_STUDY) -> Cell:
        """Return the answer of a cell, `axis=option,…`; the rest is the study's baseline.

        >>> cell = load().ask("cpu=cortex-a710", study="arm64-overview")
        >>> cell
        <Cell unsound: Linux 7.3, cpu=cortex-a710>
        >>> cell.verdict, cell.predicate
        ('unsound', True)
        """
        found = self._session.cell(study, cell, detailed=True)
        return _cell(found.kernel, dict(found.chosen), found.answer)

    def trace(
        self, cell: str = "", *, study: str = DEFAULT_STUDY
    ) -> Mapping[str, tuple[Step, ...]]:
        """Return the shortest way to each violation of a cell, by the name of the invariant.

        >>> steps = load().trace("cpu=apple-m2", study="arm64-overview")["alias-access"]
        >>> steps[-1].event
        'guest instruction fetch'
        """
        return self.ask(cell, study=study).traces

    def validate(
        self,
        config: str | os.PathLike[str],
        *cpus: str,
        capability: str | None = None,
    ) -> tuple[Cell, ...]:
        """Return the answers for a `.config` on CPUs or `@groups`; on every declared CPU for none.

        The capability is that of `matrix validate` unless one is named.
        What a `matrix.toml` says plays no part here.

        >>> [found] = load().validate("tests/data/booted/7.3.config", "graviton3")
        >>> found.verdict
        'supported'
        """
        asked = capability or self._session.library.study(DEFAULT_STUDY).capability
        found = self._session.file(os.fspath(config), asked, cpus)
        return tuple(_cell(item.kernel, {"cpu": "+".join(item.cpu)}, item.answer) for item in found)

    def count(self, study: str = DEFAULT_STUDY) -> Counts:
        """Return the exact counts of a study.

        >>> load().count("arm64-overview")
        <Counts of arm64-overview: 605,520 cells>
        """
        solved = self._session.solved(study)
        counts = {str(verdict): solved.count(verdict) for verdict in solved.verdicts}
        return Counts(study=study, cells=solved.valid.count(), verdicts=counts)

    def rules(self, study: str = DEFAULT_STUDY, verdict: str | None = None) -> Rules:
        """Return the rules of every verdict of a study, or of one.

        >>> found = load().rules("arm64-memfd-secret", "unsound")
        >>> found.rules[0].verdict
        'unsound'
        >>> sum(rule.cells for rule in found.rules) > 0
        True
        """
        from matrix.flows.rules import rules

        found = rules(study, configs=self._configs, predicate=None, verdict=verdict)
        return Rules(
            study=study,
            rules=tuple(
                Rule(verdict=group.label, when=dict(rule.when), cells=rule.cells)
                for group in found.groups
                for rule, _ in group.rules
            ),
        )

    def view(
        self,
        study: str = DEFAULT_STUDY,
        *,
        view: str | None = None,
        rows: str | None = None,
        columns: str | None = None,
        where: str | None = None,
    ) -> View:
        """Return a table of a study; the parameters are those of a block in a document.

        >>> shown = load().view("arm64-overview", rows="apple-m2,aws-graviton3", columns="7.3")
        >>> shown
        <View of arm64-overview: CPU × kernel × command line; 2 rows, 5 columns>
        >>> shown.frame()["7.3", "default"]["apple-m2"]
        'unsound'
        """
        asked = {"show": "table", "view": view, "rows": rows, "columns": columns, "where": where}
        request = _request(study, asked)
        table = shown_table(request, self._session)
        shown = tuple(content(request, self._session))
        return View(study=study, title=table.title, shown=shown, table=table)


def load(*configs: str | os.PathLike[str]) -> Declarations:
    """Return the shipped declarations, and those of folders as `--configs` takes them.

    >>> load()
    matrix.load()
    """
    return Declarations(*configs)


def _request(study: str, asked: Mapping[str, str | None]) -> Request:
    place = Location(file="request")
    return Request(
        file="request",
        form=MARKDOWN,
        study=study,
        options=tuple(
            Option(key=key, value=value, location=Location(file=f"{key}={value}"))
            for key, value in asked.items()
            if value is not None
        ),
        location=place,
        start=0,
        end=0,
        content="",
        indent="",
        newline="\n",
    )


def _cell(kernel: str, where: Mapping[str, str], answer: Answer) -> Cell:
    return Cell(
        kernel=kernel,
        where=where,
        verdict=str(answer.verdict),
        reasons=answer.reasons,
        predicate=answer.predicate,
        confidence=answer.confidence,
        traces={item.invariant: _steps(item) for item in answer.violations},
    )


def _steps(finding: Finding) -> tuple[Step, ...]:
    return tuple(
        Step(event=event.name, operation=line.operation, detail=line.detail, source=line.source)
        for event in events(finding.trace)
        for line in event.lines
    )
