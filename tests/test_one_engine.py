"""The engine gives for real configurations what one cell by itself is answered.

What is kept for files, lines and CPUs that are alike is compared with an evaluation from nothing:
whole `.config` atoms, every kernel variable as its expression, every constraint as it is declared.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.analyze.cell.answering import Cell, answer
from matrix.analyze.cell.assemble import (
    asked_of_file,
    config_atoms,
    cpu_atoms,
    read_variables,
    surroundings_atoms,
)
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.question import lower_question, predicate_version
from matrix.diagnostics import InputError
from matrix.flows.answers import Answers
from matrix.flows.kernel_choice import built_in_line, chosen_kernel
from matrix.flows.knowledge import Library
from matrix.kernel.config.dotconfig import DotConfig, load_dotconfig
from matrix.kernel.cpu.resolve import default_cpus, resolve_system

LINES = ("", "rodata=off", "kfence.sample_interval=100 kvm-arm.mode=protected")
# Every so many files: those of one distribution stand together.
STEP = 30


def from_nothing(library: Library, config: DotConfig, release: str, spec: str, text: str) -> object:
    """Return the answer for one file on one CPU, with nothing kept from another."""
    profile = library.kernel(release)
    program, architecture = library.program(profile), library.architecture("arm64")
    chosen = chosen_kernel(library, profile, release, config)
    config = config.typed(program.symbols)
    capability = library.capability("gmem-no-direct-map")
    question = lower_question(program, capability, predicate_version(capability, None))
    cpu, detections = cpu_atoms(program, resolve_system(spec, library.knowledge, architecture))
    line = built_in_line(library, profile, config).readings(text)
    cell = Cell(
        variables=read_variables(program, profile, line),
        atoms={
            **config_atoms(program, config),
            **surroundings_atoms(architecture, {}),
            **chosen.atoms(program),
            **cpu,
        },
        detections=detections,
    )
    return answer(asked_of_file(question, config), cell, Behaviours())


@pytest.mark.parametrize("release", ["6.1", "7.3"])
def test_what_is_shared_changes_no_answer(
    release: str, distro_configs: Path, debian_configs: Path
) -> None:
    library = Library()
    engine = Answers(library, "arm64", library.capability("gmem-no-direct-map"))
    files = [file for folder in (distro_configs, debian_configs) for file in folder.rglob("*")]
    # Many CPUs first, so that what a file is answered was kept for others.
    specs = [*default_cpus(library.knowledge)[::3], "free", "cortex-x925+cortex-a725"]
    compared = 0
    for number, file in enumerate(sorted(file for file in files if file.is_file())[::STEP]):
        try:
            config = load_dotconfig(file, arch="arm64")
        except InputError:
            continue
        chosen = chosen_kernel(library, library.kernel(release), release, config)
        build = engine.build(config, chosen)
        for text in LINES:
            situation = engine.situation(build, text, engine.options({}))
            for index, spec in enumerate(specs):
                system = resolve_system(spec, library.knowledge, engine.architecture)
                given = engine.answer(situation, build.asked.memory.cpu(system))
                if (index + number) % 7 == 0:
                    assert given == from_nothing(library, config, release, spec, text), (file, spec)
                    compared += 1
    assert compared > 40
