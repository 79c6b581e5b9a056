"""`matrix view`: one table of a study in any form."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from matrix.cli.options import DEFAULT_STUDY, Configs, Output, Predicate, Study
from matrix.cli.study_command import show


class ViewFormat(enum.StrEnum):
    """Formats of a view: those of answers about studies, a mail's body, and rows."""

    TEXT = "text"
    MAIL = "mail"
    MARKDOWN = "markdown"
    HTML = "html"
    RST = "rst"
    ASCIIDOC = "asciidoc"
    CSV = "csv"
    JSON = "json"


class Order(enum.StrEnum):
    """Orders of the rows."""

    DECLARED = "declared"
    DANGER = "danger"


class Shows(enum.StrEnum):
    """What a cell of the table tells."""

    VERDICT = "verdict"
    WORST = "worst"
    CELLS = "cells"


def view(
    study: Study = DEFAULT_STUDY,
    name: Annotated[
        str | None,
        typer.Option(
            "--view",
            metavar="ID",
            help="A view that is declared, or a table of the report by title or number; the first "
            "one by default.",
        ),
    ] = None,
    rows: Annotated[
        str | None, typer.Option("--rows", metavar="AXIS", help="The axis of the rows.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns", metavar="A,B", help="Axes of the columns, or `profiles`, outermost first."
        ),
    ] = None,
    fixed: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="AXIS=OPTION",
            help="An option that the view fixes, instead of the baseline's. May be repeated.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="AXIS=PATTERN",
            help="Only rows or columns that match, as in `cpu=cortex-*`. May be repeated.",
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--where",
            metavar="EXPR",
            help="Only cells in which a C expression over axes and facts is true, as in `cells`.",
        ),
    ] = None,
    order: Annotated[
        Order | None, typer.Option("--order", help="As declared, or the most dangerous row first.")
    ] = None,
    shows: Annotated[
        Shows | None,
        typer.Option(
            "--show",
            help="The verdict of one cell, all else as in the baseline; or, whatever is not set, "
            "the worst verdict or how many cells have which.",
        ),
    ] = None,
    predicate: Predicate = None,
    output_format: Annotated[
        ViewFormat, typer.Option("--format", help="Format of the table.")
    ] = ViewFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Show one table of a study, with all that it fixes.

    A view is declared in a study or in the folder views/: axes, fixed options, filters, order and
    what a cell tells. Options here take the place of what is declared.
    """
    from matrix.flows.view import Asked
    from matrix.flows.view import view as run_view
    from matrix.render.view import view_csv, view_document, view_values

    found = run_view(
        study,
        Asked(
            view=name,
            rows=rows,
            columns=tuple(item.strip() for item in columns.split(",")) if columns else (),
            fixed=tuple(fixed or ()),
            only=tuple(only or ()),
            where=where,
            order=order.value if order else None,
            shows=shows.value if shows else None,
        ),
        configs=tuple(configs or ()),
        predicate=predicate,
    )
    return show(found, output_format, output, view_document, view_values, rows=view_csv)
