"""Names that mean nothing in a kernel release: Kconfig symbols, boot parameters, their values.

Takes all profiles and one of them, with a `.config` or a command line; gives warnings and notes.
That a name is gone, or not there yet, is read off the profiles: each lists the symbols, parameters
and words it has. The exact release stands in a message only where a profile declares it
(`changes`); otherwise the message says the last profile that has the name and the first without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from matrix.analyze.facts.near_symbols import NearSymbols, near_name
from matrix.diagnostics import Diagnostic, Location, Severity, did_you_mean
from matrix.expr.position import shown
from matrix.expr.trees import names
from matrix.kernel.config.dotconfig import DotConfig, Setting
from matrix.kernel.line.cmdline import CommandLine, Parameter
from matrix.kernel.line.parameters import parse_value
from matrix.schema.values import (
    WORD_GRAMMARS,
    Architecture,
    BootParameter,
    KernelProfile,
    NameChange,
    Overlay,
    ParameterParser,
)

# What each grammar takes, for a hint; words are listed from the profile.
_TAKES = {
    "kstrtobool": "it takes y, n, 1, 0, on, off",
    "get_option": "it takes a number",
    "kstrtoul": "it takes a number and nothing behind it",
    "kstrtou64": "it takes a number",
    "crashkernel": "it takes a size, such as 256M",
    "hex-digit": "it takes one hexadecimal digit",
    "presence": "it is written without a value",
}


class Standing(Struct, frozen=True, kw_only=True):
    """Where one release stands towards a name that it lacks.

    `before` is the last profile below the release that has the name, `after` the first above; None:
    there is none. `without` is the first profile behind `before` that lacks it, or the last before
    `after`. `change` is the declared one, if somebody knows the release.
    """

    before: str | None
    after: str | None
    without: str
    change: NameChange | None

    def sentence(self) -> str:
        """Return since when, or until when, in the words of a message."""
        if self.before is not None:
            gone = f" (gone in {self.change.release})" if self.change else ""
            sentence = f"{self.before} still has it, {self.without} does not{gone}"
            return f"{sentence}; {self.after} has it again" if self.after else sentence
        if self.after is not None:
            new = f" (new in {self.change.release})" if self.change else ""
            return f"{self.after} has it, {self.without} does not yet{new}"
        return "no profile has it"


class NameHistory:
    """Which of the known releases have a name; `profiles` are ordered, oldest first.

    Of a name that only `overlays` have, nothing is known but the releases that they are for: others
    may well have it, and the kernel's own names beside it are no slips of it.
    """

    def __init__(
        self,
        profiles: Sequence[KernelProfile],
        architecture: Architecture,
        overlays: Sequence[Overlay] = (),
    ) -> None:
        self._profiles = tuple(profiles)
        self._architecture = architecture
        self._parameters = {
            profile.id: {_key(item.name): item for item in profile.parameters}
            for profile in profiles
        }
        self._symbols = {
            profile.id: frozenset(symbol.name for symbol in profile.symbols)
            | frozenset(profile.unread_symbols)
            for profile in profiles
        }
        self._unread = {
            profile.id: frozenset(map(_key, profile.unread_parameters)) for profile in profiles
        }
        # A row of an overlay stands in the profile, at its place in the overlay's file.
        added = {item.location for one in overlays for item in (*one.symbols, *one.parameters)}
        own_symbols = {
            symbol.name
            for one in profiles
            for symbol in one.symbols
            if not added or symbol.location not in added
        }.union(*(one.unread_symbols for one in profiles))
        self._every_symbol = tuple(sorted(own_symbols))
        self._added_symbols = frozenset().union(*self._symbols.values()) - own_symbols
        self._names = {
            _key(item.name): item.name
            for one in profiles
            for item in one.parameters
            if not added or item.location not in added
        }
        every_parameter = {_key(item.name) for one in profiles for item in one.parameters}
        self._added_parameters = every_parameter.difference(self._names)
        self._changes = {change.name: change for one in profiles for change in one.changes}
        self._lacking: dict[str, tuple[str, ...]] = {}

    def symbols_lacking(self, profile: KernelProfile) -> tuple[str, ...]:
        """Return the symbols that other profiles read and this release does not have."""
        if profile.id not in self._lacking:
            mine = self._symbols[profile.id]
            self._lacking[profile.id] = tuple(
                name for name in self._every_symbol if name not in mine
            )
        return self._lacking[profile.id]

    def of_symbol(self, symbol: str, profile: KernelProfile) -> Standing:
        """Return where a release stands towards a symbol that it lacks."""
        name = f"CONFIG_{symbol}"
        return self._standing(name, profile, lambda one: symbol in self._symbols[one.id])

    def config(self, profile: KernelProfile, config: DotConfig) -> Iterator[Diagnostic]:
        """Yield what a `.config` sets that the release does not have."""
        found = [
            (setting, symbol)
            for symbol in self.symbols_lacking(profile)
            if (setting := config.symbols.get(symbol)) is not None
        ]
        for setting, symbol in sorted(found, key=lambda pair: pair[0].line):
            yield self._stale_symbol(symbol, setting, profile, config)

    @cached_property
    def near(self) -> NearSymbols:
        """The symbols that the model reads, those of one word in prompts, and their misnomers."""
        rules = (rule.symbol for rule in self._architecture.built_in_line)
        # Beside longer ones stand the kernel's own: DEBUG_KERNEL_DC, ARM64_EPAN (of ARM64_PAN).
        asked_first = (
            symbol
            for profile in self._profiles
            for declared in profile.symbols
            if declared.prompt is not None
            for name in names(declared.prompt.expression)
            if "_" not in (symbol := name.removeprefix("CONFIG_"))
        )
        known = (*self._every_symbol, *asked_first, "CMDLINE", *rules)
        return NearSymbols(known, self.misnomers)

    @property
    def misnomers(self) -> dict[str, str]:
        """The names that people write for a symbol, and that no kernel has."""
        return {item.name: item.symbol for item in self._architecture.misnomers}

    def slips(self, profile: KernelProfile, config: DotConfig) -> Iterator[Diagnostic]:
        """Yield the names in a `.config` that no kernel has and that stand for one it has."""
        found = self.near.of(name for name in config.symbols if name not in self._added_symbols)
        placed = [(config.symbols[name], name, symbol) for name, symbol in found.items()]
        for setting, name, symbol in sorted(placed, key=lambda item: item[0].line):
            yield Diagnostic(
                code="MX1716",
                severity=Severity.NOTE if setting.value is False else Severity.WARNING,
                location=config.place(name),
                message=f"no kernel has CONFIG_{name}: the line decides nothing",
                hint=self.did_you_mean(name, symbol, profile),
            )

    def did_you_mean(self, name: str, symbol: str, profile: KernelProfile | None) -> str:
        """Return the hint for a name that stands for a symbol, which a release may lack, too."""
        reasons = {item.name: item.because for item in self._architecture.misnomers}
        why = f" {because}" if (because := reasons.get(name)) else ""
        lacks = profile is not None and symbol in self.symbols_lacking(profile)
        gone = ""
        if lacks and profile is not None:
            gone = f" (Linux {profile.release}: {self.of_symbol(symbol, profile).sentence()})"
        return f"did you mean `CONFIG_{symbol}`?{gone}{why}"

    def line(
        self,
        profile: KernelProfile,
        line: CommandLine,
        locate: Callable[[Parameter], Location],
    ) -> Iterator[Diagnostic]:
        """Yield what a command line says that the release does not read."""
        for found in line.early:
            said = self.parameter(profile, found, locate(found))
            if said is not None:
                yield said

    def parameter(
        self, profile: KernelProfile, found: Parameter, place: Location | None
    ) -> Diagnostic | None:
        """Return what there is to say of one word of a command line, None where it is in order."""
        key = _key(found.name)
        # In this order: declared here; there, but nobody has read what it does (a draft); declared
        # by another release; a slip. The kernel hands words that it does not know to init, and has
        # thousands of parameters that no profile lists: a word that is near none of ours is not
        # reported.
        declared = self._parameters[profile.id].get(key)
        if declared is not None:
            return None if _takes(declared, found) else self._value(profile, declared, found, place)
        if key in self._unread[profile.id]:
            return None
        release = profile.release
        if key in self._names:
            name = self._names[key]
            standing = self._standing(name, profile, lambda one: self._has_parameter(one, key))
            return Diagnostic.warning(
                code="MX1702",
                location=place,
                message=f"Linux {release} has no parameter `{shown(found.name)}`: "
                + standing.sentence(),
                hint=_hint(standing, "remove it, or put it on the kernels that read it"),
            )
        if key in self._added_parameters:
            return None
        mine = (one for one in self._parameters[profile.id] if one in self._names)
        near = near_name(found.name, mine, self._names)
        if near is None:
            return None
        return Diagnostic.warning(
            code="MX1704",
            location=place,
            message=f"no known release reads `{shown(found.name)}`",
            hint=f"did you mean `{near}`?",
        )

    def _value(
        self,
        profile: KernelProfile,
        declared: BootParameter,
        found: Parameter,
        place: Location | None,
    ) -> Diagnostic:
        written = declared.name if found.value is None else f"{declared.name}={found.value}"
        key = _key(declared.name)

        # Where the parameter takes words, a release that reads the first letter alone (5.10: `of`
        # and `noalias` are both `off` to it) does not know the word.
        by_word = any(parser.grammar in WORD_GRAMMARS for parser in declared.parsers)

        def takes(one: KernelProfile) -> bool:
            parameter = self._parameters[one.id].get(key)
            return parameter is not None and _takes(parameter, found, by_word=by_word)

        message = f"`{shown(written)}` means nothing in Linux {profile.release}"
        if not any(map(takes, self._profiles)):
            return Diagnostic.warning(
                code="MX1703",
                location=place,
                message=f"{message}: the kernel refuses the value and nothing changes",
                hint=_taken(declared, found.value),
            )
        standing = self._standing(written, profile, takes)
        return Diagnostic.warning(
            code="MX1703",
            location=place,
            message=f"{message}, nothing changes: {standing.sentence()}",
            hint=_hint(standing, _taken(declared, None)),
        )

    def _stale_symbol(
        self, symbol: str, setting: Setting, profile: KernelProfile, config: DotConfig
    ) -> Diagnostic:
        standing = self.of_symbol(symbol, profile)
        # What is off and does not exist costs a reader nothing, unless it was on by default.
        off = setting.value is False
        # Answered as another release: the kernel that the file is for may well have it.
        elsewhere = config.release is not None and config.release != profile.release
        advice = (
            f"the file is of Linux {config.release}, whose kernel may read it: leave it there"
            if elsewhere
            else "the line decides nothing: remove it"
        )
        return Diagnostic(
            code="MX1701",
            severity=Severity.NOTE if off else Severity.WARNING,
            location=config.place(symbol),
            message=f"Linux {profile.release} has no CONFIG_{symbol}: {standing.sentence()}",
            hint=_hint(standing, advice),
        )

    def _has_parameter(self, profile: KernelProfile, key: str) -> bool:
        return key in self._parameters[profile.id] or key in self._unread[profile.id]

    def _standing(
        self, name: str, profile: KernelProfile, has: Callable[[KernelProfile], bool]
    ) -> Standing:
        at = next(index for index, one in enumerate(self._profiles) if one.id == profile.id)
        below = [index for index in range(at) if has(self._profiles[index])]
        later = range(at + 1, len(self._profiles))
        above = [index for index in later if has(self._profiles[index])]
        # The nearest release that has it not: behind the last one before that has it, else before
        # the first.
        without = below[-1] + 1 if below else (above[0] - 1 if above else at)
        return Standing(
            before=self._profiles[below[-1]].release if below else None,
            after=self._profiles[above[0]].release if above else None,
            without=self._profiles[without].release,
            change=self._changes.get(name),
        )


def _hint(standing: Standing, otherwise: str) -> str:
    return standing.change.note if standing.change else otherwise


def _takes(parameter: BootParameter, found: Parameter, *, by_word: bool = False) -> bool:
    """Tell whether some parser of a parameter makes something of the text, as a word if asked."""
    return any(
        _parses(parser, found.value)
        for parser in parameter.parsers
        if parser.grammar in WORD_GRAMMARS or not by_word
    )


def _parses(parser: ParameterParser, text: str | None) -> bool:
    # What the ID-register overrides read has `_` where the line has `-`.
    read = _key(text) if text is not None and parser.stream == "idreg" else text
    return parse_value(parser, read) is not None


def _taken(parameter: BootParameter, text: str | None) -> str:
    """Return what a parameter takes, and the nearest word to one that it does not take."""
    words = tuple(_words(parameter.parsers))
    if not words:
        return "; ".join(dict.fromkeys(_TAKES[parser.grammar] for parser in parameter.parsers))
    taken = f"it takes {', '.join(words)}"
    near = did_you_mean(text, words) if text else None
    return f"{near} {taken}" if near else taken


def _words(parsers: Iterable[ParameterParser]) -> Iterator[str]:
    seen: set[str] = set()
    for parser in parsers:
        if parser.grammar == "kstrtobool":
            candidates = ["on", "off"]
        else:
            candidates = [str(row.match) for row in parser.effects if row.match is not None]
        for word in candidates if any(p.grammar in WORD_GRAMMARS for p in parsers) else ():
            if word not in seen:
                seen.add(word)
                yield word


def _key(name: str) -> str:
    """Return a name as parameq() compares it: `-` is `_`, and case matters."""
    return name.replace("-", "_")
