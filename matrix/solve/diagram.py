"""The backend for spaces of any size: binary decision diagrams with complement edges (oxidd).

Each variable is a row of bits, most significant first, and each option a pattern of them: with
2^k - n codes to spare, that many first options leave their last bit open (truncated binary code).
So every bit pattern stands for exactly one option, complement and projection need no mask of valid
codes, and the diagram of a region is canonical: equal regions are the same node. Only `count` must
not see an option twice; it adds the mask there. The variables are tested in `Space.order`.

Bryant, "Graph-Based Algorithms for Boolean Function Manipulation", 1986; Brace, Rudell and Bryant,
"Efficient Implementation of a BDD Package", 1990.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from oxidd.bcdd import BCDDFunction, BCDDManager
from oxidd.util import BooleanOperator

from matrix.diagnostics import InputError
from matrix.solve.sampling import distinct_ranks
from matrix.solve.space import FiniteVariable, Region, Space

# Bounds, not sizes: 2^23 nodes are some 200 MB when all are in use. The cache is allocated at once.
_NODE_CAPACITY = 1 << 23
_CACHE_CAPACITY = 1 << 19

# One literal (bit number, value) per bit an option fixes.
_Literals = list[tuple[int, bool]]


# The library's one thread reserves 1 GiB of addresses for its stack; without them the process ends.
_RESERVED = (1 << 30) + (1 << 28)


def _refuse_small_memory() -> None:
    """Refuse to begin where a limit of the system leaves the library no room for its thread.

    Raises:
        InputError: MX0656.
    """
    try:
        import resource
    except ImportError:  # a system without such limits
        return
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        return
    import mmap

    try:
        mmap.mmap(-1, _RESERVED).close()
    except (OSError, MemoryError, ValueError) as error:
        raise InputError.of(
            code="MX0656",
            message="the system limits memory to less than the solver's thread reserves",
            hint="raise it (`ulimit -v 2000000`): most of these addresses are never used",
        ) from error


class Diagram:
    """The decision diagrams of one space; nodes are shared between all its regions."""

    def __init__(self, space: Space) -> None:
        _refuse_small_memory()
        self._space = space
        # One thread: the diagrams are small, and handing them over costs more than it gains.
        self._manager = BCDDManager(_NODE_CAPACITY, _CACHE_CAPACITY, 1)
        self._literal: dict[str, dict[str, BCDDFunction]] = {}
        self._bits: dict[str, BCDDFunction] = {}
        self._width: dict[str, int] = {}
        # The variables of a function are the conjunction of their bits: what the library quantifies
        # over.
        self.true = self._manager.true()
        self.false = self._manager.false()
        # Exactly one code of every option of every visible variable.
        self._counted = self.true
        # A bit's place in the diagram is fixed when it is added: first ones are tested first.
        order = space.order or tuple(variable.name for variable in space.all_variables)
        for name in order:
            self._add(space.variable(name))
        self.hidden_bits = self._product(variable.name for variable in space.hidden)
        self._visible_width = sum(self._width[variable.name] for variable in space.variables)

    @property
    def space(self) -> Space:
        """The space of all regions made here."""
        return self._space

    def everything(self) -> Region:
        """Return the region of all assignments."""
        return DiagramRegion(self, self.true)

    def nothing(self) -> Region:
        """Return the empty region."""
        return DiagramRegion(self, self.false)

    def node_count(self) -> int:
        """Return the number of nodes in use, for reports on cost."""
        return self._manager.num_inner_nodes()

    def options(self, variable: str, options: Iterable[str]) -> BCDDFunction:
        """Return the function that is true where the variable has one of the options."""
        literals = self._literal[variable]
        function = self.false
        for option in options:
            function |= literals[option]
        return function

    def forget(self, function: BCDDFunction, variables: Iterable[str]) -> BCDDFunction:
        """Quantify variables existentially."""
        return function.exists(self._product(variables))

    def children(self, function: BCDDFunction, variable: str) -> tuple[BCDDFunction, ...]:
        """Return the cofactor under each option of a variable, in declared order."""
        bits = self._bits[variable]
        literals = self._literal[variable].values()
        # Equal functions are one node, so "does not depend on it" is one comparison.
        if function.exists(bits) == function:
            return (function,) * len(literals)
        # A literal fixes its option's bits; forgetting them all leaves the cofactor, in one
        # operation.
        return tuple(
            function.apply_exists(BooleanOperator.AND, literal, bits) for literal in literals
        )

    def count(self, function: BCDDFunction) -> int:
        """Return the number of visible cells; the function must not depend on hidden variables."""
        return (function & self._counted).sat_count(self._visible_width)

    def _product(self, variables: Iterable[str]) -> BCDDFunction:
        product = self.true
        for name in variables:
            product &= self._bits[name]
        return product

    def _add(self, variable: FiniteVariable) -> None:
        """Add the bits of a variable below those added before, and encode its options."""
        count = len(variable.options)
        width = (count - 1).bit_length()
        bits = list(self._manager.add_vars(width)) if width else []
        codes = _codes(count, width)
        self._width[variable.name] = width
        self._bits[variable.name] = self._cube([(bit, True) for bit in bits])
        self._literal[variable.name] = {}
        counted = self.false
        # zip stops at the shorter code of an option that leaves its last bit open: that bit is no
        # literal, but 0 where options are counted.
        for option, code in zip(variable.options, codes, strict=True):
            literals = [(bit, value == "1") for bit, value in zip(bits, code, strict=False)]
            self._literal[variable.name][option] = self._cube(literals)
            counted |= self._cube([*literals, *((bit, False) for bit in bits[len(code) :])])
        # Hidden bits are quantified away before anything is counted.
        if variable in self._space.variables:
            self._counted &= counted

    def _cube(self, literals: _Literals) -> BCDDFunction:
        function = self.true
        # From the lowest bit up, each step puts one node on top of the cube that is there already.
        for bit, value in reversed(literals):
            function &= self._manager.var(bit) if value else self._manager.not_var(bit)
        return function


def _codes(count: int, width: int) -> list[str]:
    """Return the truncated binary code of `count` options: a complete, ordered prefix code.

    >>> _codes(3, 2)
    ['0', '10', '11']
    """
    # 2^k - n options are one bit shorter. The others go on behind them: numbers from `spare` to n -
    # 1, moved up by `spare`, are exactly the k-bit codes that no short code begins.
    spare = (1 << width) - count
    short = [format(number, f"0{width - 1}b") for number in range(spare)]
    if not width:
        return [""]
    return [*short, *(format(number + spare, f"0{width}b") for number in range(spare, count))]


class DiagramRegion(Region):
    """A region as one node of its space's diagrams: combining and comparing do not enumerate."""

    __slots__ = ("_diagram", "_function")

    def __init__(self, diagram: Diagram, function: BCDDFunction) -> None:
        self._diagram = diagram
        self._function = function

    @property
    def space(self) -> Space:
        """The space the region is a part of."""
        return self._diagram.space

    def __and__(self, other: Region) -> Region:
        return DiagramRegion(self._diagram, self._function & self._same(other))

    def __or__(self, other: Region) -> Region:
        return DiagramRegion(self._diagram, self._function | self._same(other))

    def __sub__(self, other: Region) -> Region:
        return DiagramRegion(self._diagram, self._function & ~self._same(other))

    def __invert__(self) -> Region:
        return DiagramRegion(self._diagram, ~self._function)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DiagramRegion):
            return NotImplemented
        return self._diagram is other._diagram and self._function == other._function

    def __hash__(self) -> int:
        return hash(self._function)

    def is_empty(self) -> bool:
        """Return whether nothing is in the region; takes constant time."""
        return not self._function.satisfiable()

    def restrict(self, variable: str, options: Iterable[str]) -> Region:
        """Return the part in which the variable has one of the options."""
        allowed = self._diagram.options(variable, options)
        return DiagramRegion(self._diagram, self._function & allowed)

    def forget(self, variables: Iterable[str]) -> Region:
        """Return what is in for some option of these variables: it depends on them no more."""
        return DiagramRegion(self._diagram, self._diagram.forget(self._function, variables))

    def project_hidden(self) -> Region:
        """Return the region with the hidden variables forgotten: the visible cells."""
        return DiagramRegion(self._diagram, self._visible())

    def split(self, variable: str) -> tuple[tuple[tuple[str, ...], Region], ...]:
        """Return the region as seen from each option of a variable, equal ones as one group."""
        groups: dict[BCDDFunction, list[str]] = {}
        options = self.space.variable(variable).options
        children = self._diagram.children(self._function, variable)
        for option, child in zip(options, children, strict=True):
            groups.setdefault(child, []).append(option)
        return tuple(
            (tuple(group), DiagramRegion(self._diagram, child)) for child, group in groups.items()
        )

    def count(self) -> int:
        """Return the exact number of visible cells; takes time linear in the nodes."""
        return self._diagram.count(self._visible())

    def cells(self, limit: int | None = None) -> Iterator[dict[str, str]]:
        """Yield the visible cells lazily, at most `limit`, in the order of the space."""
        layers = _Layers(self._diagram)
        return itertools.islice(layers.cells(self._visible()), limit)

    def sample(self, size: int, seed: int) -> tuple[dict[str, str], ...]:
        """Return `size` different cells, all equally likely, in the order of the space."""
        layers = _Layers(self._diagram)
        function = self._visible()
        total = layers.count(function, 0)
        return tuple(layers.cell(function, rank) for rank in distinct_ranks(total, size, seed))

    def _visible(self) -> BCDDFunction:
        return self._function.exists(self._diagram.hidden_bits)

    def _same(self, other: Region) -> BCDDFunction:
        if not isinstance(other, DiagramRegion) or other._diagram is not self._diagram:
            raise TypeError("regions of different spaces or backends cannot be combined")
        return other._function


