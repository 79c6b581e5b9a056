"""What is kept for many cells equals what is worked out for one."""

from __future__ import annotations

from functools import cache

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.analyze.cell.answering import Cell, answer
from matrix.analyze.cell.assemble import surroundings_atoms, variables_of
from matrix.analyze.cell.behaviour import Behaviours
from matrix.analyze.cell.memory import AnswerMemory
from matrix.analyze.cell.question import Question, lower_question, predicate_version
from matrix.analyze.facts.line_memory import LineMemory, independent_parameters
from matrix.flows.knowledge import Library
from matrix.kernel.cpu.resolve import default_cpus, resolve_system

WORDS = (
    "rodata=on",
    "rodata=off",
    "rodata=full",
    "rodata=noalias",
    "debug_pagealloc=on",
    "debug-pagealloc=off",
    "kfence.sample_interval=0",
    "kfence.sample_interval=100",
    "kfence.sample_interval=none",
    "kvm-arm.mode=protected",
    "kvm-arm.mode=nvhe",
    "kvm-arm.mode=nested",
    "kvm-arm.mode=none",
    "id_aa64mmfr1.vh=0",
    "arm64_sw.hvhe=1",
    "arm64_sw.hvhe=0",
    "arm64.nomte",
    "id_aa64pfr1.mte=1",
    "secretmem.enable=0",
    "quiet",
    "--",
)
LINES = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
KERNELS = st.sampled_from(["5.10", "6.1", "6.6", "6.12", "6.18", "7.2", "7.3"])


@cache
def library() -> Library:
    return Library(())


@cache
def line_memory() -> LineMemory:
    return LineMemory(library().knowledge.kernels)


@cache
def question(release: str) -> Question:
    capability = library().capability("gmem-no-direct-map")
    program = library().program(library().kernel(release))
    return lower_question(program, capability, predicate_version(capability, None))


# One memory for all examples: what one left behind must not change the next.
_BEHAVIOURS = Behaviours()


@cache
def answer_memory(release: str) -> AnswerMemory:
    return AnswerMemory(question(release), _BEHAVIOURS)


@given(line=LINES, release=KERNELS)
def test_variables_of_the_parts_are_those_of_the_line(line: str, release: str) -> None:
    profile, program = library().kernel(release), question(release).program
    kept = line_memory().variables(program, profile, line_memory().read(line))
    assert kept == variables_of(program, profile, line)


def test_parameters_that_touch_each_other_are_kept_in_order() -> None:
    groups = independent_parameters(library().knowledge.kernels)
    assert groups["kvm_arm.mode"] == groups["id_aa64mmfr1.vh"] == groups["arm64_sw.hvhe"]
    assert groups["arm64.nomte"] == groups["id_aa64pfr1.mte"]
    assert len({groups["rodata"], groups["debug_pagealloc"], groups["kvm_arm.mode"]}) == 3


@given(data=st.data(), line=LINES, release=KERNELS)
def test_a_kept_answer_is_the_answer(data: st.DataObject, line: str, release: str) -> None:
    asked, architecture = question(release), library().architecture("arm64")
    name = data.draw(st.sampled_from([*default_cpus(library().knowledge), "free", "free,fwb=1"]))
    system = resolve_system(name, library().knowledge, architecture)
    atoms = {
        atom: data.draw(st.sampled_from((*asked.program.domain(atom), None)))
        if atom == "CONFIG_KFENCE_SAMPLE_INTERVAL"
        else data.draw(st.booleans())
        for atom in sorted(asked.program.atoms)
        if atom.startswith("CONFIG_")
    }
    atoms["CONFIG_ARM64_16K_PAGES"] = atoms["CONFIG_ARM64_64K_PAGES"] = False
    atoms.update(
        surroundings_atoms(
            architecture,
            {
                axis.name: data.draw(st.sampled_from([option for option, _ in axis.options]))
                for axis in architecture.environment
            },
        )
    )
    memory = answer_memory(release)
    variables = variables_of(asked.program, library().kernel(release), line)
    around, cpu = memory.surroundings(variables, atoms), memory.cpu(system)
    cell = Cell(variables=variables, atoms={**atoms, **cpu.atoms}, detections=cpu.detections)
    for detailed in (False, True):
        kept = memory.answer(around, cpu, detailed=detailed)
        assert kept == answer(asked, cell, _BEHAVIOURS, detailed=detailed)
    # The verdict alone, also where more is unknown than an answer is kept for.
    symbols = sorted(atom for atom in atoms if atom.startswith("CONFIG_"))
    atoms.update(dict.fromkeys(data.draw(st.sets(st.sampled_from(symbols), max_size=3))))
    whole = answer(asked, replace(cell, atoms={**atoms, **cpu.atoms}), _BEHAVIOURS, detailed=False)
    assert memory.verdict(memory.surroundings(variables, atoms), cpu) is whole.verdict
