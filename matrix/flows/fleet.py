"""A table of hosts in; a verdict per host and a summary of the fleet out.

The table is read in batches; what hosts have in common is worked out once
(`fleet_answers.py`). A row that is wrong is said with its number and does not keep the others from
their answer.

`HostParts` are the parts of a Parquet table, for several processes. A part's answer rests on the
request, the table and the files that it names alone, not on what a process has answered before:
whoever makes it makes the same one.
"""

from __future__ import annotations

import contextlib
import gc
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.answer import Fix
from matrix.analyze.cell.verdict import WORKS, Verdict
from matrix.diagnostics import (
    Diagnostic,
    ExitCode,
    InputError,
    Location,
    first_of,
    format_diagnostic,
    worst,
)
from matrix.door.files import digest_of
from matrix.door.folders import allow_outside, confinement, is_outside_allowed
from matrix.door.threads import in_threads
from matrix.door.workers import cores
from matrix.flows.arguments import check_verdicts
from matrix.flows.fleet_answers import FleetAnswers
from matrix.flows.fleet_batch import BatchAnswering, BatchAnswers, Coded, numbered, same
from matrix.flows.fleet_summary import FleetPart, FleetSummary, HostAnswer, HostGroup, joined
from matrix.flows.knowledge import Library
from matrix.kernel.fleet.hosts import (
    HostBatch,
    HostPart,
    HostTable,
    host_parts,
    named_in,
    open_hosts,
)
from matrix.schema.files import content_digest, read_folders
from matrix.schema.values import Capability

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Some seconds of one process: so much work of each is lost at most where one ends.
PART_ROWS = 1 << 19
# Of more than so many kinds of wrong rows the rest is counted.
_SAID_PROBLEMS = 20


class FleetRequest(Struct, frozen=True, kw_only=True):
    """What `matrix fleet` was asked."""

    hosts: str
    config_folder: Path | None = None
    capability: str = "gmem-no-direct-map"
    predicate: str | None = None
    settings: tuple[str, ...] = ()
    fail_on: tuple[str, ...] = ("unsound",)
    most_groups: int = 10
    # Titles of the table by the names of the columns that are read.
    columns: tuple[tuple[str, str], ...] = ()
    configs: tuple[Path, ...] = ()
    # In so many situations of hosts a change that helps is looked for, for the table of answers.
    most_fixes: int = 200
    # Threads that read command lines ahead: one a core unless given, none where it is one.
    jobs: int | None = None


class FleetOutcome(Struct, frozen=True, kw_only=True):
    """The summary, what is to be said beside it, and the exit code."""

    summary: FleetSummary
    speech: tuple[str, ...]
    exit_code: ExitCode
    problems: tuple[Diagnostic, ...] = ()


class AnsweredRows(Struct, frozen=True, kw_only=True):
    """Some rows with their answers; `Coded` are the distinct values and, per row, one's index.

    `own` are the user's columns as arrays of bytes, the same in every batch.
    """

    rows: npt.NDArray[np.int64]
    hosts: Any
    cpus: Coded[str]
    vms: Coded[str]
    answers: Coded[HostAnswer]
    fixes: Coded[tuple[Fix, ...]]
    own: Mapping[str, Any]


class HostRows(Protocol):
    """Takes the answers of a batch of hosts, in the order of the table."""

    def write(self, answered: AnsweredRows) -> None:
        """Take some rows."""


class FleetJob(Struct, frozen=True, kw_only=True):
    """A request, looked up: all that answers need but the table."""

    request: FleetRequest
    capability: Capability
    answers: FleetAnswers
    columns: Mapping[str, str]


