"""`.config` files, CPUs and a command line in; answers out.

Each file is read, situated (which kernel it is for, which command line that kernel reads), answered
on each CPU system, and fixed where the capability does not work; what a repository's matrix.toml
and baseline say is applied last and changes no answer, only what counts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer, Unsettled
from matrix.analyze.cell.verdict import WORKS, Verdict
from matrix.diagnostics import Diagnostic, ExitCode, InputError, Location, Severity, worst
from matrix.door.bounded import STANDARD_INPUT
from matrix.expr.position import shown
from matrix.flows.answers import Situation
from matrix.flows.deciding_line import deciding_symbol, with_deciding_lines
from matrix.flows.fix_costs import with_costs
from matrix.flows.granule_note import NamedCpus, one_granule_note, with_cpu_names
from matrix.flows.interpolation import answer_in, fixes_in, verdict_in
from matrix.flows.kernel_choice import (
    ChosenKernel,
    absent_reason,
    absent_whatever_release,
    kernels_around,
    partial_note,
    version_notes,
)
from matrix.flows.knowledge import refuse_no_release
from matrix.flows.stale_names import stale_names
from matrix.flows.standing import Used, read_accepted
from matrix.flows.validate_inputs import (
    FolderEnd,
    Input,
    Overlays,
    find_inputs,
    is_answer,
    read_input,
    with_stated_release,
)
from matrix.flows.validate_job import ValidateJob, ValidateRequest, prepare
from matrix.flows.validate_result import Standing, ValidateOutcome, ValidateResult
from matrix.kernel.config.dotconfig import DotConfig
from matrix.kernel.cpu.system import CpuSystem
from matrix.kernel.line.cmdline import read_command_line
from matrix.kernel.source.version import read_version

__all__ = ["ValidateOutcome", "ValidateRequest", "Validation", "answers_of", "validate"]


def validate(request: ValidateRequest) -> ValidateOutcome:
    """Answer every file of a request.

    A file that is wrong is said and does not keep the others from their answer.

    Raises:
        InputError: where the request itself is wrong (CPU, capability, setting, command line), or
            what matrix.toml or the baseline say.
    """
    run = Validation(request)
    results: list[ValidateResult] = []
    for one in run.inputs():
        answered = run.answered(one)
        run.take(one, answered)
        results += answered.results
    return replace(run.outcome(), results=tuple(results))


# Answers with fixes that are kept: each holds all that the fix rests on.
_MOST_FIXED = 1024

# What is answered by itself: a machine's saved `.config`, or a file. The end of a folder says
# whether any of its files was a configuration.
Found = DotConfig | Input | FolderEnd


class Answered(Struct, kw_only=True):
    """What one input says: its answers, and what else there is to say.

    `used` is what of mutes and baseline was of use, `is_one` whether it is a configuration.
    """

    results: list[ValidateResult] = field(default_factory=list)
    remarks: dict[Diagnostic, None] = field(default_factory=dict)
    problems: list[tuple[str, Diagnostic]] = field(default_factory=list)
    codes: set[ExitCode] = field(default_factory=set)
    granules: NamedCpus = field(default_factory=dict)
    used: Used = field(default_factory=Used)
    is_one: bool = False

    def note(self, error: InputError) -> None:
        """Note that a file has no answer, or was passed over."""
        self.problems += map(_with_file, error.diagnostics)
        if any(item.severity is Severity.ERROR for item in error.diagnostics):
            self.codes.add(ExitCode.INPUT)

    def hold_to_tree(self, job: ValidateJob, config: DotConfig) -> None:
        """Note what of a file the tree of `--tree` would not allow."""
        if job.tree is not None:
            conflicts = job.tree.diagnostics(config)
            self.problems += map(_with_file, conflicts)
            self.codes.update(map(job.tree.exit_code, conflicts))


class Validation:
    """The answers for one request, input by input: each `answered`, then `take`n in their order.

    `answered` keeps nothing but what makes it faster, so that several processes may do it.

    Raises:
        InputError: as `validate`, or a fragment cannot be read.
    """

    def __init__(self, request: ValidateRequest) -> None:
        self._accepted = read_accepted(request)
        try:
            self._job = prepare(self._accepted.request)
        except InputError as error:
            raise self._accepted.placed(error) from None
        asked, tree = self._job.request, self._job.tree
        self._files, fragments = asked.files, asked.fragments
        if tree is not None:
            self._files = tuple(map(tree.named, asked.files))
            fragments = tuple(map(tree.named, fragments))
        version = read_version(_told_version(self._job))
        self._overlays = Overlays(fragments, self._job.architecture.id, version)
        self._fixed: _Fixed = {}
        self._all = Answered(remarks=dict.fromkeys(request.notes))
        self._found_in_folder = False

    @property
    def is_shared(self) -> bool:
        """Tell whether several processes may answer: all inputs are files, and nothing is large."""
        asked = self._job.request
        return not (asked.inputs or asked.tree is not None or STANDARD_INPUT in asked.files)

    def inputs(self) -> Iterator[Found]:
        """Yield what is to be answered."""
        job = self._job
        yield from job.request.inputs
        yield from find_inputs(self._files, job.architecture.id, job.machines)

    def answered(self, found: Found) -> Answered:
        """Return what an input says."""
        job, said = self._job, Answered()
        for config in self._read(found, said):
            job.answers.forget_situations()
            if len(self._fixed) > _MOST_FIXED:
                self._fixed.clear()
            try:
                said.hold_to_tree(job, config)
                answered = _answered(job, config, self._fixed, said.granules)
            except InputError as error:
                said.note(self._accepted.placed(error))
                continue
            if job.request.pointing:
                answered = with_deciding_lines(answered, config, job.capability)
            said.results += map(self._accepted.of, answered)
            said.remarks.update(
                (item, None) for result in answered for item in result.answer.diagnostics
            )
        # Before the exit codes: what the new baseline holds fails no more.
        if job.request.write_baseline is not None:
            said.results = self._accepted.known_from_now(
                said.results, lambda result: any(_codes(job.request, result))
            )
        said.codes.update(code for one in said.results for code in _codes(job.request, one))
        said.used = self._accepted.take_used()
        return said

    def _read(self, found: Found, said: Answered) -> Iterator[DotConfig]:
        """Yield each `.config` of an input; what cannot be read is noted."""
        job = self._job
        if isinstance(found, DotConfig):
            yield found
            return
        if isinstance(found, FolderEnd):
            return
        for config in read_input(found, self._overlays):
            said.is_one = said.is_one or is_answer(config)
            if isinstance(config, InputError):
                said.note(config)
                continue
            stated = with_stated_release(config, job.request.releases)
            if job.tree is not None:
                try:
                    stated = job.tree.completed(stated)
                except InputError as error:
                    said.note(error)
                    continue
            yield stated if job.request.running is None else _of_machine(stated, job, said)

    def take(self, found: Found, said: Answered) -> None:
        """Take what an input says; the results are for who asks."""
        if isinstance(found, FolderEnd):
            if not self._found_in_folder:
                self._all.note(found.nothing_found())
            self._found_in_folder = False
        elif isinstance(found, Input) and found.within is not None:
            self._found_in_folder = self._found_in_folder or said.is_one
        self._all.problems += said.problems
        self._all.remarks.update(said.remarks)
        self._all.codes |= said.codes
        self._all.granules.update(said.granules)
        self._accepted.used.add(said.used)

    def outcome(self) -> ValidateOutcome:
        """Return what the run so far comes to, without the results."""
        request, accepted, run = self._job.request, self._accepted, self._all
        remarks = [
            item for item in one_granule_note(run.remarks, run.granules) if not accepted.hides(item)
        ]
        problems = [*run.problems, *map(_with_file, (*remarks, *accepted.remarks()))]
        return ValidateOutcome(
            results=(),
            problems=tuple(problems),
            fail_on=frozenset(request.fail_on),
            undecided_fails=bool(request.cpus and request.fail_on),
            compared=request.baseline is not None,
            exit_code=worst(run.codes),
            grouped=self._job.grouped,
            baseline_text=accepted.new_baseline_text(),
            known=accepted.used.known,
        )


def _answered(
    job: ValidateJob, config: DotConfig, fixed: _Fixed, granules: NamedCpus
) -> list[ValidateResult]:
    """Return the answers for one `.config`; where nothing tells its release, for all of them.

    Raises:
        InputError: as `answers_of`.
    """
    # A header without a release counts as told: it is of some kernel that has no profile
    # (`_chosen`).
    silent = job.request.kernel == "auto" and config.release is None and config.version is None
    if not silent or absent_whatever_release(job.library, job.capability, config, None) is not None:
        return answers_of(job, config, fixed, granules)
    # `kernels_of` has the oldest first.
    *older, newest = (
        replace(config, release=release) for release in job.library.kernels_of(job.architecture.id)
    )
    of_older = [_verdicts_of(job, one) for one in older]
    # Only this one is shown, where all agree; a fix is of one release: --kernel gives it.
    of_newest = answers_of(job, newest, fixed, granules, fixing=False)
    return [
        _of_any_release(job, config, result, each)
        for result, *each in zip(of_newest, *of_older, strict=True)
    ]


def _verdicts_of(job: ValidateJob, config: DotConfig) -> list[tuple[str, Verdict]]:
    """Return the release that answers for a `.config` and its verdict, one for each CPU system.

    Raises:
        InputError: as `answers_of`.
    """
    chosen = _chosen(job, config)
    situations = _situations(job, config, chosen)
    release = chosen[0].release
    return [(release, verdict_in(job.answers, situations, system)) for system in job.systems]


def _situations(
    job: ValidateJob, config: DotConfig, chosen: Sequence[ChosenKernel]
) -> list[Situation]:
    """Return a file with each of the kernels that are asked for it."""
    builds = (job.answers.build(config, one) for one in chosen)
    return [job.answers.situation(one, job.boot_loader, job.options) for one in builds]


def _of_any_release(
    job: ValidateJob,
    config: DotConfig,
    newest: ValidateResult,
    older: Sequence[tuple[str, Verdict]],
) -> ValidateResult:
    """Return the answer of a file for one CPU system, whatever its release is (MX0912).

    `newest` is that of the newest release, `older` are the verdicts of the others.
    """
    kernels: dict[Verdict, list[str]] = {}
    for release, verdict in (*older, (newest.kernel, newest.answer.verdict)):
        kernels.setdefault(verdict, []).append(release)
    said = (*config.diagnostics, *partial_note(config), _no_release(job, config))
    newest = replace(newest, kernel="unknown", version=None, read_on=None)
    if len(kernels) == 1:
        return replace(newest, answer=replace(newest.answer, diagnostics=said))
    disagree = "; ".join(f"{word} as Linux {', '.join(names)}" for word, names in kernels.items())
    meant = (
        row.says for row in job.capability.so_what if row.verdict == "unknown" and not row.condition
    )
    answer = Answer(
        basis=newest.answer.basis,
        predicate=None,
        outcome="not-run",
        verdict=Verdict.UNKNOWN,
        confidence="unknown",
        reasons=(f"the file does not say its kernel: {disagree}",),
        unsettled=(
            Unsettled(
                names=("the release",),
                why="nothing in the file or its name tells it",
                settled_by="--kernel RELEASE",
            ),
        ),
        so_what="; ".join((*meant, "it is settled by --kernel RELEASE")),
        diagnostics=said,
    )
    return replace(newest, answer=answer, decided_by=None)


def _no_release(job: ValidateJob, config: DotConfig) -> Diagnostic:
    known = ", ".join(job.library.kernels_of(job.architecture.id))
    return Diagnostic.note(
        code="MX0912",
        location=Location(file=config.file),
        message="the file does not say which kernel release it is for: it is answered as each",
        hint=f"give --kernel, one of {known}",
    )


def answers_of(
    job: ValidateJob,
    config: DotConfig,
    fixed: _Fixed,
    granules: NamedCpus,
    *,
    fixing: bool = True,
) -> list[ValidateResult]:
    """Return the answers for one `.config`, one for each CPU system of the job.

    `fixed` are the fixes of the run so far, and `granules` the notes that name CPUs: both grow.
    Without `fixing` no fix is looked for.

    Raises:
        InputError: MX0912, MX0913 where its release is not known; what its command line says.
    """
    chosen = _chosen(job, config)
    if not chosen:
        return [_absent_anyway(job, config, system) for system in job.systems]
    situations = _situations(job, config, chosen)
    situation = situations[0]
    result = _result_of(job, situations)
    notes = _notes(job, situations)
    results = []
    for system in job.systems:
        answer = answer_in(job.answers, situations, system)
        decided_by = None
        # One that works needs no fix, and a group of answers shows none.
        if fixing and not job.grouped and answer.verdict not in WORKS:
            key = tuple(
                (one.changeable, one.build.asked.memory.cpu(system), one.build.chosen.vendor)
                for one in situations
            )
            if key not in fixed:
                fixed[key] = _fix(job, situations, answer, system)
            answer, decided_by = fixed[key]
        own = with_cpu_names(answer.diagnostics, situation, system, granules)
        said = (*notes, *system.diagnostics, *(_in_file(note, config) for note in own))
        answer = replace(answer, diagnostics=said)
        results.append(result(cpu=system.names, answer=answer, decided_by=decided_by))
    return results


# Answers with their fixes, and the symbol that alone decides, by what a fix rests on.
_Fixed = dict[Hashable, tuple[Answer, str | None]]


def _told_version(job: ValidateJob) -> str | None:
    """Return the version of the kernel that is asked about, None where each file says its own."""
    if job.request.kernel != "auto":
        return job.request.kernel
    if job.tree is None:
        return job.request.running
    try:
        return job.tree.version
    except InputError:
        return None  # what is wrong with the tree is said where a file is held to it


def _of_machine(config: DotConfig, job: ValidateJob, said: Answered) -> DotConfig:
    """Return a file as that of the machine whose evidence was given: its kernel tells the version.

    A file of another release is about another kernel: it says so, and the answer is about it.
    """
    running = read_version(job.request.running)
    if running is None or config.release == running.release:
        return replace(config, running=job.request.running)
    if config.release is None:
        return replace(config, release=running.release, version=running.text, running=running.text)
    note = Diagnostic.warning(
        code="MX1443",
        location=Location(file=config.file, line=1, column=1),
        message=f"the file is of Linux {config.version}, and the evidence of {running.text}: "
        "of the evidence only CPU, surroundings and command line are taken",
        hint="give the `.config` of the kernel that wrote the log, or leave this as it is to "
        "ask about another kernel on this machine",
    )
    said.remarks[note] = None
    return config


def _chosen(job: ValidateJob, config: DotConfig) -> tuple[ChosenKernel, ...]:
    """Return the kernel of a file, or the two beside it; (): `absent` whatever the release."""
    asked, arch = job.request.kernel, job.architecture.id
    # In this order: what the user says; a release with a profile; what no release could change; the
    # two profiles beside it. What is left has no answer.
    if asked != "auto":
        return kernels_around(job.library, job.library.around(asked, arch), asked, config)
    release = config.release
    known = job.library.kernels_of(arch)
    if release is not None and release in known:
        return kernels_around(job.library, (known[release],), None, config)
    if absent_whatever_release(job.library, job.capability, config, release) is not None:
        return ()
    location = Location(file=config.file, line=1 if release else 0, column=1)
    if release is None:
        named = f" (it says `{shown(config.version)}`)" if config.version else ""
        raise InputError.of(
            code="MX0912",
            location=location,
            message=f"the file does not say which kernel release it is for{named}",
            hint=f"give --kernel, one of {', '.join(known)}",
        )
    version = read_version(config.version)
    if version is not None:
        refuse_no_release(version, location)
    if beside := job.library.beside(release, arch):
        return kernels_around(job.library, beside, None, config)
    hint = "decide with --kernel"
    raise InputError(job.library.no_profile(release, job.architecture.id, location, instead=hint))


def _notes(job: ValidateJob, situations: Sequence[Situation]) -> tuple[Diagnostic, ...]:
    """Return what is to be said beside every answer for a file."""
    build, line = situations[0].build, situations[0].line
    doubts = [one.build.doubt for one in situations if one.build.doubt is not None]
    lines = [read_command_line(text) for text in (line.text, *dict(line.others).values())]
    return (
        *build.config.diagnostics,
        *partial_note(build.config),
        *lines[0].diagnostics,
        *build.built_in.notes(line, build.chosen.release),
        *version_notes(build.chosen, doubts[0] if doubts else None, build.config),
        # What a release between two has nobody knows.
        *dict.fromkeys(stale_names(job, build, lines) if len(situations) == 1 else ()),
    )


def _fix(
    job: ValidateJob, situations: Sequence[Situation], answer: Answer, system: CpuSystem
) -> tuple[Answer, str | None]:
    """Return an answer with its fixes and their costs, and the symbol that alone decides."""
    situation = situations[0]
    cpu = situation.build.asked.memory.cpu(system)
    answer = replace(answer, fixes=fixes_in(job.answers, situations, system))
    answer = with_costs(answer, job.answers, situation, cpu)
    if not job.request.pointing:
        return answer, None
    rebuild, cell = situation.build.rebuild, situation.cell(cpu)
    return answer, deciding_symbol(rebuild, cell, job.answers.behaviours)


def _absent_anyway(job: ValidateJob, config: DotConfig, system: CpuSystem) -> ValidateResult:
    kernel = f"Linux {config.release}" if config.release else "this file's kernel"
    note = Diagnostic.note(
        code="MX0914",
        message=f"there is no profile of {kernel}",
        hint="the answer is the same for every release",
    )
    answer = job.answers.absent_anyway(absent_reason(job.capability, config) or "")
    said = (*config.diagnostics, *partial_note(config), note)
    return _asked_of(job, config)(
        kernel=config.release or "unknown",
        cpu=system.names,
        cmdline=job.boot_loader,
        version=config.version,
        answer=replace(answer, diagnostics=said),
    )


def _result_of(job: ValidateJob, situations: Sequence[Situation]) -> Callable[..., ValidateResult]:
    """Return what makes the results of a file, given CPU and answer."""
    build = situations[0].build
    alone = len(situations) == 1
    return partial(
        _asked_of(job, build.config, build.asked.reads),
        kernel=build.chosen.release,
        cmdline=situations[0].line.text,
        version=build.chosen.shown_version,
        read_on=build.profile.verified_on.version if alone else None,
        running=build.config.running,
        between=() if alone else tuple(one.build.profile.release for one in situations),
    )


def _asked_of(
    job: ValidateJob, config: DotConfig, reads: frozenset[str] = frozenset()
) -> Callable[..., ValidateResult]:
    """Return what makes a result, with what is asked of every kernel; `reads` is what counts."""
    return partial(
        ValidateResult,
        file=config.file,
        assumes_patch=job.capability.assumes_patch,
        vm=job.surroundings["vm"],
        capability=job.capability.id,
        predicate_version=job.answers.predicate.name,
        surroundings=job.answers.options_that_count(job.options, reads),
    )


def _in_file(note: Diagnostic, config: DotConfig) -> Diagnostic:
    """Return a note with the file it is about; files that are alike share their answers."""
    if note.code != "MX0919":
        return note
    return replace(note, location=Location(file=config.file))


def _codes(request: ValidateRequest, result: ValidateResult) -> Iterator[ExitCode]:
    """Yield what a result means for the exit code; `--fail-on none` leaves nothing."""
    if result.standing is not Standing.OPEN or not request.fail_on:
        return
    if result.answer.verdict in request.fail_on:
        yield ExitCode.FINDINGS
    # Among all known CPUs some always lack a record: unknown counts where one was named.
    if result.answer.verdict is Verdict.UNKNOWN and request.cpus:
        yield ExitCode.UNDECIDED


def _with_file(item: Diagnostic) -> tuple[str, Diagnostic]:
    return item.location.file if item.location else "", item
