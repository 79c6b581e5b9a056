"""The kernel's linear map around one page P: built at boot, split on demand, made invalid.

Takes `PageInputs`, gives page tables of real descriptors behind small integer handles, so that
states of the exploration compare quickly. Only the memory around P is mapped: one block of the
largest size, one range too small for a block, the KFENCE pool. With it a class has its `Machine`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from matrix.explore import scenario
from matrix.scenarios.arm64 import descriptors
from matrix.scenarios.arm64.geometry import Geometry, size_text
from matrix.scenarios.arm64.inputs import PageInputs
from matrix.scenarios.arm64.page_tables import PageTables, Walk
from matrix.scenarios.arm64.world import State, World

# DRAM of the model. P's offset is a multiple of the largest page (64 KiB) and of nothing larger.
_MEMORY = 0x1_0000_0000
_TAIL = 0x2_0000_0000
_KFENCE_POOL = 0x3_0000_0000
_TABLE_POOL = 0x4_0000_0000
_OFFSET_IN_BLOCK = 0x0123_0000
_OFFSET_IN_TAIL = 0x0003_0000

# (CONFIG_KFENCE_NUM_OBJECTS + 1) * 2 pages (include/linux/kfence.h), with the default of 255.
_KFENCE_POOL_PAGES = 512

_Change: TypeAlias = Callable[[PageTables], tuple[PageTables, str | None]]

OUT_OF_MEMORY = "-ENOMEM"
INVALID_ARGUMENT = "-EINVAL"


class Placement(Struct, frozen=True, kw_only=True):
    """Where P lies: its physical address and the kind of leaf map_mem() would like to give it."""

    name: str
    address: int
    region: int
    region_size: int


def placements(inputs: PageInputs, geometry: Geometry) -> tuple[Placement, ...]:
    """Return the places of P that map_mem() treats differently.

    In a region of whole blocks, and in a region too small for a block, which is mapped with
    contiguous page entries. With page entries everywhere both are the same.
    """
    # With page entries everywhere the size of the region is nothing to P: a small one is built.
    block_size = geometry.size(2 if inputs.map_mem_forces_ptes else geometry.leaf_levels[0])
    address = _MEMORY + _OFFSET_IN_BLOCK
    in_block = Placement(
        name="block",
        address=address,
        region=address & ~(block_size - 1),
        region_size=block_size,
    )
    if inputs.map_mem_forces_ptes:
        return (in_block,)
    in_tail = Placement(
        name="contiguous",
        address=_TAIL + _OFFSET_IN_TAIL,
        region=_TAIL,
        # Half of the smallest block: no block fits, whole contiguous runs do.
        region_size=geometry.size(2) // 2,
    )
    return (in_block, in_tail)


def splits_at_boot(inputs: PageInputs) -> bool:
    """Say whether the boot CPU had BBML and some other early CPU has not."""
    return inputs.linear_map_requires_bbml and not inputs.system_supports_bbml


def linear_maps(inputs: PageInputs) -> tuple[LinearMap, ...]:
    """Return the linear map of a class, once for every place of P."""
    geometry = Geometry(page_shift=inputs.page_shift)
    return tuple(LinearMap(inputs, place) for place in placements(inputs, geometry))


class LinearMap:
    """The linear map of one kernel, as it was, is and will be: a handle names one state of it.

    Equal page tables have equal handles. All methods are functions of their arguments; what was
    computed once is kept.
    """

    def __init__(self, inputs: PageInputs, placement: Placement) -> None:
        self.inputs = inputs
        self.geometry = Geometry(page_shift=inputs.page_shift)
        self.placement = placement
        self.va = self.geometry.page_offset + placement.address - _MEMORY
        self._tables: list[PageTables] = []
        self._handles: dict[tuple[object, ...], int] = {}
        self._known: dict[tuple[str, int], tuple[int, str | None]] = {}
        self._walks: list[Walk] = []
        self.built = self._handle(self._build())
        self.at_boot = self._handle(self._after_secondary_cpus())

    def walk(self, handle: int) -> Walk:
        """Return the walk of A, P's address in the linear map."""
        return self._walks[handle]

    def tables(self, handle: int) -> PageTables:
        """Return the page tables that the handle names."""
        return self._tables[handle]

    def is_valid(self, handle: int) -> bool:
        """Say whether A translates."""
        return self._walks[handle].output is not None

    def is_page_mapped(self, handle: int) -> bool:
        """Say whether A can be made invalid alone: a page entry outside a contiguous run."""
        walk = self._walks[handle]
        return walk.level == 3 and not walk.descriptor & descriptors.CONTIGUOUS

    def leaf_text(self, handle: int) -> str:
        """Return the entry A is mapped with for people: hex, decoded, and its size."""
        walk = self._walks[handle]
        shift = self.geometry.shift(walk.level)
        decoded = descriptors.decode_stage1(walk.descriptor, walk.level, shift)
        return f"{walk.descriptor:#018x} level {walk.level} {size_text(1 << shift)} {decoded}"

    def entry_text(self, handle: int) -> str:
        """Return in a word or two what A is mapped with: `4 KiB page`, or `invalid`."""
        walk = self._walks[handle]
        shift = self.geometry.shift(walk.level)
        decoded = descriptors.decode_stage1(walk.descriptor, walk.level, shift)
        if not self.is_valid(handle):
            return decoded.kind
        run = "contiguous " if decoded.contiguous else ""
        return f"{run}{size_text(1 << shift)} {decoded.kind}"

    def split(self, handle: int) -> int:
        """Split what maps A down to a page entry, as split_kernel_leaf_mapping() does."""
        return self._once("split", handle, self._split)[0]

    def tables_needed(self, handle: int) -> int:
        """Return how many table pages a split of A's leaf allocates."""
        after = self._tables[self.split(handle)]
        return len(after.tables) - len(self._tables[handle].tables)

    def split_text(self, handle: int) -> str:
        """Return what a split of A's leaf makes, level by level, and the table pages it takes."""
        geometry, walk = self.geometry, self._walks[handle]
        kinds = []
        for level in range(walk.level, self._walks[self.split(handle)].level + 1):
            kind = "page" if level == 3 else "block"
            size = size_text(geometry.size(level))
            if level > walk.level:
                kinds.append(f"{geometry.entries_per_table} {kind}s of {size}")
            elif walk.descriptor & descriptors.CONTIGUOUS:
                kinds.append(f"{geometry.contiguous_entries(level)} contiguous {kind}s of {size}")
            else:
                kinds.append(f"a {kind} of {size}")
        if len(kinds) == 1:
            return f"{kinds[0]}: the contiguous bit is cleared"
        return f"{' -> '.join(kinds)}; table pages: {self.tables_needed(handle)}"

    def invalidate(self, handle: int) -> tuple[int, str | None]:
        """Clear A's entry for one page; -EINVAL where a larger leaf maps it.

        update_range_prot(), and apply_to_page_range() before 6.18, refuse a leaf larger than the
        range. A page entry of a contiguous run is changed alone, which the architecture forbids:
        the caller looks at `is_page_mapped`.
        """
        return self._once("invalidate", handle, self._invalidate)

    def validate(self, handle: int) -> tuple[int, str | None]:
        """Make A's entry valid again."""
        return self._once("validate", handle, self._validate)

    def _once(self, name: str, handle: int, function: _Change) -> tuple[int, str | None]:
        key = (name, handle)
        if key not in self._known:
            tables, error = function(self._tables[handle])
            self._known[key] = (self._handle(tables), error)
        return self._known[key]

    def _handle(self, tables: PageTables) -> int:
        # Geometry and pool are the same in all states of one map.
        key = tables.tables
        if key not in self._handles:
            self._handles[key] = len(self._tables)
            self._tables.append(tables)
            self._walks.append(tables.walk(self.va))
        return self._handles[key]

    def _build(self) -> PageTables:
        """Build what map_mem() builds: the KFENCE pool first, then memory."""
        tables = PageTables(geometry=self.geometry, pool=_TABLE_POOL)
        offset = self.geometry.page_offset - _MEMORY
        if self.inputs.kfence_pool:
            size = _KFENCE_POOL_PAGES * self.geometry.page_size
            at = _KFENCE_POOL
            tables = tables.map(at + offset, at, size, blocks=False, contiguous=False)
        large = not self.inputs.map_mem_forces_ptes
        at, size = self.placement.region, self.placement.region_size
        return tables.map(at + offset, at, size, blocks=large, contiguous=large)

    def _after_secondary_cpus(self) -> PageTables:
        """Apply linear_map_maybe_split_to_ptes(): page entries where a secondary CPU lacks BBML."""
        tables = self._tables[self.built]
        if not self.splits_at_boot:
            return tables
        while (walk := tables.walk(self.va)).level < 3:
            # Only the path to P is split: of the rest of the linear map nothing is asked.
            tables = tables.split(self.va, to_contiguous=False)
        if walk.descriptor & descriptors.CONTIGUOUS:
            tables = tables.without_contiguous(self.va)
        return tables

    @property
    def splits_at_boot(self) -> bool:
        """Say whether linear_map_maybe_split_to_ptes() has anything to do."""
        return splits_at_boot(self.inputs)

    def _split(self, tables: PageTables) -> tuple[PageTables, str | None]:
        """Split level by level, as split_kernel_leaf_mapping_locked() does for the page.

        It splits at the less aligned end of the range. Of the two ends of one page one is aligned
        to a page and to nothing larger, so no level is left out.
        """
        for level in self.geometry.leaf_levels:
            walk = tables.walk(self.va)
            # Not what maps P: it is mapped at a lower level.
            if walk.level != level:
                continue
            if walk.descriptor & descriptors.CONTIGUOUS:
                tables = tables.without_contiguous(self.va)
            if level < 3:
                # The next level's leaves are contiguous and are split in their turn (7.3
                # mmu.c:688-778).
                tables = tables.split(self.va, to_contiguous=True)
        return tables, None

    def _invalidate(self, tables: PageTables) -> tuple[PageTables, str | None]:
        walk = tables.walk(self.va)
        if walk.level != 3:
            return tables, INVALID_ARGUMENT
        entry = descriptors.make_invalid(walk.descriptor, self.inputs.invalid_encoding)
        return tables.with_leaf(self.va, entry), None

    def _validate(self, tables: PageTables) -> tuple[PageTables, str | None]:
        walk = tables.walk(self.va)
        if walk.level != 3:
            return tables, INVALID_ARGUMENT
        entry = descriptors.make_valid(walk.descriptor, self.inputs.invalid_encoding)
        return tables.with_leaf(self.va, entry), None


