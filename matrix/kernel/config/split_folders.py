"""Folders with a file for each symbol, as Fedora has them: `generic/arm/aarch64/CONFIG_KVM`.

What lies deeper counts before what lies above it. Folders of other architectures and of variants
(64k, rt, debug) are left out; beside `common`, folders of products are configurations of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from msgspec import Struct

from matrix.door.folders import regular_files

_ONE_SYMBOL = re.compile(r"CONFIG_[A-Za-z0-9_]+")
# Folders whose files are everybody's, and those of variants and of machines nobody declares.
_SHARED = frozenset({"common", "generic"})
_VARIANTS = frozenset(
    {
        *("debug", "64k", "rt", "rt-64k", "automotive", "powerpc", "ppc64le", "s390x", "zfcpdump"),
        *("armv6hl", "armv7hl"),
    }
)
_MOST_FILES = 100_000


class SplitConfig(Struct, frozen=True, kw_only=True):
    """One configuration: the files of its symbols, the last one counts; and what is left out."""

    name: str
    files: tuple[Path, ...]
    left_out: tuple[str, ...]


def split_configs(
    folder: str, machines: Sequence[str], others: Sequence[str]
) -> tuple[SplitConfig, ...]:
    """Return the configurations of a folder with a file for each symbol; none where it is none.

    `machines` are the names of the architecture that is asked about, `others` those of all others;
    a folder may have the beginning of one, `x86` of `x86_64`.
    """
    common: list[tuple[str, ...]] = []
    products: dict[str, list[tuple[str, ...]]] = {}
    left_out: dict[str, None] = {}
    for parts in _files(folder):
        within = parts[:-1]
        # What is left are variants, other machines, or the name of a product.
        own = [name for name in within if name not in _SHARED and not _begins(name, machines)]
        foreign = next((name for name in own if name in _VARIANTS or _begins(name, others)), None)
        if foreign is not None:
            left_out[foreign] = None
        elif not own:
            common.append(parts)
        else:
            products.setdefault(own[0], []).append(parts)
    if not common and not products:
        return ()
    made = {f"{folder}!{name}": (*common, *own) for name, own in products.items()}
    return tuple(
        SplitConfig(
            name=name,
            files=tuple(Path(folder, *parts) for parts in sorted(files, key=_order)),
            left_out=tuple(left_out),
        )
        for name, files in (made or {folder: tuple(common)}).items()
    )


def _begins(name: str, machines: Sequence[str]) -> bool:
    return any(machine.startswith(name) for machine in machines)


def _order(parts: tuple[str, ...]) -> tuple[bool, int, tuple[str, ...]]:
    """Return what sorts a product's files behind the common ones, deeper files behind others."""
    return "common" not in parts, len(parts), parts


def _files(folder: str) -> Iterator[tuple[str, ...]]:
    found = (
        path.relative_to(folder).parts
        for path in regular_files(Path(folder), hidden=False)
        if _ONE_SYMBOL.fullmatch(path.name)
    )
    return islice(found, _MOST_FILES)
