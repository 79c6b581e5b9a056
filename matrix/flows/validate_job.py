"""What one `validate` run was asked, and what is equal for each of its files.

Takes a request, gives the job: declarations looked up, CPUs and settings resolved, and the engine
in which files and CPUs that are alike share their answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from matrix.analyze.cell.question import predicate_version
from matrix.diagnostics import Diagnostic
from matrix.expr.nodes import Value
from matrix.flows.answers import Answers
from matrix.flows.arguments import boot_loader_text, check_verdicts, choose_surroundings
from matrix.flows.knowledge import Library
from matrix.flows.tree_check import TreeCheck, tree_check
from matrix.kernel.config.dotconfig import DotConfig
from matrix.kernel.cpu.resolve import CpuSystem, default_cpus, expand_group, resolve_system
from matrix.schema.values import Architecture, Capability

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


class ValidateJob(Struct, frozen=True, kw_only=True):
    """What is equal for every file of one request: what was named looked up, CPUs resolved."""

    answers: Answers
    request: ValidateRequest
    systems: tuple[CpuSystem, ...]
    surroundings: Mapping[str, str]
    options: tuple[tuple[str, Value], ...]
    boot_loader: str
    tree: TreeCheck | None

    @property
    def library(self) -> Library:
        """The declarations."""
        return self.answers.library

    @property
    def capability(self) -> Capability:
        """What is asked about."""
        return self.answers.capability

    @property
    def architecture(self) -> Architecture:
        """The architecture of every file."""
        return self.answers.architecture

    @property
    def grouped(self) -> bool:
        """Whether nobody named a CPU, so that all are answered and shown in groups."""
        return not self.request.cpus


def prepare(request: ValidateRequest) -> ValidateJob:
    """Look up and resolve what a request names.

    Raises:
        InputError: capability, predicate, verdict, CPU, setting or command line is wrong.
    """
    library = Library(request.configs)
    capability = library.capability(request.capability)
    predicate_version(capability, request.predicate)
    check_verdicts(request.fail_on, capability)
    arch = library.arch_of(capability)
    if request.kernel != "auto":
        arch = library.kernel_of_version(request.kernel, arch).arch
    architecture, knowledge = library.architecture(arch), library.knowledge_of(arch)
    named = request.cpus or default_cpus(knowledge)
    specs = [spec for text in named for spec in expand_group(text, knowledge)]
    systems = tuple(resolve_system(spec, knowledge, architecture) for spec in specs)
    settings = (*((f"vm={request.vm}",) if request.vm is not None else ()), *request.settings)
    surroundings = {"vm": DEFAULT_VM, **choose_surroundings(architecture, settings)}
    boot_loader = boot_loader_text(request.cmdline, request.cmdline_file)
    tree = tree_check(request.tree, library, arch)
    answers = Answers(library, arch, capability, predicate=request.predicate, tree=tree)
    return ValidateJob(
        answers=answers,
        request=request,
        systems=systems,
        surroundings=surroundings,
        options=answers.options(surroundings),
        boot_loader=boot_loader,
        tree=tree,
    )