class Machine(scenario.Machine, frozen=True, kw_only=True):
    """What a class decides at boot: its inputs, and the linear map with P in one place."""

    inputs: PageInputs
    linear_map: LinearMap


Condition: TypeAlias = scenario.Condition[Machine, World]
Row: TypeAlias = scenario.Row[Machine, World]
Event: TypeAlias = scenario.Event[Machine, State, World]
Invariant: TypeAlias = scenario.Invariant[Machine, World]
Remnant: TypeAlias = scenario.Remnant[Machine, World]


def option(name: str, value: str) -> Condition:
    """Return the condition that an option of the mechanism has a value."""
    return Condition(
        name=f"{name}={value}", of_class=True, holds=lambda m, _: m.options[name] == value
    )


def of_inputs(name: str, holds: Callable[[PageInputs], bool]) -> Condition:
    """Return the condition that a class of machines has something."""
    return Condition(name=name, of_class=True, holds=lambda m, _: holds(m.inputs))


def sets(**fields: str | bool | None) -> Callable[[Machine, World], None]:
    """Return the effect that gives fields of the world these values."""

    def effect(_machine: Machine, world: World) -> None:
        for name, value in fields.items():
            setattr(world, name, value)

    # What tells one effect from another where rows are compared.
    effect.__qualname__ = f"sets {fields}"
    return effect


