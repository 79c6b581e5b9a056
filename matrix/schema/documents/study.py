"""The document of a matrix study: `configs/matrices/<id>.yaml`.

An axis says its options in a form of its kind: `all`, a list, or a mapping. What the forms stand
for needs the kernels and CPUs that are declared: `matrix.schema.checking.axes` expands them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from matrix.schema import values
from matrix.schema.documents.capability import ClaimDeclaration
from matrix.schema.documents.fields import (
    AnyScalar,
    AxisName,
    CExpression,
    Declaration,
    Identifier,
    OptionName,
    Source,
    SymbolName,
    Text,
    Word,
    condition,
    written_form,
)
from matrix.schema.reading.nodes import Node

KINDS = ("kernel", "distro", "cpu", "kconfig", "boot", "environment")


AllOptions = Annotated[Literal["all"], Tag("<word>")]
Listed = Annotated[tuple[OptionName, ...], Field(min_length=1)]
AllOrListed = Annotated[AllOptions | Annotated[Listed, Tag("<list>")], Discriminator(written_form)]


class CpuOptions(Declaration):
    """Options of a CPU axis in parts."""

    named: AllOrListed | None = Field(
        default=None, description="`all`, or a list of SPECs and @groups: one CPU type each"
    )
    systems: tuple[OptionName, ...] = Field(
        default=(), description="SPECs of systems of several CPU types, joined by `+`"
    )
    free: dict[Word, Annotated[tuple[AnyScalar, ...], Field(min_length=1)]] = Field(
        default={}, description="field: its values; every combination is an option"
    )


class AxisHeading(Declaration):
    """What axes of every kind have."""

    title: Text = Field(description="heading in reports")
    titles: dict[OptionName, Text] = Field(
        default={}, description="option: its title, where the name is not enough"
    )


class KernelAxis(AxisHeading):
    """An axis over kernel releases."""

    kind: Literal["kernel"] = Field(description="what the options are")
    options: AllOrListed = Field(description='`all`, or a list of releases, quoted: ["7.2", "7.3"]')


class DistroAxis(AxisHeading):
    """An axis over kernels of distributions: each sets release and Kconfig."""

    kind: Literal["distro"] = Field(description="what the options are")
    options: AllOrListed = Field(
        description="`all`, or a list of ids of configs/distros; one whose release has no profile "
        "becomes one option for each profile beside it"
    )


class CpuAxis(AxisHeading):
    """An axis over CPUs and systems of CPUs."""

    kind: Literal["cpu"] = Field(description="what the options are")
    options: Annotated[
        AllOptions | Annotated[Listed, Tag("<list>")] | Annotated[CpuOptions, Tag("<mapping>")],
        Discriminator(written_form),
    ] = Field(
        description="`all`, a list of SPECs and @groups, or a mapping of `named`, `systems`, `free`"
    )


class KconfigAxis(AxisHeading):
    """An axis over values of Kconfig symbols."""

    kind: Literal["kconfig"] = Field(description="what the options are")
    options: dict[OptionName, dict[SymbolName, AnyScalar]] = Field(
        min_length=1, description='option: {SYMBOL: "y", "n", "m" or a number}'
    )


class BootAxis(AxisHeading):
    """An axis over fragments of the command line."""

    kind: Literal["boot"] = Field(description="what the options are")
    options: dict[OptionName, str] = Field(
        min_length=1, description='option: command line fragment, "" for absent'
    )


class EnvironmentAxisChoice(AxisHeading):
    """An axis over the options of the environment axis of the same name."""

    kind: Literal["environment"] = Field(description="what the options are")
    options: AllOrListed = Field(description="`all`, or a list of options of the environment axis")


class UnknownAxis(AxisHeading):
    """An axis whose kind is missing or unknown: it only says so."""

    kind: Literal["kernel", "distro", "cpu", "kconfig", "boot", "environment"] = Field(
        description="what the options are"
    )
    options: object = Field(description="depends on `kind`")


def _kind(value: object) -> str:
    kind = value.get("kind") if isinstance(value, dict) else None
    return f"<{kind}>" if isinstance(kind, str) and kind in KINDS else "<unknown>"


AxisDeclaration = Annotated[
    Annotated[KernelAxis, Tag("<kernel>")]
    | Annotated[DistroAxis, Tag("<distro>")]
    | Annotated[CpuAxis, Tag("<cpu>")]
    | Annotated[KconfigAxis, Tag("<kconfig>")]
    | Annotated[BootAxis, Tag("<boot>")]
    | Annotated[EnvironmentAxisChoice, Tag("<environment>")]
    | Annotated[UnknownAxis, Tag("<unknown>")],
    Discriminator(_kind),
]
Cell = dict[AxisName, OptionName]


class StudyConstraint(Declaration):
    """A condition that every cell of the study satisfies."""

    c: CExpression = Field(description="C expression over a profile and the axes")
    because: Text = Field(description="the sentence a reader gets where the constraint decides")
    source: Source | None = Field(default=None, description="where it is stated")

    def value(self, at: Node) -> values.Condition:
        """Return the declared constraint."""
        return condition(self.c, at["c"], source=self.source, because=self.because)


class PivotDeclaration(Declaration):
    """A table of the report."""

    becomes = values.Pivot
    stands_at = "title"

    title: Text = Field(description="heading of the table")
    rows: AxisName = Field(description="axis of the rows, or `profiles`")
    columns: tuple[AxisName, ...] = Field(
        min_length=1, description="axes of the columns, or `profiles` for the command lines"
    )
    fixed: Cell = Field(default={}, description="axis: option in this table, instead of baseline's")
    leave_out: Text | None = Field(
        default=None, description="shell pattern of row options that the table leaves out"
    )


class StudyDocument(Declaration):
    """A study: a capability over a space of cells, with the tables to render."""

    becomes = values.MatrixStudy
    stands_at = "id"

    id: Identifier = Field(description="name of the study")
    title: Text = Field(description="heading of the report")
    description: Text = Field(description="what the study asks")
    capability: Identifier = Field(description="id of the capability")
    predicate: Identifier = Field(description="version of its predicate")
    arch: Identifier | None = Field(
        default=None,
        description="architecture, `arm64`; may be left out where what the study names is of one",
    )
    axes: dict[AxisName, AxisDeclaration] = Field(min_length=1, description="axis: its options")
    constraints: tuple[StudyConstraint, ...] = Field(
        default=(), description="conditions that every cell satisfies"
    )
    baseline: Cell = Field(description="axis: option of the cell that tables start from")
    profiles: dict[OptionName, Cell] = Field(
        default={}, description="named command line: boot axis: option, rest baseline"
    )
    pivots: tuple[PivotDeclaration, ...] = Field(default=(), description="tables of the report")
    claims: dict[Identifier, ClaimDeclaration] = Field(
        default={}, description="statements over the space of this study"
    )
    formats: tuple[Literal["html", "markdown"], ...] = Field(
        min_length=1, description="formats of the report"
    )
    other_architectures: bool = Field(
        default=False, description="whether the report shows the direct maps of direct-maps/"
    )

    def composed(self, at: Node) -> dict[str, object]:
        """Return the named command lines."""
        return {
            "profiles": tuple(
                values.CommandLineProfile(name=name, cell=tuple(cell.items()), location=node.place)
                for (name, cell), node in zip(
                    self.profiles.items(), at.rows("profiles"), strict=True
                )
            )
        }
