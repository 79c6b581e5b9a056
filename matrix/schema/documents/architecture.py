"""The document of an architecture: `configs/architectures/<id>.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from matrix.schema import symbols, values
from matrix.schema.documents.cost import CostDeclaration
from matrix.schema.documents.cpucaps import NamedCapDeclaration
from matrix.schema.documents.fields import (
    AnyScalar,
    AxisName,
    Bits,
    CExpression,
    Declaration,
    Identifier,
    OptionName,
    Signature,
    Source,
    SymbolName,
    Text,
    Word,
    contradiction,
)
from matrix.schema.reading.nodes import Node


class FieldDeclaration(Declaration):
    """A CPU field and where it stands in the ID registers."""

    becomes = values.RegisterField
    stands_at = "name"

    name: Word = Field(description="name of the field in declarations and SPECs, `dic`")
    register_: Word = Field(alias="register", description="register as the Arm ARM spells it")
    bits: Bits = Field(description='highest and lowest bit, quoted: "43:40"')
    words: dict[int, AnyScalar] = Field(default={}, description="value of the bits: its meaning")
    domain: tuple[AnyScalar, ...] = Field(
        min_length=1, description="every value that an unknown field may have"
    )
    settable: bool = Field(description="whether a CPU SPEC may give it, `neoverse-n2,dic=0`")
    description: Text = Field(description="what the field says")
    shown: CExpression | None = Field(
        default=None,
        description="C expression over registers (`clidr_el1 >> 24 & 7`), where the bits alone "
        "do not tell the field",
    )

    @model_validator(mode="after")
    def _fits_the_register(self) -> Self:
        high, low = self.high_and_low()
        if high < low or high > 63:
            raise contradiction(
                f"bits {self.bits} are not within a 64-bit register, highest first", key="bits"
            )
        wide = [bits for bits in self.words if not 0 <= bits < 1 << (high - low + 1)]
        if wide:
            raise contradiction(f"{wide[0]} does not fit into bits {self.bits}", key="words")
        return self

    def high_and_low(self) -> tuple[int, int]:
        """Return highest and lowest bit."""
        high, _, low = self.bits.partition(":")
        return int(high), int(low or high)

    def composed(self, at: Node) -> dict[str, object]:
        """Return both bits, which stand in one text."""
        del at
        high, low = self.high_and_low()
        return {"high_bit": high, "low_bit": low}


class RuleDeclaration(Declaration):
    """A rule of the architecture over CPU fields."""

    becomes = values.ArchitectureRule
    stands_at = "id"

    id: Identifier = Field(description="name of the rule")
    c: CExpression = Field(description="C expression over CPU fields that every CPU satisfies")
    source: Source = Field(description="section or file that states it")
    because: Text = Field(description="the sentence a reader gets where the rule decides")


class EnvironmentDeclaration(Declaration):
    """A choice outside kernel, `.config`, CPU and command line."""

    becomes = values.EnvironmentAxis
    stands_at = "name"

    name: AxisName = Field(description="name of the axis, `entry`")
    default: OptionName = Field(description="option that holds unless another is given")
    description: Text = Field(description="what the choice is about")
    options: dict[OptionName, Text] = Field(min_length=1, description="option: what it means")

    @model_validator(mode="after")
    def _default_is_an_option(self) -> Self:
        if self.default not in self.options:
            raise contradiction(
                f"the default `{self.default}` is not one of the options",
                key="default",
                hint=f"the options are {', '.join(self.options)}",
            )
        return self


class NamedFunctionDeclaration(Declaration):
    """A function or macro that every release has."""

    becomes = values.KernelFunction
    stands_at = "c"

    c: Signature = Field(description="`name()` or `NAME`")
    body: CExpression = Field(description="what it returns, as one C expression")
    source: Source = Field(description="path:line or section that says so")


class FactRow(Declaration):
    """A fact: a name and a C expression over a profile."""

    becomes = values.FactDeclaration
    stands_at = "name"

    name: Word = Field(description="name of the fact")
    c: CExpression = Field(description="C expression over a profile")
    otherwise: AnyScalar | None = Field(
        default=None, description="value where a release lacks a name in the expression"
    )
    description: Text = Field(description="what the fact says")
    cost: CostDeclaration | None = Field(
        default=None, description="what a change costs that makes the fact true"
    )


class AssumptionDeclaration(Declaration):
    """A choice the architecture leaves to implementations."""

    becomes = values.Assumption
    stands_at = "name"

    name: Identifier = Field(description="name of the assumption")
    source: Source = Field(description="section that leaves the choice")
    permitted: Text | None = Field(
        default=None, description="what that section permits, in a sentence that names it"
    )
    values_: dict[Identifier, Text] = Field(
        alias="values", min_length=1, description="value: what an implementation then does"
    )


class BuiltInLineRow(Declaration):
    """What a Kconfig symbol makes of CONFIG_CMDLINE."""

    becomes = symbols.BuiltInLineRule

    symbol: SymbolName = Field(description="without `CONFIG_`")
    effect: Literal["appended", "alone", "fills-in"] = Field(
        description="CONFIG_CMDLINE is appended to the boot loader's line, is used alone, or fills "
        "in for an empty one"
    )
    source: Source = Field(description="path:line of the code, or the commit")
    elsewhere: Text | None = Field(
        default=None, description="who has the symbol where a release lacks it"
    )


class MisnomerRow(Declaration):
    """A name that people write for a Kconfig symbol, and that no kernel has."""

    becomes = symbols.Misnomer

    name: SymbolName = Field(description="what they write, without `CONFIG_`")
    symbol: SymbolName = Field(description="the symbol that they mean")
    because: Text | None = Field(default=None, description="why they do, in a few words")


class AdvisoryRow(Declaration):
    """Where an advisory of the simulation can happen."""

    becomes = values.AdvisoryDeclaration
    stands_at = "name"

    name: Identifier = Field(description="the advisory, as the simulation names it")
    c: CExpression = Field(description="C expression over a profile, and `predicate`")
    needs: Text | None = Field(
        default=None, description="what must happen besides, that no cell decides; absent: nothing"
    )
    source: Source = Field(description="path:line that shows the condition")


class ArchitectureDocument(Declaration):
    """What holds for every release on one architecture."""

    becomes = values.Architecture
    stands_at = "id"

    id: Identifier = Field(description="name of the architecture, `arm64`")
    fields: tuple[FieldDeclaration, ...] = Field(description="CPU fields the model reads")
    rules: tuple[RuleDeclaration, ...] = Field(default=(), description="rules over CPU fields")
    environment: tuple[EnvironmentDeclaration, ...] = Field(
        default=(), description="choices outside kernel, `.config`, CPU and command line"
    )
    cpucaps: tuple[NamedCapDeclaration, ...] = Field(
        default=(), description="properties of the CPUs that no release treats differently"
    )
    functions: tuple[NamedFunctionDeclaration, ...] = Field(
        default=(), description="functions and macros that every release has"
    )
    facts: tuple[FactRow, ...] = Field(default=(), description="public facts")
    simulation: tuple[FactRow, ...] = Field(
        default=(), description="inputs of the simulation, one row each"
    )
    assumptions: tuple[AssumptionDeclaration, ...] = Field(
        default=(), description="choices the architecture leaves to implementations"
    )
    built_in_line: tuple[BuiltInLineRow, ...] = Field(
        default=(), description="what CONFIG_CMDLINE is to the kernel: the first row that is set"
    )
    misnomers: tuple[MisnomerRow, ...] = Field(
        default=(), description="names that people write for a symbol, and that no kernel has"
    )
    advisories: tuple[AdvisoryRow, ...] = Field(
        default=(), description="where what the simulation reports besides can happen"
    )
    mechanisms: dict[Word, Annotated[tuple[AnyScalar, ...], Field(min_length=1)]] = Field(
        default={}, description="mechanism: the values that a profile may give it"
    )

    def composed(self, at: Node) -> dict[str, object]:
        """Return the values that each mechanism may have."""
        return {
            "mechanisms": tuple(
                values.MechanismDomain(name=node.name, values=domain, location=node.place)
                for domain, node in zip(
                    self.mechanisms.values(), at.rows("mechanisms"), strict=True
                )
            )
        }
