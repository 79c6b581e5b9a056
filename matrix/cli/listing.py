"""`list` and `show` of a kind of declared things, as commands of a group of its own."""

from __future__ import annotations

from pathlib import Path

import typer

from matrix.cli.console import deliver
from matrix.cli.options import Configs, Format, Output, TextFormat, names_of


def listing_app(
    kind: str,
    *,
    metavar: str,
    of_one: str,
    helps: tuple[str, str, str],
    has_list: bool = True,
) -> typer.Typer:
    """Return the commands `list` and `show` for a kind of `render/listings.py`.

    `helps` are those of the group, of `list` and of `show`, `of_one` that of its argument. Without
    `has_list` the caller has a `list` of its own.
    """
    app = typer.Typer(help=helps[0], no_args_is_help=True)

    def list_all(
        output_format: Format = TextFormat.TEXT, output: Output = None, configs: Configs = None
    ) -> None:
        deliver_list(kind, configs, output_format, output)

    def show_one(
        name: str = typer.Argument(metavar=metavar, help=of_one, autocompletion=names_of(kind)),
        output_format: Format = TextFormat.TEXT,
        output: Output = None,
        configs: Configs = None,
    ) -> None:
        from matrix.flows.knowledge import Library
        from matrix.render.listings import shown_thing

        library, as_json = Library(tuple(configs or ())), output_format is TextFormat.JSON
        deliver(shown_thing(kind, name, library, as_json=as_json), output)

    if has_list:
        app.command("list", help=helps[1])(list_all)
    app.command("show", help=helps[2])(show_one)
    return app


def deliver_list(
    kind: str,
    configs: list[Path] | None,
    output_format: TextFormat,
    output: Path | None,
    group: str | None = None,
    search: str | None = None,
) -> None:
    """Write a list of declared things, of CPUs those of a group or with a word in their names."""
    from matrix.flows.knowledge import Library
    from matrix.render.listings import listed_things

    library, as_json = Library(tuple(configs or ())), output_format is TextFormat.JSON
    deliver(listed_things(kind, library, as_json=as_json, group=group, search=search), output)
