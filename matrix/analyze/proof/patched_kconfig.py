"""Patches that change Kconfig where the profiles cite it: its answers are those without the patch.

Takes what a patch changes of Kconfig and profiles, gives a warning for each entry.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from matrix.analyze.proof.patched_model import AskedKernel
from matrix.diagnostics import Diagnostic, Severity
from matrix.kernel.patch.kconfig import KconfigTouch
from matrix.kernel.source.truth.citations import citations

_STATEMENT = re.compile(r"`(?P<words>[^`]+)` of (?:menu)?config (?P<entry>\w+)")
_ENTRY = re.compile(r"(?:(?:menu)?config|choice of) (?P<entry>\w+)")
# What stands around entries decides whether those can be set.
_AROUND = ("if", "endif", "menu", "endmenu", "choice", "endchoice", "visible")
_FORCES = ("select", "imply")


class _Cited(Struct, frozen=True, kw_only=True):
    """What profiles cite of Kconfig: symbols, whole entries, words of entries, files."""

    symbols: frozenset[str]
    entries: frozenset[str]
    words: frozenset[tuple[str, str]]
    paths: frozenset[str]


def changed_kconfig(
    kernels: Sequence[AskedKernel], touched: Sequence[KconfigTouch]
) -> tuple[Diagnostic, ...]:
    """Return a warning (MX1241) for each entry that profiles cite and a patch changes."""
    cited = _cited(kernels)
    first = {(item.path, item.entry): item for item in reversed(touched) if _decides(item, cited)}
    return tuple(
        Diagnostic(
            code="MX1241",
            severity=Severity.WARNING,
            message=f"the patch changes {item.path}: what is said of Kconfig is what holds "
            "without the patch",
            location=item.location,
            hint="to ask with it, declare what it makes of Kconfig under `kconfig:` of a profile "
            "in a folder for --configs",
        )
        for item in reversed(first.values())
    )


def _decides(item: KconfigTouch, cited: _Cited) -> bool:
    """Return whether a statement may decide what the profiles say."""
    if item.keyword in _FORCES:
        # What an entry selects says nothing of the entry itself.
        target = re.findall(r"\w+", item.text)[1:2]
        return bool(cited.symbols.intersection(target))
    if item.entry is None or item.keyword in _AROUND:
        return item.path in cited.paths and item.keyword in _AROUND
    if item.entry in cited.entries:
        return True
    return any((item.entry, word) in cited.words for word in (item.keyword, *item.symbols))


def _cited(kernels: Sequence[AskedKernel]) -> _Cited:
    symbols = {symbol.name for kernel in kernels for symbol in kernel.profile.symbols}
    entries, paths = set(symbols), set[str]()
    words: set[tuple[str, str]] = set()
    for kernel in kernels:
        for citation in citations(kernel.profile) if kernel.evidence is not None else ():
            place = kernel.evidence.places.get(citation.text) if kernel.evidence else None
            for part in place.parts if place is not None else ():
                if found := _STATEMENT.match(part.piece):
                    words.update((found["entry"], word) for word in found["words"].split())
                    symbols.update(found["words"].split()[1:])
                elif found := _ENTRY.match(part.piece):
                    entries.add(found["entry"])
                else:
                    continue
                paths.add(citation.path)
    return _Cited(
        symbols=frozenset(symbols),
        entries=frozenset(entries),
        words=frozenset(words),
        paths=frozenset(paths),
    )