def prepare(request: FleetRequest, library: Library) -> FleetJob:
    """Look up what is asked.

    Raises:
        InputError: where the request is wrong.
    """
    capability = library.capability(request.capability)
    check_verdicts(request.fail_on, capability)
    beside = Path() if request.hosts == "-" else Path(request.hosts).parent
    columns = dict(request.columns)
    distros = {one.id for one in library.knowledge.distros}
    # `--column config=debian-7.3` is no title: every host has that configuration.
    config = columns.pop("config") if columns.get("config") in distros else ""
    answers = FleetAnswers(
        library,
        capability,
        predicate=request.predicate,
        settings=request.settings,
        folder=request.config_folder or beside,
        config=config,
    )
    return FleetJob(request=request, capability=capability, answers=answers, columns=columns)


def fleet(request: FleetRequest, table_of_answers: HostRows | None = None) -> FleetOutcome:
    """Answer every host of a table; each answer goes to `table_of_answers`, too.

    Raises:
        InputError: where the request or the table as a whole is wrong.
    """
    job = prepare(request, Library(request.configs))
    keep = table_of_answers is not None
    with open_hosts(request.hosts, job.columns, keep=keep) as table:
        part = answer_rows(job, table, table_of_answers, request.jobs or cores())
    return outcome_of(job, table, part)


def answer_rows(job: FleetJob, table: HostTable, writer: HostRows | None, jobs: int) -> FleetPart:
    """Answer the rows of a table or of a part of it.

    Raises:
        InputError: as the batches of the table.
    """
    answers = job.answers
    # By the answer's identity: equal ones are one object.
    counted: dict[int, HostGroup] = {}
    answering = BatchAnswering(answers)
    hosts = 0
    # What is kept of a fleet has no cycles; looking for some among millions of objects takes an
    # eighth of the time.
    gc.set_threshold(200_000, 20, 50)
    for batch, read in in_threads(answering.read, table.batches(), jobs):
        answered = answering.answer(batch, read)
        _answer_batch(answers, answered, table, batch, counted, writer, job.request.most_fixes)
        hosts += batch.rows
    return FleetPart(
        hosts=hosts,
        groups=tuple(counted.values()),
        idle=answers.names.found(),
        remarks=tuple(answers.remarks),
        surroundings=answers.surroundings,
        without_fixes=len(answers.without_fixes),
    )


def outcome_of(job: FleetJob, table: HostTable, part: FleetPart) -> FleetOutcome:
    """Return the outcome for a table, of all of whose rows `part` is the answer."""
    request, capability = job.request, job.capability
    groups = sorted(
        (item for item in part.groups if item.answer.verdict is not None),
        key=lambda item: ((item.answer.verdict or Verdict.UNKNOWN).rank, -item.hosts),
    )
    summary = FleetSummary(
        file=table.file,
        capability=capability.id,
        assumes_patch=capability.assumes_patch,
        predicate_version=request.predicate or capability.default_predicate,
        hosts=part.hosts + len(table.broken),
        broken_rows=len(table.broken),
        groups=tuple(_with_fixes(job.answers, groups, request.most_groups)),
        wrong=tuple(item for item in part.groups if item.answer.verdict is None),
        idle=part.idle,
        surroundings=part.surroundings,
        basis=capability.basis,
    )
    remarks = (*part.remarks, *_not_looked_for(part.without_fixes, table))
    return FleetOutcome(
        summary=summary,
        speech=tuple(_speech(table, summary, remarks)),
        exit_code=_exit_code(summary, request.fail_on),
        problems=tuple(_problems(table, summary)),
    )


class HostSource(Struct, frozen=True, kw_only=True):
    """The rows of a request's table; paths of the request are absolute.

    `declarations` is a digest of those of --configs, `outside` whether files elsewhere are read,
    `digest` one of all that an answer is made of.
    """

    request: FleetRequest
    declarations: str
    outside: bool
    digest: str

    def answer(self, part: HostPart, writer: HostRows) -> FleetPart:
        """Answer the rows of a part.

        Raises:
            InputError: as `fleet`; MX0827, the declarations of --configs are others here.
        """
        if _declared(self.request.configs) != self.declarations:
            raise InputError(_OTHERS)
        library = _library(self.request.configs, self.declarations)
        with confinement():
            if self.outside:
                allow_outside()
            job = prepare(self.request, library)
            with open_hosts(self.request.hosts, job.columns, keep=True, part=part) as table:
                return answer_rows(job, table, writer, jobs=1)


