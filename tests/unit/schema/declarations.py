"""The small configuration of `tests/cases/good` as files in memory, as a folder, and changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from matrix.diagnostics import Diagnostic, InputError
from matrix.schema.files import DeclarationFile, Kind, Reading
from matrix.schema.loader import build_knowledge
from matrix.schema.values import Knowledge

CASES = Path(__file__).resolve().parents[2] / "cases"
GOOD = CASES / "good"
BAD = CASES / "bad"

# Where a file of each kind stands in a configuration folder; written down here once more, so that
# the loader's own table is not believed.
PLACES: dict[Kind, str] = {
    Kind.ARCHITECTURE: "architectures/architecture.yaml",
    Kind.KERNEL: "kernels/kernel.yaml",
    Kind.OVERLAY: "overlays/overlay.yaml",
    Kind.CPU: "cpus/cpu.yaml",
    Kind.SOURCES: "cpus/sources.yaml",
    Kind.MACHINE: "machines/machine.yaml",
    Kind.TOOLCHAIN: "toolchains/toolchain.yaml",
    Kind.CAPABILITY: "capabilities/capability.yaml",
    Kind.DISTRO: "distros/distro.yaml",
    Kind.MATRIX: "matrices/matrix.yaml",
    Kind.VIEW: "views/view.yaml",
}


def good_text(kind: Kind) -> str:
    """Return the text of the good declaration of a kind."""
    return (GOOD / PLACES[kind].rsplit("/", 1)[1]).read_text(encoding="utf-8")


def good_folder(target: Path) -> Path:
    """Write the good declarations as a configuration folder."""
    for place in PLACES.values():
        path = target / place
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(GOOD / path.name, path)
    return target


def declared(
    kind: Kind, data: bytes, *, name: str | None = None, folder: int = 0
) -> DeclarationFile:
    """Return one file in memory; it is shown under its name."""
    place = name or PLACES[kind]
    return DeclarationFile(folder=folder, name=place, file=place, kind=kind, data=data)


def load(
    changes: Mapping[Kind, Callable[[str], str]] | None = None, *more: DeclarationFile
) -> Knowledge:
    """Load the good declarations, some of them changed, and more files behind them."""
    change = changes or {}
    files = [declared(kind, change.get(kind, str)(good_text(kind)).encode()) for kind in PLACES]
    return build_knowledge(Reading(files=(*files, *more), diagnostics=(), broken=frozenset()))


def errors(
    changes: Mapping[Kind, Callable[[str], str]] | None = None, *more: DeclarationFile
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the good declarations, some of them changed; nothing: ()."""
    try:
        load(changes, *more)
    except InputError as error:
        return error.diagnostics
    return ()


def replace(old: str, new: str) -> Callable[[str], str]:
    """Return the change of one place of a text; the place must exist and be the only one."""

    def change(text: str) -> str:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        return text.replace(old, new)

    return change


def where(diagnostic: Diagnostic) -> str:
    """Return place and code, `cpus/cpu.yaml:3:7 MX0211`."""
    return f"{diagnostic.location} {diagnostic.code}"
