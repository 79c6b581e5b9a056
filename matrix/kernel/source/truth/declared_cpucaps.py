"""Declared cpucaps against the kernel's table: type, Kconfig guard, register field, MIDR list."""

from __future__ import annotations

import re
from collections.abc import Iterator

from matrix.expr.nodes import Constant
from matrix.expr.printer import to_c
from matrix.expr.trees import fold
from matrix.kernel.source.c.preprocessor import conjunction
from matrix.kernel.source.c.source import CSource, TableEntry
from matrix.kernel.source.c.tokens import Token
from matrix.kernel.source.truth.citations import Citation, citations
from matrix.kernel.source.truth.equivalence import equivalent
from matrix.kernel.source.truth.findings import Finding
from matrix.kernel.source.truth.tree import KernelTree
from matrix.schema.values import Architecture, CpuCap, KernelProfile

# arch/arm64/include/asm/cpufeature.h: how the CPUs of a system combine in each type.
_SCOPES = {
    "ARM64_CPUCAP_SYSTEM_FEATURE": "every_cpu",
    "ARM64_CPUCAP_EARLY_LOCAL_CPU_FEATURE": "every_cpu",
    "ARM64_CPUCAP_STRICT_BOOT_CPU_FEATURE": "boot_cpu",
    "ARM64_CPUCAP_BOOT_CPU_FEATURE": "boot_cpu",
    "ARM64_CPUCAP_LOCAL_CPU_ERRATUM": "any_cpu",
    "ARM64_CPUCAP_WEAK_LOCAL_CPU_FEATURE": "any_cpu",
}
# The matchers that test the entry's own register field, and nothing else.
_FIELD_MATCHERS = frozenset({"has_cpuid_feature", "has_user_cpuid_feature"})
_FIELDS = re.compile(r"ARM64_CPUID_FIELDS\((\w+), (\w+), (\w+)\)")
_MIDR = re.compile(r"(MIDR_ALL_VERSIONS|MIDR_\w*RANGE|MIDR_REV)\((\w+)((?:, \w+)*)\)")
_CPUTYPE = "arch/arm64/include/asm/cputype.h"
_SYSREG = "arch/arm64/tools/sysreg"
_SYSREG_H = "arch/arm64/include/asm/sysreg.h"

Midr = tuple[str, int, int, tuple[int, int], tuple[int, int]]


# A property of a cpucap: its name, as it is declared, and as the source has it.
_Row = tuple[str, str, str]


def compare_cpucaps(
    profile: KernelProfile,
    tree: KernelTree,
    architecture: Architecture,
    shown: set[str] | None = None,
) -> Iterator[Finding]:
    """Yield MX1103 for each property of a cpucap that the kernel's table does not have so.

    `shown` takes the cpucaps of which all that is declared was compared and is the same.
    """
    cited = list(citations(profile))
    for cap in profile.cpucaps:
        own = [citation for citation in cited if citation.what == f"cpucap {cap.name}"]
        same = _is_one_field(cap, own, tree)
        for place, rows in _rows(cap, own, tree, architecture):
            names = set()
            for name, declared, found in rows:
                names.add(name)
                if declared != found:
                    same = False
                    yield Finding(
                        code="MX1103",
                        what=f"cpucap {cap.name}",
                        message=f"the {name} of cpucap {cap.name} is not what the source says",
                        location=cap.location,
                        place=place,
                        declared=declared,
                        source=found,
                    )
            # An entry of which no minimum was read was not compared whole.
            same = same and "minimum" in names
        if same and shown is not None:
            shown.add(f"cpucap {cap.name}")


def _is_one_field(cap: CpuCap, cited: list[Citation], tree: KernelTree) -> bool:
    """Tell whether a cpucap is what one entry says: the test of a register field."""
    if len(cited) != 1 or cap.minimum is None or cap.values or cap.midrs or cap.unless:
        return False
    source = tree.source(cited[0].path)
    entry = _entry(source, cited[0], cap.name) if source else None
    return entry is not None and entry.field("matches") in _FIELD_MATCHERS


