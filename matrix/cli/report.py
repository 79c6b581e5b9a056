"""`matrix report`: the main job, reports of studies in HTML and Markdown."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matrix.cli.console import PROGRESS, deliver, say
from matrix.cli.options import Configs, Predicate, names_of
from matrix.diagnostics import Diagnostic, ExitCode, InputError, format_diagnostic

if TYPE_CHECKING:
    from matrix.flows.report import StudyReport


class ReportFormat(enum.StrEnum):
    """Forms of a report besides those that a study declares."""

    KERNEL_DOC = "kernel-doc"
    KERNEL_FEATURES = "kernel-features"


def report(
    study: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MATRIX]...",
            help="Studies; all that are known if none is given.",
            autocompletion=names_of("studies"),
        ),
    ] = None,
    folder: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the reports.")
    ] = Path("reports"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a report is not up to date.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="FILE",
            help="Write instead the verdict of every cell of one study, for a later --since.",
        ),
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(
            "--since",
            metavar="FILE",
            help="Write instead what has moved since FILE was saved: STUDY-changes, by cause.",
        ),
    ] = None,
    serve: Annotated[
        bool,
        typer.Option(
            "--serve",
            help="Write nothing; show the reports on 127.0.0.1, made anew when a declaration "
            "changes.",
        ),
    ] = False,
    port: Annotated[
        int,
        typer.Option("--port", metavar="N", min=0, max=65535, help="Of --serve; 0 is a free one."),
    ] = 8000,
    form: Annotated[
        ReportFormat | None,
        typer.Option(
            "--format",
            help="Instead of HTML and Markdown: kernel-doc, a page for its Documentation/; "
            "kernel-features, a row for Documentation/features/.",
        ),
    ] = None,
    predicate: Predicate = None,
    configs: Configs = None,
) -> int:
    """Write the support matrices of studies to a folder, as HTML and Markdown.

    Each study has a badge (badges/*.svg); with all studies there is a page over them, index.html.
    """
    from matrix.door.output import stale, write_files

    named, folders = tuple(study or ()), tuple(configs or ())
    _refuse_both(named, check=check, serve=serve, save=save, since=since)
    made = _Making(named, folders, predicate, form=form)
    if since is not None:
        return _changes(since, folder, folders, predicate)
    if serve:
        return made.serve(port)
    if save is not None:
        deliver(made.saved(), save)
        say(f"written: {save}")
        return ExitCode.OK
    files = made.files(None if check else folder)
    if check:
        old = stale(files, folder)
        for path in old:
            say(f"stale: {path}")
        if old:
            say("hint: run `matrix report` and commit what it writes")
            return ExitCode.FINDINGS
        say(f"{len(files)} files up to date in {folder}")
        return ExitCode.OK
    write_files(files, folder)
    deliver("".join(f"{folder / path}\n" for path in files), None)
    return ExitCode.OK


def _refuse_both(
    studies: tuple[str, ...],
    *,
    check: bool,
    serve: bool,
    save: Path | None,
    since: Path | None,
) -> None:
    """Refuse options that do not go together.

    Raises:
        InputError: MX0824, all of them.
    """
    given = {"--check": check, "--serve": serve, "--save": save, "--since": since}
    words = [word for word, value in given.items() if value]
    problems = []
    if len(words) > 1:
        problems.append(
            f"{' and '.join(words)} do not go together",
        )
    if save is not None and len(studies) != 1:
        problems.append("--save takes one study")
    if since is not None and studies:
        problems.append(f"--since takes the study from its file, and `{studies[0]}` is named")
    if problems:
        hint = (
            "--check compares the files of a folder, --serve shows what would be written, --save "
            "keeps the verdicts of one study, --since compares with them"
        )
        raise InputError(
            [Diagnostic(code="MX0824", message=problem, hint=hint) for problem in problems]
        )


def _changes(file: Path, folder: Path, configs: tuple[Path, ...], predicate: str | None) -> int:
    """Write what has moved since a file was saved."""
    from matrix.door.output import write_files
    from matrix.flows.since import since
    from matrix.render.since import since_files

    files = since_files(since(file, configs=configs, predicate=predicate))
    write_files(files, folder)
    deliver("".join(f"{folder / path}\n" for path in files), None)
    return ExitCode.OK


class _Making:
    """Makes the files of the reports that are asked for."""

    def __init__(
        self,
        studies: tuple[str, ...],
        configs: tuple[Path, ...],
        predicate: str | None,
        *,
        form: ReportFormat | None,
    ) -> None:
        self._form = form
        self._studies = studies
        self._configs = configs
        self._predicate = predicate

    def _found(self, folder: Path | None) -> Iterator[StudyReport]:
        from matrix.flows.report import study_reports
        from matrix.render.report import understood

        for found in study_reports(
            self._studies, configs=self._configs, predicate=self._predicate, folder=folder
        ):
            say(understood(found.result))
            PROGRESS.note(f"matrix report, after {found.result.study.id}")
            yield found

    def files(self, folder: Path | None, *, with_index: bool = False) -> dict[Path, str]:
        """Return the files of the reports; there is an index over all studies, or if asked for."""
        from matrix.render.index import index_entry, index_files
        from matrix.render.kernel_doc import kernel_doc, kernel_features
        from matrix.render.report import report_files

        if self._form is ReportFormat.KERNEL_DOC:
            found_all = self._found(folder)
            return {Path(f"{one.result.study.id}.rst"): kernel_doc(one) for one in found_all}
        if self._form is ReportFormat.KERNEL_FEATURES:
            return {
                Path(one.result.study.id) / "arch-support.txt": kernel_features(one)
                for one in self._found(folder)
            }

        files: dict[Path, str] = {}
        entries = []
        for found in self._found(folder):
            files |= report_files(found)
            entries.append(index_entry(found.result))
        return files | index_files(entries, whole=with_index or not self._studies)

    def saved(self) -> str:
        """Return the verdict of every cell of the study that is asked for."""
        from matrix.flows.since import saved_verdicts

        (found,) = self._found(None)
        return saved_verdicts(found.result)

    def serve(self, port: int) -> int:
        """Show the reports until the person interrupts."""
        from matrix.door.serving import Site, serve
        from matrix.schema.location import configs_folder

        site = Site(lambda: self.files(None, with_index=True), (configs_folder(), *self._configs))
        for diagnostic in site.make():
            say(format_diagnostic(diagnostic))
        PROGRESS.stop()
        serve(site, port, say)
        return ExitCode.OK
