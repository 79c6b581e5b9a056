"""The types of single values in declarations: identifiers, C expressions, sources, CPU revisions.

Every document is strict (text is never taken for a number), frozen and closed (an unknown key is
an error). The messages for the patterns below are rows of `FORMS`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Struct
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from matrix.diagnostics import InputError
from matrix.expr.nodes import Expression, Scalar
from matrix.expr.parser import parse
from matrix.schema import values
from matrix.schema.reading.nodes import Node
from matrix.schema.values import SHA256_PATTERN, Condition

# Fields of values whose key has another name, and those that the key of the mapping itself may say.
_KEYS = {"condition": "c", "statement": "c", "signature": "c"}
_NAMES = ("id", "name", "signature")


def said(description: str) -> Any:
    """Return a key that must be there; the description is the hint where it is wrong."""
    return Field(description=description)


def optional(description: str) -> Any:
    """Return a key that may be left out: None."""
    return Field(default=None, description=description)


def rows(description: str) -> Any:
    """Return a key of a list that may be left out: no rows."""
    return Field(default=(), description=description)


def some(description: str) -> Any:
    """Return a key of a list or mapping that must be there, with an entry at least."""
    return Field(min_length=1, description=description)


def mapping(description: str) -> Any:
    """Return a key of a mapping that may be left out: nothing is named."""
    return Field(default={}, description=description)


class Declaration(BaseModel):
    """A mapping of a declaration: closed, frozen, strict."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    # The frozen value that it turns into; the key whose place is its own, else that of the mapping.
    becomes: ClassVar[type[Struct]]
    stands_at: ClassVar[str] = ""
    # Whether the source of the mapping is that of each condition in it.
    grounds: ClassVar[bool] = True

    def value(self, at: Node) -> Any:
        """Return what is declared as a value of `becomes`; `at` is the node it was read from.

        Each field is what stands under the key of its name; the name itself is the key of the
        mapping where no key says it.
        """
        return self.completed(at)

    def completed(self, at: Node, **known: Any) -> Any:
        """Return `value` with the fields that other declarations decide."""
        parts = {**known, **self.composed(at)}
        for name in self.becomes.__struct_fields__:
            if name not in parts:
                parts[name] = self._part(name, at)
        return self.becomes(**parts)

    def composed(self, at: Node) -> dict[str, object]:
        """Return the fields of the value that are not what stands under one key."""
        del at
        return {}

    def values_at(self, at: Node, *names: str) -> dict[str, object]:
        """Return fields of a value that stand under keys of this mapping, at a node of its own."""
        return {name: self._part(name, at) for name in names}

    def _part(self, name: str, at: Node) -> object:
        if name == "location":
            return at[self.stands_at].location if self.stands_at else at.place
        if name.endswith("_location"):
            named = at.get(name.removesuffix("_location"))
            return named and named.location
        attributes = {info.alias or key: key for key, info in type(self).model_fields.items()}
        key = next((key for key, own in attributes.items() if own == name), name)
        key = key if key in attributes else _KEYS.get(name, name)
        # No key says it: it is the key of the mapping that holds this one.
        if key not in attributes and name in _NAMES:
            return at.name
        return self._frozen(getattr(self, attributes[key]), at.get(key))

    def _frozen(self, value: object, at: Node | None) -> object:
        if isinstance(value, ParsedText) and at is not None:
            keys = ("source", "because") if self.grounds else ()
            said = {key: getattr(self, key, None) for key in keys}
            return condition(value, at, **said)
        if isinstance(value, Declaration) and at is not None:
            return value.value(at)
        if not isinstance(value, dict | tuple):
            return value
        rows = tuple(value.values() if isinstance(value, dict) else value)
        below = tuple(at.children.values()) if at is not None else ()
        if any(isinstance(row, Declaration | ParsedText) for row in rows):
            rows = tuple(map(self._frozen, rows, below))
            # A declaration has its name itself; a bare condition has not, and stays paired with its
            # key.
            if isinstance(value, tuple) or not isinstance(rows[0], Condition):
                return rows
        return tuple(zip(value, rows, strict=True)) if isinstance(value, dict) else rows