class HostParts:
    """A request about a Parquet table, and its parts of `size` or so rows.

    Raises:
        InputError: where the request or the table as a whole is wrong; MX1523, no Parquet table.
    """

    def __init__(self, request: FleetRequest, size: int = PART_ROWS) -> None:
        self.parts = host_parts(request.hosts, size)
        request = _absolute(request)
        declarations = _declared(request.configs)
        self._job = prepare(request, _library(request.configs, declarations))
        with open_hosts(request.hosts, self._job.columns) as table:
            self._table: HostTable = table
            if not self.parts:
                next(table.batches())  # says that there is no host
        import hashlib  # loads OpenSSL: only for who asks

        from matrix.schema.installed import installed

        made_of = (
            _all_but_choice_of_words(request),
            declarations,
            is_outside_allowed(),
            dict(installed()),
            _stamp(request.hosts),
            sorted(_digests(self._job)),
        )
        digest = hashlib.blake2b(json.dumps(made_of, default=str).encode(), digest_size=8)
        self.source = HostSource(
            request=request,
            declarations=declarations,
            outside=is_outside_allowed(),
            digest=digest.hexdigest(),
        )

    def outcome(self, answered: Sequence[FleetPart]) -> FleetOutcome:
        """Return what the answers of all parts say, in their order."""
        whole = joined(answered, self._job.answers.options)
        return outcome_of(self._job, self._table, whole)


_OTHERS = Diagnostic(
    code="MX0827",
    message="a worker has other declarations in the folders of --configs",
    hint="give folders that all machines share, under one path, and leave them until it is done",
)


def _absolute(request: FleetRequest) -> FleetRequest:
    """Return the request with absolute paths: workers may be anywhere."""
    folder = request.config_folder
    return replace(
        request,
        hosts=str(Path(request.hosts).absolute()),
        config_folder=None if folder is None else folder.absolute(),
        configs=tuple(one.absolute() for one in request.configs),
    )


def _all_but_choice_of_words(request: FleetRequest) -> FleetRequest:
    """Return what of a request its rows are made of: not what is shown, and what fails."""
    return replace(request, fail_on=(), most_groups=0, jobs=None)


def _stamp(path: str) -> tuple[int, int]:
    """Return what changes with a table: to read all of it takes as long as to answer it."""
    found = Path(path).stat()
    return found.st_size, found.st_mtime_ns


def _digests(job: FleetJob) -> Iterator[tuple[str, str]]:
    """Yield each file that a row names, with a digest of what is in it."""
    for name in named_in(job.request.hosts, ("config", "evidence"), job.columns):
        path = job.answers.file_of(name)
        with contextlib.suppress(OSError, ValueError):  # none, or no name: its rows say so
            if path is not None:
                yield name, digest_of(path)


@lru_cache(maxsize=1)
def _library(folders: tuple[Path, ...], declarations: str) -> Library:  # noqa: ARG001 - for the key
    return Library(folders)


def _declared(folders: tuple[Path, ...]) -> str:
    return content_digest(read_folders(folders).files)


def _not_looked_for(without_fixes: int, table: HostTable) -> Iterator[Diagnostic]:
    """Yield that the table of answers lacks fixes (MX1522)."""
    if without_fixes:
        yield Diagnostic.note(
            code="MX1522",
            message=f"no fix was looked for in {without_fixes:,} more situations of hosts",
            location=Location(file=table.file),
            hint="--fixes N looks in so many; each takes some hundredths of a second",
        )


