"""Studies in, report files out: the main job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from matrix.analyze.space.result import StudyResult
from matrix.analyze.space.study import SolvedStudy
from matrix.door.output import check_writable, stale, write_files
from matrix.flows.knowledge import Library
from matrix.flows.other_studies import OtherStudies
from matrix.flows.proofs import Proofs, study_proofs
from matrix.flows.study import PreparedStudy, prepare_study, study_result
from matrix.render.report import render_html, render_markdown
from matrix.schema.direct_maps import DirectMap
from matrix.schema.values import Cpu


class _Renderer(Protocol):
    def __call__(
        self,
        result: StudyResult,
        *,
        cpus: Sequence[Cpu] = (),
        proofs: Proofs | None = None,
        direct_maps: Sequence[DirectMap] = (),
    ) -> str: ...


_RENDERERS: dict[str, tuple[str, _Renderer]] = {
    "html": ("html", render_html),
    "markdown": ("md", render_markdown),
}


class ReportOutcome(Struct, frozen=True, kw_only=True):
    """The files of a report run; `stale` only when they were compared, not written."""

    paths: tuple[Path, ...]
    stale: tuple[Path, ...] = ()


def report(
    studies: tuple[str, ...],
    folder: Path,
    *,
    configs: tuple[Path, ...] = (),
    predicate: str | None = None,
    check: bool = False,
    say: Callable[[str], None],
) -> ReportOutcome:
    """Render studies (all that are known, if none is named) into a folder, or compare with it.

    Raises:
        InputError: unknown names, wrong declarations; a folder that cannot be written, before any
            work is done.
    """
    library = Library(configs)
    names = studies or tuple(study.id for study in library.knowledge.studies)
    declared = {name: library.study(name) for name in names}
    if not check:
        check_writable([folder / f"{name}.html" for name in names])
    files: dict[Path, str] = {}
    others = OtherStudies(library)
    answered = {name: _solved(library, name, predicate) for name in declared}
    for _, solved in answered.values():
        others.remember(solved)
    for name, study in declared.items():
        prepared, solved = answered[name]
        result = study_result(prepared, solved)
        say(_understood(result))
        proofs = study_proofs(prepared, solved, others)
        for output_format in study.formats:
            suffix, render = _RENDERERS[output_format]
            files[Path(f"{name}.{suffix}")] = render(
                result,
                cpus=library.knowledge.cpus,
                proofs=proofs,
                direct_maps=library.knowledge.direct_maps,
            )
    paths = tuple(folder / path for path in files)
    if check:
        return ReportOutcome(paths=paths, stale=stale(files, folder))
    write_files(files, folder)
    return ReportOutcome(paths=paths)


def _solved(
    library: Library, name: str, predicate: str | None
) -> tuple[PreparedStudy, SolvedStudy]:
    prepared = prepare_study(library, name, predicate)
    return prepared, prepared.solve()


def _understood(result: StudyResult) -> str:
    axes = result.study.axes
    return (
        f"{result.study.id}: {len(axes)} axes, {result.cells:,} of {result.combinations:,} cells, "
        f"{result.behaviour_classes} behaviour classes"
    )
