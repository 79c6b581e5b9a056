"""The items of a C file: functions, variables, types and the macro calls between them.

Found by their brackets rather than by a grammar: the kernel's macros (`__init`, `DEFINE_MUTEX(x)`,
`early_param(…)`) are no C to a parser, but they do not disturb the brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from matrix.kernel.source.c.preprocessor import Guard, Preprocessed
from matrix.kernel.source.c.tokens import Token, matching, split_at

_TYPES = ("struct", "enum", "union")
# The kernel's words (include/linux/compiler_attributes.h, init.h, cache.h) that may stand between a
# name and its `=`, `{` or `;`, or before a type: they say nothing about the value.
_ATTRIBUTE = re.compile(
    r"__(?:\w*init(?:data|const)|attribute__|init|exit|ro_after_init|read_mostly|cacheline_\w+|section"
    r"|aligned|packed|percpu|rcu|iomem|user|kernel|force|bitwise|private|maybe_unused|always_unused"
    r"|used|unused|always_inline|must_check|cold|weak|pure|noreturn|ref|refdata|latent_entropy"
    r"|meminit|nocfi|no_\w+|printf|scanf|visible|acquires|releases|must_hold|kprobes|malloc"
    r"|alloc_size|deprecated|initdata_\w+|assume_aligned|designated_init|mode|cpuidle|hyp_text)"
    r"|noinline|notrace|noinstr|asmlinkage|noinline_for_stack"
)
_NO_TYPE = frozenset({"static", "inline", "extern", "const", "volatile"})


class Item(Struct, frozen=True, kw_only=True):
    """One item at the top of a file.

    `kind` is function, variable, type, declaration (of something defined elsewhere) or call (a
    macro call such as `early_param("rodata", set_debug_rodata);`, named after the macro). `tokens`
    are all its words, with the semicolon; `body` is the index of its `{`, if it has one. Lines
    count from 1.
    """

    kind: str
    name: str
    tokens: tuple[Token, ...]
    body: int | None
    guard: Guard

    @property
    def line(self) -> int:
        """The first line."""
        return self.tokens[0].line

    @property
    def last_line(self) -> int:
        """The last line."""
        return self.tokens[-1].line

    @property
    def arguments(self) -> tuple[tuple[Token, ...], ...]:
        """The words of each argument of a macro call, or of each parameter of a function."""
        opening = next(
            (index for index, token in enumerate(self.tokens) if token.text == "("), None
        )
        if self.kind == "function":
            opening = _parameters(self.tokens[: self.body])
        if opening is None:
            return ()
        inner = self.tokens[opening + 1 : matching(self.tokens, opening)]
        return tuple(tuple(part) for part in split_at(inner, ","))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of a function's parameters; `void` is none."""
        found = []
        for part in self.arguments:
            names = [token.text for token in part if token.kind == "name"]
            if names and names != ["void"]:
                found.append(names[-1])
        return tuple(found)

    @property
    def return_type(self) -> str:
        """The words before a function's name but `static`, `inline`, `__init` and their like."""
        opening = _parameters(self.tokens[: self.body]) or 1
        words = (token.text for token in self.tokens[: opening - 1])
        return " ".join(word for word in words if word not in _NO_TYPE and not is_attribute(word))


def split_items(tokens: Sequence[Token], preprocessed: Preprocessed) -> Iterator[Item]:
    """Yield the items in the order of the file; what makes no sense is left out."""
    start = 0
    while start < len(tokens):
        end, body = _end(tokens, start)
        words = tuple(tokens[start : end + 1])
        offset = None if body is None else body - start
        kind, name = _kind(words, offset)
        if name:
            yield Item(
                kind=kind,
                name=name,
                tokens=words,
                body=offset,
                guard=preprocessed.guards[words[0].line],
            )
        start = end + 1