def _answer_batch(
    answers: FleetAnswers,
    answered: BatchAnswers,
    table: HostTable,
    batch: HostBatch,
    counted: dict[int, HostGroup],
    writer: HostRows | None,
    most_fixes: int,
) -> None:
    import numpy as np

    given = answered.given
    found = same([one.answer for one in given.values], given.codes)

    def place(at: int) -> tuple[int, str]:
        return int(table.row_numbers(batch.first + at, 1)[0]), batch.host(at)

    first, _ = numbered(found)
    for index in first.tolist():
        answer = found.values[found.codes[index]]
        if id(answer) not in counted:
            row, host = place(index)
            counted[id(answer)] = HostGroup(
                answer=answer,
                row=answered.row(index),
                first_row=row,
                first_host=host,
            )
    first, codes = numbered(found, answered.cpus)
    for index, hosts in zip(first.tolist(), np.bincount(codes).tolist(), strict=True):
        group = counted[id(found.values[found.codes[index]])]
        group.add(answered.cpus.values[answered.cpus.codes[index]], hosts)
    for idle, index, hosts in answered.idle:
        if not idle.hosts:
            idle.first_row, idle.first_host = place(index)
        idle.hosts += hosts
    if writer is not None:
        fixes = [answers.fixes(one, most_fixes) for one in given.values]
        writer.write(
            AnsweredRows(
                rows=table.row_numbers(batch.first, batch.rows),
                hosts=batch.hosts,
                cpus=answered.cpus,
                vms=answered.vms,
                answers=found,
                fixes=Coded(fixes, given.codes),
                own=batch.own,
            )
        )


def _with_fixes(
    answers: FleetAnswers, groups: Sequence[HostGroup], most: int
) -> Iterator[HostGroup]:
    """Yield the groups, with fixes for the first host of those that are shown in the text."""
    shown: Counter[Verdict | None] = Counter()
    for item in groups:
        shown[item.answer.verdict] += 1
        wanted = item.answer.verdict not in WORKS and shown[item.answer.verdict] <= most
        yield replace(item, fixes=answers.fixes(answers.given_row(item.row))) if wanted else item


def _speech(
    table: HostTable, summary: FleetSummary, remarks: Sequence[Diagnostic]
) -> Iterator[str]:
    """Yield what is wrong with rows, each kind once, what was left out, and what files have."""
    if table.ignored:
        yield format_diagnostic(
            Diagnostic.note(
                code="MX1510",
                message=f"columns not read: {first_of(table.ignored)}",
                location=Location(file=table.file),
                hint="read are host, kernel, config, cpu, midrs, cmdline, vm and evidence",
            )
        )
    flat = _problems(table, summary)
    yield from map(format_diagnostic, flat[:_SAID_PROBLEMS])
    if len(flat) > _SAID_PROBLEMS:
        yield f"… and {len(flat) - _SAID_PROBLEMS:,} more kinds of wrong rows"
    yield from map(format_diagnostic, remarks[:_SAID_PROBLEMS])
    if len(remarks) > _SAID_PROBLEMS:
        yield f"… and {len(remarks) - _SAID_PROBLEMS:,} more remarks about `.config`s"


def _problems(table: HostTable, summary: FleetSummary) -> list[Diagnostic]:
    """Return what is wrong with rows, each kind once."""
    return [*table.broken, *(item for group in summary.wrong for item in _placed(table, group))]


def _placed(table: HostTable, group: HostGroup) -> tuple[Diagnostic, ...]:
    """Return the problems of a kind of wrong rows with the first row's number."""
    which = f"row {group.first_row:,}"
    if group.first_host:
        which += f" ({group.first_host})"
    if group.hosts > 1:
        which += f" and {group.hosts - 1:,} more"
    return tuple(
        replace(
            item,
            message=f"{which}: {item.message}",
            location=item.location or Location(file=table.file),
        )
        for item in group.answer.problems
    )


def _exit_code(summary: FleetSummary, fail_on: Sequence[str]) -> ExitCode:
    codes: list[ExitCode] = []
    if summary.wrong_rows:
        codes.append(ExitCode.INPUT)
    if any(verdict in fail_on for verdict in summary.verdicts):
        codes.append(ExitCode.FINDINGS)
    if Verdict.UNKNOWN in summary.verdicts:
        codes.append(ExitCode.UNDECIDED)
    return worst(codes)
