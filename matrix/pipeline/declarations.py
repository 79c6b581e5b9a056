"""The user's own declarations: checking them, and starting some.

`check` reads everything and lowers every question, so that what it accepts, every other command
accepts.
"""

from __future__ import annotations

from pathlib import Path

from matrix.analyze.question import lower_question
from matrix.diagnostics import Diagnostic, InputError, format_diagnostic
from matrix.pipeline.knowledge import Library
from matrix.pipeline.stale_studies import stale_options
from matrix.pipeline.study import prepare_study
from matrix.render.output import check_writable, write_files

_STUDY = """\
# A study of your own: `matrix report my-study --configs {folder}`.
id: my-study
title: "guest_memfd without a direct map on our fleet"
description: "The kernels and CPUs we run, with the boot parameters we may set."
capability: gmem-no-direct-map
predicate: v12

axes:
  kernel: {{kind: kernel, title: "Linux release", options: ["6.18", "7.3"]}}
  cpu: {{kind: cpu, title: "CPU", options: [my-cpu, aws-graviton3, cortex-a710]}}
  page_size:
    kind: kconfig
    title: "page size"
    options:
      "4k": {{ARM64_4K_PAGES: "y", KVM: "y", KVM_GUEST_MEMFD: "y"}}
  boot.rodata:
    kind: boot
    title: "rodata="
    options: {{absent: "", "off": "rodata=off"}}

constraints: []

baseline: {{kernel: "7.3", cpu: my-cpu, page_size: "4k", boot.rodata: absent}}

profiles:
  default: {{}}
  "rodata=off": {{boot.rodata: "off"}}

pivots:
  - {{title: "CPU × kernel × command line", rows: cpu, columns: [kernel, profiles]}}

formats: [html, markdown]
"""

_CPU = """\
# A CPU of your own. What you do not know, leave as `{unknown: unrecorded}`: nothing is guessed.
id: my-cpu
name: "Our CPU"
vendor: "Ourselves"
groups: [server]
midr: {implementer: 0x41, parts: [0xd49]}
fields:
  fwb: {value: 1, confidence: inferred, sources: []}
  dic: {unknown: unrecorded}
"""


def check(folders: tuple[Path, ...]) -> tuple[str, ...]:
    """Check declarations; return warnings and what was understood, each to be said.

    Raises:
        InputError: everything that is wrong, all at once.
    """
    library = Library(folders)
    problems: list[Diagnostic] = []
    for capability in library.knowledge.capabilities:
        for profile in library.knowledge.kernels:
            for predicate in capability.predicates:
                try:
                    lower_question(library.program(profile), capability, predicate)
                except InputError as error:
                    problems.extend(error.diagnostics)
    for study in library.knowledge.studies:
        try:
            prepare_study(library, study.id)
        except InputError as error:
            problems.extend(error.diagnostics)
    if problems:
        raise InputError(tuple(dict.fromkeys(problems)))
    known = library.knowledge
    # Ours show on purpose what a kernel refuses; a test looks at them.
    ours = {study.location for study in Library().knowledge.studies} if folders else set()
    mine = [study for study in known.studies if folders and study.location not in ours]
    stale = [item for study in mine for item in stale_options(library, study)]
    return (
        *map(format_diagnostic, stale),
        (
            f"{len(known.kernels)} kernels, {len(known.cpus)} CPUs, "
            f"{len(known.capabilities)} capabilities, {len(known.studies)} studies: no errors"
        ),
    )


def init(folder: Path) -> tuple[Path, ...]:
    """Write a starter study and CPU into a new or empty folder.

    Raises:
        InputError: MX0915, the folder already holds declarations.
    """
    files = {
        Path("matrices/my-study.yaml"): _STUDY.format(folder=folder),
        Path("cpus/my-cpu.yaml"): _CPU,
    }
    taken = [folder / path for path in files if (folder / path).exists()]
    if taken:
        raise InputError(
            Diagnostic(
                code="MX0915",
                message=f"`{taken[0]}` exists already",
                hint="choose another folder: init never overwrites",
            )
        )
    check_writable([folder / path for path in files])
    write_files(files, folder)
    return tuple(folder / path for path in files)
