"""`matrix groups`: the groups of CPUs that are known."""

from __future__ import annotations

from matrix.cli.listing import listing_app

app = listing_app(
    "groups",
    metavar="GROUP",
    of_one="A group of CPUs, such as @server.",
    helps=(
        "The groups of CPUs that are known.",
        "List the groups of CPUs with their members.",
        "Show the CPUs of a group with the fields that decide.",
    ),
)
