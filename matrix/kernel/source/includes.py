"""What a file of a tree includes, and which header declares a function.

Conditions around `#include` are not looked at: what is included under some of them counts as
included. Headers that the build makes (`asm/cpucaps.h`, `generated/`) are not in a source tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from matrix.door.folders import found_below
from matrix.kernel.source.truth.tree import KernelTree

_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([\w./-]+)[>\"]", re.MULTILINE)


def included(tree: KernelTree, path: str, arch: str) -> tuple[str, ...]:
    """Return the headers that a file includes, those that they include as well, in that order."""
    found = dict.fromkeys([path])
    # The list grows under its own loop; a header is looked at once, so includes in a circle end.
    for file in (waiting := [path]):
        for header in _included_at_once(tree, file, arch):
            if header not in found:
                found[header] = None
                waiting.append(header)
    return tuple(found)[1:]


def declaring_header(tree: KernelTree, function: str, arch: str) -> str | None:
    """Return the name to include for a function, as in `#include <asm/virt.h>`; None: not here.

    The architecture's own headers come first; `<linux/x.h>` stands for an `<asm/x.h>` that it
    includes, as scripts/checkpatch.pl asks.
    """
    for root in (f"arch/{arch}/include", "include"):
        for folder in ("asm", "linux"):
            at = tree.folder / root / folder
            for file in found_below(at, "*.h"):
                if declares(tree.text(f"{root}/{folder}/{file.name}"), function):
                    public = tree.text(f"include/linux/{file.name}")
                    if folder == "asm" and f"#include <asm/{file.name}>" in public:
                        return f"linux/{file.name}"
                    return f"{folder}/{file.name}"
    return None


def declares(text: str, function: str) -> bool:
    """Say whether a header declares or defines a function or macro at the top of the file."""
    name = re.escape(function)
    return bool(
        re.search(rf"^[ \t]*#[ \t]*define[ \t]+{name}\b", text, re.MULTILINE)
        or re.search(rf"^(?!return\b|#)[a-z_]\w*[\w \t*]*?[ \t\n*]{name}\(", text, re.MULTILINE)
    )


def _included_at_once(tree: KernelTree, path: str, arch: str) -> Iterator[str]:
    beside = str(PurePosixPath(path).parent)
    # The order of the build's -I (LINUXINCLUDE of the kernel's Makefile): the first one that has
    # the header is the one that is included.
    roots = (f"arch/{arch}/include", "include", f"arch/{arch}/include/uapi", "include/uapi")
    for quote, name in _INCLUDE.findall(tree.text(path)):
        near = (f"{beside}/{name}",) if quote == '"' else ()
        generic = (f"include/asm-generic/{name[4:]}",) if name.startswith("asm/") else ()
        for candidate in (*near, *(f"{root}/{name}" for root in roots), *generic):
            if tree.has(candidate):
                yield candidate
                break
