"""What an answer rests on, as rows: axes, kernel profiles, Kconfig constraints, CPU fields.

Takes declarations, gives the rows that both forms of a report lay out.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from matrix.kernel.cpu.resolve import recorded_field
from matrix.render.quantities import NOTHING, release_label
from matrix.schema.values import (
    Architecture,
    Cpu,
    FieldValue,
    KernelProfile,
    MatrixStudy,
)

# Keys are those of `matrix.schema.values.CONFIDENCES`, in their order.
CONFIDENCE_MEANINGS = {
    "register": "value of the register, read on the hardware or given in the source named",
    "trm": "statement of the Technical Reference Manual",
    "log": "shown by a boot log",
    "inferred": "inferred from the architecture version or from a close relative",
    "unknown": "not recorded, or a choice of the one who builds the chip",
}
# An axis with more options than this is summed up by their number.
_LISTED_OPTIONS = 12


class AxisRow(Struct, frozen=True, kw_only=True):
    """An axis: its options in one line, and its baseline option (None: the study has none)."""

    title: str
    name: str
    options: str
    baseline: str | None


class KernelRow(Struct, frozen=True, kw_only=True):
    """A kernel profile and how many of its Kconfig constraints come from where."""

    label: str
    profile: KernelProfile
    from_tree: int
    borrowed: int
    by_hand: int


class ConstraintRow(Struct, frozen=True, kw_only=True):
    """A Kconfig constraint with all releases that have it; `source` is that of `release`."""

    text: str
    because: str
    grounded: str
    releases: str
    source: str
    release: str


class CpuRow(Struct, frozen=True, kw_only=True):
    """A CPU and its values, one for each field of the table; None where nothing is recorded."""

    cpu: Cpu
    values: tuple[FieldValue | None, ...]


# A row is 650 bytes of HTML: with thousands of CPUs it would be most of a page.
_MOST_CPUS = 300


class CpuTable(Struct, frozen=True, kw_only=True):
    """CPUs by field, in the architecture's order of fields; `left_out` is how many have no row."""

    fields: tuple[str, ...]
    rows: tuple[CpuRow, ...]
    left_out: int = 0


def axis_rows(study: MatrixStudy) -> tuple[AxisRow, ...]:
    """Return one row for each axis, in the order of the study."""
    baseline = dict(study.baseline)
    return tuple(
        AxisRow(
            title=axis.title,
            name=axis.name,
            options=", ".join(option.name for option in axis.options)
            if len(axis.options) <= _LISTED_OPTIONS
            else f"{len(axis.options)} options",
            baseline=baseline.get(axis.name),
        )
        for axis in study.axes
    )


def kernel_rows(kernels: Sequence[KernelProfile], patch: str | None) -> tuple[KernelRow, ...]:
    """Return one row for each profile."""
    return tuple(
        KernelRow(
            label=release_label((profile.release,), patch),
            profile=profile,
            from_tree=sum(item.grounded == "tree" for item in profile.constraints),
            borrowed=sum(item.grounded.startswith("borrowed") for item in profile.constraints),
            by_hand=sum(item.grounded == "hand" for item in profile.constraints),
        )
        for profile in kernels
    )


def constraint_rows(kernels: Sequence[KernelProfile]) -> tuple[ConstraintRow, ...]:
    """Return each Kconfig constraint once, in the order first met."""
    found: dict[tuple[str, str, str], list[tuple[str, str | None]]] = {}
    for profile in kernels:
        for item in profile.constraints:
            key = (item.condition.text, item.condition.because or "", item.grounded)
            found.setdefault(key, []).append((profile.release, item.condition.source))
    return tuple(
        ConstraintRow(
            text=text,
            because=because,
            grounded=grounded,
            releases=", ".join(release for release, _ in seen),
            source=where or "",
            release=release,
        )
        for (text, because, grounded), seen in found.items()
        # The lines of the newest release that has any.
        for release, where in [next((pair for pair in seen[::-1] if pair[1]), ("", ""))]
    )


def cpu_table(study: MatrixStudy, cpus: Sequence[Cpu], architecture: Architecture) -> CpuTable:
    """Return the CPUs that some option of the study names, with the fields the model reads.

    An option names CPUs by a SPEC: `NAME[,field=value][+NAME]`.
    """
    named = {
        part.split(",")[0]
        for axis in study.axes
        for option in axis.options
        if option.cpu
        for part in option.cpu.split("+")
    }
    shown = [cpu for cpu in cpus if named.intersection((cpu.id, *cpu.aliases))]
    declared = {value.name for cpu in shown for value in cpu.fields}
    # No CPU declares a field of an overlay: its value stands in the registers that were recorded.
    decoded = {
        (cpu.id, field.name): found
        for field in architecture.fields
        if field.name not in declared
        for cpu in shown
        if (found := recorded_field(cpu, field, architecture)).value is not None
    }
    has = declared.union(name for _, name in decoded)
    fields = tuple(field.name for field in architecture.fields if field.name in has)

    def values(cpu: Cpu) -> tuple[FieldValue | None, ...]:
        own = {value.name: value for value in cpu.fields}
        return tuple(own.get(name) or decoded.get((cpu.id, name)) for name in fields)

    return CpuTable(
        fields=fields,
        rows=tuple(CpuRow(cpu=cpu, values=values(cpu)) for cpu in shown[:_MOST_CPUS]),
        left_out=len(shown[_MOST_CPUS:]),
    )


def recorded(value: FieldValue | None) -> str:
    """Return what is recorded of a field, with how firmly it is known."""
    if value is None:
        return NOTHING
    if value.value is None:
        return f"? ({value.why_unknown or 'unknown'})"
    return f"{value.value} ({value.confidence})"
