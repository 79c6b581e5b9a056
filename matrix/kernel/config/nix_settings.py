"""Kernel settings in Nix expressions: `structuredExtraConfig = with lib.kernel; { KVM = yes; }`.

Takes a whole file of Nix, or a set or settings pasted from one. What is written is read as
lib/kernel.nix of nixpkgs defines it; what hangs on something else (an argument, another file, the
kernel's version where it is not told) is not decided, and said with its place (MX1462).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location, Severity, first_of
from matrix.expr.position import locate
from matrix.kernel.config.nix_syntax import Binding, Node, NotNixError, Parser, Tokens, tokens_of
from matrix.kernel.config.written_forms import ANSWER, WrittenConfig, at_own_lines
from matrix.kernel.source.version import KernelVersion, read_version

# lib/kernel.nix; `unset` and `null` set nothing. `when…` have one version before the value, or two.
_WORDS = {"yes": "y", "no": "n", "module": "m", "unset": None, "null": None}
_BOUNDS = {"whenAtLeast": 1, "whenOlder": 1, "whenBetween": 2}
_SETS = frozenset({"structuredExtraConfig", "extraStructuredConfig"})
_TEXT = "extraConfig"
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9_]*")
_RAW = re.compile(r"[ymn]|-?\d+|0x[0-9a-fA-F]+")


class _Found(Struct, frozen=True):
    """What is written of a symbol: its value, None where it is not decided, and where."""

    value: str | None
    start: int
    forced: bool = False


_Settings = dict[str, _Found]


class _Why(Struct, frozen=True):
    """Why something is not decided: the part of the text that says it."""

    start: int
    end: int
    hint: str
    says: str = ""


_ELSEWHERE = "what it is stands elsewhere: give the `.config` that was built"
_RELEASE = "it hangs on the kernel's version: --kernel decides"
_WEAK = "a weak definition gives way to any other: give the `.config` that was built"


def nix_configs(data: bytes, file: str, version: KernelVersion | None) -> tuple[WrittenConfig, ...]:
    """Return the settings of each kernel that a file of Nix sets up; none where it has none.

    `version` is the kernel's where it is told, which counts before what the file says.

    Raises:
        InputError: MX1463, the settings are no Nix.
    """
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    places = _Places(text, file)
    try:
        tokens = tokens_of(text)
        blocks = list(_blocks(tokens))
        kernels: list[tuple[str, str | None, _Reader, _Settings]]
        if not blocks:
            reader = _Reader(text, version)
            kernels = [("", None, reader, reader.settings(_whole(tokens), groups=True))]
        else:
            kernels = [
                (
                    _name(tokens, own, places),
                    told,
                    *_of_kernel(tokens, own, text, version or read_version(told)),
                )
                for around, own in _by_kernel(tokens, blocks)
                for told in [_version(tokens, around)]
            ]
    except NotNixError as error:
        raise InputError(places.broken(error)) from None
    return tuple(
        WrittenConfig(
            part=part if len(kernels) > 1 else "",
            text=at_own_lines(
                (name, one.value, places.line(one.start))
                for name, one in found.items()
                if one.value is not None
            ),
            notes=tuple(places.notes(reader.undecided, found)),
            undecided=frozenset(name for name, one in found.items() if one.value is None),
            version=told,
        )
        for part, told, reader, found in kernels
        if found or reader.undecided
    )


class _Block(Struct, frozen=True):
    """Where settings begin: the index of their first word, the word before `=`, and brackets."""

    word: str
    symbol: str | None
    at: int
    around: tuple[int, ...]


def _blocks(tokens: Tokens) -> Iterator[_Block]:
    """Yield each `structuredExtraConfig = …`, `….NAME = …` and `extraConfig = …`."""
    opened: list[int] = []
    words = tokens.words
    for index, word in enumerate(words):
        if index in tokens.closing:
            opened.append(index)
        elif opened and tokens.closing[opened[-1]] == index:
            opened.pop()
        if word.kind not in ("name", "text") or word.text not in (*_SETS, _TEXT):
            continue
        symbol, at = None, index + 1
        if words[at].text == "." and word.text in _SETS:
            symbol, at = words[at + 1].text, at + 2
        if at < len(words) and words[at].text == "=" and words[at].kind == "operator":
            yield _Block(word.text, symbol, at + 1, tuple(opened))


def _by_kernel(
    tokens: Tokens, blocks: Iterable[_Block]
) -> Iterable[tuple[tuple[int, ...], list[_Block]]]:
    """Return the blocks of each kernel with its brackets: patches in one list are of one."""
    kernels: dict[tuple[int, ...], list[_Block]] = {}
    for block in blocks:
        # Other programs have a text of that name, too.
        if block.word == _TEXT and not _has_answers(tokens, block):
            continue
        around = block.around
        # A patch with settings is a set in a list (`kernelPatches = [ { … } ]`): its settings are
        # of the kernel that stands around the list.
        if len(around) > 1 and tokens.words[around[-2]].text == "[":
            around = around[:-2]
        kernels.setdefault(around, []).append(block)
    return kernels.items()


def _has_answers(tokens: Tokens, block: _Block) -> bool:
    lines = tokens.words[block.at].text.split("\n")
    return any(ANSWER.fullmatch(line.strip()) for line in lines)


def _version(tokens: Tokens, around: tuple[int, ...]) -> str | None:
    """Return what stands beside the settings of a kernel as its `version`: buildLinux takes it."""
    words = tokens.words
    at = around[-1] + 1 if around else len(words)
    while around and at < tokens.closing[around[-1]]:
        if [word.text for word in words[at : at + 2]] == ["version", "="]:
            value = words[at + 2]
            plain = value.kind == "text" and value.whole and words[at + 3].text == ";"
            return value.text if plain and read_version(value.text) else None
        # Over what is bracketed, to the next binding.
        while words[at].text != ";" and at < tokens.closing[around[-1]]:
            at = tokens.closing.get(at, at) + 1
        at += 1
    return None


def _name(tokens: Tokens, blocks: Sequence[_Block], places: _Places) -> str:
    """Return what tells a kernel from others of the file: what it is named, or its line."""
    first, words = blocks[0], tokens.words
    if first.around:
        for at in range(first.around[-1], tokens.closing[first.around[-1]] - 2):
            named, is_word, value = words[at : at + 3]
            if named.text in ("pname", "name") and is_word.text == "=" and value.kind == "text":
                return value.text[:40]
    return f"line {places.line(words[first.at].start)}"


def _of_kernel(
    tokens: Tokens, blocks: Sequence[_Block], text: str, version: KernelVersion | None
) -> tuple[_Reader, _Settings]:
    """Return the settings of one kernel; the text of answers counts last, as in nixpkgs."""
    reader = _Reader(text, version)
    sets: list[_Settings] = []
    answers: _Settings = {}
    for block in blocks:
        value = Parser(tokens, block.at).expression()
        if block.word == _TEXT:
            answers.update(reader.answers(value))
        elif block.symbol is not None:
            own = Binding(path=(block.symbol,), start=tokens.words[block.at - 2].start, value=value)
            sets.append(reader.bound(own, groups=False))
        else:
            sets.append(reader.settings(value, groups=False))
    return reader, {**reader.together(sets), **answers}


def _whole(tokens: Tokens) -> Node:
    """Return a file that is one expression, or the bindings of a set without its braces."""
    first, second = tokens.words[0], tokens.words[min(1, len(tokens.words) - 1)]
    parser = Parser(tokens)
    end = tokens.words[-1].end
    if first.kind in ("name", "text") and second.text in ("=", "."):
        return Node(kind="set", start=0, end=end, bindings=parser.bindings(""))
    found = parser.expression()
    if parser.word.kind != "end":
        raise NotNixError(parser.word.start, "the end")
    return found


class _Reader:
    """Settings of expressions, and what of them is not decided, by the reason."""

    def __init__(self, text: str, version: KernelVersion | None) -> None:
        self._text, self._version = text, version
        self.undecided: dict[_Why, list[str]] = {}

    def settings(self, node: Node, *, groups: bool, forced: bool = False) -> _Settings:
        """Return the settings of an expression that is a set; with `groups` of sets in it, too."""

        def within(one: Node) -> _Settings:
            return self.settings(one, groups=groups, forced=forced)

        match node.kind:
            case "set":
                bound = (self.bound(one, groups=groups, forced=forced) for one in node.bindings)
                return self.together(list(bound))
            case "function":
                return within(node.parts[0])
            case "default":
                # The file by itself: what it is called with is nobody's but the caller's.
                return within(node.parts[1])
            case "if":
                condition, *branches = node.parts
                return self._under(condition, *map(within, branches))
            case "operator" if node.text == "//":
                left, right = map(within, node.parts)
                if not _is_set(node.parts[1]):
                    self._note(node.parts[1], _ELSEWHERE, left)
                    # The right side of `//` replaces; what it may hold unseen makes all of the left
                    # unknown.
                    left = {name: _Found(None, one.start) for name, one in left.items()}
                return {**left, **right}
            case "apply":
                return self._called(node, groups=groups, forced=forced)
        self._note(node, _ELSEWHERE, ())
        return {}

    def _called(self, node: Node, *, groups: bool, forced: bool) -> _Settings:
        """Return the settings of a call that gives a set."""
        called, arguments = _call(node)
        last = arguments[-1]
        if called in ("optionalAttrs", "mkIf") and len(arguments) == 2:
            return self._under(arguments[0], self.settings(last, groups=groups, forced=forced), {})
        if called == "mkMerge" and last.kind == "list":
            each = (self.settings(one, groups=groups, forced=forced) for one in last.parts)
            return self.together(list(each))
        if called == "mkForce":
            return self.settings(last, groups=groups, forced=True)
        self._note(node, _ELSEWHERE, ())
        return {}

    def bound(self, binding: Binding, *, groups: bool, forced: bool = False) -> _Settings:
        """Return what one binding of a set sets."""
        *above, name = binding.path
        value, start = binding.value, binding.start
        # A name that is computed (`${x}`), or taken over by `inherit`.
        if name is None or value is None:
            self.undecided[_Why(start, start + len(name or "${"), _ELSEWHERE)] = [name or ""]
            return {name: _Found(None, start)} if name else {}
        # `{ tristate = "y"; }` is the value of a symbol; any other set may hold settings of its
        # own.
        group = groups and value.kind == "set" and not _attributes(value)
        if above or group or not _SYMBOL.fullmatch(name):
            if groups:
                return self.settings(value, groups=True, forced=forced)
            self._note(value, _ELSEWHERE, ())
            return {}
        if name.startswith("CONFIG_"):
            why = _Why(start, start + len(name), "Nix writes names without CONFIG_", "is no option")
            self.undecided[why] = []
            return {}
        if value.kind == "text":  # lib/kernel.nix has no plain texts
            self._note(value, _ELSEWHERE, (name,))
            return {name: _Found(None, start)}
        found = self.value(value, name)
        return {} if found is None else {name: _Found(found.value, start, found.forced or forced)}

    def value(self, node: Node, name: str) -> _Found | None:
        """Return the value that an expression gives to a symbol; None: it sets nothing.

        What stands behind `freeform` and in `{ tristate = "y"; }` is a text.
        """
        own = _attributes(node)
        match node.kind:
            case "name" if (word := node.text.rpartition(".")[2]) in _WORDS:
                said = _WORDS[word]
                return None if said is None else _Found(said, node.start)
            case "text":
                # A string as a `.config` has it: one line, quotes and backslashes escaped.
                raw = node.text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
                return _Found(raw if _RAW.fullmatch(raw) else f'"{raw}"', node.start)
            case "set" if own.keys() & {"tristate", "freeform"}:
                return self.value(own.get("tristate") or own["freeform"], name)
            case "if":
                condition, yes, no = node.parts
                holds = self.holds(condition)
                return self._chosen(
                    holds, (self.value(yes, name), self.value(no, name)), name, condition
                )
            case "apply":
                return self._applied(node, name)
        self._note(node, _ELSEWHERE, (name,))
        return _Found(None, node.start)

    def _applied(self, node: Node, name: str) -> _Found | None:
        """Return the value of a call."""
        called, arguments = _call(node)
        *bounds, last = arguments
        if called in ("option", "freeform") and not bounds:
            return self.value(last, name)
        if called == "mkForce" and not bounds:
            found = self.value(last, name)
            return None if found is None else _Found(found.value, found.start, forced=True)
        # Through `together`, for the parts may force or contradict each other as whole sets may.
        if called == "mkMerge" and not bounds and last.kind == "list":
            each = [self.value(one, name) for one in last.parts]
            return self.together([{name: one} for one in each if one is not None]).get(name)
        if called == "mkIf" and len(bounds) == 1:
            holds = self.holds(bounds[0])
            return self._chosen(holds, (self.value(last, name), None), name, bounds[0])
        if _BOUNDS.get(called) == len(bounds):
            # whenAtLeast a, whenOlder b, whenBetween a b: at least the first, older than the last.
            at_least = [self._at_least(one) for one in bounds]
            upper = at_least if called == "whenOlder" else at_least[1:]
            lower = [] if called == "whenOlder" else at_least[:1]
            holds = _both(*lower, *map(_not, upper))
            whole = Node(kind="other", start=node.start, end=bounds[-1].end)
            return self._chosen(holds, (self.value(last, name), None), name, whole)
        weak = called in ("mkDefault", "mkOptionDefault", "mkOverride")
        self._note(node, _WEAK if weak else _ELSEWHERE, (name,))
        return _Found(None, node.start)

    def _chosen(
        self,
        holds: bool | None,  # noqa: FBT001
        branches: tuple[_Found | None, _Found | None],
        name: str,
        why: Node,
    ) -> _Found | None:
        """Return one of two values by a condition; where it is not decided, what both agree in."""
        yes, no = branches
        if holds is not None:
            return yes if holds else no
        some = yes or no
        # Both branches agree, so that the condition does not matter: nothing is undecided.
        if some is None or (yes is not None and no is not None and yes.value == no.value):
            return some
        # Only where it is the version that is missing can --kernel help; a condition on anything
        # else stays open whatever is told.
        on_version = re.search(r"\bversion|\bwhen[AOB]", self._text[why.start : why.end])
        told = _RELEASE if on_version and self._version is None else _ELSEWHERE
        self._note(why, told, (name,))
        return _Found(None, some.start, any(one is not None and one.forced for one in branches))

    def _under(self, condition: Node, yes: _Settings, no: _Settings) -> _Settings:
        """Return what holds under a condition, symbol by symbol where it is not decided."""
        holds = self.holds(condition)
        if holds is not None:
            return yes if holds else no
        found = {
            name: self._chosen(None, (yes.get(name), no.get(name)), name, condition)
            for name in {**yes, **no}
        }
        return {name: one for name, one in found.items() if one is not None}

    def together(self, sets: Sequence[_Settings]) -> _Settings:
        """Return what several sets define together: a forced value counts, others must agree."""
        merged: _Settings = {}
        for name, one in ((name, one) for each in sets for name, one in each.items()):
            before = merged.get(name)
            # As the module system of NixOS: mkForce outranks any plain definition, and two of one
            # rank must agree.
            if before is None or (one.forced and not before.forced):
                merged[name] = one
            elif before.forced == one.forced and before.value != one.value:
                end = one.start + len(name)
                why = _Why(one.start, end, "mkForce decides", "has two values, which Nix refuses")
                self.undecided.setdefault(why, []).append(name)
                merged[name] = _Found(None, one.start, one.forced)
        return merged

    def answers(self, node: Node) -> _Settings:
        """Return what a text of answers sets, a line each."""
        found: _Settings = {}
        source = self._text[node.start : node.end]
        at = node.start
        if node.kind != "text" or not source.startswith("''"):
            self._note(node, _ELSEWHERE, ())
            return found
        for line in source.splitlines(keepends=True):
            said = line.strip().removeprefix("''").removesuffix("''").strip()
            start = at + len(line) - len(line.lstrip())
            if match := ANSWER.fullmatch(said):
                found[match[1]] = _Found(match[2], start, forced=True)
            elif said and not said.startswith("#"):
                hint = "an answer is a name, a space and a value"
                self.undecided[_Why(start, start + len(said), hint, "is no answer")] = []
            at += len(line)
        return found

    def holds(self, node: Node) -> bool | None:
        """Return whether a condition holds, None where it is not decided."""
        if node.kind == "name" and node.text in ("true", "false"):
            return node.text == "true"
        if node.kind == "operator" and node.text in ("!", "&&", "||"):
            sides = [self.holds(one) for one in node.parts]
            if node.text == "!":
                return _not(sides[0])
            return _both(*sides) if node.text == "&&" else _not(_both(*map(_not, sides)))
        if node.kind == "apply" and len(node.parts) == 3:
            called, (asked, bound) = _call(node)
            if asked.text.rpartition(".")[2] == "version":
                if called == "versionAtLeast":
                    return self._at_least(bound)
                if called == "versionOlder":
                    return _not(self._at_least(bound))
        return None

    def _at_least(self, bound: Node) -> bool | None:
        """Return whether the kernel is of a version or later, None where that is not told."""
        first = read_version(bound.text) if bound.kind == "text" else None
        version = self._version
        # A bound that is itself a candidate or a vendor's version orders against nothing that is
        # known here.
        if version is None or first is None or first.suffix or first.candidate is not None:
            return None
        if version.series != first.series:
            return version.series > first.series
        # A candidate of the very series: whether it is of it yet is not decided here.
        if version.candidate is not None:
            return None
        if not first.point:
            return True
        return (version.point or 0) >= first.point if version.tells_point else None

    def _note(self, node: Node, hint: str, names: Iterable[str]) -> None:
        why = _Why(node.start, node.end, hint)
        self.undecided.setdefault(why, []).extend(names)


def _not(value: bool | None) -> bool | None:  # noqa: FBT001
    return None if value is None else not value


def _both(*values: bool | None) -> bool | None:
    return False if False in values else (None if None in values else True)


def _call(node: Node) -> tuple[str, tuple[Node, ...]]:
    """Return what a call calls, the last word of its name, and the arguments."""
    return node.parts[0].text.rpartition(".")[2], node.parts[1:]


def _is_set(node: Node) -> bool:
    """Tell whether all that an expression may set is seen."""
    match node.kind:
        case "default":
            return _is_set(node.parts[1])
        case "apply":
            called, (*_, last) = _call(node)
            sets = last.parts if last.kind == "list" else (last,)
            known = called in ("optionalAttrs", "mkIf", "mkMerge", "mkForce")
            return known and all(map(_is_set, sets))
        case "operator":
            return node.text == "//" and all(map(_is_set, node.parts))
        case "if":
            return all(map(_is_set, node.parts[1:]))
    return node.kind == "set"


def _attributes(node: Node) -> dict[str, Node]:
    """Return `tristate`, `freeform` and `optional` of a set that has nothing else."""
    found = {
        str(one.path[0]): one.value
        for one in node.bindings
        if len(one.path) == 1 and one.value is not None
    }
    whole = len(found) == len(node.bindings) and found.keys() <= {
        "tristate",
        "freeform",
        "optional",
    }
    return found if whole else {}


class _Places:
    """Lines and columns of a text."""

    def __init__(self, text: str, file: str) -> None:
        self._text, self._file = text, file
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def line(self, start: int) -> int:
        """Return the line of a place, from 1."""
        return bisect_left(self._ends, start) + 1

    def _at(self, start: int, end: int) -> Location:
        return locate(self._text, self._file, start, end - start)

    def notes(self, undecided: Mapping[_Why, list[str]], found: _Settings) -> Iterator[Diagnostic]:
        """Yield what is not decided, as far as it is not decided in the end."""
        for why, names in undecided.items():
            symbols = [
                f"CONFIG_{name}"
                for name in dict.fromkeys(names)
                if name in found and found[name].value is None
            ]
            if names and not symbols:
                continue
            said = " ".join(self._text[why.start : why.end].split())
            said = said if len(said) <= 60 else f"{said[:57]}..."
            unknown = first_of(symbols) if symbols else "what it sets"
            what = why.says or f"is not decided, so unknown: {unknown}"
            yield Diagnostic(
                code="MX1462",
                severity=Severity.WARNING,
                message=f"`{said}` {what}",
                location=self._at(why.start, why.end),
                hint=why.hint,
            )

    def broken(self, error: NotNixError) -> Diagnostic:
        """Return that the settings cannot be read."""
        return Diagnostic(
            code="MX1463",
            message=f"these Nix settings cannot be read: expected {error.wanted}",
            location=self._at(error.start, error.start + 1),
            hint="give a whole expression, settings `KVM = yes;`, or the `.config` that was built",
        )
