"""What one `validate` run was asked, and what is equal for each of its files.

Takes a request, gives the job: declarations looked up, CPUs and settings resolved, and the stores
in which files and CPUs that are alike share their answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from matrix.analyze.cell.answer import Answer
from matrix.analyze.cell.assemble import cpu_atoms
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.question import Question, lower_question, predicate_version
from matrix.diagnostics import Diagnostic
from matrix.expr.nodes import Value
from matrix.flows.arguments import boot_loader_text, check_verdicts, choose_surroundings
from matrix.flows.granule_note import NamedCpus
from matrix.flows.knowledge import Library
from matrix.flows.tree_check import TreeCheck, tree_check
from matrix.kernel.config.dotconfig import DotConfig
from matrix.kernel.cpu.detection import Detection
from matrix.kernel.cpu.resolve import CpuSystem, default_cpus, expand_group, resolve_system
from matrix.kernel.line.cmdline import LineReadings
from matrix.schema.values import Architecture, Capability, KernelProfile

DEFAULT_VM = "default"


class ValidateRequest(Struct, frozen=True, kw_only=True):
    """What `matrix validate` was asked."""

    files: tuple[str, ...]
    kernel: str = "auto"
    cpus: tuple[str, ...] = ()
    cmdline: str | None = None
    cmdline_file: Path | None = None
    capability: str = "gmem-no-direct-map"
    predicate: str | None = None
    # None where nobody says it: `settings` may.
    vm: str | None = None
    settings: tuple[str, ...] = ()
    fail_on: tuple[str, ...] = ("unsound",)
    configs: tuple[Path, ...] = ()
    tree: Path | None = None
    settings_file: Path | None = None
    baseline: Path | None = None
    write_baseline: Path | None = None
    # Whether each result is to point at the line that decides it, for formats that show it.
    pointing: bool = False
    # A saved machine's `.config`, answered before the files, and what its readings leave open.
    inputs: tuple[DotConfig, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    # The options the user wrote, which settings in a file do not override.
    given: frozenset[str] = frozenset()


class DetectedCpu(Struct, frozen=True, kw_only=True):
    """What one kernel detects on one CPU system; equal keys mean equally known systems."""

    atoms: Mapping[str, Value]
    detections: Mapping[str, Detection]
    detections_key: int


# Kernel profile, command line, the same with a parameter appended, whether a value was refused,
# settings: what an answer rests on besides the CPUs.
FileKey = tuple[str, LineReadings, LineReadings, bool, frozenset[tuple[str, Value]]]
AnswerKey = tuple[FileKey, int]  # the CPU system's key


class ValidateJob(Struct, frozen=True, kw_only=True):
    """What is equal for every file of one request."""

    library: Library
    architecture: Architecture
    request: ValidateRequest
    capability: Capability
    systems: tuple[CpuSystem, ...]
    surroundings: Mapping[str, str]
    boot_loader: str
    behaviours: Behaviours
    tree: TreeCheck | None = None
    questions: dict[str, Question] = field(default_factory=dict)
    cpus_by_kernel: dict[str, tuple[DetectedCpu, ...]] = field(default_factory=dict)
    answers: dict[AnswerKey, Answer] = field(default_factory=dict)
    deciding: dict[AnswerKey, str | None] = field(default_factory=dict)
    granules: NamedCpus = field(default_factory=dict)
    noted: dict[tuple[FileKey, tuple[str, ...]], tuple[Diagnostic, ...]] = field(
        default_factory=dict
    )

    @property
    def grouped(self) -> bool:
        """Whether nobody named a CPU, so that all are answered and shown in groups."""
        return not self.request.cpus

    def question(self, profile: KernelProfile) -> Question:
        """Return the capability's question for a kernel, lowered once."""
        if profile.id not in self.questions:
            self.questions[profile.id] = lower_question(
                self.library.program(profile),
                self.capability,
                predicate_version(self.capability, self.request.predicate),
            )
        return self.questions[profile.id]

    def cpus(self, profile: KernelProfile, question: Question) -> tuple[DetectedCpu, ...]:
        """Return what a kernel detects on each system, worked out once."""
        if profile.id not in self.cpus_by_kernel:
            keys: dict[frozenset[tuple[str, Detection]], int] = {}
            found = []
            for system in self.systems:
                atoms, detections = cpu_atoms(question.program, system)
                key = keys.setdefault(frozenset(detections.items()), len(keys))
                found.append(DetectedCpu(atoms=atoms, detections=detections, detections_key=key))
            self.cpus_by_kernel[profile.id] = tuple(found)
        return self.cpus_by_kernel[profile.id]


def prepare(request: ValidateRequest) -> ValidateJob:
    """Look up and resolve what a request names.

    Raises:
        InputError: capability, predicate, verdict, CPU, setting or command line is wrong.
    """
    library = Library(request.configs)
    capability = library.capability(request.capability)
    predicate_version(capability, request.predicate)
    check_verdicts(request.fail_on, capability)
    kernel = None if request.kernel == "auto" else library.kernel_of_version(request.kernel)
    arch = library.arch if kernel is None else kernel.arch
    architecture, knowledge = library.architecture(arch), library.knowledge_of(arch)
    named = request.cpus or default_cpus(knowledge)
    specs = [spec for text in named for spec in expand_group(text, knowledge)]
    systems = tuple(resolve_system(spec, knowledge, architecture) for spec in specs)
    settings = (*((f"vm={request.vm}",) if request.vm is not None else ()), *request.settings)
    return ValidateJob(
        library=library,
        architecture=architecture,
        request=request,
        capability=capability,
        systems=systems,
        surroundings={"vm": DEFAULT_VM, **choose_surroundings(architecture, settings)},
        boot_loader=boot_loader_text(request.cmdline, request.cmdline_file),
        behaviours=Behaviours(),
        tree=tree_check(request.tree, library, arch),
    )
