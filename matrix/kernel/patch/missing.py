"""What is said where a patch has no check to read: not there, in part, declared, twice."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from matrix.diagnostics import Diagnostic, Location, did_you_mean
from matrix.kernel.patch.diff import ADDED, REMOVED
from matrix.kernel.patch.excerpts import Definition, Excerpt, definitions


class Wanted(Struct, frozen=True, kw_only=True):
    """What to look for: a function's name, the type of its argument, the architecture."""

    function: str
    argument: str | None
    architecture: str


def not_there(
    pieces: Sequence[Excerpt], found: Sequence[Definition], wanted: Wanted
) -> list[Diagnostic]:
    """Return why none of the definitions found is of the architecture, or none was found."""
    if found:
        first = found[0]
        others = sorted({str(item.excerpt.architecture) for item in found})
        return [
            Diagnostic(
                code="MX1209",
                message=f"the patch has `{wanted.function}()` for {', '.join(others)}, not for "
                f"{wanted.architecture}",
                location=first.location,
                hint="other architectures are not simulated; give the patch for "
                f"{wanted.architecture}",
            )
        ]
    for piece in pieces:
        for item in piece.source.items:
            if item.kind == "declaration" and item.name == wanted.function:
                token = next(token for token in item.tokens if token.text == item.name)
                return [_declared(wanted, piece.at_token(token))]
    for piece in pieces:
        for row in piece.hunk.lines:
            if row.kind == REMOVED and f"{wanted.function}(" in row.text:
                return [_removed(wanted, piece, row.number)]
        # Git names the function in which a hunk begins behind its header.
        if f"{wanted.function}(" in piece.hunk.section and any(
            row.kind == ADDED for row in piece.rows
        ):
            return [cut(wanted.function, piece.at_line(1))]
    return [_missing(pieces, wanted)]


def _declared(wanted: Wanted, location: Location) -> Diagnostic:
    return Diagnostic(
        code="MX1212",
        message=f"the patch declares `{wanted.function}()`; its body is not here",
        location=location,
        hint="give the patch that defines it, or the whole series as one mbox",
    )


def _removed(wanted: Wanted, piece: Excerpt, number: int) -> Diagnostic:
    return Diagnostic(
        code="MX1212",
        message=f"the patch removes `{wanted.function}()` and adds none",
        location=Location(file=piece.patch.file, line=number, column=1),
        hint="without it the generic answer is no: there is nothing to review",
    )


def _missing(pieces: Sequence[Excerpt], wanted: Wanted) -> Diagnostic:
    added = [item for piece in pieces for item in definitions(piece)]
    by_name = {item.name: item for item in added}
    near = did_you_mean(wanted.function, by_name)
    if near:
        name = near.split("`")[1]
        return Diagnostic(
            code="MX1208",
            message=f"the patch has no `{wanted.function}()`, but `{name}()`",
            location=by_name[name].location,
            hint=f"did you mean that one? `--function {name}` reviews it",
        )
    listing = ", ".join(f"{name}()" for name in sorted(by_name)[:12])
    file = pieces[0].patch.file if pieces else "<patch>"
    return Diagnostic(
        code="MX1208",
        message=f"the patch adds no `{wanted.function}()`",
        location=Location(file=file),
        hint=f"it adds {listing}; `--function NAME` reviews another one"
        if listing
        else "it adds no function: give the patch that does, or the whole series as one mbox",
    )


def in_part(definition: Definition) -> Diagnostic:
    """Return the diagnostic of a definition whose end is not in the patch."""
    return cut(definition.name, definition.location)


def cut(name: str, location: Location) -> Diagnostic:
    """Return the diagnostic of a function of which the patch shows a part."""
    return Diagnostic(
        code="MX1210",
        message=f"only a part of `{name}()` is in the patch",
        location=location,
        hint="make the patch with `git format-patch --function-context`, or give the mail that the "
        "reply quotes",
    )


def differ(wanted: Wanted, versions: Sequence[tuple[str, Location]]) -> list[Diagnostic]:
    """Return the diagnostics of a check that is there in different versions, as C and place."""
    return [
        Diagnostic(
            code="MX1211",
            message=f"`{wanted.function}()` is there twice: `{text}`",
            location=location,
            hint="give one version: a single mail, or a single patch",
        )
        for text, location in versions
    ]
