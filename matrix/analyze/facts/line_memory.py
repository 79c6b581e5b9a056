"""Kernel variables by command line, for those who have very many lines.

Takes the text of a line, gives what it means: the parameters that some release reads, in parts that
do not touch each other's variables. A part is worked out once a release, so that a thousand
combinations of parameters cost a few dozen evaluations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from matrix.analyze.facts.boot_variables import command_line_effects
from matrix.analyze.facts.near_symbols import near_name
from matrix.analyze.facts.program import FactProgram
from matrix.expr.nodes import Expression
from matrix.expr.trees import names
from matrix.kernel.line.cmdline import CommandLine, Parameter, read_command_line
from matrix.kernel.line.parameters import parameter_key
from matrix.schema.values import BootParameter, KernelProfile

# A table with more distinct names of parameters than this looks at them anew.
_MOST_NAMES = 100_000

# The parameters of one part as (name, value), stream by stream.
_Words = tuple[tuple[tuple[str, str | None], ...], ...]


class LinePart(Struct, frozen=True, kw_only=True):
    """The parameters of a line that belong together; equal `words` leave equal variables."""

    words: _Words
    line: CommandLine


class LineMeaning(Struct, frozen=True, kw_only=True):
    """What a line means to any release; lines of one `number` mean the same.

    `named` are its words that some release reads, or that are a slip of one.
    """

    number: int
    parts: tuple[LinePart, ...]
    named: tuple[Parameter, ...]


class LineMemory:
    """The lines of one run so far."""

    def __init__(self, profiles: Iterable[KernelProfile]) -> None:
        self._groups = independent_parameters(profiles)
        self._slips = _Slips(self._groups)
        self._meanings: dict[tuple[object, ...], LineMeaning] = {}
        self._variables: dict[tuple[str, _Words], Mapping[str, Expression]] = {}

    def reads(self, name: str) -> bool:
        """Tell whether a word of this name means anything to any release, or is a slip of one."""
        return parameter_key(name) in self._groups or self._slips[name]

    def read(self, text: str) -> LineMeaning:
        """Return what a line means.

        Raises:
            InputError: MX0401, the text holds a NUL.
        """
        line = read_command_line(text)
        # Two of the four streams are enough: early, setup and module parameters stand in the same
        # words of the line, only the ID-register overrides are read from a text of their own.
        streams = (self._by_group(line.early), self._by_group(line.idreg))
        parts = []
        for group in sorted({*streams[0], *streams[1]}):
            early, idreg = (tuple(stream.get(group, ())) for stream in streams)
            words = tuple(
                tuple((item.name, item.value) for item in stream) for stream in (early, idreg)
            )
            own = CommandLine(
                text="", file=line.file, early=early, idreg=idreg, module=early, diagnostics=()
            )
            parts.append(LinePart(words=words, line=own))
        slips = {item.name: item for item in line.early if self._slips[item.name]}
        # What no release reads is left out, so that lines which differ in the root device mean the
        # same.
        key = (tuple(part.words for part in parts), *sorted(slips))
        meaning = self._meanings.get(key)
        if meaning is None:
            meaning = self._meanings[key] = LineMeaning(
                number=len(self._meanings),
                parts=tuple(parts),
                named=(*(item for part in parts for item in part.line.early), *slips.values()),
            )
        return meaning

    def variables(
        self, program: FactProgram, profile: KernelProfile, meaning: LineMeaning
    ) -> dict[str, Expression]:
        """Return the kernel variables of a release as a line leaves them."""
        untouched = self._effects(program, profile, _NOTHING)
        variables = dict(untouched)
        for part in meaning.parts:
            variables.update(
                (name, item)
                for name, item in self._effects(program, profile, part).items()
                # Parts touch different variables, so each may write over what nothing has touched.
                if item is not untouched[name] and item != untouched[name]
            )
        return variables

    def _effects(
        self, program: FactProgram, profile: KernelProfile, part: LinePart
    ) -> Mapping[str, Expression]:
        key = (profile.id, part.words)
        if key not in self._variables:
            self._variables[key] = command_line_effects(program, profile, part.line)
        return self._variables[key]

    def _by_group(self, stream: tuple[Parameter, ...]) -> dict[int, list[Parameter]]:
        found: dict[int, list[Parameter]] = {}
        for item in stream:
            group = self._groups.get(parameter_key(item.name))
            if group is not None:
                found.setdefault(group, []).append(item)
        return found


class _Slips(dict[str, bool]):
    """For each name that a line has, whether it is a slip of a known one: asked for every word."""

    def __init__(self, known: Iterable[str]) -> None:
        super().__init__()
        self._known = {key: key for key in known}

    def __missing__(self, name: str) -> bool:
        if len(self) > _MOST_NAMES:
            self.clear()
        known = parameter_key(name) in self._known
        found = self[name] = not known and near_name(name, (), self._known) is not None
        return found


_NOTHING = LinePart(
    words=(),
    line=CommandLine(text="", file="", early=(), idreg=(), module=(), diagnostics=()),
)


def independent_parameters(profiles: Iterable[KernelProfile]) -> dict[str, int]:
    """Return a number for each boot parameter (`-` as `_`), equal where one can touch the other.

    Parameters are related where one writes a kernel variable that the other writes or reads.
    """
    numbers: dict[str, int] = {}
    touched: dict[str, tuple[set[str], set[str]]] = {}
    for profile in profiles:
        for parameter in profile.parameters:
            writes, reads = touched.setdefault(parameter_key(parameter.name), (set(), set()))
            writes |= parameter.sets
            reads |= _read(parameter)
    for name, (writes, reads) in touched.items():
        related = {
            number
            for other, number in numbers.items()
            if writes & (touched[other][0] | touched[other][1]) or reads & touched[other][0]
        }
        own = min(related, default=len(numbers))
        # Union of groups by renumbering: some dozen parameters, looked at once.
        numbers = {other: own if at in related else at for other, at in numbers.items()}
        numbers[name] = own
    return numbers


def _read(parameter: BootParameter) -> set[str]:
    conditions = (
        condition
        for parser in parameter.parsers
        for effect in parser.effects
        for condition in (parser.exists_if, effect.when, *(given for _, given in effect.assign))
        if condition is not None
    )
    return {name for condition in conditions for name in names(condition.expression)}