def matching_function(tree: KernelTree, citation: Citation) -> tuple[str, str] | None:
    """Return (path, name) of the function that an entry's `.matches` names, in the same file."""
    source = tree.source(citation.path)
    entry = _entry(source, citation) if source else None
    name = entry.field("matches") if entry else None
    return (citation.path, name) if source and name and source.functions(name) else None


def _rows(
    cap: CpuCap, cited: list[Citation], tree: KernelTree, architecture: Architecture
) -> Iterator[tuple[str, Iterator[_Row]]]:
    for citation in cited:
        source = tree.source(citation.path)
        if source is None:
            continue
        entry = _entry(source, citation, cap.name)
        if entry is not None:
            yield f"{citation.path}:{entry.line}", _entry_rows(cap, entry, tree, architecture)
        for midrs, line in _midr_lists(source, citation, tree):
            yield f"{citation.path}:{line}", _midr_rows(cap, midrs)


def _entry(source: CSource, citation: Citation, name: str | None = None) -> TableEntry | None:
    """Return the cited entry of a table of cpucaps; by name wherever it has moved to."""
    for item in source.items:
        if item.kind == "variable" and "arm64_cpu_capabilities" in _type(item.tokens):
            for entry in source.table(item):
                inside = citation.first <= entry.line <= citation.last
                if entry.field("capability") == name if name else inside:
                    return entry
    return None


def _type(tokens: tuple[Token, ...]) -> tuple[str, ...]:
    return tuple(token.text for token in tokens[:6])


def _entry_rows(
    cap: CpuCap, entry: TableEntry, tree: KernelTree, architecture: Architecture
) -> Iterator[_Row]:
    # The macros of cpu_errata.c, `ERRATA_MIDR_RANGE_LIST(…)`, hold the type.
    macro = any(value.startswith("ERRATA_") for value in entry.values)
    kind = entry.field("type") or ("ARM64_CPUCAP_LOCAL_CPU_ERRATUM" if macro else "")
    yield "scope", cap.scope, _SCOPES.get(kind, kind or "no type")
    guard = fold(conjunction(entry.guard))
    declared = cap.kconfig.expression if cap.kconfig else Constant(True)
    if not equivalent(guard, declared):
        yield "Kconfig condition", to_c(declared), to_c(guard)
    field = next((item for item in architecture.fields if item.name == cap.field), None)
    found = _register_field(entry, tree)
    # Nothing to compare: the declaration has no field, or the entry a matcher of its own.
    if field is None or found is None or cap.minimum is None:
        return
    register, bit, minimum = found
    declared_field = f"{field.register} bit {field.low_bit}"
    yield "register field", declared_field, f"{register} bit {bit}"
    yield "minimum", str(cap.minimum), str(minimum)


def _register_field(entry: TableEntry, tree: KernelTree) -> tuple[str, str, str] | None:
    """Return register, lowest bit and least value that an entry tests; None for other entries."""
    for value in entry.values:
        if match := _FIELDS.fullmatch(value):
            register, field, word = match.groups()
            # ARM64_CPUID_FIELDS(register, field, value): all three as arch/arm64/tools/sysreg names
            # them.
            bit, values = _sysreg(tree, register, field)
            return register, bit, values.get(word, word)
    register = (entry.field("sys_reg") or "").removeprefix("SYS_")
    position, minimum = entry.field("field_pos"), entry.field("min_field_value")
    if not (register and position):
        return None
    name = position.removesuffix("_SHIFT")
    bit, values = _sysreg(tree, register, name.removeprefix(f"{register}_"))
    word = (minimum or "0").removeprefix(f"{name}_")
    number = values.get(word, word)
    return register, bit if bit != "?" else _defined(tree, position), _defined(tree, number)


def _sysreg(tree: KernelTree, register: str, field: str) -> tuple[str, dict[str, str]]:
    """Return the lowest bit of a field and its words' values, from arch/arm64/tools/sysreg."""
    text = tree.text(_SYSREG)
    # 6.1 makes a part of sysreg.h from this table, 5.15 has macros alone (`_defined`).
    block = re.search(rf"^Sysreg\s+{re.escape(register)}\s[\s\S]*?^EndSysreg", text, re.MULTILINE)
    found = block and re.search(
        rf"^(?:Unsigned|Signed|Safe)?\w*(?:Enum|Field)\s+(?:\d+:)?(\d+)\s+{re.escape(field)}\n"
        r"((?:\s*0b[01]+\s+\w+[^\n]*\n)*)",
        block.group(),
        re.MULTILINE,
    )
    if not found:
        return "?", {}
    words = re.findall(r"0b([01]+)\s+(\w+)", found.group(2))
    return found.group(1), {word: str(int(digits, 2)) for digits, word in words}


