"""The page over all reports, and the badge of each study: its most urgent verdict as an SVG.

Both stand by themselves: no network, no script; a badge may be shown in any other page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from matrix.analyze.cell.verdict import Verdict, meanings_of
from matrix.analyze.space.result import Counts, StudyResult
from matrix.render.badge import badge_of
from matrix.render.document import Badge
from matrix.render.environment import html_environment
from matrix.render.markdown import plain
from matrix.render.page import first_line
from matrix.render.quantities import grouped

# Of the verdicts that cells have, the first of these is what a badge says.
_URGENCY = (
    *(Verdict.UNSOUND, Verdict.UNKNOWN, Verdict.OVERSTRICT, Verdict.SUPPORTED, Verdict.GRANTED),
    *(Verdict.NOT_GRANTED, Verdict.REFUSED, Verdict.ABSENT),
)


class IndexEntry(Struct, frozen=True, kw_only=True):
    """A study on the page over all reports; `report` is the name of its file."""

    id: str
    title: str
    report: str
    answer: str
    counts: Counts
    badge: str


def index_entry(result: StudyResult) -> IndexEntry:
    """Return what the page over all reports says of a study."""
    study = result.study
    return IndexEntry(
        id=study.id,
        title=plain(study.title),
        report=f"{study.id}.{'html' if 'html' in study.formats else 'md'}",
        answer=first_line(result),
        counts=result.counts,
        badge=_badge(result),
    )


def index_files(entries: Sequence[IndexEntry], *, whole: bool) -> dict[Path, str]:
    """Return the badges of studies, and the page over all of them where they are the `whole`."""
    files = {Path("badges") / f"{entry.id}.svg": entry.badge for entry in entries}
    return {**({Path("index.html"): index_page(entries)} if whole else {}), **files}


def index_page(entries: Iterable[IndexEntry]) -> str:
    """Return the page over all reports: of each study its badge, answer and counts."""
    listed = list(entries)
    met = {verdict for entry in listed for verdict, _ in entry.counts}
    verdicts = [verdict for verdict in Verdict if verdict in met]
    template = html_environment().get_template("index.html.j2")
    shown = {
        verdict: meaning
        for basis in ("simulation", "nothing")
        for verdict, meaning in meanings_of(basis).items()
    }
    return (
        template.render(
            entries=listed,
            verdicts=verdicts,
            meanings={verdict: shown[verdict] for verdict in verdicts},
        )
        + "\n"
    )


def _badge(result: StudyResult) -> str:
    """Return the badge of a study: its name, and its most urgent verdict with the cells."""
    counts = dict(result.counts)
    verdict = next((word for word in _URGENCY if counts.get(word)), Verdict.ABSENT)
    share = f"in {grouped(counts.get(verdict, 0))} cells"
    return badge_of(Badge(name=plain(result.study.id), verdict=verdict, share=share))
