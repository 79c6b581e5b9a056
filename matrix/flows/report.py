"""Studies in, all that their reports say: the main job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from matrix.analyze.space.result import StudyResult
from matrix.door.output import check_writable
from matrix.flows.knowledge import Library
from matrix.flows.other_studies import OtherStudies
from matrix.flows.proofs import Proofs, study_proofs
from matrix.flows.study import prepare_study, study_result
from matrix.schema.values import Cpu


class StudyReport(Struct, frozen=True, kw_only=True):
    """What a report says of a study; `cpus` are all that are declared."""

    result: StudyResult
    proofs: Proofs
    cpus: tuple[Cpu, ...]


def study_reports(
    studies: tuple[str, ...],
    *,
    configs: tuple[Path, ...] = (),
    predicate: str | None = None,
    folder: Path | None = None,
) -> Iterator[StudyReport]:
    """Yield the reports of studies, of all that are known if none is named.

    `folder` is where they are to be written: whether that is possible is found out before the work.

    Raises:
        InputError: unknown names, wrong declarations; a folder that cannot be written.
    """
    library = Library(configs)
    names = dict.fromkeys(studies or (study.id for study in library.knowledge.studies))
    # Every name is looked up before any study is solved.
    for name in names:
        library.study(name)
    if folder is not None:
        check_writable([folder / f"{name}.html" for name in names])
    others = OtherStudies(library)
    prepared = {name: prepare_study(library, name, predicate) for name in names}
    solved = {name: study.solve() for name, study in prepared.items()}
    # What a proof asks of other studies is solved already for those of this run.
    for study in solved.values():
        others.remember(study)
    for name in names:
        yield StudyReport(
            result=study_result(prepared[name], solved[name]),
            proofs=study_proofs(prepared[name], solved[name], others),
            cpus=library.knowledge.cpus,
        )
