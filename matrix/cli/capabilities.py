"""`matrix capabilities`: the capabilities that are known."""

from __future__ import annotations

from matrix.cli.listing import listing_app

app = listing_app(
    "capabilities",
    metavar="ID",
    of_one="A capability, such as memfd-secret.",
    helps=(
        "The capabilities that are known.",
        "List the capabilities: what decides their answers, their predicates.",
        "Show a capability: what it needs, its predicates as C, what must hold, its claims.",
    ),
)
