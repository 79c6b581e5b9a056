"""The options of a study's axes, written out: what `all` stands for, and what a name stands for.

An option of a kernel axis is named by its release. The options of CPU axes are `cpu_axis.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Location
from matrix.expr.nodes import Scalar
from matrix.schema.checking.catalogue import Catalogue, Known
from matrix.schema.checking.cpu_axis import CpuExpander
from matrix.schema.checking.distro_axis import distro_options
from matrix.schema.checking.options import WRONG, FoundOption, found
from matrix.schema.documents.study import (
    AxisDeclaration,
    BootAxis,
    CpuAxis,
    DistroAxis,
    KconfigAxis,
    KernelAxis,
)
from matrix.schema.files import Kind
from matrix.schema.reading.nodes import Node
from matrix.schema.reading.problems import Problems
from matrix.schema.values import Axis, Option

# The values of a Kconfig symbol by its type; only `int` takes a number.
_SYMBOL_VALUES: dict[str, tuple[str, ...]] = {
    "bool": ("y", "n"),
    "tristate": ("y", "m", "n"),
    "int": (),
}


class ExpandedAxis(Struct, frozen=True, kw_only=True):
    """An axis; `complete` is false where an option is missing because something is wrong."""

    axis: Axis
    complete: bool


class AxisExpander:
    """Expands the axes of studies; `catalogue` has what is of their architecture."""

    def __init__(self, catalogue: Catalogue, problems: Problems) -> None:
        self._catalogue = catalogue
        self._problems = problems
        self._cpus = CpuExpander(catalogue, problems)
        self._symbols = catalogue.symbol_types()
        self._known_symbols = catalogue.known_symbols()

    def expand(self, declared: AxisDeclaration, at: Node) -> ExpandedAxis:
        """Return an axis with all its options; `at` is the node of the axis."""
        kept: dict[str, FoundOption] = {}
        complete = True
        for item in self._options(declared, at):
            if item.option is None:
                complete = False
                continue
            first = kept.setdefault(item.identity, item)
            # Members of `all` and of groups may overlap; only what a person wrote twice is wrong.
            if first is not item and first.written and item.written and first.option:
                self._add_repeated(item.option, first.option.location)
        options = [item.option for item in kept.values() if item.option]
        axis = Axis(
            name=at.name,
            kind=declared.kind,
            title=declared.title,
            options=tuple(self._titled(options, declared.titles)),
            location=at.place,
        )
        names = Known(kind="option", names=[option.name for option in options], complete=complete)
        for title in at.rows("titles"):
            names.check(title.name, title.place, self._problems)
        return ExpandedAxis(axis=axis, complete=complete)

    def _options(self, declared: AxisDeclaration, at: Node) -> Iterator[FoundOption]:
        node = at["options"]
        match declared:
            case KernelAxis():
                yield from self._kernels(declared.options, node)
            case DistroAxis():
                yield from distro_options(self._catalogue, declared, at, self._problems)
            case CpuAxis():
                yield from self._cpus.options(declared.options, node)
            case KconfigAxis():
                for name, symbols in declared.options.items():
                    yield self._kconfig(name, symbols, node[name])
            case BootAxis():
                for name, fragment in declared.options.items():
                    yield found(name, node[name].place, cmdline=fragment)
            case _:
                yield from self._environment(at)

    def _kernels(self, options: str | tuple[str, ...], node: Node) -> Iterator[FoundOption]:
        kernels = self._catalogue.kernel_names()
        complete = self._catalogue.knows_all(Kind.KERNEL)
        known = Known(kind="kernel", names=kernels, complete=complete)
        if isinstance(options, str):
            for name, kernel in kernels.items():
                yield found(name, node.location, written=False, kernel=kernel.id)
            # With a kernel left out for an error, the axis is not whole: nothing is said of names
            # that may be its.
            if not complete:
                yield WRONG
            return
        by_id = {kernel.id: kernel for kernel in kernels.values()}
        for name, item in zip(options, node.children.values(), strict=True):
            kernel_or_none = kernels.get(name) or by_id.get(name)
            if kernel_or_none is None:
                known.check(name, item.location, self._problems)
                yield WRONG
            else:
                kernel_id = kernel_or_none.id
                yield found(name, item.location, kernel_id, kernel=kernel_id)

    def kconfig_values(
        self, symbols: dict[str, Scalar], node: Node
    ) -> tuple[tuple[str, str | int], ...]:
        """Return the values of Kconfig symbols, those that are wrong left out and reported."""
        found = []
        for symbol, item in zip(symbols, node.children.values(), strict=True):
            value = self._symbol_value(symbol, item)
            if value is not None:
                found.append((symbol, value))
        return tuple(found)

    def _kconfig(self, name: str, symbols: dict[str, Scalar], node: Node) -> FoundOption:
        settings = self.kconfig_values(symbols, node)
        if len(settings) < len(symbols):
            return WRONG
        return found(name, node.place, kconfig=settings)

    def _symbol_value(self, symbol: str, item: Node) -> str | int | None:
        if not self._known_symbols.check(symbol, item.place, self._problems):
            return None
        types = self._symbols[symbol]
        words = sorted({word for kind in types for word in _SYMBOL_VALUES[kind]})
        value = item.data
        # No isinstance: to Python true and false are whole numbers.
        if type(value) is int and "int" in types:
            return value
        if isinstance(value, str) and value in words:
            return value
        wanted = [f'"{word}"' for word in words] + (["a number"] if "int" in types else [])
        kinds = " or ".join(sorted(types))
        message = f"`{item.raw}` is no value of CONFIG_{symbol}, which is {kinds}"
        self._problems.add("MX0222", message, item.location, f"write {', '.join(wanted)}")
        return None

    def _environment(self, at: Node) -> Iterator[FoundOption]:
        axes = self._catalogue.environment()
        complete = self._catalogue.knows_all(Kind.ARCHITECTURE)
        known = Known(kind="environment axis", names=axes, complete=complete)
        if not known.check(at.name, at.place, self._problems):
            yield WRONG
            return
        axis, node = axes[at.name], at["options"]
        described = dict(axis.options)
        options = Known(kind="option", names=described)
        chosen = [(str(item.data), item.location) for item in node.children.values()]
        if node.data == "all":
            chosen = [(name, node.location) for name in described]
        for name, place in chosen:
            if options.check(name, place, self._problems):
                choice = ((axis.name, name),)
                yield found(name, place, title=described[name], environment=choice)
            else:
                yield WRONG

    def _add_repeated(self, option: Option, first: Location) -> None:
        message = f"`{option.name}` is the same option as the one at {first}"
        self._problems.add("MX0219", message, option.location, "remove one of the two")

    def _titled(self, options: list[Option], titles: dict[str, str]) -> Iterator[Option]:
        for option in options:
            title = titles.get(option.name)
            yield replace(option, title=title) if title else option
