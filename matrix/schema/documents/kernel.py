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
    condition,
    contradiction,
)
from matrix.schema.documents.parameters import ParserDeclaration, parameter_value
from matrix.schema.reading.nodes import Node
from matrix.schema.symbols import BuiltInLine


class VerifiedOnDeclaration(Declaration):
    """Against what the profile was checked."""

    version: Text = Field(description="exact version or package that was read")
    how: Text = Field(description="how it was read: a source package, a fact sheet")


class SymbolDeclaration(Declaration):
    """A Kconfig symbol the model reads."""

    type: Literal["bool", "tristate", "int"] = Field(description="type in Kconfig")
    source: Source = Field(description="path:line of the `config` entry")
    prompt: CExpression | None = Field(
        default=None,
        description="when a person is asked for it, over symbols with a prompt, declared or not; "
        "absent: never, its value follows from other symbols",
    )

    def value(self, at: Node) -> values.KconfigSymbol:
        """Return the declared symbol."""
        return values.KconfigSymbol(
            name=at.name,
            type=self.type,
            source=self.source,
            location=at.place,
            prompt=None
            if self.prompt is None
            else condition(self.prompt, at["prompt"], source=self.source),
        )


class ConstraintDeclaration(Declaration):
    """A condition that every realizable `.config` of the release satisfies."""

    c: CExpression = Field(description="C expression over IS_ENABLED(CONFIG_X) and CONFIG_X")
    grounded: Grounded = Field(
        description="`hand`: read by a person; `tree`: projected from the parsed Kconfig tree; "
        "`borrowed from 6.12`: projected from the tree of another release"
    )
    because: Text = Field(description="the sentence a reader gets where the constraint decides")
    source: Source | None = Field(default=None, description="path:line in the Kconfig tree")

    def value(self, at: Node) -> values.KconfigConstraint:
        """Return the declared constraint."""
        return values.KconfigConstraint(
            condition=condition(self.c, at["c"], source=self.source, because=self.because),
            grounded=self.grounded,
        )


class BuiltInLineDeclaration(Declaration):
    """Which symbols of the release say what CONFIG_CMDLINE is to the kernel."""

    symbols: tuple[SymbolName, ...] = Field(
        description="symbols of the architecture's `built_in_line` that the release has"
    )
    source: Source = Field(description="path:line of the `config` entries")

    def value(self, at: Node) -> BuiltInLine:
        """Return the declared symbols."""
        return BuiltInLine(symbols=self.symbols, source=self.source, location=at.place)


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

    initial: CExpression = Field(description="compiled-in value, a C expression")
    enumerators: dict[Word, int] | tuple[Word, ...] = Field(
        default={},
        description="values of an enum variable, each with its number; a list counts from 0, as C",
    )
    source: Source = Field(description="path:line of the definition")

    def value(self, at: Node) -> values.Variable:
        """Return the declared variable."""
        return values.Variable(
            name=at.name,
            initial=condition(self.initial, at["initial"], source=self.source),
            enumerators=tuple(self._numbered().items()),
            source=self.source,
            location=at.place,
        )

    def _numbered(self) -> dict[str, int]:
        if isinstance(self.enumerators, dict):
            return self.enumerators
        return {name: number for number, name in enumerate(self.enumerators)}


class FunctionDeclaration(Declaration):
    """A kernel function or macro."""

    body: CExpression = Field(description="what it returns, as one C expression")
    source: Source = Field(description="path:line of the definition")

    def value(self, at: Node) -> values.KernelFunction:
        """Return the declared function."""
        return values.KernelFunction(
            signature=at.name,
            body=condition(self.body, at["body"], source=self.source),
            source=self.source,
            location=at.place,
        )


class SinceDeclaration(Declaration):
    """Point releases with which a mechanism came, and what older versions have instead."""

    versions: Annotated[tuple[KernelVersionText, ...], Field(min_length=1)] = Field(
        description="the first version of each series that has it, and of mainline: "
        '["6.1.113", "6.12"]; a series between them that is not listed never got it'
    )
    before: AnyScalar = Field(description="the value that mechanism.NAME has in older versions")
    because: Text = Field(description="the sentence a reader of an older version gets")
    source: Source = Field(description="the fix, or who says when it came")

    def value(self) -> values.Since:
        """Return the declared dates."""
        return values.Since(
            versions=self.versions, before=self.before, because=self.because, source=self.source
        )


