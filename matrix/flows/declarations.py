"""`matrix init`: a study and a CPU, or a capability, of one's own to start from."""

from __future__ import annotations

import re
from pathlib import Path

from matrix.diagnostics import InputError
from matrix.door.output import Rewrite, check_writable, rewrite
from matrix.door.package import shipped
from matrix.flows.knowledge import Library

# What is written, and from which text of `starters/`; `@id@` and `@name@` are the capability's.
_STUDY = {"matrices/my-study.yaml": "study.yaml", "cpus/my-cpu.yaml": "cpu.yaml"}
_CAPABILITY = {
    "capabilities/@id@.yaml": "capability.yaml",
    "overlays/@id@.yaml": "overlay.yaml",
    "matrices/@id@.yaml": "capability-study.yaml",
}
_ID = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")


def init(folder: Path, capability: str | None = None) -> tuple[Path, ...]:
    """Write a starter study and CPU, or a capability with overlay and study, into a folder.

    What is written is accepted by `matrix check`; of a capability only what the kernel says is
    known at first, and its comments say what to write next.

    Raises:
        InputError: MX0915, one of the files exists already; MX0254, the name is malformed, or that
            of a shipped capability.
    """
    if capability is not None:
        _check_new(capability)
    name = re.sub(r"[^a-z0-9]", "_", capability or "")
    replaced = {"@folder@": str(folder), "@id@": capability or "", "@name@": name}
    replaced["@NAME@"] = name.upper()

    def filled(text: str) -> str:
        for mark, word in replaced.items():
            text = text.replace(mark, word)
        return text

    files = {
        folder / filled(path): filled(shipped(f"flows/starters/{starter}").decode())
        for path, starter in (_STUDY if capability is None else _CAPABILITY).items()
    }
    taken = [path for path in files if path.exists()]
    if taken:
        raise InputError.of(
            code="MX0915",
            message=f"`{taken[0]}` exists already",
            hint="choose another folder: init never overwrites",
        )
    check_writable(list(files))
    rewrite(Rewrite(path=path, read=None, new=text) for path, text in files.items())
    return tuple(files)


def _check_new(capability: str) -> None:
    """Refuse a name that is none, or that would override a shipped capability."""
    known = {item.id: item.location for item in Library().knowledge.capabilities}
    if capability in known:
        message = f"there is a capability `{capability}` already"
        hint = f"it stands at {known[capability]}; a second one would replace it"
    elif not _ID.fullmatch(capability):
        message = f"`{capability}` is no name of a capability"
        hint = "lower case letters and digits, joined by `-`, `_` or `.`: `pseudo-nmi`"
    else:
        return
    raise InputError.of(code="MX0254", message=message, hint=hint)
