"""The document of an architecture: `configs/architectures/<id>.yaml`."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from matrix.schema import values
from matrix.schema.documents.cpucaps import NamedCapDeclaration
from matrix.schema.documents.fields import (
    AnyScalar,
    AxisName,
    Bits,
    CExpression,
    CostDeclaration,
    Declaration,
    Identifier,
    OptionName,
    Signature,
    Source,
    SymbolName,
    Text,
    Word,
    contradiction,
    mapping,
    optional,
    rows,
    said,
    some,
)
from matrix.schema.reading.nodes import Node


class FieldDeclaration(Declaration):
    """A CPU field and where it stands in the ID registers."""

    becomes = values.RegisterField
    stands_at = "name"

    name: Word = said("name of the field in declarations and SPECs, `dic`")
    register_: Word = Field(alias="register", description="register as the Arm ARM spells it")
    bits: Bits = said('highest and lowest bit, quoted: "43:40"')
    words: dict[int, AnyScalar] = mapping("value of the bits: its meaning")
    domain: tuple[AnyScalar, ...] = some("every value that an unknown field may have")
    settable: bool = said("whether a CPU SPEC may give it, `neoverse-n2,dic=0`")
    description: Text = said("what the field says")
    shown: CExpression | None = optional(
        "C expression over registers (`clidr_el1 >> 24 & 7`), where the bits alone "
        "do not tell the field"
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

    id: Identifier = said("name of the rule")
    c: CExpression = said("C expression over CPU fields that every CPU satisfies")
    source: Source = said("section or file that states it")
    because: Text = said("the sentence a reader gets where the rule decides")


class EnvironmentDeclaration(Declaration):
    """A choice outside kernel, `.config`, CPU and command line."""

    becomes = values.EnvironmentAxis
    stands_at = "name"

    name: AxisName = said("name of the axis, `entry`")
    default: OptionName = said("option that holds unless another is given")
    description: Text = said("what the choice is about")
    options: dict[OptionName, Text] = some("option: what it means")

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

    c: Signature = said("`name()` or `NAME`")
    body: CExpression = said("what it returns, as one C expression")
    source: Source = said("path:line or section that says so")


class FactRow(Declaration):
    """A fact: a name and a C expression over a profile."""

    becomes = values.FactDeclaration
    stands_at = "name"

    name: Word = said("name of the fact")
    c: CExpression = said("C expression over a profile")
    otherwise: AnyScalar | None = optional("value where a release lacks a name in the expression")
    description: Text = said("what the fact says")
    cost: CostDeclaration | None = optional("what a change costs that makes the fact true")


class AssumptionDeclaration(Declaration):
    """A choice the architecture leaves to implementations."""

    becomes = values.Assumption
    stands_at = "name"

    name: Identifier = said("name of the assumption")
    source: Source = said("section that leaves the choice")
    permitted: Text | None = optional("what that section permits, in a sentence that names it")
    values_: dict[Identifier, Text] = Field(
        alias="values", min_length=1, description="value: what an implementation then does"
    )


class BuiltInLineRow(Declaration):
    """What a Kconfig symbol makes of CONFIG_CMDLINE."""

    becomes = values.BuiltInLineRule

    symbol: SymbolName = said("without `CONFIG_`")
    effect: Literal["appended", "alone", "fills-in"] = said(
        "CONFIG_CMDLINE is appended to the boot loader's line, is used alone, or fills "
        "in for an empty one"
    )
    source: Source = said("path:line of the code, or the commit")
    elsewhere: Text | None = optional("who has the symbol where a release lacks it")


class MisnomerRow(Declaration):
    """A name that people write for a Kconfig symbol, and that no kernel has."""

    becomes = values.Misnomer

    name: SymbolName = said("what they write, without `CONFIG_`")
    symbol: SymbolName = said("the symbol that they mean")
    because: Text | None = optional("why they do, in a few words")


class AdvisoryRow(Declaration):
    """Where an advisory of the simulation can happen."""

    becomes = values.AdvisoryDeclaration
    stands_at = "name"

    name: Identifier = said("the advisory, as the simulation names it")
    c: CExpression = said("C expression over a profile, and `predicate`")
    needs: Text | None = optional("what must happen besides, that no cell decides; absent: nothing")
    source: Source = said("path:line that shows the condition")


def _regular_expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise contradiction(
            f"not a regular expression: {error.msg}",
            hint="a `(` or `[` of the text is `\\(`, `\\[`",
        ) from None
    return text


RegularExpression = Annotated[str, Field(min_length=1), AfterValidator(_regular_expression)]


class LogLineRow(Declaration):
    """A line of the kernel log that tells what the kernel found.

    Groups of the expression are read: `version`, `cmdline`, `cpu` (else CPU 0), `size` and `order`
    of a table in pages, and any other name is a register of the CPU in hexadecimal.
    """

    becomes = values.LogLine
    stands_at = "line"

    line: RegularExpression = said("regular expression of the whole message")
    shows: dict[Word, AnyScalar] = mapping(
        "fact, environment axis or CPU field: its value where a line is so"
    )
    absent: dict[Word, AnyScalar] = mapping(
        "likewise where a whole log has no such line: inferred, not known"
    )
    witness: RegularExpression | None = optional(
        "a message without which a missing line says nothing"
    )
    mark: Literal["begins", "ends"] | None = optional(
        "the first message of a boot, or one behind all declared ones"
    )
    source: Source = said("path:line of the message")


ModuleParameterName = Annotated[str, Field(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$")]


class MissingFlagsRow(Declaration):
    """What follows where a line `flags` of /proc/cpuinfo or lscpu has none of some words."""

    becomes = values.MissingFlags
    stands_at = "flags"

    flags: Annotated[tuple[Text, ...], Field(min_length=1)] = said("words of the line `flags`")
    absent: dict[Word, AnyScalar] = Field(
        min_length=1, description="CPU field: its value where the line has none of them"
    )
    source: Source = said("path:line that takes the flag away, or asks for it")


class ModuleParameterRow(Declaration):
    """A parameter that a module sets to what it found usable: a bool in /sys/module."""

    becomes = values.ModuleParameter
    stands_at = "parameter"

    parameter: ModuleParameterName = said("module and parameter, `kvm_amd.sev`")
    shows: Word = said("CPU field that is 1 where it says Y, and 0 where it says N")
    source: Source = said("path:line that sets it to what was found")


class ArchitectureDocument(Declaration):
    """What holds for every release on one architecture."""

    becomes = values.Architecture
    stands_at = "id"

    id: Identifier = said("name of the architecture, `arm64`")
    fields: tuple[FieldDeclaration, ...] = said("CPU fields the model reads")
    rules: tuple[RuleDeclaration, ...] = rows("rules over CPU fields")
    environment: tuple[EnvironmentDeclaration, ...] = rows(
        "choices outside kernel, `.config`, CPU and command line"
    )
    cpucaps: tuple[NamedCapDeclaration, ...] = rows(
        "properties of the CPUs that no release treats differently"
    )
    functions: tuple[NamedFunctionDeclaration, ...] = rows(
        "functions and macros that every release has"
    )
    facts: tuple[FactRow, ...] = rows("public facts")
    simulation: tuple[FactRow, ...] = rows("inputs of the simulation, one row each")
    assumptions: tuple[AssumptionDeclaration, ...] = rows(
        "choices the architecture leaves to implementations"
    )
    built_in_line: tuple[BuiltInLineRow, ...] = rows(
        "what CONFIG_CMDLINE is to the kernel: the first row that is set"
    )
    misnomers: tuple[MisnomerRow, ...] = rows(
        "names that people write for a symbol, and that no kernel has"
    )
    advisories: tuple[AdvisoryRow, ...] = rows(
        "where what the simulation reports besides can happen"
    )
    machines: tuple[Identifier, ...] = rows(
        "names in uname(2) and lscpu, the kernel's own first: `aarch64`"
    )
    cpuinfo: tuple[Text, ...] = rows(
        "what /proc/cpuinfo says of each CPU on this architecture alone: `vendor_id`"
    )
    missing_flags: tuple[MissingFlagsRow, ...] = rows(
        "what follows where /proc/cpuinfo lacks some flags"
    )
    module_parameters: tuple[ModuleParameterRow, ...] = rows(
        "what modules say of CPU fields in /sys/module"
    )
    log: tuple[LogLineRow, ...] = rows("lines of the kernel log that tell what the kernel found")
    mechanisms: dict[Word, Annotated[tuple[AnyScalar, ...], Field(min_length=1)]] = mapping(
        "mechanism: the values that a profile may give it"
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
