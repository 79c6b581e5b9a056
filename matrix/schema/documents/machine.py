"""The document of machines, `configs/machines/<id>.yaml`: names that people use for CPU systems."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from matrix.schema import values
from matrix.schema.documents.fields import (
    Declaration,
    Identifier,
    Source,
    Text,
    optional,
    said,
    some,
)

MACHINE_PATTERN = r"^[a-z0-9]+([._-][a-z0-9]+)*$|^[a-z0-9._-]*\*[a-z0-9._-]*$"
MachineName = Annotated[str, StringConstraints(pattern=MACHINE_PATTERN)]


class MachineRow(Declaration):
    """Some names of one CPU system: instance types, boards, SoCs, products."""

    becomes = values.Machine

    names: tuple[MachineName, ...] = some(
        "names in small letters, `-` for `_` and blanks; one `*` in each"
    )
    sized: bool = Field(
        default=False, description="whether a size may follow behind `.` or `-`: m7g.metal"
    )
    virtual: bool = Field(
        default=False,
        description="whether it is a virtual machine, whose CPU is what a hypervisor shows",
    )
    whole: Text | None = optional("the word in a size that means a whole machine: `metal`")
    cpu: Text = said("the CPU system, as a SPEC: `cortex-a55+cortex-a76`")
    source: Source = said("who says which CPU it has")


class MachineDocument(Declaration):
    """Machines of one kind or vendor."""

    becomes = values.MachineList
    stands_at = "id"

    id: Identifier = said("name of the list, `aws`")
    name: Text = said("what kind of machines they are")
    arch: Identifier = said("architecture of their CPUs, `arm64`")
    machines: tuple[MachineRow, ...] = some("one row a CPU system")