def _defined(tree: KernelTree, word: str) -> str:
    """Return the number that a macro of sysreg.h stands for, else the word."""
    source = tree.source(_SYSREG_H)
    for macro in source.macros(word) if source else ():
        return str(int(macro.replacement, 0)) if macro.replacement[:1].isdigit() else word
    return word


def _midr_lists(
    source: CSource, citation: Citation, tree: KernelTree
) -> Iterator[tuple[list[Midr], int]]:
    """Yield the MIDR lists that the cited functions declare for themselves, with their line."""
    header = tree.source(_CPUTYPE)
    for function in source.items_at(citation.first, citation.last):
        if function.kind != "function" or function.body is None:
            continue
        names = [
            function.tokens[index].text
            for index in range(function.body, len(function.tokens) - 2)
            if function.tokens[index + 1].text == "[" and function.tokens[index].kind == "name"
        ]
        for name in dict.fromkeys(names):
            entries = source.tables_of(function, name)
            midrs = [midr for entry in entries if (midr := _midr(entry, header)) is not None]
            if midrs:
                yield midrs, entries[0].line


def _midr(entry: TableEntry, header: CSource | None) -> Midr | None:
    match = _MIDR.fullmatch(" ".join(entry.values)) if len(entry.values) == 1 else None
    if match is None:
        return None
    macro, name, arguments = match.groups()
    numbers = [int(number, 0) for number in arguments.split(", ")[1:]]
    # arch/arm64/include/asm/cputype.h: MIDR_ALL_VERSIONS(model), MIDR_REV(model, variant,
    # revision), MIDR_REV_RANGE(model, variant, from, to), MIDR_RANGE(model, variant, revision,
    # variant, revision).
    lowest, highest = (0, 0), (15, 15)
    if macro == "MIDR_REV_RANGE" and len(numbers) == 3:
        lowest, highest = (numbers[0], numbers[1]), (numbers[0], numbers[2])
    elif macro == "MIDR_RANGE" and len(numbers) == 4:
        lowest, highest = (numbers[0], numbers[1]), (numbers[2], numbers[3])
    elif macro == "MIDR_REV" and len(numbers) == 2:
        lowest = highest = (numbers[0], numbers[1])
    implementer, part = _model(name, header)
    return name, implementer, part, lowest, highest


def _model(name: str, header: CSource | None) -> tuple[int, int]:
    """Return implementer and part number of `MIDR_…`; -1 where cputype.h does not say."""
    for macro in header.macros(name) if header else ():
        match = re.fullmatch(r"MIDR_CPU_MODEL\((\w+),\s*(\w+)\)", macro.replacement)
        if header and match:
            values = [header.macros(word) for word in match.groups()]
            if all(values):
                first, second = (int(found[0].replacement, 0) for found in values)
                return first, second
    return -1, -1


def _midr_rows(cap: CpuCap, midrs: list[Midr]) -> Iterator[_Row]:
    declared = {_spell(_declared(cap, index)) for index in range(len(cap.midrs))}
    found = {_spell(midr) for midr in midrs}
    if declared != found:
        mine, theirs = ", ".join(sorted(declared - found)), ", ".join(sorted(found - declared))
        yield "MIDR list", mine or "no others", theirs or "no others"


def _declared(cap: CpuCap, index: int) -> Midr:
    midr = cap.midrs[index]
    return midr.name, midr.implementer, midr.part, midr.lowest, midr.highest


def _spell(midr: Midr) -> str:
    name, implementer, part, lowest, highest = midr
    model = f"{name} ({implementer:#x}:{part:#05x})" if part >= 0 else f"{name} (unknown model)"
    if (lowest, highest) == ((0, 0), (15, 15)):
        return model
    return f"{model} r{lowest[0]}p{lowest[1]}-r{highest[0]}p{highest[1]}"
