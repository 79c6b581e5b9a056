"""A report's map as text to be copied: for a mail, and in Markdown.

Takes a study's result, gives what `matrix view STUDY` writes of the first table, and of what it
writes of another view of that table (`--show worst`, every other axis set) the parts that do not
change: the page's script adds the options that are fixed and the answers.
"""

from __future__ import annotations

from msgspec.structs import asdict, replace

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.space.result import StudyResult, TableCell
from matrix.flows.view import ViewAnswer
from matrix.render.document import Document, Paragraph
from matrix.render.grid import build_grid, study_wording
from matrix.render.json import Json
from matrix.render.view import view_document
from matrix.render.writers import mail, markdown
from matrix.schema.values import DeclaredView, PredicateVersion


def copies(result: StudyResult, predicate: PredicateVersion) -> dict[str, Json]:
    """Return the texts of the study's own view, and the heads of those of the others.

    In a head stands `fixed`, as the study has it, where the options of another view go.
    """
    table = result.tables[0]
    own = ViewAnswer(
        study=result.study,
        predicate=predicate,
        defects=result.defects,
        view=DeclaredView(id="1", **asdict(result.study.pivots[0])),
        table=table,
        patch=result.capability.assumes_patch,
    )
    one = TableCell(verdict=Verdict.ABSENT, reason="", counts=((Verdict.ABSENT, 1),))
    bare = replace(table, without=(), cells=tuple((one,) * len(row) for row in table.cells))
    other = view_document(replace(own, table=bare))
    (said,) = (block for block in other.blocks if isinstance(block, Paragraph))
    untitled = Document(title=other.title, lead=other.lead, blocks=())
    whole = view_document(own)
    return {
        "mail": mail.write(whole),
        "markdown": markdown.write(whole),
        "head": mail.write(untitled).rstrip("\n"),
        "said": mail.inline(said.text),
        "headMarkdown": markdown.write(replace(other, blocks=(said,))).rstrip("\n"),
        "rowTitle": result.study.pivots[0].rows,
        "between": build_grid(bare, study_wording(own.study, own.patch)).separator,
        "fixed": [axis for axis, _ in table.fixed],
        "levels": list(result.study.pivots[0].columns),
    }
