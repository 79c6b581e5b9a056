"""The options of a CPU axis: `all`, `@group`, SPECs, and combinations of CPU fields.

An option is named by its SPEC as `--cpu` takes it; a combination of the values under `free` is
named `free,fwb=1,dic=0`: a CPU of which only these fields are known.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator

from matrix.expr.nodes import Scalar
from matrix.schema.checking.catalogue import Catalogue
from matrix.schema.checking.options import WRONG, FoundOption, found
from matrix.schema.checking.spec import FREE, SpecChecker
from matrix.schema.documents.study import CpuOptions
from matrix.schema.files import Kind
from matrix.schema.reading.nodes import Node
from matrix.schema.reading.problems import Problems
from matrix.schema.values import Cpu

# More options than any table can show; a product of free fields is there soon.
MAX_FREE_OPTIONS = 1000


class CpuExpander:
    """Expands CPU axes."""

    def __init__(self, catalogue: Catalogue, problems: Problems) -> None:
        self._catalogue = catalogue
        self._problems = problems
        self._specs = SpecChecker(catalogue, problems)
        self._cpu_names = catalogue.cpu_names()
        self._groups = catalogue.groups()
        self._fields = catalogue.fields()

    def options(
        self, options: str | tuple[str, ...] | CpuOptions, node: Node
    ) -> Iterator[FoundOption]:
        """Return the options in the order of the file: named, systems, free."""
        if not isinstance(options, CpuOptions):
            yield from self._named_cpus(options, node)
            return
        if options.named is not None:
            yield from self._named_cpus(options.named, node["named"])
        for item in node.rows("systems"):
            yield self._system(item)
        if options.free:
            yield from self._free(options.free, node["free"])

    def _named_cpus(self, options: str | tuple[str, ...], node: Node) -> Iterator[FoundOption]:
        if isinstance(options, str):
            yield from self._members(self._catalogue.cpus.values(), node)
            return
        names = [f"@{name}" for name in self._groups]
        groups = self._catalogue.known(Kind.CPU, names, "group of CPUs")
        for item in node.children.values():
            text = str(item.data)
            if not text.startswith("@"):
                yield self._system(item)
            elif groups.check(text, item.location, self._problems):
                yield from self._members(self._groups[text.removeprefix("@")], item)
            else:
                yield WRONG

    def _members(self, cpus: Iterable[Cpu], at: Node) -> Iterator[FoundOption]:
        for cpu in cpus:
            yield found(cpu.id, at.location, written=False, title=cpu.name, cpu=cpu.id)
        if not self._catalogue.knows_all(Kind.CPU):
            yield WRONG

    def _system(self, item: Node) -> FoundOption:
        spec = str(item.data)
        identity = self._specs.canonical(item, spec)
        if identity is None:
            return WRONG
        titles = []
        for part in spec.split("+"):
            name, comma, settings = part.partition(",")
            cpu = self._cpu_names.get(name.strip().lower())
            titles.append((cpu.name if cpu else name) + comma + settings)
        return found(spec, item.location, identity, title=" + ".join(titles), cpu=spec)

    def _free(self, fields: dict[str, tuple[Scalar, ...]], node: Node) -> Iterator[FoundOption]:
        """Return every combination of the values; all of the fields must be right."""
        right = [self._free_field(name, node[name]) for name in fields]
        if not all(right):
            yield WRONG
            return
        count = math.prod(len(choices) for choices in fields.values())
        if count > MAX_FREE_OPTIONS:
            message = f"`free` has {count} combinations, more than {MAX_FREE_OPTIONS}"
            hint = "leave out fields that the capability does not depend on"
            self._problems.add("MX0225", message, node.place, hint)
            yield WRONG
            return
        for combination in itertools.product(*fields.values()):
            settings = [f"{name}={value}" for name, value in zip(fields, combination, strict=True)]
            spec = ",".join([FREE, *settings])
            yield found(spec, node.place, written=False, title=" ".join(settings), cpu=spec)

    def _free_field(self, name: str, node: Node) -> bool:
        settable = [field.name for field in self._fields.values() if field.settable]
        known = self._catalogue.known(Kind.ARCHITECTURE, settable, "CPU field")
        if not known.check(name, node.place, self._problems):
            return False
        seen: dict[object, Node] = {}
        for item in node.children.values():
            if item.data in seen:
                hint = f"the first is at {seen[item.data].location}; remove one of the two"
                message = f"`{item.raw}` stands twice among the values of `{name}`"
                self._problems.add("MX0219", message, item.location, hint)
            seen.setdefault(item.data, item)
        right = [self._free_value(name, item) for item in seen.values()]
        return all(right)

    def _free_value(self, name: str, item: Node) -> bool:
        value = item.data
        if not isinstance(value, bool | int | str):
            return False
        return self._specs.check_value(self._fields[name], value, item.location, domain=True)
