"""`matrix studies`: the studies that are known."""

from __future__ import annotations

from matrix.cli.listing import Show, listing_app


def _show() -> Show:
    from matrix.flows.listings import studies_show

    return studies_show


app = listing_app(
    "studies",
    _show,
    metavar="MATRIX",
    of_one="A study, such as arm64-overview.",
    helps=(
        "The studies that are known.",
        "List the studies: what each asks about.",
        "Show a study: its axes with their options, constraints, tables and claims.",
    ),
)
