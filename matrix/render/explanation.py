"""An explanation of one cell: as a tree for the terminal, and as JSON (`matrix/explain/1`).

The tree is drawn with box characters, so it is read without colour: each line is an expression with
its value, at its right or beneath it the kernel line, beneath it what set it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matrix.analyze.cell.change_costs import CHANGE_COSTS
from matrix.analyze.cell.derivation import (
    BOOT,
    CPU,
    DEFAULT,
    ENVIRONMENT,
    KCONFIG,
    RELEASE,
    Derivation,
    Origin,
)
from matrix.analyze.cell.verdict import WORKS, Verdict, wanted_of
from matrix.analyze.space.cell_text import option_text
from matrix.analyze.space.explanation import Derived, Explanation
from matrix.analyze.space.nearest import NearestCells, NearestChange
from matrix.diagnostics.width import terminal_width
from matrix.expr.nodes import told
from matrix.render.defects import defect_documents, reasons
from matrix.render.json import Json, diagnostics_document, fields, judged_document
from matrix.render.markdown import plain
from matrix.render.text import hanging, render_simulation, render_verdict
from matrix.schema.cpu_fields import GIVEN

EXPLAIN_SCHEMA = "matrix/explain/1"

_BRANCH, _LAST, _TRUNK, _NOTHING = "├─ ", "└─ ", "│  ", "   "


def cell_title(release: str, assumes_patch: str | None, changed: Mapping[str, str]) -> str:
    """Return what a cell is about: its kernel, and the options that the baseline has not."""
    kernel = release + (f" + {assumes_patch}" if assumes_patch else "")
    options = ", ".join(f"{axis}={option_text(option)}" for axis, option in changed.items())
    return f"Linux {kernel}: {options or 'the baseline cell'}"


def render_explanation(explanation: Explanation, *, colour: bool) -> str:
    """Return a cell's verdict, trees, what the simulation found, and what would work."""
    answer = explanation.answer
    title = cell_title(explanation.kernel, explanation.assumes_patch, explanation.chosen)
    text = render_verdict(title, answer, colour=colour) + _derivations(explanation.derived)
    found = render_simulation(answer, colour=colour)
    if found:
        text += f"\n{answer.basis}: {answer.outcome}\n{found}"
    if answer.verdict not in WORKS:
        text += _nearest_text(explanation.nearest, wanted_of(answer.basis))
    return text


def _derivations(derived: tuple[Derived, ...]) -> str:
    """Return the trees, one beneath the other, each under its title."""
    lines: list[str] = []
    for item in derived:
        lines += ["", *_head(item)]
        lines += _children(item.tree, "")
    return "\n".join(lines) + "\n" if lines else ""


def _head(item: Derived) -> Iterator[str]:
    tree = item.tree
    yield from _line("", "", f"{item.title}: {plain(tree.text)} = {told(tree.value)}", None)
    for source in dict.fromkeys(filter(None, (item.source, tree.source))):
        yield from _wrap(f"({plain(source)})", "  ", "   ")
    yield from _origins(tree, "  ")


def _children(tree: Derivation, prefix: str) -> Iterator[str]:
    for number, part in enumerate(tree.parts, start=1):
        last = number == len(tree.parts)
        stem = prefix + (_NOTHING if last else _TRUNK)
        text = f"{plain(part.text)} = {told(part.value)}" + _shown_above(part)
        yield from _line(prefix + (_LAST if last else _BRANCH), stem, text, part.source)
        # What set a value stands between it and its parts: the line down to these runs past.
        yield from _origins(part, stem + ("│ " if part.parts else "  "))
        yield from _children(part, stem)


def _shown_above(part: Derivation) -> str:
    return " (shown above)" if part.repeated else ""


def _line(first: str, rest: str, text: str, source: str | None) -> Iterator[str]:
    """Yield an expression; its kernel lines stand beside it where there is room, else beneath."""
    wrapped = _wrap(text, first, f"{rest}  ")
    shown = f"({plain(source)})" if source else ""
    if shown and len(wrapped[-1]) + 2 + len(shown) <= terminal_width():
        wrapped[-1] += f"  {shown}"
        shown = ""
    yield from wrapped
    if shown:
        yield from _wrap(shown, f"{rest}  ", f"{rest}   ")


