"""A CPU type that only its MIDR tells: which declared CPUs it may be, and what tells them apart.

Several products have the same core, and with it the same MIDR_EL1, but not the same options.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location, Severity
from matrix.kernel.cpu.resolve import FREE, resolve_system
from matrix.schema.cpu_fields import model_of
from matrix.schema.values import Architecture, Knowledge


class NamedCpu(Struct, frozen=True, kw_only=True):
    """A SPEC with the name that says no more than its MIDR does.

    `candidates` are (declared CPU, its fields by name) that share the MIDR, none where one CPU has
    it alone; `differ` are the fields that are not equal in all of them.
    """

    spec: str
    candidates: tuple[tuple[str, dict[str, object]], ...] = ()
    differ: tuple[str, ...] = ()

    def note(self, fields: Sequence[str], architecture: Architecture, source: str) -> Diagnostic:
        """Return which CPUs it may be, and what would tell: `fields` are not settled (MX1438).

        `source` is where the MIDR was read.
        """
        each = "; ".join(
            f"{name}: {', '.join(f'{field} {_word(known.get(field))}' for field in fields)}"
            for name, known in self.candidates
        )
        lines = [
            f"`{_OPTIONAL.sub('', row.line)}`"
            for row in architecture.log
            if {name for name, _ in row.shows}.intersection(fields)
        ]
        has = " or ".join(lines)
        by_log = f"a whole boot log tells, which has {has} or has not; " if lines else ""
        place = _PLACE.match(source)
        return Diagnostic(
            code="MX1438",
            severity=Severity.NOTE,
            message=f"several CPUs have this MIDR, and differ ({each})",
            location=Location(file=place[1], line=int(place[2]), column=int(place[3]))
            if place
            else None,
            hint=f"{by_log}`matrix probe` on the machine tells; or name it: "
            f"{' or '.join(f'--cpu {name}' for name, _ in self.candidates)}",
        )


# What a declared line may have besides, and a place as readings have it.
_OPTIONAL = re.compile(r"\(\?:[^)]*\)\?|\\")
_PLACE = re.compile(r"([^,]*?):(\d+):(\d+)(?:,|$| and )")


def named_cpu(
    spec: str, knowledge: Knowledge, architecture: Architecture, told: Sequence[str] = ()
) -> NamedCpu:
    """Return a SPEC that begins with a MIDR under the name that it can be given.

    That of the one CPU that has it; of several one that is `told` by name (a product before its
    core), else the core itself where it is recorded to be just what all agree on; `free` where none
    is declared.

    Raises:
        InputError: what is wrong with the SPEC, but for a MIDR that nobody has.
    """
    try:
        (cpu,) = resolve_system(spec, knowledge, architecture).cpus
    except InputError as error:
        if {item.code for item in error.diagnostics} != {"MX0508"}:
            raise
        return NamedCpu(spec=f"{FREE},{spec}")  # no declared CPU has this MIDR
    if len(cpu.declared) < 2 or cpu.declared[0] in spec:
        own = spec if cpu.declared and cpu.declared[0] in spec else f"{cpu.declared[0]},{spec}"
        return NamedCpu(spec=own)
    agreed = {item.name: item.value for item in cpu.fields}
    candidates: list[tuple[str, dict[str, object]]] = []
    for name in cpu.declared:
        (one,) = resolve_system(f"{name},{spec}", knowledge, architecture).cpus
        candidates.append((name, {item.name: item.value for item in one.fields}))
    differ = [name for name in agreed if len({repr(known[name]) for _, known in candidates}) > 1]
    cores = _cores(cpu.midr.exact[0], knowledge)
    names = [name for name, _ in candidates]
    product = next((name for name in told if name in names and name not in cores), None)
    if product is not None:
        return NamedCpu(spec=f"{product},{spec}")
    alike = next((name for name, known in candidates if name in cores and known == agreed), None)
    return NamedCpu(
        spec=spec if alike is None else f"{alike},{spec}",
        candidates=tuple(candidates),
        differ=tuple(differ),
    )


def cpu_of_all(knowledge: Knowledge, arch: str) -> str | None:
    """Return the CPU that every machine is of, where no register tells the architecture's apart.

    That is the one declared CPU, or one of which nothing is known.
    """
    mine = [cpu for cpu in knowledge.cpus if cpu.arch == arch]
    if any(cpu.implementer is not None or cpu.midrs for cpu in mine):
        return None
    return mine[0].id if len(mine) == 1 else FREE


def _word(value: object) -> str:
    return "unknown" if value is None else str(value)


def _cores(midr: int, knowledge: Knowledge) -> frozenset[str]:
    """Return the CPUs of who designed the core, and not of who put it into a product."""
    implementer, _ = model_of(midr)
    mine = [cpu for cpu in knowledge.cpus if cpu.implementer == implementer]
    # MIDR_EL1 has the code of who designed the core. Products with it name another vendor, and are
    # fewer.
    vendor = Counter(cpu.vendor for cpu in mine).most_common(1)
    return frozenset(cpu.id for cpu in mine if vendor and cpu.vendor == vendor[0][0])
