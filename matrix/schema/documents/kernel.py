"""The document of a kernel profile: `configs/kernels/<id>.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

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
    SourceAddress,
    SymbolName,
    Text,
    Word,
    contradiction,
    mapping,
    optional,
    rows,
    said,
)
from matrix.schema.documents.parameters import ParserDeclaration, parameter_value
from matrix.schema.reading.nodes import Node
from matrix.schema.values import BuiltInLine


class ToolchainDocument(Declaration):
    """What a compiler and its like answer to the questions of a Kconfig tree."""

    becomes = values.Toolchain
    stands_at = "id"

    id: Identifier = said("name of the toolchain, `gcc-12-aarch64`")
    arch: Identifier = said("id of the architecture it builds for")
    description: Text = said("which programs, of which versions")
    environment: dict[Word, str] = said(
        "variables of the kernel's build that the questions read: CC, LD …"
    )
    answers: dict[str, tuple[str, ...]] = said(
        "answer to macro calls, as Kconfig writes them between `$(` and `)`"
    )

    def composed(self, at: Node) -> dict[str, object]:
        """Return the answer of each call."""
        del at
        return {
            "answers": tuple(
                (call, answer) for answer, calls in self.answers.items() for call in calls
            )
        }


class VerifiedOnDeclaration(Declaration):
    """Against what the profile was checked."""

    becomes = values.VerifiedOn

    version: Text = said("exact version or package that was read")
    how: Text = said("how it was read: a source package, a fact sheet")


class SymbolDeclaration(Declaration):
    """A Kconfig symbol the model reads."""

    becomes = values.KconfigSymbol

    type: Literal["bool", "tristate", "int"] = said("type in Kconfig")
    source: Source = said("path:line of the `config` entry")
    prompt: CExpression | None = optional(
        "when a person is asked for it, over symbols with a prompt, declared or not; "
        "absent: never, its value follows from other symbols"
    )


class ConstraintDeclaration(Declaration):
    """A condition that every realizable `.config` of the release satisfies."""

    becomes = values.KconfigConstraint

    c: CExpression = said("C expression over IS_ENABLED(CONFIG_X) and CONFIG_X")
    grounded: Grounded = said(
        "`hand`: read by a person; `tree`: projected from the parsed Kconfig tree; "
        "`borrowed from 6.12`: projected from the tree of another release"
    )
    because: Text = said("the sentence a reader gets where the constraint decides")
    source: Source | None = optional("path:line in the Kconfig tree")


class BuiltInLineDeclaration(Declaration):
    """Which symbols of the release say what CONFIG_CMDLINE is to the kernel."""

    becomes = BuiltInLine

    symbols: tuple[SymbolName, ...] = said(
        "symbols of the architecture's `built_in_line` that the release has"
    )
    source: Source = said("path:line of the `config` entries")


class KconfigDeclaration(Declaration):
    """What the profile says about Kconfig."""

    symbols: dict[SymbolName, SymbolDeclaration] = said(
        "symbols the model reads, without `CONFIG_`"
    )
    constraints: tuple[ConstraintDeclaration, ...] = rows(
        "what every realizable `.config` satisfies"
    )
    toolchain: Identifier | None = optional("the toolchain whose answers the constraints rest on")
    built_in_line: BuiltInLineDeclaration | None = optional(
        "which symbols say what CONFIG_CMDLINE is; left out: not read"
    )


class VariableDeclaration(Declaration):
    """A kernel variable that boot parameters may change."""

    becomes = values.Variable

    initial: CExpression = said("compiled-in value, a C expression")
    enumerators: dict[Word, int] | tuple[Word, ...] = mapping(
        "values of an enum variable, each with its number; a list counts from 0, as C"
    )
    source: Source = said("path:line of the definition")

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

    body: CExpression = said("what it returns, as one C expression")
    source: Source = said("path:line of the definition")


class SinceDeclaration(Declaration):
    """Point releases with which a mechanism came, and what older versions have instead."""

    becomes = values.Since

    versions: Annotated[tuple[KernelVersionText, ...], Field(min_length=1)] = said(
        "the first version of each series that has it, and of mainline: "
        '["6.1.113", "6.12"]; a series between them that is not listed never got it'
    )
    before: AnyScalar = said("the value that mechanism.NAME has in older versions")
    because: Text = said("the sentence a reader of an older version gets")
    source: Source = said("the fix, or who says when it came")


class MechanismDeclaration(Declaration):
    """A way in which kernels differ that the model needs as a switch."""

    becomes = values.Mechanism

    switch: AnyScalar = Field(
        alias="value",
        description="the value that mechanism.NAME has in this release; with `since`, with the fix",
    )
    source: Source = said("path:line of the code that decides it")
    note: Text | None = optional("what a reader should know")
    since: SinceDeclaration | None = optional(
        "of what came with a point release: when, and what was before"
    )


class UnreadDeclaration(Declaration):
    """Names of other profiles that this release has, too, where they decide nothing."""

    symbols: tuple[SymbolName, ...] = rows("Kconfig symbols")
    parameters: tuple[ParameterName, ...] = rows("boot parameters")


class ChangeDeclaration(Declaration):
    """A name that came, went or was renamed, with the exact release where somebody knows it."""

    becomes = values.NameChange

    name: Text = said("as a user writes it: CONFIG_X, a parameter, parameter=value")
    release: Release = said('first release that is as this profile is: "6.18"')
    note: Text = said("what stands for it now, or what it did, in a sentence")
    source: Source = said("what shows the release")


class FixDeclaration(Declaration):
    """What mended a defect."""

    commit: Commit = said("hash of the commit, twelve digits at least, quoted")
    release: Release = said('first release that has it: "7.1"')


class DefectDeclaration(Declaration):
    """A defect that the release has by itself, whoever uses its code."""

    becomes = values.BaseDefect
    stands_at = "invariant"

    invariant: Identifier = said("invariant that the simulation finds violated")
    mechanism: Word = said("row under `mechanisms` that is the defect")
    says: Text = said("what a user meets, in plain words")
    fixed_by: FixDeclaration | None = optional("what mended it; absent: no fix is known")
    reported: Text | None = optional("who met it in the field, and when")
    source: Source = said("path:line, mail or report that shows it")

    def composed(self, at: Node) -> dict[str, object]:
        """Return the commit and the release of the fix, if there is one."""
        del at
        fix = self.fixed_by
        return {"fixed_by": fix and fix.commit, "fixed_in": fix and fix.release}


class ProfileRows(Declaration):
    """The rows of a profile that are looked up by name."""

    variables: dict[Word, VariableDeclaration] = mapping(
        "kernel variables that boot parameters may change"
    )
    parameters: dict[
        ParameterName, Annotated[tuple[ParserDeclaration, ...], Field(min_length=1)]
    ] = mapping("boot parameters; each with its parsers in boot order")
    cpucaps: dict[Word, CapDeclaration] = mapping("properties of the CPUs that the kernel detects")
    functions: dict[Signature, FunctionDeclaration] = mapping(
        "kernel functions and macros as C expressions"
    )
    mechanisms: dict[Word, MechanismDeclaration] = mapping(
        "switches of the simulation, read as mechanism.NAME"
    )

    def composed(self, at: Node) -> dict[str, object]:
        """Return the boot parameters with all their parsers."""
        parameters = map(parameter_value, self.parameters.values(), at.rows("parameters"))
        return {"parameters": tuple(parameters)}


class KernelDocument(ProfileRows):
    """What is declared about one kernel release on one architecture."""

    becomes = values.KernelProfile
    stands_at = "id"

    id: Identifier = said("name of the profile, `linux-7.3-arm64`")
    release: Release = said('release, quoted: "7.3"')
    arch: Identifier = said("id of the architecture, `arm64`")
    verified_on: VerifiedOnDeclaration = said("exact version and how it was read")
    browse: SourceAddress | None = optional(
        "where a line of its source is shown on the web, with {path} and {line} for the file and "
        "the number; absent: pages have no links to its source"
    )
    open: tuple[Text, ...] = rows(
        "of a draft: what nobody has read in the source of this release yet"
    )
    kconfig: KconfigDeclaration = said("Kconfig symbols and constraints")
    operations: dict[Word, Source] = mapping(
        "micro-operation of the simulation: path:line in this release"
    )
    unread: UnreadDeclaration = Field(
        default=UnreadDeclaration(),
        description="names of other profiles that exist here and decide nothing",
    )
    changes: tuple[ChangeDeclaration, ...] = rows(
        "names whose coming or going is known to the release"
    )
    defects: tuple[DefectDeclaration, ...] = rows(
        "what the release breaks by itself, whoever uses its code"
    )

    @model_validator(mode="after")
    def _kstrtobool_is_told(self) -> Self:
        for name, parsers in self.parameters.items():
            if any(one.grammar == "kstrtobool" and not one.prefixes for one in parsers):
                raise contradiction(
                    f"a parser of `{name}` is kstrtobool(), and has no `prefixes`",
                    key="parameters",
                    hint="write what it takes in this release, from lib/kstrtox.c; an overlay may "
                    "leave it out",
                )
        return self

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
        below = self.kconfig.values_at(
            at["kconfig"], "symbols", "constraints", "toolchain", "built_in_line"
        )
        return {
            **super().composed(at),
            **below,
            "unread_symbols": self.unread.symbols,
            "unread_parameters": self.unread.parameters,
            "operations": tuple(map(_operation, self.operations.values(), at.rows("operations"))),
        }


def _operation(source: str, at: Node) -> values.OperationSource:
    return values.OperationSource(operation=at.name, source=source, location=at.place)