def _origins(part: Derivation, indent: str) -> Iterator[str]:
    for origin in part.origins:
        yield from _wrap(_origin(origin), indent, f"{indent}  ")


# What a reader is told first of an origin.
_LEADS = {
    BOOT: "set by",
    KCONFIG: "set by",
    ENVIRONMENT: "set by",
    DEFAULT: "default:",
    RELEASE: "release:",
}


def _origin(origin: Origin) -> str:
    """Return what set a value, and for a CPU field how it is known."""
    if origin.kind != CPU:
        lead = _LEADS[origin.kind] if origin.counts else "but"
        return f"{lead} {plain(origin.text)}"
    if origin.confidence == "unknown":
        return f"unknown: {plain(origin.text)}"
    if origin.confidence == GIVEN:
        return f"given in the SPEC; {plain(origin.text)}"
    sources = f": {', '.join(origin.sources)}" if origin.sources else ""
    return f"known by {origin.confidence}{sources}; {plain(origin.text)}"


def _wrap(text: str, first: str, rest: str) -> list[str]:
    return hanging(text, first, rest, keep=True)


def _nearest_text(nearest: NearestCells | None, wanted: Verdict) -> str:
    """Return the nearest cells with the verdict that is wanted, one change a line."""
    if nearest is None:
        return f"\nno cell of the study is {wanted}\n"
    what = "cell" if nearest.cells == 1 else "cells"
    head = f"nearest {wanted}: {nearest.cells:,} {what} at weight {nearest.weight}"
    lines = ["", f"{head}; each of these was evaluated again"]
    for change in nearest.changes:
        lines += _wrap(f"{_change(change)} ({' and '.join(change.acts)})", "  - ", "    ")
    if nearest.left_out:
        lines.append(f"  and {nearest.left_out} more changes of the same weight")
    costs = ", ".join(f"{cost.act} {cost.weight:,}" for cost in CHANGE_COSTS)
    lines += _wrap(f"weights: {costs}", "  ", "    ")
    return "\n".join(lines) + "\n"


def _change(change: NearestChange) -> str:
    return ", ".join(
        f"{axis}={' or '.join(map(option_text, options))}"
        + (f" or {change.left_out} more" if change.left_out else "")
        for axis, options in change.axes
    )


def explanation_document(explanation: Explanation) -> dict[str, Json]:
    """Return the whole explanation as JSON values, keys in a fixed order."""
    answer = explanation.answer
    return {
        "schema": EXPLAIN_SCHEMA,
        "defects": defect_documents(answer.defects),
        "study": explanation.study,
        "cell": dict(explanation.cell),
        "chosen": dict(explanation.chosen),
        **fields(explanation, "kernel assumes_patch cpu cmdline capability predicate_version"),
        **fields(answer, "verdict confidence"),
        "reasons": list(reasons(answer)),
        "unsettled": [fields(one, "name why settled_by") for one in answer.unsettled],
        "facts": dict(answer.facts),
        "predicate": answer.predicate,
        "derivations": [
            {"title": item.title, "source": item.source, "tree": _tree(item.tree)}
            for item in explanation.derived
        ],
        **judged_document(answer),
        "nearest": None
        if explanation.nearest is None
        else _nearest(explanation.nearest, wanted_of(answer.basis)),
        "diagnostics": diagnostics_document(answer),
    }


def _tree(tree: Derivation) -> Json:
    return {
        "expression": tree.text,
        "value": tree.value,
        "source": tree.source,
        "set_by": [
            {
                **fields(origin, "kind counts"),
                "what": origin.text,
                **fields(origin, "sources confidence"),
            }
            for origin in tree.origins
        ],
        "repeated": tree.repeated,
        "parts": [_tree(part) for part in tree.parts],
    }


def _nearest(nearest: NearestCells, wanted: Verdict) -> Json:
    return {
        **fields(nearest, "weight cells"),
        "changes": [
            {
                "axes": {axis: list(options) for axis, options in change.axes},
                **fields(change, "acts left_out"),
                "verdict": str(wanted),
            }
            for change in nearest.changes
        ],
        "left_out": nearest.left_out,
        "weights": {cost.kind: cost.weight for cost in CHANGE_COSTS},
    }