class MechanismDeclaration(Declaration):
    """A way in which kernels differ that the model needs as a switch."""

    switch: AnyScalar = Field(
        alias="value", description="the value that mechanism.NAME has in this release"
    )
    source: Source = Field(description="path:line of the code that decides it")
    note: Text | None = Field(default=None, description="what a reader should know")
    since: SinceDeclaration | None = Field(
        default=None, description="of what came with a point release: when, and what was before"
    )

    def value(self, at: Node) -> values.Mechanism:
        """Return the declared switch."""
        return values.Mechanism(
            name=at.name,
            value=self.switch,
            source=self.source,
            location=at.place,
            note=self.note,
            since=None if self.since is None else self.since.value(),
        )


class UnreadDeclaration(Declaration):
    """Names of other profiles that this release has, too, where they decide nothing."""

    symbols: tuple[SymbolName, ...] = Field(default=(), description="Kconfig symbols")
    parameters: tuple[ParameterName, ...] = Field(default=(), description="boot parameters")


class ChangeDeclaration(Declaration):
    """A name that came, went or was renamed, with the exact release where somebody knows it."""

    name: Text = Field(description="as a user writes it: CONFIG_X, a parameter, parameter=value")
    release: Release = Field(description='first release that is as this profile is: "6.18"')
    note: Text = Field(description="what stands for it now, or what it did, in a sentence")
    source: Source = Field(description="what shows the release")

    def value(self, at: Node) -> values.NameChange:
        """Return the declared change."""
        return values.NameChange(
            name=self.name,
            release=self.release,
            note=self.note,
            source=self.source,
            location=at.location,
        )


class FixDeclaration(Declaration):
    """What mended a defect."""

    commit: Commit = Field(description="hash of the commit, twelve digits at least, quoted")
    release: Release = Field(description='first release that has it: "7.1"')


class DefectDeclaration(Declaration):
    """A defect that the release has by itself, whoever uses its code."""

    invariant: Identifier = Field(description="invariant that the simulation finds violated")
    mechanism: Word = Field(description="row under `mechanisms` that is the defect")
    says: Text = Field(description="what a user meets, in plain words")
    fixed_by: FixDeclaration | None = Field(
        default=None, description="what mended it; absent: no fix is known"
    )
    reported: Text | None = Field(default=None, description="who met it in the field, and when")
    source: Source = Field(description="path:line, mail or report that shows it")

    def value(self, at: Node) -> values.BaseDefect:
        """Return the declared defect."""
        return values.BaseDefect(
            invariant=self.invariant,
            mechanism=self.mechanism,
            says=self.says,
            source=self.source,
            location=at["invariant"].location,
            fixed_by=self.fixed_by.commit if self.fixed_by else None,
            fixed_in=self.fixed_by.release if self.fixed_by else None,
            reported=self.reported,
        )


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

    def value(self, at: Node) -> values.KernelProfile:
        """Return the declared profile; `at` is the node the document was read from."""
        kconfig = at["kconfig"]
        return values.KernelProfile(
            id=self.id,
            release=self.release,
            arch=self.arch,
            verified_on=values.VerifiedOn(
                version=self.verified_on.version, how=self.verified_on.how
            ),
            open=self.open,
            symbols=tuple(
                map(SymbolDeclaration.value, self.kconfig.symbols.values(), kconfig.rows("symbols"))
            ),
            constraints=tuple(
                map(
                    ConstraintDeclaration.value,
                    self.kconfig.constraints,
                    kconfig.rows("constraints"),
                )
            ),
            toolchain=self.kconfig.toolchain,
            built_in_line=None
            if self.kconfig.built_in_line is None
            else self.kconfig.built_in_line.value(kconfig["built_in_line"]),
            operations=tuple(map(_operation, self.operations.values(), at.rows("operations"))),
            unread_symbols=self.unread.symbols,
            unread_parameters=self.unread.parameters,
            changes=tuple(map(ChangeDeclaration.value, self.changes, at.rows("changes"))),
            defects=tuple(map(DefectDeclaration.value, self.defects, at.rows("defects"))),
            location=at["id"].location,
            **self.rows(at),
        )


def _operation(source: str, at: Node) -> values.OperationSource:
    return values.OperationSource(operation=at.name, source=source, location=at.place)
