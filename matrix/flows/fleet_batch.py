"""The rows of a batch of hosts, answered by what they share.

Takes a batch, gives an answer per row. No row is looked at by itself: rows are numbered by the
distinct values of each column, then by what boots, by what that makes of the line and the
surroundings, and by the CPU system there; each of these is worked out once (`fleet_answers.py`).
Whatever is numbered is numbered in the order of its first row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from msgspec import Struct

from matrix.flows.fleet_answers import FleetAnswers, Given, Shown
from matrix.flows.fleet_names import IdleWords
from matrix.flows.fleet_summary import HostRow, spec_of
from matrix.kernel.fleet.hosts import Column, HostBatch, decode
from matrix.kernel.fleet.lines import ReadWords, places

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.int64]

_Value = TypeVar("_Value")
_Other = TypeVar("_Other")
# So many numbers are told apart by a table; more of them by sorting.
_MOST_IN_TABLE = 1 << 19
_MOST_COMBINED = 1 << 40


class Coded(NamedTuple, Generic[_Value]):
    """Distinct values, and per row the index of one."""

    values: Sequence[_Value]
    codes: Numbers


class BatchAnswers(Struct, frozen=True, kw_only=True):
    """What is given to each row of a batch; `idle` are words in vain with their rows.

    `row` returns what a row of the batch says.
    """

    given: Coded[Given]
    cpus: Coded[str]
    vms: Coded[str]
    idle: tuple[tuple[IdleWords, int, int], ...]
    row: Callable[[int], HostRow]


class BatchAnswering:
    """Answers the batches of one fleet."""

    def __init__(self, answers: FleetAnswers) -> None:
        self._answers = answers
        self._words = ReadWords(answers.reads_word)

    def read(self, batch: HostBatch) -> Any:
        """Return what is read of the command lines of a batch; several threads may ask."""
        return None if batch.lines is None else self._words.read(batch.lines)

    def answer(self, batch: HostBatch, read: Any) -> BatchAnswers:
        """Return what is given to each row; `idle` has (words, first row, rows).

        `read` is what `read` returns for the batch; batches come in the order of the table.
        """
        import numpy as np

        parts = self._parts(batch, read)
        answers = self._answers
        at = np.flatnonzero(parts.right)
        builds, options, lines = (
            Coded(one.values, one.codes[at]) for one in (parts.builds, parts.options, parts.lines)
        )
        first, codes = numbered(builds, options, lines)
        placed = [answers.placed(parts.row(index)) for index in at[first].tolist()]
        idle = _idle(at, Coded([one.idle for one in placed], codes))
        arounds = same([one.around for one in placed], codes)
        specs = Coded(parts.specs.values, parts.specs.codes[at])
        first, codes = numbered(arounds, specs)
        found = [
            answers.given(arounds.values[around], specs.values[spec])
            for around, spec in zip(
                arounds.codes[first].tolist(), specs.codes[first].tolist(), strict=True
            )
        ]
        of_row = np.empty(batch.rows, np.int64)
        of_row[at] = codes
        others = np.flatnonzero(~parts.right)
        if len(others):
            first, codes = numbered(
                *(Coded(one.values, one.codes[others]) for one in parts.columns)
            )
            of_row[others] = codes + len(found)
            found += [answers.given_to(parts.row(index)) for index in others[first].tolist()]
        return BatchAnswers(
            given=same(found, of_row),
            cpus=parts.cpus,
            vms=parts.vms,
            idle=tuple(idle),
            row=parts.row,
        )

    def _parts(self, batch: HostBatch, read: Any) -> _Parts:
        import numpy as np

        answers = self._answers
        kernel, config, cpu, midrs, vm, evidence = (
            _texts(batch.columns.get(name), batch.rows)
            for name in ("kernel", "config", "cpu", "midrs", "vm", "evidence")
        )
        if batch.lines is None:
            line = Coded([""], np.zeros(batch.rows, np.int64))
        else:
            line = _merged(*self._words.column(batch.lines, read))
        settings: Coded[tuple[str, ...]] = Coded([()], np.zeros(batch.rows, np.int64))
        sound = Coded([True], settings.codes)
        if any(evidence.values):
            shown = [answers.shown(one) if one else None for one in evidence.values]
            seen = Coded(shown, evidence.codes)
            no_midrs = _is_empty(midrs)
            kernel = _filled(kernel, seen, lambda one: one.kernel, _is_empty(kernel))
            config = _filled(config, seen, lambda one: one.config, _is_empty(config))
            cpu = _filled(cpu, seen, lambda one: one.cpu, _is_empty(cpu) & no_midrs)
            line = _filled(line, seen, lambda one: one.cmdline, _is_empty(line))
            settings = _merged([one.settings if one else () for one in shown], evidence.codes)
            pairs = zip(shown, evidence.values, strict=True)
            sound = Coded([one is not None or not text for one, text in pairs], evidence.codes)
        first, codes = numbered(kernel, config)
        booted = [answers.builds(*pair) for pair in _pairs(kernel, config, first)]
        line = _own_lines(batch, line, Coded(booted, codes))
        builds = Coded([one is not None for one in booted], codes)
        first, codes = numbered(cpu, midrs)
        named = _pairs(cpu, midrs, first)
        specs = _merged([spec_of(HostRow("", "", *pair, "", "")) for pair in named], codes)
        cpus = _merged([one or other for one, other in named], codes)
        first, codes = numbered(vm, settings)
        known = [answers.knows_options(*pair) for pair in _pairs(vm, settings, first)]
        options = Coded(known, codes)
        right = (
            np.array(sound.values)[sound.codes]
            & np.array(builds.values)[builds.codes]
            & np.array(options.values)[options.codes]
            & np.array([answers.knows_cpu(one) for one in specs.values])[specs.codes]
            & np.array([answers.knows_line(one) for one in line.values])[line.codes]
        )
        return _Parts(
            right=right,
            columns=(kernel, config, cpu, midrs, line, vm, evidence, settings),
            builds=builds,
            options=options,
            lines=line,
            specs=specs,
            cpus=cpus,
            vms=_merged([one or "default" for one in vm.values], vm.codes),
        )


class _Parts(Struct, frozen=True, kw_only=True):
    """The parts of the rows of a batch; `right` are the rows nothing of which is wrong."""

    right: npt.NDArray[np.bool_]
    columns: tuple[Coded[Any], ...]
    builds: Coded[bool]
    options: Coded[bool]
    lines: Coded[str]
    specs: Coded[str]
    cpus: Coded[str]
    vms: Coded[str]

    def row(self, index: int) -> HostRow:
        """Return what a row says, with what its evidence shows."""
        return HostRow(*(one.values[one.codes[index]] for one in self.columns))


def numbered(*columns: Coded[Any]) -> tuple[Numbers, Numbers]:
    """Return the first row of each combination of values, and per row the number of its own."""
    import numpy as np

    combined, size = columns[0].codes, len(columns[0].values)
    for column in columns[1:]:
        if size * len(column.values) > _MOST_COMBINED:
            _, combined = np.unique(combined, return_inverse=True)
            size = int(combined.max(initial=0)) + 1
        combined = combined * len(column.values) + column.codes
        size *= len(column.values)
    rows = len(combined)
    if size <= _MOST_IN_TABLE:
        first = np.full(size, rows, np.int64)
        first[combined[::-1]] = np.arange(rows - 1, -1, -1)
        present = np.flatnonzero(first < rows)
        present = present[np.argsort(first[present])]
        number = np.empty(size, np.int64)
        number[present] = np.arange(len(present))
        return first[present], number[combined]
    _, first, codes = np.unique(combined, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    return first[order], number[codes]


def same(values: Sequence[_Value], codes: Numbers) -> Coded[_Value]:
    """Return values of which several may be one object, each once."""
    numbers: dict[int, int] = {}
    found: list[_Value] = []
    table = []
    for value in values:
        number = numbers.setdefault(id(value), len(found))
        if number == len(found):
            found.append(value)
        table.append(number)
    return Coded(found, _through(table, codes))


def _merged(values: Sequence[_Value], codes: Numbers) -> Coded[_Value]:
    """Return values of which several may be equal, each once."""
    numbers: dict[_Value, int] = {}
    table = [numbers.setdefault(value, len(numbers)) for value in values]
    return Coded(list(numbers), _through(table, codes))


def _through(table: list[int], codes: Numbers) -> Numbers:
    import numpy as np

    return np.array(table, np.int64)[codes]


def _texts(column: Column | None, rows: int) -> Coded[str]:
    """Return a column as texts without blanks around them; empty where the table has none."""
    import numpy as np

    if column is None:
        return Coded([""], np.zeros(rows, np.int64))
    return _merged([decode(value).strip() for value in column.values], column.codes)


def _is_empty(column: Coded[str]) -> npt.NDArray[np.bool_]:
    import numpy as np

    found: npt.NDArray[np.bool_] = np.array([not one for one in column.values])[column.codes]
    return found


def _filled(
    column: Coded[str],
    shown: Coded[Shown | None],
    get: Callable[[Shown], str],
    where: npt.NDArray[np.bool_],
) -> Coded[str]:
    """Return a column with what evidence shows in some rows."""
    import numpy as np

    values = [*column.values, *(get(one) if one else "" for one in shown.values)]
    codes = np.where(where, len(column.values) + shown.codes, column.codes)
    return _merged(values, codes)


def _pairs(left: Coded[_Value], right: Coded[_Other], rows: Numbers) -> list[tuple[_Value, _Other]]:
    codes = zip(left.codes[rows].tolist(), right.codes[rows].tolist(), strict=True)
    return [(left.values[one], right.values[other]) for one, other in codes]


def _own_lines(batch: HostBatch, line: Coded[str], booted: Coded[Any]) -> Coded[str]:
    """Return lines, where those apart that are the built-in line of their kernel.

    Of such a kernel it is not said that it ignores what the boot loader passes.
    """
    import numpy as np

    built_in = [one[0].config.value("CMDLINE") if one else None for one in booted.values]
    texts = [one for one in dict.fromkeys(built_in) if isinstance(one, str) and one]
    if batch.lines is None or not texts:
        return line
    place = places(batch.lines, texts)
    return _merged(
        [*line.values, *texts], np.where(place < 0, line.codes, len(line.values) + place)
    )


def _idle(at: Numbers, idle: Coded[IdleWords | None]) -> list[tuple[IdleWords, int, int]]:
    """Return the words that are said in vain, with the first row and the number of rows."""
    import numpy as np

    merged = same(idle.values, idle.codes)
    first, _ = numbered(merged)
    sizes = np.bincount(merged.codes, minlength=len(merged.values))
    rows = zip(merged.codes[first].tolist(), at[first].tolist(), strict=True)
    return [
        (words, row, int(sizes[number]))
        for number, row in rows
        if (words := merged.values[number]) is not None
    ]
