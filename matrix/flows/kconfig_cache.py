"""Projections kept between runs, keyed by the tree's files, architecture, toolchain and symbols.

An entry holds the size and the time of change of every file that was read; it is as good as absent
where one of them differs. Nothing of a run that failed is kept: an entry is written after it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

import matrix
from matrix.flows.kconfig_result import SCHEMA, Projected
from matrix.schema.compiled import cache_folder

_KEPT = 32
_MAX_BYTES = 4 * 1024 * 1024


class CacheKey(Struct, frozen=True, kw_only=True):
    """What a projection depends on besides the contents of the tree."""

    tree: Path
    arch: str
    answers: tuple[tuple[tuple[str, str], ...], ...]
    symbols: tuple[str, ...]
    constants: tuple[int, ...]

    def path(self) -> Path | None:
        """Return the file of the entry, None where there is no cache folder."""
        folder = cache_folder()
        if folder is None:
            return None
        digest = hashlib.sha256(f"{matrix.__version__} {SCHEMA}\n".encode())
        for source in _sources():
            digest.update(source.read_bytes())
        said = [str(self.tree.resolve()), self.arch, self.answers, self.symbols, self.constants]
        digest.update(json.dumps(said).encode())
        return folder / f"kconfig-{digest.hexdigest()[:32]}.json"


def load(key: CacheKey) -> Projected | None:
    """Return what an earlier run found in the same tree, None where there is none."""
    path = key.path()
    if path is None:
        return None
    try:
        with path.open("rb") as stream:
            document: dict[str, Any] = json.loads(stream.read(_MAX_BYTES))
        if document["stamps"] != _stamps(key.tree, document["stamps"]):
            return None
        return Projected.from_json(document["projected"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def store(key: CacheKey, projected: Projected, files: Iterable[str]) -> None:
    """Keep what was found; a cache that cannot be written is silently done without."""
    import tempfile

    path = key.path()
    if path is None:
        return
    document = {"stamps": _stamps(key.tree, files), "projected": projected.to_json()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump(document, stream)
            Path(scratch).replace(path)
        except OSError:
            Path(scratch).unlink(missing_ok=True)
            raise
        entries = sorted(path.parent.glob("kconfig-*.json"), key=lambda item: item.stat().st_mtime)
        for old in entries[:-_KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def _stamps(tree: Path, files: Iterable[str]) -> dict[str, list[int] | None]:
    root = str(tree)
    found: dict[str, list[int] | None] = {}
    for name in files:
        try:
            status = os.stat(f"{root}/{name}")  # noqa: PTH116 - 2,000 of them: Path is slower
        except OSError:
            found[name] = None
        else:
            found[name] = [status.st_size, status.st_mtime_ns]
    return found


def _sources() -> Iterable[Path]:
    """Return the modules that decide what a projection turns out to be."""
    package = Path(__file__).resolve().parent.parent
    yield from sorted((package / "kernel" / "kconfig").glob("*.py"))
    yield package / "solve" / "projection.py"
    yield from sorted((package / "flows").glob("kconfig*.py"))
