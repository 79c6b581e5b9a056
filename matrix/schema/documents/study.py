"""The document of a matrix study: `configs/matrices/<id>.yaml`.

An axis says its options in a form of its kind: `all`, a list, or a mapping. What the forms stand
for needs the kernels and CPUs that are declared: `matrix.schema.checking.axes` expands them.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from msgspec import Struct
from pydantic import Discriminator, Field, Tag, model_validator

from matrix.schema import values
from matrix.schema.documents.capability import ClaimDeclaration
from matrix.schema.documents.fields import (
    AnyScalar,
    AxisName,
    CExpression,
    Declaration,
    Identifier,
    OptionName,
    Release,
    Source,
    SymbolName,
    Text,
    Word,
    condition,
    contradiction,
    mapping,
    optional,
    rows,
    said,
    some,
    written_form,
)
from matrix.schema.reading.nodes import Node

KINDS = ("kernel", "distro", "cpu", "kconfig", "boot", "environment")


AllOptions = Annotated[Literal["all"], Tag("<word>")]
Listed = Annotated[tuple[OptionName, ...], Field(min_length=1)]
AllOrListed = Annotated[AllOptions | Annotated[Listed, Tag("<list>")], Discriminator(written_form)]


class CpuOptions(Declaration):
    """Options of a CPU axis in parts."""

    named: AllOrListed | None = optional("`all`, or a list of SPECs and @groups: one CPU type each")
    systems: tuple[OptionName, ...] = rows("SPECs of systems of several CPU types, joined by `+`")
    free: dict[Word, Annotated[tuple[AnyScalar, ...], Field(min_length=1)]] = mapping(
        "field: its values; every combination is an option"
    )


class AxisHeading(Declaration):
    """What axes of every kind have."""

    title: Text = said("heading in reports")
    titles: dict[OptionName, Text] = mapping("option: its title, where the name is not enough")


class KernelAxis(AxisHeading):
    """An axis over kernel releases."""

    kind: Literal["kernel"] = said("what the options are")
    options: AllOrListed = said('`all`, or a list of releases, quoted: ["7.2", "7.3"]')


class DistroAxis(AxisHeading):
    """An axis over kernels of distributions: each sets release and Kconfig."""

    kind: Literal["distro"] = said("what the options are")
    options: AllOrListed = said(
        "`all`, or a list of ids of configs/distros; one whose release has no profile "
        "becomes one option for each profile beside it"
    )
    kernels: tuple[Release, ...] = rows(
        "releases whose profiles answer, instead of all: a later profile then changes no option"
    )


class CpuAxis(AxisHeading):
    """An axis over CPUs and systems of CPUs."""

    kind: Literal["cpu"] = said("what the options are")
    options: Annotated[
        AllOptions | Annotated[Listed, Tag("<list>")] | Annotated[CpuOptions, Tag("<mapping>")],
        Discriminator(written_form),
    ] = said("`all`, a list of SPECs and @groups, or a mapping of `named`, `systems`, `free`")


class KconfigAxis(AxisHeading):
    """An axis over values of Kconfig symbols."""

    kind: Literal["kconfig"] = said("what the options are")
    options: dict[OptionName, dict[SymbolName, AnyScalar]] = some(
        'option: {SYMBOL: "y", "n", "m" or a number}'
    )


class BootAxis(AxisHeading):
    """An axis over fragments of the command line."""

    kind: Literal["boot"] = said("what the options are")
    options: dict[OptionName, str] = some('option: command line fragment, "" for absent')


class EnvironmentAxisChoice(AxisHeading):
    """An axis over the options of the environment axis of the same name."""

    kind: Literal["environment"] = said("what the options are")
    options: AllOrListed = said("`all`, or a list of options of the environment axis")


class UnknownAxis(AxisHeading):
    """An axis whose kind is missing or unknown: it only says so."""

    kind: Literal["kernel", "distro", "cpu", "kconfig", "boot", "environment"] = said(
        "what the options are"
    )
    options: object = said("depends on `kind`")


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

    c: CExpression = said("C expression over a profile and the axes")
    because: Text = said("the sentence a reader gets where the constraint decides")
    source: Source | None = optional("where it is stated")

    def value(self, at: Node) -> values.Condition:
        """Return the declared constraint."""
        return condition(self.c, at["c"], source=self.source, because=self.because)


class PivotDeclaration(Declaration):
    """A table of the report."""

    becomes: ClassVar[type[Struct]] = values.Pivot
    stands_at = "title"

    title: Text = said("heading of the table")
    rows: AxisName = said("axis of the rows, or `profiles`")
    columns: tuple[AxisName, ...] = some("axes of the columns, or `profiles` for the named cells")
    fixed: Cell = mapping("axis: option in this table, instead of baseline's")
    leave_out: Text | None = optional("shell pattern of row options that the table leaves out")


class ViewDeclaration(PivotDeclaration):
    """A table that is shown by name and stands in no report."""

    becomes = values.DeclaredView
    stands_at = "id"

    id: Identifier = said("name of the view")
    only: dict[AxisName, Annotated[tuple[Text, ...], Field(min_length=1)]] = mapping(
        "axis of rows or columns: shell patterns of the options it keeps"
    )
    where: CExpression | None = optional(
        "C expression over a profile and the axes: the cells that count"
    )
    order: values.ViewOrder = Field(
        default="declared", description="of the rows: as declared, or the most dangerous first"
    )
    shows: values.ViewShows = Field(
        default="verdict",
        description="verdict of the one cell, all else as fixed or in the baseline; or of all "
        "cells with these options the worst verdict, or how many have which",
    )

    def composed(self, at: Node) -> dict[str, object]:
        """Return the study of a view that stands in one: the study says."""
        del at
        return {"study": ""}


class ViewDocument(ViewDeclaration):
    """A view of a study that another file declares."""

    study: Identifier = said("id of the study")

    def composed(self, at: Node) -> dict[str, object]:
        """Return nothing: the document says its study."""
        del at
        return {}


class StudyDocument(Declaration):
    """A study: a capability over a space of cells, with the tables to render."""

    becomes = values.MatrixStudy
    stands_at = "id"

    id: Identifier = said("name of the study")
    title: Text = said("heading of the report")
    description: Text = said("what the study asks")
    capability: Identifier = said("id of the capability")
    predicate: Identifier = said("version of its predicate")
    arch: Identifier | None = optional(
        "architecture, `arm64`; needed where what the study names is of several"
    )
    axes: dict[AxisName, AxisDeclaration] = some("axis: its options")
    constraints: tuple[StudyConstraint, ...] = rows("conditions that every cell satisfies")
    baseline: Cell = said("axis: option of the cell that tables start from")
    profiles: dict[OptionName, Cell] = mapping(
        "named cell, such as a command line: axis: option, rest baseline"
    )
    pivots: tuple[PivotDeclaration, ...] = rows("tables of the report")
    views: tuple[ViewDeclaration, ...] = rows(
        "tables that are shown by name and stand in no report"
    )
    claims: dict[Identifier, ClaimDeclaration] = mapping("statements over the space of this study")
    formats: tuple[Literal["html", "markdown"], ...] = some("formats of the report")

    @model_validator(mode="after")
    def _has_kernels(self) -> Self:
        if not any(axis.kind in ("kernel", "distro") for axis in self.axes.values()):
            raise contradiction(
                "the study has no axis of kernels, so that nothing is asked",
                key="axes",
                hint='add `kernel: {kind: kernel, title: "Linux release", options: ["7.3"]}`, or '
                "one of kind `distro`",
            )
        return self

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
