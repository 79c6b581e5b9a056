"""`matrix count`: exact counts per verdict."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from matrix.cli.options import DEFAULT_STUDY, Configs, Output, Predicate, Study, Where
from matrix.cli.study_command import show


class CountFormat(enum.StrEnum):
    """Formats of counts: those of answers about studies, and rows."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    RST = "rst"
    ASCIIDOC = "asciidoc"
    CSV = "csv"


def count(
    study: Study = DEFAULT_STUDY,
    where: Where = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", metavar="A,B", help="A row for each combination of options of these axes."
        ),
    ] = None,
    predicate: Predicate = None,
    output_format: Annotated[
        CountFormat, typer.Option("--format", help="Format of the answer.")
    ] = CountFormat.TEXT,
    output: Output = None,
    configs: Configs = None,
) -> int:
    """Count the cells of a study, per verdict; exact whatever the size.

    No cell is listed: groups and chosen cells are counted in the decision diagram, too.
    """
    from matrix.flows.count import count as run_count
    from matrix.render.count import count_csv, count_document, count_values

    found = run_count(
        study,
        configs=tuple(configs or ()),
        predicate=predicate,
        where=where,
        by=tuple(name.strip() for name in by.split(",")) if by else (),
    )
    return show(found, output_format, output, count_document, count_values, rows=count_csv)
