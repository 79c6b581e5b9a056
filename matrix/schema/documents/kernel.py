"""The document of a kernel profile: `configs/kernels/<id>.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypedDict

from pydantic import Field, model_validator

from matrix.schema import values
from matrix.schema.documents.cpucaps import CapDeclaration
from matrix.schema.documents.fields import (
    AnyScalar,
    CExpression,
    Commit,
    Declaration,
    Grounded,
    Identifier,
    KernelVersionText,
    ParameterName,
    Release,
    Signature,
    Source,
    SymbolName,
    Text,
    Word,
    contradiction,
)
from matrix.schema.documents.parameters import ParserDeclaration, parameter_value
from matrix.schema.reading.nodes import Node
from matrix.schema.symbols import BuiltInLine


class VerifiedOnDeclaration(Declaration):
    """Against what the profile was checked."""

    becomes = values.VerifiedOn

    version: Text = Field(description="exact version or package that was read")
    how: Text = Field(description="how it was read: a source package, a fact sheet")


class SymbolDeclaration(Declaration):
    """A Kconfig symbol the model reads."""

    becomes = values.KconfigSymbol

    type: Literal["bool", "tristate", "int"] = Field(description="type in Kconfig")
    source: Source = Field(description="path:line of the `config` entry")
    prompt: CExpression | None = Field(
        default=None,
        description="when a person is asked for it, over symbols with a prompt, declared or not; "
        "absent: never, its value follows from other symbols",
    )


class ConstraintDeclaration(Declaration):
    """A condition that every realizable `.config` of the release satisfies."""

    becomes = values.KconfigConstraint

    c: CExpression = Field(description="C expression over IS_ENABLED(CONFIG_X) and CONFIG_X")
    grounded: Grounded = Field(
        description="`hand`: read by a person; `tree`: projected from the parsed Kconfig tree; "
        "`borrowed from 6.12`: projected from the tree of another release"
    )
    because: Text = Field(description="the sentence a reader gets where the constraint decides")
    source: Source | None = Field(default=None, description="path:line in the Kconfig tree")


class BuiltInLineDeclaration(Declaration):
    """Which symbols of the release say what CONFIG_CMDLINE is to the kernel."""

    becomes = BuiltInLine

    symbols: tuple[SymbolName, ...] = Field(
        description="symbols of the architecture's `built_in_line` that the release has"
    )
    source: Source = Field(description="path:line of the `config` entries")


class KconfigDeclaration(Declaration):
    """What the profile says about Kconfig."""

    symbols: dict[SymbolName, SymbolDeclaration] = Field(
        description="symbols the model reads, without `CONFIG_`"
    )
    constraints: tuple[ConstraintDeclaration, ...] = Field(
        default=(), description="what every realizable `.config` satisfies"
    )
    toolchain: Identifier | None = Field(
        default=None, description="the toolchain whose answers the constraints rest on"
    )
    built_in_line: BuiltInLineDeclaration | None = Field(
        default=None, description="which symbols say what CONFIG_CMDLINE is; left out: not read"
    )


class VariableDeclaration(Declaration):
    """A kernel variable that boot parameters may change."""

    becomes = values.Variable

    initial: CExpression = Field(description="compiled-in value, a C expression")
    enumerators: dict[Word, int] | tuple[Word, ...] = Field(
        default={},
        description="values of an enum variable, each with its number; a list counts from 0, as C",
    )
    source: Source = Field(description="path:line of the definition")

    def composed(self, at: Node) -> dict[str, object]:
        """Return the enumerators with their numbers."""
        del at
        return {"enumerators": tuple(self._numbered().items())}

    def _numbered(self) -> dict[str, int]:
        if isinstance(self.enumerators, dict):
            return self.enumerators
        return {name: number for number, name in enumerate(self.enumerators)}


class FunctionDeclaration(Declaration):
    """A kernel function or macro."""

    becomes = values.KernelFunction

    body: CExpression = Field(description="what it returns, as one C expression")
    source: Source = Field(description="path:line of the definition")


class SinceDeclaration(Declaration):
    """Point releases with which a mechanism came, and what older versions have instead."""

    becomes = values.Since

    versions: Annotated[tuple[KernelVersionText, ...], Field(min_length=1)] = Field(
        description="the first version of each series that has it, and of mainline: "
        '["6.1.113", "6.12"]; a series between them that is not listed never got it'
    )
    before: AnyScalar = Field(description="the value that mechanism.NAME has in older versions")
    because: Text = Field(description="the sentence a reader of an older version gets")
    source: Source = Field(description="the fix, or who says when it came")


class MechanismDeclaration(Declaration):
    """A way in which kernels differ that the model needs as a switch."""

    becomes = values.Mechanism

    switch: AnyScalar = Field(
        alias="value", description="the value that mechanism.NAME has in this release"
    )
    source: Source = Field(description="path:line of the code that decides it")
    note: Text | None = Field(default=None, description="what a reader should know")
    since: SinceDeclaration | None = Field(
        default=None, description="of what came with a point release: when, and what was before"
    )


class UnreadDeclaration(Declaration):
    """Names of other profiles that this release has, too, where they decide nothing."""

    symbols: tuple[SymbolName, ...] = Field(default=(), description="Kconfig symbols")
    parameters: tuple[ParameterName, ...] = Field(default=(), description="boot parameters")


class ChangeDeclaration(Declaration):
    """A name that came, went or was renamed, with the exact release where somebody knows it."""

    becomes = values.NameChange

    name: Text = Field(description="as a user writes it: CONFIG_X, a parameter, parameter=value")
    release: Release = Field(description='first release that is as this profile is: "6.18"')
    note: Text = Field(description="what stands for it now, or what it did, in a sentence")
    source: Source = Field(description="what shows the release")


class FixDeclaration(Declaration):
    """What mended a defect."""

    commit: Commit = Field(description="hash of the commit, twelve digits at least, quoted")
    release: Release = Field(description='first release that has it: "7.1"')


class DefectDeclaration(Declaration):
    """A defect that the release has by itself, whoever uses its code."""

    becomes = values.BaseDefect
    stands_at = "invariant"

    invariant: Identifier = Field(description="invariant that the simulation finds violated")
    mechanism: Word = Field(description="row under `mechanisms` that is the defect")
    says: Text = Field(description="what a user meets, in plain words")
    fixed_by: FixDeclaration | None = Field(
        default=None, description="what mended it; absent: no fix is known"
    )
    reported: Text | None = Field(default=None, description="who met it in the field, and when")
    source: Source = Field(description="path:line, mail or report that shows it")

    def composed(self, at: Node) -> dict[str, object]:
        """Return the commit and the release of the fix, if there is one."""
        del at
        fix = self.fixed_by
        return {"fixed_by": fix and fix.commit, "fixed_in": fix and fix.release}


class _Rows(TypedDict):
    variables: tuple[values.Variable, ...]
    parameters: tuple[values.BootParameter, ...]
    cpucaps: tuple[values.CpuCap, ...]
    functions: tuple[values.KernelFunction, ...]
    mechanisms: tuple[values.Mechanism, ...]


class ProfileRows(Declaration):
    """The rows of a profile that are looked up by name."""

    variables: dict[Word, VariableDeclaration] = Field(
        default={}, description="kernel variables that boot parameters may change"
    )
    parameters: dict[
        ParameterName, Annotated[tuple[ParserDeclaration, ...], Field(min_length=1)]
    ] = Field(default={}, description="boot parameters; each with its parsers in boot order")
    cpucaps: dict[Word, CapDeclaration] = Field(
        default={}, description="properties of the CPUs that the kernel detects"
    )
    functions: dict[Signature, FunctionDeclaration] = Field(
        default={}, description="kernel functions and macros as C expressions"
    )
    mechanisms: dict[Word, MechanismDeclaration] = Field(
        default={}, description="switches of the simulation, read as mechanism.NAME"
    )

    def rows(self, at: Node) -> _Rows:
        """Return the declared rows; `at` is the node the document was read from."""
        return {
            "variables": tuple(
                map(VariableDeclaration.value, self.variables.values(), at.rows("variables"))
            ),
            "parameters": tuple(
                map(parameter_value, self.parameters.values(), at.rows("parameters"))
            ),
            "cpucaps": tuple(map(CapDeclaration.value, self.cpucaps.values(), at.rows("cpucaps"))),
            "functions": tuple(
                map(FunctionDeclaration.value, self.functions.values(), at.rows("functions"))
            ),
            "mechanisms": tuple(
                map(MechanismDeclaration.value, self.mechanisms.values(), at.rows("mechanisms"))
            ),
        }


class KernelDocument(ProfileRows):
    """What is declared about one kernel release on one architecture."""

    becomes = values.KernelProfile
    stands_at = "id"

    id: Identifier = Field(description="name of the profile, `linux-7.3-arm64`")
    release: Release = Field(description='release, quoted: "7.3"')
    arch: Identifier = Field(description="id of the architecture, `arm64`")
    verified_on: VerifiedOnDeclaration = Field(description="exact version and how it was read")
    open: tuple[Text, ...] = Field(
        default=(), description="of a draft: what nobody has read in the source of this release yet"
    )
    kconfig: KconfigDeclaration = Field(description="Kconfig symbols and constraints")
    operations: dict[Word, Source] = Field(
        default={}, description="micro-operation of the simulation: path:line in this release"
    )
    unread: UnreadDeclaration = Field(
        default=UnreadDeclaration(),
        description="names of other profiles that exist here and decide nothing",
    )
    changes: tuple[ChangeDeclaration, ...] = Field(
        default=(), description="names whose coming or going is known to the release"
    )
    defects: tuple[DefectDeclaration, ...] = Field(
        default=(), description="what the release breaks by itself, whoever uses its code"
    )

    @model_validator(mode="after")
    def _defects_are_mechanisms(self) -> Self:
        for row in self.defects:
            if row.mechanism not in self.mechanisms:
                raise contradiction(
                    f"`{row.mechanism}` of the defect `{row.invariant}` is no mechanism",
                    key="defects",
                    hint=f"the mechanisms are {', '.join(self.mechanisms)}",
                )
        return self

    def composed(self, at: Node) -> dict[str, object]:
        """Return what stands one level deeper, under `kconfig` and `unread`, and the operations."""
        kconfig, below = self.kconfig, at["kconfig"]
        line = kconfig.built_in_line
        return {
            "symbols": tuple(
                map(SymbolDeclaration.value, kconfig.symbols.values(), below.rows("symbols"))
            ),
            "constraints": tuple(
                map(ConstraintDeclaration.value, kconfig.constraints, below.rows("constraints"))
            ),
            "toolchain": kconfig.toolchain,
            "built_in_line": line and line.value(below["built_in_line"]),
            "unread_symbols": self.unread.symbols,
            "unread_parameters": self.unread.parameters,
            "operations": tuple(map(_operation, self.operations.values(), at.rows("operations"))),
            **self.rows(at),
        }


def _operation(source: str, at: Node) -> values.OperationSource:
    return values.OperationSource(operation=at.name, source=source, location=at.place)
