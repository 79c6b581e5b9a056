"""What a patch makes of a kernel, as a document: its functions, then the verdicts that change."""

from __future__ import annotations

from matrix.expr.printer import to_c
from matrix.flows.review_tree import KernelsCompared
from matrix.render.diff import diff_document
from matrix.render.document import Block, Document, List, Section, Table, code, plain


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