def _end(tokens: Sequence[Token], start: int) -> tuple[int, int | None]:
    """Return the index of the last token of an item and of its first `{`, None without one."""
    body = None
    index = start
    while index < len(tokens):
        text = tokens[index].text
        if text == ";":
            return index, body
        if text == "}":  # a stray bracket of a fragment
            return index, body
        if text == "{":
            body = index if body is None else body
            index = matching(tokens, index)
            # A function ends with its brace; `struct { … } name;` and `= { … };` go on to the
            # semicolon.
            if _is_function_head(tokens[start:body]):
                return index, body
        elif text in "([":
            index = matching(tokens, index)
            # `EXPORT_SYMBOL(x)` without a semicolon would swallow the next item.
            if _ends_macro_call(tokens, start, index):
                return index, body
        index += 1
    return len(tokens) - 1, body


def _is_function_head(head: Sequence[Token]) -> bool:
    """Tell whether `{` after these words opens a function's body: parameters, and no `=`."""
    return _parameters(head) is not None and not any(token.text == "=" for token in head)


def _ends_macro_call(tokens: Sequence[Token], start: int, closing: int) -> bool:
    """Tell whether `NAME(…)` stands alone, without semicolon: the next word begins a new line."""
    if tokens[start].kind != "name" or start + 1 >= len(tokens) or tokens[start + 1].text != "(":
        return False
    following = tokens[closing + 1] if closing + 1 < len(tokens) else None
    return following is None or (following.line > tokens[closing].line and following.kind == "name")


def _parameters(head: Sequence[Token]) -> int | None:
    """Return the index of the `(` of the parameters: the last one that follows a name."""
    found = None
    index = 0
    while index < len(head):
        if head[index].text == "(":
            closing = matching(head, index)
            before = head[index - 1] if index else None
            # Attributes may have arguments too, before and behind: `int f(int x) __printf(1, 2)`.
            if before and before.kind == "name" and not is_attribute(before.text):
                found = index
            index = closing
        index += 1
    return found


def is_attribute(name: str) -> bool:
    """Tell whether a word is one of the kernel's attributes, such as `__ro_after_init`."""
    return _ATTRIBUTE.fullmatch(name) is not None


def _kind(words: tuple[Token, ...], body: int | None) -> tuple[str, str]:
    """Return what an item is and its name; no name for what is nothing."""
    head = words[:body] if body is not None else words
    texts = [token.text for token in head]
    if "=" in texts:
        return "variable", _variable_name(head[: texts.index("=")])
    parameters = _parameters(head)
    if body is not None:
        if parameters is not None:
            return "function", head[parameters - 1].text
        return _type_or_variable(words, body)
    # A name, a parenthesis and nothing before it: no declaration has no type.
    if parameters == 1 and texts[-1] in (";", ")"):
        return "call", texts[0]
    if parameters is not None:
        return "declaration", head[parameters - 1].text
    # `struct x;` says that there is such a type, and declares nothing of it.
    if not texts or (texts[0] in ("typedef", "extern", *_TYPES) and len(texts) <= 3):
        return "declaration", _variable_name(head)
    return ("declaration" if texts[0] == "extern" else "variable"), _variable_name(head)


def _type_or_variable(words: tuple[Token, ...], body: int) -> tuple[str, str]:
    """Return the kind of `struct x { … } name;`: a type, or a variable where a name follows."""
    after = words[matching(words, body) + 1 :]
    names = [token.text for token in after if token.kind == "name" and not is_attribute(token.text)]
    if names and words[0].text != "typedef":
        return "variable", names[0]
    if names:
        return "type", names[0]
    head = [token.text for token in words[:body] if token.kind == "name"]
    return "type", head[-1] if head else ""


def _variable_name(head: Sequence[Token]) -> str:
    """Return the declared name: the last word that is no attribute and in no bracket."""
    name = ""
    index = 0
    while index < len(head):
        token = head[index]
        if token.text in ("(", "[", "{"):
            index = matching(head, index)
        elif token.kind == "name" and not is_attribute(token.text):
            name = token.text
        index += 1
    return name