class _Layers:
    """Visible functions as a diagram with one layer per axis, whatever order the bits have.

    A node is a function of the axes from its depth on; its children are computed once.
    """

    def __init__(self, diagram: Diagram) -> None:
        self._diagram = diagram
        self._variables = diagram.space.variables
        self._children: dict[tuple[BCDDFunction, int], tuple[tuple[str, BCDDFunction], ...]] = {}
        self._counts: dict[tuple[BCDDFunction, int], int] = {}

    def children(self, function: BCDDFunction, depth: int) -> tuple[tuple[str, BCDDFunction], ...]:
        """Return the options of axis `depth` that lead to a cell, and what remains behind each."""
        key = (function, depth)
        found = self._children.get(key)
        if found is None:
            variable = self._variables[depth]
            children = self._diagram.children(function, variable.name)
            pairs = zip(variable.options, children, strict=True)
            found = tuple((option, child) for option, child in pairs if child.satisfiable())
            self._children[key] = found
        return found

    def count(self, function: BCDDFunction, depth: int) -> int:
        """Return the number of cells over the axes from `depth` on."""
        if depth == len(self._variables):
            return int(function.satisfiable())
        key = (function, depth)
        found = self._counts.get(key)
        if found is None:
            children = self.children(function, depth)
            found = sum(self.count(child, depth + 1) for _, child in children)
            self._counts[key] = found
        return found

    def cell(self, function: BCDDFunction, rank: int) -> dict[str, str]:
        """Return cell number `rank` of a function, from 0 in the order of the space."""
        chosen: dict[str, str] = {}
        for depth, variable in enumerate(self._variables):
            for option, child in self.children(function, depth):
                below = self.count(child, depth + 1)
                if rank < below:
                    chosen[variable.name], function = option, child
                    break
                # Those cells all come before the wanted one.
                rank -= below
        return chosen

    def cells(self, function: BCDDFunction) -> Iterator[dict[str, str]]:
        """Yield all cells in the order of the space, depth first with a stack of its own."""
        names = [variable.name for variable in self._variables]
        if not names:
            yield from [{}] if function.satisfiable() else []
            return
        chosen = [""] * len(names)
        stack = [iter(self.children(function, 0))]
        while stack:
            depth = len(stack) - 1
            step = next(stack[-1], None)
            if step is None:
                stack.pop()
                continue
            chosen[depth], child = step
            if depth + 1 == len(names):
                yield dict(zip(names, chosen, strict=True))
            else:
                stack.append(iter(self.children(child, depth + 1)))
