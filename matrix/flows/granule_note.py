"""Which CPUs it is of whose translation granule nobody recorded anything (MX0904).

An answer is shared by CPUs that are alike, so it does not name them; here each system gets its own
note, and one run says them all in one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec.structs import replace

from matrix.diagnostics import Diagnostic
from matrix.flows.answers import Situation
from matrix.kernel.cpu.system import CpuSystem

GRANULE = "MX0904"

# Which CPUs a note names.
NamedCpus = dict[Diagnostic, tuple[str, ...]]


def with_cpu_names(
    notes: Sequence[Diagnostic], situation: Situation, system: CpuSystem, named: NamedCpus
) -> tuple[Diagnostic, ...]:
    """Return the notes of an answer, that about the granule with the CPUs it is about.

    Which CPUs a note names is kept in `named`.
    """
    if all(note.code != GRANULE for note in notes):
        return tuple(notes)
    cpus = tuple(_unrecorded(situation, system))
    if not cpus:
        return tuple(notes)
    said = tuple(_with_names(note, cpus) if note.code == GRANULE else note for note in notes)
    named.update((note, cpus) for note in said if note.code == GRANULE)
    return said


def one_granule_note(notes: Collection[Diagnostic], named: NamedCpus) -> list[Diagnostic]:
    """Return notes with one about the granule, of all CPUs, where the first of them stands."""
    cpus = tuple(dict.fromkeys(cpu for note in notes for cpu in named.get(note, ())))
    return list(dict.fromkeys(_with_names(note, cpus) if note in named else note for note in notes))


def _unrecorded(situation: Situation, system: CpuSystem) -> Iterator[str]:
    """Yield the CPUs of which it is unknown whether this kernel boots on each alone.

    None where the page size is not known either: then it is no matter of the CPU.
    """
    memory = situation.build.asked.memory
    for cpu in system.cpus:
        if memory.hangs_on_granule(situation.around, memory.cpu(CpuSystem(cpus=(cpu,)))):
            yield cpu.name


def _with_names(note: Diagnostic, cpus: Sequence[str]) -> Diagnostic:
    support = "supports" if len(cpus) == 1 else "support"
    names = ", ".join(cpus)
    return replace(
        note, message=f"nobody recorded whether {names} {support} the kernel's translation granule"
    )
