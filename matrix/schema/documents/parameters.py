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
    optional_condition,
)
from matrix.schema.reading.nodes import Node


class EffectDeclaration(Declaration):
    """What one parsed value of a boot parameter does."""

    becomes = values.Effect

    match: AnyScalar | None = Field(
        default=None, description="parsed value this row is for; left out: any value"
    )
    when: CExpression | None = Field(
        default=None, description="C expression; the row is skipped where it is false"
    )
    assign: dict[Word, CExpression] = Field(
        alias="set",
        description="kernel variable: C expression, in which `value` is the parsed value",
    )
    note: Text | None = Field(default=None, description="what a reader should know")


class ParserDeclaration(Declaration):
    """One of the kernel's parsers of a boot parameter."""

    stream: Literal["early", "setup", "module", "idreg"] = Field(
        description="early: early_param; setup: __setup; module: module_param; idreg: ID-register"
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
    ] = Field(description="how the text after `=` becomes a value")
    prefixes: dict[Annotated[str, Field(min_length=1)], bool] = Field(
        default={}, description="kstrtobool: first characters and their truth value, longest first"
    )
    bare: AnyScalar | None = Field(
        default=None, description="value without `=`; left out: the parameter alone changes nothing"
    )
    exists_if: CExpression | None = Field(
        default=None, description="C expression over CONFIG_ names: when the parser is compiled in"
    )
    effects: tuple[EffectDeclaration, ...] = Field(
        min_length=1, description="what each parsed value does"
    )
    source: Source = Field(description="path:line of the parser")

    @model_validator(mode="after")
    def _rows_fit_the_grammar(self) -> Self:
        if bool(self.prefixes) != (self.grammar == "kstrtobool"):
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

    def value(self, at: Node) -> values.ParameterParser:
        """Return the declared parser."""
        return values.ParameterParser(
            stream=self.stream,
            grammar=self.grammar,
            prefixes=tuple(self.prefixes.items()),
            bare=self.bare,
            exists_if=optional_condition(self.exists_if, at, "exists_if"),
            effects=tuple(map(EffectDeclaration.value, self.effects, at.rows("effects"))),
            source=self.source,
            location=at.location,
        )


def parameter_value(parsers: tuple[ParserDeclaration, ...], at: Node) -> values.BootParameter:
    """Return the declared boot parameter with its parsers."""
    return values.BootParameter(
        name=at.name,
        parsers=tuple(map(ParserDeclaration.value, parsers, at.children.values())),
        location=at.place,
    )
