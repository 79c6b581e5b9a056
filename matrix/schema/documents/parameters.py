"""The part of a kernel document that declares a parser of a boot parameter."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from matrix.schema import values
from matrix.schema.documents.fields import (
    AnyScalar,
    CExpression,
    Declaration,
    Source,
    Text,
    Word,
    contradiction,
    mapping,
    optional,
    said,
    some,
)
from matrix.schema.reading.nodes import Node


class EffectDeclaration(Declaration):
    """What one parsed value of a boot parameter does."""

    becomes = values.Effect

    match: AnyScalar | None = optional("parsed value this row is for; left out: any value")
    when: CExpression | None = optional("C expression; the row is skipped where it is false")
    assign: dict[Word, CExpression] = Field(
        alias="set",
        description="kernel variable: C expression, in which `value` is the parsed value",
    )
    note: Text | None = optional("what a reader should know")


class ParserDeclaration(Declaration):
    """One of the kernel's parsers of a boot parameter."""

    becomes = values.ParameterParser
    grounds = False

    stream: Literal["early", "setup", "module", "idreg"] = said(
        "early: early_param; setup: __setup; module: module_param; idreg: ID-register"
        " overrides on the raw text"
    )
    grammar: Literal[
        "words",
        "word-prefixes",
        "kstrtobool",
        "get_option",
        "kstrtoul",
        "hex-digit",
        "kstrtou64",
        "crashkernel",
        "presence",
    ] = said("how the text after `=` becomes a value")
    prefixes: dict[Annotated[str, Field(min_length=1)], bool] = mapping(
        "kstrtobool: first characters and their truth value, longest first; an overlay may leave "
        "them out: those of the release"
    )
    bare: AnyScalar | None = optional(
        "value without `=`; left out: the parameter alone changes nothing"
    )
    exists_if: CExpression | None = optional(
        "C expression over CONFIG_ names: when the parser is compiled in"
    )
    effects: tuple[EffectDeclaration, ...] = some("what each parsed value does")
    source: Source = said("path:line of the parser")

    @model_validator(mode="after")
    def _rows_fit_the_grammar(self) -> Self:
        if self.prefixes and self.grammar != "kstrtobool":
            raise contradiction("`prefixes` belongs to the grammar `kstrtobool`, and only to it")
        if self.grammar in values.WORD_GRAMMARS and any(
            not isinstance(row.match, str) for row in self.effects
        ):
            raise contradiction(
                f"every effect of the grammar `{self.grammar}` needs the word it is for",
                key="effects",
                hint='write `match: "on"`, with quotes',
            )
        return self


def parameter_value(parsers: tuple[ParserDeclaration, ...], at: Node) -> values.BootParameter:
    """Return the declared boot parameter with its parsers."""
    return values.BootParameter(
        name=at.name,
        parsers=tuple(map(ParserDeclaration.value, parsers, at.children.values())),
        location=at.place,
    )
