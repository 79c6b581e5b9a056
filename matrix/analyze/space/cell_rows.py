"""The cells of a solved study as rows of numbers: the options of each, then what it is answered.

Takes a `SolvedStudy` and, if wanted, a part of it and some columns, gives NumPy columns whose
numbers are places in the texts of their `CellColumn`. Rows are in the order of the space: the first
axis changes slowest, options are in declared order. What a cell is answered is what
`answering.answer` says of it; what nobody recorded of a CPU is never a row of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

from matrix.analyze.cell.verdict import Verdict, decide
from matrix.analyze.space.study import SolvedStudy
from matrix.solve.layers import Layers, layers_of, projected
from matrix.solve.listing import Columns, Listing, Numbers, number_type
from matrix.solve.sampling import distinct_ranks
from matrix.solve.space import Region, union

# The columns that stand after the axes; docs/glossary.md has their meaning.
ANSWER_COLUMNS = ("predicate", "outcome", "verdict", "cause", "behaviour_class")
# Those without a value where the capability is absent, or two values are possible.
_OPTIONAL = frozenset({"predicate", "cause", "behaviour_class"})

_PREDICATE = ("false", "true")
_OUTCOMES = ("safe", "violates", "not-run")
# The outcome goes with the verdict; where two verdicts are possible no simulation is the cell's.
_OUTCOME_OF = {
    decide(predicate=predicate, violates=violates): int(violates)
    for predicate in (False, True)
    for violates in (False, True)
}
_NOTHING = -1

# What a cell is answered: a number per column of `ANSWER_COLUMNS`.
_Answer = tuple[int, ...]
# One way in which a cell may be: verdict, predicate, number of the behaviour class.
_Way = tuple[Verdict, bool | None, int | None]


class CellColumn(Struct, frozen=True, kw_only=True):
    """A column: number `n` in it means `texts[n]`; in an optional one -1 is no value."""

    name: str
    texts: tuple[str, ...]
    optional: bool = False

    @property
    def kind(self) -> np.dtype[np.signedinteger]:
        """The type of its numbers: the smallest one."""
        return number_type(len(self.texts))


class CellRows:
    """Rows of a study, numbered from 0; none is made before it is asked for.

    `within` leaves only its cells. With `columns` the rows are the distinct combinations of these
    columns, sorted by axis as declared whatever the order of the columns; without, every axis and
    then `ANSWER_COLUMNS`. KeyError for an unknown column. Raises UndecidedError MX0634 where there
    are too many combinations to tell apart.
    """

    def __init__(
        self,
        solved: SolvedStudy,
        within: Region | None = None,
        columns: Sequence[str] | None = None,
    ) -> None:
        axes = solved.backend.space.variables
        cells = _Cells(solved, within)
        texts = {axis.name: axis.options for axis in axes} | cells.texts
        names = tuple(texts) if columns is None else tuple(columns)
        self.columns = tuple(
            CellColumn(name=name, texts=texts[name], optional=name in _OPTIONAL) for name in names
        )
        answered = [place for place, name in enumerate(ANSWER_COLUMNS) if name in names]
        answers = [tuple(answer[place] for place in answered) for answer in cells.answers]
        distinct = sorted(set(answers))
        layers = cells.layers
        if columns is not None:
            numbers = {answer: number for number, answer in enumerate(distinct)}
            layers = projected(layers, names, lambda label: numbers[answers[label]])
            answers = distinct
        self._listing = Listing(layers)
        kept = [axis.name for axis in layers.variables]
        self._axes = [kept.index(name) if name in kept else None for name in names]
        # Per answer column: what the number of a label means in it.
        self._meanings = {
            ANSWER_COLUMNS[place]: np.array(
                [answer[index] for answer in answers],
                number_type(len(texts[ANSWER_COLUMNS[place]])),
            )
            for index, place in enumerate(answered)
        }

    @property
    def rows(self) -> int:
        """The exact number of rows."""
        return self._listing.rows

    @property
    def digest(self) -> str:
        """A name of what the rows are made of: equal rows in equal columns have equal ones."""
        found = hashlib.blake2b(digest_size=8)
        found.update(repr((self.columns, self._axes)).encode())
        for name, numbers in self._meanings.items():
            found.update(repr((name, numbers.tolist())).encode())
        for numbers in self._listing.numbers:
            found.update(repr(numbers.tolist()).encode())
        return found.hexdigest()

    def chunks(self, size: int, limit: int | None = None) -> Iterator[Columns]:
        """Yield all rows, or the first `limit`, at most `size` at a time; memory goes with it."""
        return map(self._columns, self._listing.stretches(size, limit))

    def part(self, first: int, rows: int, size: int) -> Iterator[Columns]:
        """Yield `rows` rows from row `first` on, at most `size` at a time."""
        for start in range(first, first + rows, size):
            stretch = self._listing.stretch(start, min(size, first + rows - start))
            yield self._columns(stretch)

    def sample(self, number: int, seed: int, size: int) -> Iterator[Columns]:
        """Yield `number` different rows, every choice equally likely, at most `size` at a time.

        They keep the order of rows; the same seed gives the same ones. All, where there are no
        more.
        """
        ranks = distinct_ranks(self.rows, number, seed)
        for first in range(0, len(ranks), size):
            yield self._columns(self._listing.at(ranks[first : first + size]))

    def answered(self, cells: Numbers) -> Columns:
        """Return the rows of cells found elsewhere, given as one row of option numbers each.

        For the rows of a whole study, without `columns`; takes one look-up per axis for all cells
        together. ValueError for what is no cell of the study.
        """
        labels = self._listing.labels(cells)
        if (labels < 0).any():
            raise ValueError(f"no cell of the study: {cells[labels < 0][0].tolist()}")
        return self._columns((*cells.T, labels))

    def _columns(self, listed: Columns) -> Columns:
        labels = listed[-1]
        return tuple(
            self._meanings[column.name].take(labels) if place is None else listed[place]
            for column, place in zip(self.columns, self._axes, strict=True)
        )


class _Cells:
    """The layers of a study's cells, the answers their labels mean, and the texts of answers."""

    def __init__(self, solved: SolvedStudy, within: Region | None) -> None:
        ways, regions = _ways(solved)
        if within is not None:
            regions = [region & within for region in regions]
        self._ways = ways
        self._numbers: dict[tuple[object, ...], int] = {}
        self._known: list[tuple[Verdict, bool | None, tuple[int, ...]]] = []
        self.layers: Layers = layers_of(solved.backend.space, regions, self._label)
        classes = sorted({numbers for _, _, numbers in self._known if numbers})
        places = {numbers: place for place, numbers in enumerate(classes)}
        of_class = _statements(solved)
        broken = [
            # An unknown cell may violate nothing: no statement of a class is said of it.
            None if verdict is Verdict.UNKNOWN else _only({of_class[n] for n in numbers} - {None})
            for verdict, _, numbers in self._known
        ]
        verdicts = tuple(solved.verdicts)
        causes = sorted({statement for statement in broken if statement})
        self.answers: list[_Answer] = [
            (
                _NOTHING if predicate is None else int(predicate),
                _OUTCOME_OF.get(verdict, _OUTCOMES.index("not-run")),
                verdicts.index(verdict),
                causes.index(statement) if statement else _NOTHING,
                places.get(numbers, _NOTHING),
            )
            for (verdict, predicate, numbers), statement in zip(self._known, broken, strict=True)
        ]
        self.texts: dict[str, tuple[str, ...]] = dict(
            zip(
                ANSWER_COLUMNS,
                (
                    _PREDICATE,
                    _OUTCOMES,
                    tuple(map(str, verdicts)),
                    tuple(causes),
                    tuple("/".join(map(str, numbers)) for numbers in classes),
                ),
                strict=True,
            )
        )

    def _label(self, possible: tuple[int, ...]) -> int:
        """Return the label of cells in which all these ways are possible, and no other."""
        ways = [self._ways[number] for number in possible]
        verdicts = {verdict for verdict, _, _ in ways}
        predicates = {predicate for _, predicate, _ in ways}
        known = (
            verdicts.pop() if len(verdicts) == 1 else Verdict.UNKNOWN,
            predicates.pop() if len(predicates) == 1 else None,
            tuple(sorted({number for _, _, number in ways if number is not None})),
        )
        label = self._numbers.setdefault(known, len(self._known))
        if label == len(self._known):
            self._known.append(known)
        return label


def _ways(solved: SolvedStudy) -> tuple[list[_Way], list[Region]]:
    """Return the ways in which cells may be, each with the cells where it is possible.

    Behaviour classes are numbered from 1 in the order in which the study finds them.
    """
    absent = (region for _, part in solved.kernels for _, region in part.absent)
    ways: list[_Way] = [(Verdict.ABSENT, None, None)]
    regions = [union(solved.backend, absent)]
    numbers = {
        inputs: number
        for number, inputs in enumerate(dict.fromkeys(c.inputs for c in solved.classes), start=1)
    }
    for item in solved.classes:
        ways.append((item.verdict, item.predicate, numbers[item.inputs]))
        regions.append(item.region)
    return ways, regions


def _statements(solved: SolvedStudy) -> dict[int, str | None]:
    """Return for each behaviour class what is violated first in it, None where nothing is."""
    classes = dict.fromkeys(item.inputs for item in solved.classes)
    results = (solved.behaviours.result(inputs) for inputs in classes)
    return {
        number: result.violations[0].message if result.violations else None
        for number, result in enumerate(results, start=1)
    }


def _only(statements: set[str | None]) -> str | None:
    """Return the one statement there is, None where there is none or several."""
    return statements.pop() if len(statements) == 1 else None