ID_PATTERN = r"^[a-z0-9]+([._-][a-z0-9]+)*$"
SOURCE_ID_PATTERN = r"^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$"
AXIS_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*([.-][A-Za-z0-9_]+)*$"
OPTION_PATTERN = r'^[^\s"\x00-\x1f\x7f]([^"\x00-\x1f\x7f]*[^\s"\x00-\x1f\x7f])?$'
WORD_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
SYMBOL_PATTERN = r"^[A-Z0-9][A-Za-z0-9_]*$"
SIGNATURE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*(\(\))?$"
PARAMETER_PATTERN = r"^[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*$"
RELEASE_PATTERN = r"^[0-9]{1,4}[.][0-9]{1,4}$"
RELEASES_PATTERN = r"^(all|(>=|<=|>|<)? ?[0-9]{1,4}[.][0-9]{1,4})$"
VERSION_PATTERN = r"^[0-9]{1,4}[.][0-9]{1,4}([.][0-9]{1,4})?$"
BITS_PATTERN = r"^[0-9]{1,2}(:[0-9]{1,2})?$"
REVISION_PATTERN = r"^r([0-9]|1[0-5])p([0-9]|1[0-5])$"
COMMIT_PATTERN = r"^[0-9a-f]{12,40}$"
REGISTER_PATTERN = r"^[a-z][a-z0-9_]*$"
SOURCE_PATTERN = r"[^0-9v.\s-]"
# Nobody is led anywhere but to a web page, and nothing else is filled in.
ADDRESS_PATTERN = r"^https://[^\s{}]+\{path\}[^\s{}]*\{line\}[^\s{}]*$"
GROUNDED_PATTERN = r"^(hand|tree|borrowed from [0-9]{1,4}[.][0-9]{1,4})$"

# Pattern, and what a value of this form looks like, for the hint.
FORMS: dict[str, str] = {
    ID_PATTERN: "lower case letters and digits, joined by `-`, `_` or `.`: `neoverse-v1`",
    SOURCE_ID_PATTERN: "letters and digits, joined by `-`, `_` or `.`: `hrw-trm`",
    AXIS_PATTERN: "a name such as `page_size` or `boot.rodata`",
    OPTION_PATTERN: "one line without double quotes, and without space at its ends",
    WORD_PATTERN: "a C identifier",
    SYMBOL_PATTERN: "a Kconfig symbol without `CONFIG_`: `KVM_GUEST_MEMFD`",
    SIGNATURE_PATTERN: "`name()` for a function, `NAME` for a macro",
    PARAMETER_PATTERN: "a parameter as on the command line, without `=`: `kvm-arm.mode`",
    RELEASE_PATTERN: 'major and minor number between quotes: "7.3"',
    RELEASES_PATTERN: "`all`, or a release between quotes, with `>=`, `<=`, `>` or `<` before it "
    'for a range: "6.12", ">=6.12"',
    VERSION_PATTERN: 'two or three numbers between quotes: "6.1.113", "6.12"',
    BITS_PATTERN: 'highest and lowest bit, or one bit, between quotes: "43:40", "28"',
    REVISION_PATTERN: "variant and revision of a MIDR, r0p0 to r15p15",
    SHA256_PATTERN: "64 lower case hexadecimal digits, as sha256sum prints them",
    ADDRESS_PATTERN: "https://…{path}…{line}, each placeholder once, in this order",
    COMMIT_PATTERN: "12 to 40 lower case hexadecimal digits between quotes",
    REGISTER_PATTERN: "a register in lower case: `ctr_el0`",
    SOURCE_PATTERN: "where it stands, such as `arch/arm64/mm/mmu.c:808`; a version is no source",
    GROUNDED_PATTERN: "`hand`, `tree`, or `borrowed from` a release: `borrowed from 6.12`",
}

Identifier = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
SourceId = Annotated[str, StringConstraints(pattern=SOURCE_ID_PATTERN)]
AxisName = Annotated[str, StringConstraints(pattern=AXIS_PATTERN)]
OptionName = Annotated[str, StringConstraints(pattern=OPTION_PATTERN)]
Word = Annotated[str, StringConstraints(pattern=WORD_PATTERN)]


