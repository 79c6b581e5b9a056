"""Changes of verdict as a document and as JSON (`matrix/diff/1`); those that a patch makes, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from matrix.analyze.space.cell_text import option_text
from matrix.analyze.space.difference import Options, Overlap
from matrix.expr.printer import to_c
from matrix.flows.diff import VerdictChanges, change_label
from matrix.flows.review_tree import KernelsCompared
from matrix.render.defects import compared_documents, compared_sentences
from matrix.render.document import Block, Document, List, Section, Table, code, plain, verdict_word
from matrix.render.json import Json
from matrix.render.quantities import first_names
from matrix.render.rules import rule_sections, rule_values

DIFF_SCHEMA = "matrix/diff/1"
# So many options of an axis are named; of more their number is said.
_MAX_NAMED = 6


def diff_values(found: VerdictChanges) -> dict[str, Json]:
    """Return the values of the JSON document; `changes` holds only verdicts that differ."""
    by_label = {group.label: group for group in found.groups}
    difference = found.difference
    return {
        "schema": DIFF_SCHEMA,
        "from": found.between[0],
        "to": found.between[1],
        "cells": difference.compared.count(),
        "only_from": difference.only_one,
        "only_to": difference.only_other,
        **({} if found.overlap is None else overlap_values(found.overlap)),
        "changes": [
            {
                "from": str(old),
                "to": str(new),
                "cells": region.count(),
                "rules": [rule_values(rule) for rule, _ in by_label[change_label(old, new)].rules],
            }
            for old, new, region in difference.changed
        ],
        "defects": compared_documents(found.between, *found.defects),
    }


def diff_document(found: VerdictChanges) -> Document:
    """Return the changes: a table of them, then the rules of each."""
    between = f"{found.between[0]} → {found.between[1]}"
    cells = found.difference.compared.count()
    changes = tuple(
        (verdict_word(old), verdict_word(new), f"{region.count():,}")
        for old, new, region in found.difference.changed
    )
    blocks: tuple[Block, ...]
    if changes:
        notes = List(items=(*_notes(found), f"of {cells:,} cells compared:"))
        table = Table(header=("before", "after", "cells"), rows=changes)
        blocks = (Section(blocks=(notes, table)), *rule_sections(found.groups))
    else:
        blocks = (List(items=(*_notes(found), f"no verdict changes in {cells:,} cells")),)
    title = "two studies" if found.study is None else found.study.title
    return Document(
        title=plain(f"{title}: {between}"),
        lead=compared_sentences(found.between, *found.defects),
        blocks=blocks,
    )


def _notes(found: VerdictChanges) -> Iterator[str]:
    if found.questions is not None:
        words = ("capability", "predicate")
        for word, before, after in zip(words, *found.questions, strict=True):
            if before != after:
                yield f"{word}: {before} → {after}"
    if found.overlap is not None:
        yield from overlap_lines(found.between, found.overlap)
    only_before, only_after = found.difference.only_one, found.difference.only_other
    if only_before or only_after:
        yield f"{only_before:,} cells exist only before, {only_after:,} only after"


def overlap_lines(words: tuple[str, str], shared: Overlap) -> tuple[str, ...]:
    """Return the sentences on axes and options that only one study has; none where they agree."""
    one, other = words if words[0] != words[1] else ("the first", "the second")
    lines = [f"cells are matched by {len(shared.common)} axes that both studies have"]
    for word, held in ((one, shared.held_one), (other, shared.held_other)):
        if held:
            listed = ", ".join(f"{axis}={option}" for axis, option in held)
            lines.append(f"axes only of {word}, held at its baseline: {listed}")
    for word, options in ((one, shared.only_one), (other, shared.only_other)):
        if options:
            lines.append(f"options only of {word}, not compared: {_named(options)}")
    if shared.redeclared:
        lines.append(f"options that the studies declare differently: {_named(shared.redeclared)}")
    return tuple(lines)


def _named(options: Options) -> str:
    return "; ".join(
        f"{axis}: {first_names(list(map(option_text, names)), _MAX_NAMED)}"
        for axis, names in options
    )


def overlap_values(shared: Overlap) -> dict[str, Json]:
    """Return what stands in the JSON of a difference of studies besides the changes."""
    return {
        "axes": {
            "common": [axis for axis, _ in shared.common],
            "only_from": dict(shared.held_one),
            "only_to": dict(shared.held_other),
        },
        "options": {
            "only_from": _listed(shared.only_one),
            "only_to": _listed(shared.only_other),
            "declared_differently": _listed(shared.redeclared),
        },
    }


def _listed(options: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, Json]:
    return {axis: list(names) for axis, names in options}


def compared_document(found: KernelsCompared) -> Document:
    """Return both kernels compared: a table of the functions, a section for each capability."""
    rows = tuple(
        (code(item.signature), code(to_c(item.before)), code(to_c(item.after)))
        for item in found.functions
    )
    blocks: list[Block] = [
        Section(blocks=(Table(header=("function", "before", "with the patch"), rows=rows),))
    ]
    for change in found.changes:
        inner = diff_document(change)
        blocks.append(Section(title=inner.title, blocks=inner.blocks))
    if found.unaffected:
        said = ", ".join(found.unaffected)
        blocks.append(Section(blocks=(List(items=(f"no answer rests on it: {said}",)),)))
    names = " and ".join(item.signature for item in found.functions)
    return Document(
        title=plain(f"{found.kernel}, before and after a change of {names}"),
        lead=(),
        blocks=tuple(blocks),
    )
