"""Time of the solver: decision diagrams against enumeration, and a space of over 10^9 cells.

The ratio compares both backends on the same small space; the figures of the large space are for
orientation. The large space is synthetic: it has the shape of the arm64 study (kernels, CPUs with
unknown fields, Kconfig, boot parameters, environment), with made-up CPU fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from benchmarks.measuring import Figure, cpu, figure
from matrix.expr.nodes import Constant, Expression, Name, Value
from matrix.expr.parser import parse
from matrix.expr.trees import substitute
from matrix.solve.cover import cover
from matrix.solve.diagram import Diagram
from matrix.solve.partition import Compiler, Table
from matrix.solve.space import Backend, FiniteVariable, Region, Space
from tests.brute import Brute

KERNELS = ("5.10", "6.1", "6.6", "6.12", "6.18", "7.2", "7.3")
SWITCHES = ("n", "y")
AXES: dict[str, tuple[str, ...]] = {
    "kernel": KERNELS,
    "page_size": ("4k", "16k", "64k"),
    **{
        f"kconfig.{symbol}": SWITCHES
        for symbol in (
            "KVM",
            "KFENCE",
            "DEBUG_PAGEALLOC",
            "DEBUG_PAGEALLOC_ENABLE_DEFAULT",
            "RODATA_FULL_DEFAULT_ENABLED",
            "SECRETMEM",
            "ARM64_MTE",
        )
    },
    "kconfig.KFENCE_SAMPLE_INTERVAL": ("0", "100"),
    "boot.rodata": ("absent", "on", "off", "noalias", "full", "bogus"),
    "boot.debug_pagealloc": ("absent", "on", "off", "0"),
    "boot.kfence": ("absent", "0", "1", "x"),
    "boot.kvm-arm.mode": ("absent", "none", "nvhe", "protected", "nested"),
    "boot.crashkernel": ("absent", "256M"),
    "entry": ("el2", "el1"),
    "gic": ("v3", "v2"),
    "realm": SWITCHES,
    "host": ("bare-metal", "l1-dic-hidden"),
    "vm": ("default", "protected", "nested", "mte"),
}
FIELDS = {"fwb": 2, "dic": 2, "l1ip": 2, "bbm": 4, "vhe": 2, "nv": 3, "granule": 3}

# The axes that keep all their options in the small space.
ENUMERATED = (
    "page_size",
    "kconfig.KFENCE",
    "boot.rodata",
    "boot.debug_pagealloc",
    "boot.kfence",
    "entry",
    "host",
)

NEW_KERNEL = 'kernel == "7.2" || kernel == "7.3"'
FACTS = {
    "rodata_full": '`boot.rodata` == "absent" || `boot.rodata` == "bogus" ? '
    '`kconfig.RODATA_FULL_DEFAULT_ENABLED` == "y" : '
    f'`boot.rodata` == "full" || `boot.rodata` == "on" && ({NEW_KERNEL})',
    "debug_pagealloc": '`kconfig.DEBUG_PAGEALLOC` == "y" && (`boot.debug_pagealloc` == "on" || '
    '`boot.debug_pagealloc` == "absent" && `kconfig.DEBUG_PAGEALLOC_ENABLE_DEFAULT` == "y")',
    "kfence_early": '`kconfig.KFENCE` == "y" && (`boot.kfence` == "1" || (`boot.kfence` == "absent"'
    ' || `boot.kfence` == "x") && `kconfig.KFENCE_SAMPLE_INTERVAL` != "0")',
    "page_shift": 'page_size == "64k" ? 16 : page_size == "16k" ? 14 : 12',
    "granule_ok": 'page_size == "4k" || page_size == "64k" && cpu_granule != 0 '
    '|| page_size == "16k" && cpu_granule == 2',
    "fwb": "cpu_fwb == 1",
    "dic": 'cpu_dic == 1 && host == "bare-metal"',
    "icache_is_aliasing": "cpu_l1ip == 0",
    "bbml": f"({NEW_KERNEL}) && cpu_bbm >= 3",
    "is_realm": f'({NEW_KERNEL} || kernel == "6.18") && realm == "y"',
    "hyp_mode": 'entry == "el2" && cpu_vhe == 1 && `boot.kvm-arm.mode` != "nvhe"',
    "kvm_mode": 'entry == "el1" || `kconfig.KVM` == "n" || `boot.kvm-arm.mode` == "none" ? "none" '
    ": "
    '`boot.kvm-arm.mode` == "protected" ? "protected" : '
    '`boot.kvm-arm.mode` == "nested" && cpu_nv == 2 ? "nested" : hyp_mode ? "vhe" : "nvhe"',
    "forces_ptes": "rodata_full && !bbml || debug_pagealloc || kfence_early && !bbml || "
    '(`boot.crashkernel` != "absent" && kernel == "5.10")',
    "can_set_direct_map": "rodata_full || debug_pagealloc || kfence_early || is_realm",
    "split_gate": f'{NEW_KERNEL} ? "boot-flag" : kernel == "6.18" ? "call-time" : "none"',
    "requires_bbml": "bbml && !forces_ptes && rodata_full",
    "owner": f'kvm_mode == "protected" && ({NEW_KERNEL}) ? "hyp" : "host"',
    "mte": '`kconfig.ARM64_MTE` == "y" && vm == "mte"',
    "vm_kind": 'vm == "mte" ? "default" : vm',
    "relaxes": 'kernel != "6.18"',
    "predicate": "can_set_direct_map && fwb",
    "secretmem": '`kconfig.SECRETMEM` == "y" && can_set_direct_map',
}
JOINT = (
    "page_shift",
    "forces_ptes",
    "can_set_direct_map",
    "requires_bbml",
    "bbml",
    "split_gate",
    "debug_pagealloc",
    "fwb",
    "dic",
    "icache_is_aliasing",
    "hyp_mode",
    "owner",
    "vm_kind",
    "relaxes",
    "predicate",
)
CONSTRAINT = 'granule_ok && (realm == "n" || entry == "el1") && (vm != "nested" || gic == "v3")'


def compiled(text: str) -> Expression:
    """Parse a fact; names between back quotes may hold what C identifiers cannot."""
    pieces = text.split("`")
    quoted = {f"quoted{index}": pieces[index] for index in range(1, len(pieces), 2)}
    for index in range(1, len(pieces), 2):
        pieces[index] = f"quoted{index}"
    return substitute(parse("".join(pieces)), {key: Name(name) for key, name in quoted.items()})


def build(backend_type: Callable[[Space], Backend], *, few: bool) -> Compiler:
    """Return the compiler of the study; `few`: two CPUs and kernels, and only what enumerates."""
    axes = dict(AXES)
    fields = dict(FIELDS)
    if few:
        axes |= {name: options[:1] for name, options in axes.items() if name not in ENUMERATED}
        axes["kernel"] = KERNELS[-2:]
        fields |= {name: 1 for name in fields if name not in ("fwb", "dic")}
    names = tuple(f"cpu{number}" for number in range(2 if few else 150))
    variables = [FiniteVariable(name=name, options=options) for name, options in axes.items()]
    variables.insert(1, FiniteVariable(name="cpu", options=names))
    hidden = [
        FiniteVariable(
            name=f"unknown_{field}",
            options=tuple(map(str, range(size))),
            values=tuple(range(size)),
        )
        for field, size in fields.items()
    ]
    space = Space(
        variables=tuple(variables),
        hidden=tuple(hidden),
        order=tuple(v.name for v in (*variables[:2], *hidden, *variables[2:])),
    )
    tables = {f"cpu_{field}": cpu_table(field, size, names) for field, size in FIELDS.items()}
    return Compiler(
        backend_type(space), {name: compiled(text) for name, text in FACTS.items()}, tables
    )


def cpu_table(field: str, size: int, cpus: tuple[str, ...]) -> Table:
    """Return made-up values of one field; every ninth CPU does not know it."""
    salt = sum(map(ord, field))
    entries: dict[str, Expression] = {}
    for number, name in enumerate(cpus):
        mixed = (number * 7 + salt) * 2654435761 >> 7
        known = mixed % 9 != 0
        entries[name] = Constant(mixed % size) if known else Name(f"unknown_{field}")
    return Table(variable="cpu", entries=entries)


def small() -> Iterator[Figure]:
    """Compare both backends on a space that can be enumerated."""
    seconds: list[float] = []
    answers: list[list[int]] = []
    for backend_type in (Brute, Diagram):
        found, spent = cpu(partial(counted, backend_type))
        answers.append(found)
        seconds.append(spent)
    if answers[0] != answers[1]:
        raise SystemExit("the backends disagree")
    name = f"{answers[0][0]:,} cells in {len(answers[0]) - 1} classes counted"
    yield figure(name, seconds[1], beside=("enumeration", seconds[0]))


def counted(backend_type: Callable[[Space], Backend]) -> list[int]:
    """Return the number of cells, and of those of each class."""
    solver = build(backend_type, few=True)
    space = solver.where(compiled(CONSTRAINT))
    return [space.count(), *(region.count() for _, region in solver.joint(JOINT, space))]


def large() -> Iterator[Figure]:
    """Measure the steps of a study of over 10^9 cells."""
    solver, seconds = cpu(lambda: build(Diagram, few=False))
    yield figure("variables and tables", seconds)
    space, seconds = cpu(lambda: solver.where(compiled(CONSTRAINT)))
    yield figure("constraints", seconds)
    cells, seconds = cpu(space.count)
    yield figure(f"{cells:,} cells counted", seconds)
    parts, seconds = cpu(lambda: solver.joint(JOINT, space))
    yield figure(f"{len(parts)} classes of {len(JOINT)} facts", seconds)
    _, seconds = cpu(lambda: [region.count() for _, region in parts])
    yield figure("count of every class", seconds)
    refused, seconds = cpu(lambda: verdict(solver, parts, space))
    yield figure("one verdict", seconds)
    rules, seconds = cpu(lambda: cover(refused, ~space))
    yield figure(f"its {len(rules)} rules", seconds)
    _, seconds = cpu(lambda: sum(1 for _ in refused.cells(10_000)))
    yield figure("its first 10,000 cells", seconds)
    _, seconds = cpu(lambda: refused.sample(2_000, seed=1))
    yield figure("2,000 cells at random", seconds)


def figures() -> Iterator[Figure]:
    """Measure."""
    yield from small()
    yield from large()


def verdict(
    solver: Compiler, parts: Sequence[tuple[dict[str, Value], Region]], space: Region
) -> Region:
    """Return the cells whose predicate is true although the simulation would find a violation."""
    region = solver.backend.nothing()
    for values, part in parts:
        if values["predicate"] and not values["dic"] and not values["icache_is_aliasing"]:
            region |= part
    return region.project_hidden() & space.project_hidden()
