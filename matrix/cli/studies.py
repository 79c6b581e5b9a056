"""`matrix studies`: the studies that are known."""

from __future__ import annotations

from matrix.cli.listing import listing_app

app = listing_app(
    "studies",
    metavar="MATRIX",
    of_one="A study, such as arm64-overview.",
    helps=(
        "The studies that are known.",
        "List the studies: what each asks about.",
        "Show a study: its axes with their options, constraints, tables and claims.",
    ),
)