def locked(lock: str, *rows: Row) -> tuple[Row, ...]:
    """Return the rows between taking a lock and dropping it: `folio`, `mmu-read`, `mmu-write`."""
    name = lock.partition("-")[0]
    return (
        Row(operation=f"{name}_lock", takes=(lock,)),
        *rows,
        Row(operation=f"{name}_unlock", drops=(lock,)),
    )


def advise(name: str, message: str) -> Callable[[Machine, World], None]:
    """Return the effect that finds an advisory."""

    def effect(_machine: Machine, world: World) -> None:
        world.found.append((name, message))

    return effect


CAPABILITY_USED = Condition(
    name="the capability is used", of_class=True, holds=lambda m, _: m.with_capability
)


def machines(inputs: PageInputs, options: tuple[scenario.Option, ...]) -> tuple[Machine, ...]:
    """Return the machine of a class, once for every place of P."""
    chosen = scenario.defaults_of(options) | dict(inputs.variant)
    return tuple(
        Machine(
            inputs=inputs,
            linear_map=linear_map,
            place=linear_map.placement.name,
            options=chosen,
        )
        for linear_map in linear_maps(inputs)
    )


def after_boot(machine: Machine) -> State:
    """Return the state after boot: P is free, which debug_pagealloc has unmapped."""
    handle = machine.linear_map.at_boot
    # debug_pagealloc forces page entries (force_pte_mapping()). Inputs that say otherwise keep A
    # valid: __kernel_map_pages() drops the error.
    if machine.inputs.debug_pagealloc:
        handle = machine.linear_map.invalidate(handle)[0]
    return State(linear_map=handle)
