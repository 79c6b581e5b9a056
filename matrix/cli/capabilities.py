"""`matrix capabilities`: the capabilities that are known."""

from __future__ import annotations

from matrix.cli.listing import Show, listing_app


def _show() -> Show:
    from matrix.flows.listings import capabilities_show

    return capabilities_show


app = listing_app(
    "capabilities",
    _show,
    metavar="ID",
    of_one="A capability, such as memfd-secret.",
    helps=(
        "The capabilities that are known.",
        "List the capabilities: what decides their answers, their predicates.",
        "Show a capability: what it needs, its predicates as C, what must hold, its claims.",
    ),
)
