"""Reports of a study: one self-contained HTML page, and the same in Markdown.

Takes a `StudyResult`, gives text; the same result gives the same text (no dates, no durations).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matrix.analyze.cell.verdict import meanings_of
from matrix.analyze.space.result import StudyResult
from matrix.flows.proofs import Proofs
from matrix.flows.report import StudyReport
from matrix.render.badge import SIGNS
from matrix.render.basis import CONFIDENCE_MEANINGS
from matrix.render.copied import copies
from matrix.render.environment import anchors, html_environment, markdown_environment
from matrix.render.json import Json
from matrix.render.links import Trees
from matrix.render.page import Page, build_page, wording
from matrix.render.top import Top, build_top
from matrix.schema.values import Basis, Cpu

# Sections that a page has only with proofs.
PROOF_SECTIONS = (
    ("predicates", "What the check should be"),
    ("claims", "Claims"),
    ("rules", "Which cells have which verdict"),
)
# The section of a study that declares a table.
MAP_SECTION = ("map", "Heat map")
# The section of a study with unsound cells.
CAUSE_SECTION = ("causes", "Causes")
SECTIONS = (
    MAP_SECTION,
    CAUSE_SECTION,
    ("asked", "What was asked"),
    ("legend", "Legend"),
    ("counts", "Cells by verdict"),
    ("matrix", "Support matrix"),
    *PROOF_SECTIONS,
    ("groups", "All behaviour"),
    ("advisories", "Advisories"),
    ("absent", "Why cells are absent"),
    ("facts", "Facts and assumptions"),
    ("influence", "What each axis changes"),
)


# By what judges a check, the sections that say nothing there.
_OF_OTHERS: dict[Basis, tuple[tuple[str, str], ...]] = {
    "simulation": (),
    "truth": (("advisories", "Advisories"),),
    "nothing": (
        ("advisories", "Advisories"),
        ("predicates", "What the check should be"),
    ),
}


def render_html(
    result: StudyResult,
    *,
    cpus: Sequence[Cpu] = (),
    proofs: Proofs | None = None,
) -> str:
    """Return the report as one HTML page that needs neither network nor JavaScript.

    `cpus` are those of the knowledge; the ones that the study names are listed with the
    confidence of their fields. `proofs` add the sections of the solver.
    """
    template = html_environment().get_template("report.html.j2")
    page = build_page(result, cpus, proofs)
    top = build_top(result, page.grids, wording(result), cpus, proofs, _copied(result))
    left_out = () if proofs else PROOF_SECTIONS
    if top.heat_map is None:
        left_out = (*left_out, MAP_SECTION)
    if not page.causes:
        left_out = (*left_out, CAUSE_SECTION)
    left_out = (*left_out, *_OF_OTHERS[result.capability.basis])
    sections = [item for item in SECTIONS if item not in left_out]
    values = _values(page, top)
    trees = Trees(result.kernels)
    return template.render(values, sections=sections, anchor=anchors(), trees=trees) + "\n"


def render_markdown(
    result: StudyResult,
    *,
    cpus: Sequence[Cpu] = (),
    proofs: Proofs | None = None,
) -> str:
    """Return the report in GitHub-flavoured Markdown, one table row a line."""
    template = markdown_environment().get_template("report.md.j2")
    page = build_page(result, cpus, proofs)
    top = build_top(result, page.grids, wording(result), cpus, proofs, _copied(result))
    return template.render(_values(page, top))


_WRITERS = {"html": ("html", render_html), "markdown": ("md", render_markdown)}


def report_files(found: StudyReport) -> dict[Path, str]:
    """Return the reports of a study in its formats, by the names of their files."""
    study = found.result.study
    files = {}
    for form in study.formats:
        suffix, written = _WRITERS[form]
        files[Path(f"{study.id}.{suffix}")] = written(
            found.result, cpus=found.cpus, proofs=found.proofs
        )
    return files


def understood(result: StudyResult) -> str:
    """Return in a line what was understood of a study."""
    classes = "behaviour class" if result.behaviour_classes == 1 else "behaviour classes"
    return (
        f"{result.study.id}: {len(result.study.axes)} axes, {result.cells:,} of "
        f"{result.combinations:,} cells, {result.behaviour_classes} {classes}"
    )


def _copied(result: StudyResult) -> dict[str, Json]:
    """Return what the page's script copies; nothing where a page has no other view."""
    named = {version.name: version for version in result.capability.predicates}
    told = result.diagram is not None and result.study.pivots and result.predicate in named
    return copies(result, named[result.predicate]) if told else {}


def _values(page: Page, top: Top) -> dict[str, object]:
    """Return what both templates name."""
    meanings = meanings_of(page.result.capability.basis)
    return {
        "page": page,
        "top": top,
        "meanings": meanings,
        "signs": {verdict: SIGNS[verdict] for verdict in meanings},
        "judged": page.result.capability.basis != "nothing",
        "simulated": page.result.capability.basis == "simulation",
        "confidences": CONFIDENCE_MEANINGS,
    }