def _without_prefix(symbol: str) -> str:
    if symbol.startswith("CONFIG_"):
        context = {"pattern": SYMBOL_PATTERN}
        raise PydanticCustomError("string_pattern_mismatch", "CONFIG_ is not part of it", context)
    return symbol


SymbolName = Annotated[
    str, StringConstraints(pattern=SYMBOL_PATTERN), AfterValidator(_without_prefix)
]
Signature = Annotated[str, StringConstraints(pattern=SIGNATURE_PATTERN)]
ParameterName = Annotated[str, StringConstraints(pattern=PARAMETER_PATTERN)]
Release = Annotated[str, StringConstraints(pattern=RELEASE_PATTERN)]
Releases = Annotated[str, StringConstraints(pattern=RELEASES_PATTERN)]
KernelVersionText = Annotated[str, StringConstraints(pattern=VERSION_PATTERN)]
Bits = Annotated[str, StringConstraints(pattern=BITS_PATTERN)]
Revision = Annotated[str, StringConstraints(pattern=REVISION_PATTERN)]
Commit = Annotated[str, StringConstraints(pattern=COMMIT_PATTERN)]
SourceAddress = Annotated[str, StringConstraints(pattern=ADDRESS_PATTERN)]
RegisterName = Annotated[str, StringConstraints(pattern=REGISTER_PATTERN)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Source = Annotated[
    str, StringConstraints(min_length=1, strip_whitespace=True, pattern=SOURCE_PATTERN)
]
Grounded = Annotated[str, StringConstraints(pattern=GROUNDED_PATTERN)]
Implementer = Annotated[int, Field(ge=0, le=0xFF)]
Part = Annotated[int, Field(ge=0, le=0xFFF)]
Midr = Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
Register = Annotated[int, Field(ge=0, le=0xFFFFFFFFFFFFFFFF)]


def _read_scalar(value: object) -> Scalar:
    if isinstance(value, bool | int | str):
        return value
    raise PydanticCustomError("scalar_type", "true, false, a whole number or text is wanted here")


# One validator instead of a union: a union would report every branch that does not match.
AnyScalar = Annotated[
    bool | int | str,
    PlainValidator(_read_scalar),
    WithJsonSchema({"type": ["boolean", "integer", "string"]}),
]


def written_form(value: object) -> str:
    """Return which form a value is written in; the brackets mark a step that no file has."""
    if isinstance(value, dict):
        return "<mapping>"
    return "<list>" if isinstance(value, tuple | list) else "<word>"


class ParsedText(Struct, frozen=True):
    """A C expression with the text it was parsed from."""

    text: str
    expression: Expression


def _parse_text(value: object) -> ParsedText:
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "a C expression is text")
    try:
        return ParsedText(value, parse(value))
    except InputError as error:
        # `matrix.schema.reading.shape` parses again to place the carets: no place is known here.
        raise PydanticCustomError("c_expression", "not a C expression") from error


CExpression = Annotated[
    ParsedText,
    PlainValidator(_parse_text),
    WithJsonSchema({"type": "string", "format": "c-expression", "minLength": 1}),
]


def contradiction(
    message: str, *, key: str | None = None, hint: str | None = None, code: str = "MX0224"
) -> Exception:
    """Return the error of a mapping whose keys contradict each other; `key` is the one to mark."""
    context = {"key": key or "", "hint": hint or "", "code": code}
    return PydanticCustomError("contradiction", message, context)


def condition(
    parsed: ParsedText, at: Node, *, source: str | None = None, because: str | None = None
) -> Condition:
    """Return the declared form of a C expression that stands at a node."""
    return Condition(
        expression=parsed.expression,
        text=parsed.text,
        location=at.location,
        source=source,
        because=because,
    )


class CostDeclaration(Declaration):
    """What a change costs, and who says so."""

    becomes = values.Cost
    stands_at = "note"

    note: Text = said("the cost in a sentence; numbers with what they were measured on")
    source: Source = said("path:line, mail or paper that says so")
