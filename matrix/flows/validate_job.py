"""What one `validate` run was asked, and what is equal for each of its files.

Takes a request, gives the job: declarations looked up, CPUs and settings resolved, and the engine
in which files and CPUs that are alike share their answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.question import predicate_version
from matrix.diagnostics import Diagnostic, InputError
from matrix.expr.nodes import Value
from matrix.flows.answers import Answers
from matrix.flows.arguments import boot_loader_text, check_verdicts, choose_surroundings
from matrix.flows.knowledge import Library
from matrix.flows.tree_check import TreeCheck, tree_check
from matrix.kernel.config.dotconfig import DotConfig
from matrix.kernel.cpu.resolve import default_cpus, expand_group, resolve_system
from matrix.kernel.cpu.spec import Word, at
from matrix.kernel.cpu.system import CpuSystem
from matrix.schema.cpu_fields import GIVEN
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
    # Whether all symbols are listed that the tree would not leave as they are.
    lists_all: bool = False
    settings_file: Path | None = None
    baseline: Path | None = None
    write_baseline: Path | None = None
    # Whether each result is to point at the line that decides it, for formats that show it.
    pointing: bool = False
    # (pattern of a file, version) of files that do not say their kernel, by matrix.toml.
    releases: tuple[tuple[str, str], ...] = ()
    # Files that are put on top of each of `files`.
    fragments: tuple[str, ...] = ()
    # A saved machine's `.config`, answered before the files, and what its readings leave open.
    inputs: tuple[DotConfig, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    # The kernel that runs where the files are from, and how firm fields of its CPUs are that were
    # read there: (field, confidence).
    running: str | None = None
    confidences: tuple[tuple[str, str], ...] = ()
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
    def machines(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the machines of each architecture."""
        return {item.id: item.machines for item in self.library.knowledge.architectures}

    @property
    def grouped(self) -> bool:
        """Whether nobody named a CPU, so that all are answered and shown in groups."""
        return not self.request.cpus


def architecture_asked(request: ValidateRequest, library: Library) -> str:
    """Return the architecture that a request is about: its capability's, unless a kernel says.

    Raises:
        InputError: nobody declared the capability, or the kernel.
    """
    arch = library.arch_of(library.capability(request.capability))
    return arch if request.kernel == "auto" else library.around(request.kernel, arch)[0].arch


def _check_architecture(specs: Sequence[str], arch: str, library: Library) -> None:
    """Check that no CPU is one of another architecture alone.

    Raises:
        InputError: MX0502.
    """
    problems = []
    for spec in specs:
        others = library.archs_named(spec)
        if not others or arch in others:
            continue
        asking = library.asking[others[0]]
        problems.append(
            at(
                spec,
                Word(text=re.split("[,+]", spec)[0], offset=0),
                "MX0502",
                f"this is a CPU of {others[0]}, and the capability is asked about {arch}",
                f"ask about --capability {' or '.join(asking)}" if asking else None,
            )
        )
    if problems:
        raise InputError(problems)


def prepare(request: ValidateRequest) -> ValidateJob:
    """Look up and resolve what a request names.

    Raises:
        InputError: capability, predicate, verdict, CPU, setting or command line is wrong.
    """
    library = Library(request.configs)
    capability = library.capability(request.capability)
    predicate_version(capability, request.predicate)
    check_verdicts(request.fail_on, capability)
    arch = architecture_asked(request, library)
    architecture, knowledge = library.architecture(arch), library.knowledge_of(arch)
    named = request.cpus or default_cpus(knowledge)
    specs = [spec for text in named for spec in expand_group(text, knowledge)]
    try:
        systems = tuple(
            _as_firm_as_read(resolve_system(spec, knowledge, architecture), request.confidences)
            for spec in specs
        )
    except InputError:
        _check_architecture(specs, arch, library)
        raise
    settings = (*((f"vm={request.vm}",) if request.vm is not None else ()), *request.settings)
    surroundings = {"vm": DEFAULT_VM, **choose_surroundings(architecture, settings)}
    boot_loader = boot_loader_text(request.cmdline, request.cmdline_file)
    tree = tree_check(request.tree, library, arch, lists_all=request.lists_all)
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


def _as_firm_as_read(system: CpuSystem, confidences: tuple[tuple[str, str], ...]) -> CpuSystem:
    """Return a system where what a SPEC states is as firm as the line that it was read from."""
    firm = dict(confidences)
    return replace(
        system,
        cpus=tuple(
            replace(
                cpu,
                fields=tuple(
                    replace(item, confidence=firm[item.name])
                    if item.confidence == GIVEN and item.name in firm
                    else item
                    for item in cpu.fields
                ),
            )
            for cpu in system.cpus
        ),
    )
