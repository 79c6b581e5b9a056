"""The answers of `validate` in each of its formats, written part by part.

A `Writer` makes of the results of some inputs a part, in whatever process; the parts are added in
order, and lie in a spool until the run is over: what is said first (problems, counts, an exit
code) is known last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.verdict import Verdict
from matrix.door.spool import Spool
from matrix.flows.validate_result import Standing, ValidateOutcome, ValidateResult
from matrix.render.columns import align
from matrix.render.fixes import fix_line
from matrix.render.text import Detail, hanging, render_answer, render_grouped

Part = TypeVar("Part")


class Writer(Protocol[Part]):
    """Writes results in one format."""

    def part(self, results: Sequence[ValidateResult]) -> Part:
        """Return what the results of some inputs are, to be added where all parts are."""

    def add(self, part: Part) -> None:
        """Add the next part."""

    def pieces(self, outcome: ValidateOutcome) -> Iterator[bytes]:
        """Yield the whole, in pieces that end where lines do, once all is added.

        `outcome` has no results; texts are UTF-8, with what UTF-8 cannot hold as it is.
        """


def writer_of(
    outcome: ValidateOutcome, form: str, *, colour: bool = False, detail: Detail = Detail.BRIEF
) -> Writer[Any]:
    """Return what writes a format: text, json, github, junit or sarif.

    Of the outcome counts what is known before the first answer: what fails, what is compared.
    """
    match form:
        case "text":
            if outcome.grouped or detail is not Detail.BRIEF:
                return _BlockWriter(outcome, colour=colour, detail=detail)
            return _TableWriter(outcome, colour=colour)
        case "json":
            from matrix.render.json import JsonWriter

            return JsonWriter()
    here = replace(outcome, root=str(Path.cwd()))
    match form:
        case "github":
            from matrix.render.github import GithubWriter

            return GithubWriter(here)
        case "junit":
            from matrix.render.junit import JunitWriter

            return JunitWriter(here)
        case _:
            from matrix.render.sarif import SarifWriter

            return SarifWriter(here)


def render_validate(outcome: ValidateOutcome, form: str, *, detail: Detail = Detail.BRIEF) -> str:
    """Return the answers in a format, of an outcome that has its results."""
    writer = writer_of(outcome, form, colour=False, detail=detail)
    writer.add(writer.part(outcome.results))
    return b"".join(writer.pieces(outcome)).decode("utf-8", "surrogatepass")


def written_text(text: str) -> bytes:
    """Return a text as a part holds it."""
    return text.encode("utf-8", "surrogatepass")


class _BlockWriter:
    """Answers for a reader: one by one, or grouped by verdict per file."""

    def __init__(self, outcome: ValidateOutcome, *, colour: bool, detail: Detail) -> None:
        self._grouped, self._colour, self._detail = outcome.grouped, colour, detail
        self._spool = Spool()

    def part(self, results: Sequence[ValidateResult]) -> list[bytes]:
        """Return the block of each file, or of each answer."""
        if not self._grouped:
            return [
                written_text(
                    render_answer(
                        f"{_file_title(result)}, {' + '.join(result.cpu)}",
                        result.answer,
                        colour=self._colour,
                        detail=self._detail,
                        aside=_standing(result),
                    )
                )
                for result in results
            ]
        by_file: dict[str, list[ValidateResult]] = {}
        for result in results:
            by_file.setdefault(result.file, []).append(result)
        return [
            written_text(
                render_grouped(
                    _file_title(own[0]),
                    [("+".join(result.cpu), result.answer) for result in own],
                    colour=self._colour,
                    fixed=_fixed(own[0]),
                    asides=_standings(own),
                )
            )
            for own in by_file.values()
        ]

    def add(self, part: list[bytes]) -> None:
        """Add blocks, an empty line between two."""
        for block in part:
            self._spool.write(b"\n" + block if self._spool.size else block)

    def pieces(self, outcome: ValidateOutcome) -> Iterator[bytes]:
        """Yield the text."""
        del outcome
        self._spool.begin()
        yield from self._spool.read()


# More answers than a person reads one by one: then one table, and each reason once.
_MOST_ANSWERS = 24
_MOST_COLUMNS = 6
_SHOWN_PAIRS = 3


class _Row(Struct, frozen=True, array_like=True):
    """What the table of many answers has of one; `said` are verdict, reason, fix and meaning."""

    file: str
    cpu: str
    word: str
    said: tuple[str, str, str, str]
    defects: tuple[str, ...]


class _Rows(Struct, frozen=True, array_like=True):
    """Rows of the table; beside it the results, as long as they may be few."""

    rows: list[_Row]
    few: tuple[ValidateResult, ...]


class _Alike(Struct):
    """Answers that say the same: how many, and the first of them."""

    count: int
    shown: list[tuple[str, str]]


class _TableWriter:
    """Answers one by one where they are few; else one table, and beneath it each reason once."""

    def __init__(self, outcome: ValidateOutcome, *, colour: bool) -> None:
        self._blocks = _BlockWriter(outcome, colour=colour, detail=Detail.BRIEF)
        # What this process made parts of, which may be one of several.
        self._made = 0
        self._names: set[str] = set()
        self._few: list[ValidateResult] = []
        self._count = 0
        self._files: dict[str, dict[str, str]] = {}
        self._said: dict[tuple[str, str, str, str], _Alike] = {}
        self._defects: Counter[str] = Counter()

    def part(self, results: Sequence[ValidateResult]) -> _Rows:
        """Return the rows of some results."""
        self._made += len(results)
        self._names.update(result.file for result in results)
        may_be_few = len(self._names) <= 1 or self._made <= _MOST_ANSWERS
        return _Rows([_row(one) for one in results], tuple(results) if may_be_few else ())

    def add(self, part: _Rows) -> None:
        """Add rows."""
        for row in part.rows:
            self._files.setdefault(row.file, {})[row.cpu] = row.word
            alike = self._said.setdefault(row.said, _Alike(0, []))
            alike.count += 1
            if len(alike.shown) < _SHOWN_PAIRS:
                alike.shown.append((row.file, row.cpu))
            self._defects.update(row.defects)
        self._count += len(part.rows)
        if self._is_many:
            self._few.clear()
        else:
            self._few += part.few

    @property
    def _is_many(self) -> bool:
        return self._count > _MOST_ANSWERS and len(self._files) > 1

    def pieces(self, outcome: ValidateOutcome) -> Iterator[bytes]:
        """Yield the text."""
        if self._is_many:
            yield written_text(self._table())
            return
        self._blocks.add(self._blocks.part(self._few))
        yield from self._blocks.pieces(outcome)

    def _table(self) -> str:
        files = self._files
        cpus = list(dict.fromkeys(cpu for row in files.values() for cpu in row))
        folder = _folder_of(files)
        files = {file.removeprefix(folder): row for file, row in files.items()}
        if len(cpus) <= _MOST_COLUMNS:
            rows = [(file, *(row.get(cpu, "-") for cpu in cpus)) for file, row in files.items()]
            table = align(("file", *cpus), rows)
        else:
            counted = [(file, _counts(list(row.values()))) for file, row in files.items()]
            table = align(("file", f"of {len(cpus)} CPU systems"), counted)
        lines = [
            line
            for text, count in self._defects.most_common()
            for line in hanging(f"{count:,} of {self._count:,}: {text}", "", "  ")
        ]
        order = [str(verdict) for verdict in Verdict]
        for (verdict, reason, fix, meant), those in sorted(
            self._said.items(), key=lambda item: (order.index(item[0][0]), -item[1].count)
        ):
            pairs = ", ".join(f"{file.removeprefix(folder)} on {cpu}" for file, cpu in those.shown)
            rest = those.count - _SHOWN_PAIRS
            more = f" and {rest:,} more" if rest > 0 else ""
            lines += hanging(f"{verdict}, {those.count:,}: {reason} ({pairs}{more})", "", "  ")
            lines += hanging(f"fix: {fix}", "  ", "    ") if fix else []
            lines += hanging(f"so what: {meant}", "  ", "    ") if meant else []
        below = [f"files of {folder}"] if folder else []
        return "\n".join((*below, table, *lines, "-v says each answer by itself")) + "\n"


def _row(result: ValidateResult) -> _Row:
    answer = result.answer
    word = f"({answer.verdict})" if _standing(result) else str(answer.verdict)
    fix = next(map(fix_line, answer.fixes), "")
    return _Row(
        result.file,
        " + ".join(result.cpu),
        word,
        (str(answer.verdict), _first_reason(result), fix, answer.so_what),
        tuple(one.sentence for one in answer.defects),
    )


def _folder_of(files: Iterable[str]) -> str:
    """Return the folder that all names begin with, and its slash; nothing where there is none."""
    folders = {file.rpartition("/")[0] for file in files}
    return f"{folders.pop()}/" if len(folders) == 1 and "" not in folders else ""


def _first_reason(result: ValidateResult) -> str:
    return next(iter(result.answer.reasons), result.answer.outcome)


def _counts(words: Sequence[str]) -> str:
    return ", ".join(f"{count:,} {word}" for word, count in Counter(words).most_common())


def _file_title(result: ValidateResult) -> str:
    return f"{result.file}: {result.title}"


def _fixed(result: ValidateResult) -> str:
    """Return what is the same for all CPUs of a file: the command line and the surroundings."""
    line = f"the command line `{result.cmdline}`" if result.cmdline else "no command line"
    options = [f"{axis}={option}" for axis, option in result.surroundings]
    return f"all with {', '.join([line, *options])}"


def _standing(result: ValidateResult) -> str | None:
    """Return why a verdict does not count, None where it does."""
    match result.standing:
        case Standing.MUTED:
            return f"muted: {result.muted_because}"
        case Standing.KNOWN:
            return "known: the baseline has it"
        case _:
            return None


def _standings(results: Sequence[ValidateResult]) -> list[str]:
    """Return for each reason not to count the CPUs it holds for."""
    by_reason: dict[str, list[str]] = {}
    for result in results:
        if reason := _standing(result):
            by_reason.setdefault(reason, []).append("+".join(result.cpu))
    return [f"{reason} ({', '.join(cpus)})" for reason, cpus in by_reason.items()]
