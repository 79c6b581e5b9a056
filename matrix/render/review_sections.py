"""A review as sections: what is said, in which order, and which question of the mail each answers.

Takes a `ReviewResult`, gives `Section` values that text and Markdown lay out. Sentences say what
was counted or proven, and where it stands; nothing is recommended that was not evaluated again.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.facts.implied import Implication, Implied
from matrix.analyze.space.cause import Cause, Place
from matrix.analyze.space.cell_text import cell_text
from matrix.flows.review_result import KconfigAnswer, ReviewedRule, ReviewResult
from matrix.render.causes import ORDINARY, condition, named, place_lines, violated
from matrix.render.conjunction import MAX_NAMED, conjunction
from matrix.render.findings import certainty, events
from matrix.render.proposed_check import pair_lines, wrapped_c
from matrix.render.review_proposal import proposal
from matrix.render.review_questions import PAGE_SIZE, Question, questions


class Code(Struct, frozen=True, kw_only=True):
    """Lines to be shown as they are; `language` is for Markdown."""

    lines: tuple[str, ...]
    language: str = ""


class Table(Struct, frozen=True, kw_only=True):
    """A header and rows; all columns but the first are numbers."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Item(Struct, frozen=True, kw_only=True):
    """A numbered item: its first line, and paragraphs beneath."""

    number: int
    text: str
    notes: tuple[str, ...]


Block = str | Code | Table | Item


class Section(Struct, frozen=True, kw_only=True):
    """One subject of the review."""

    name: str
    title: str
    questions: tuple[Question, ...]
    blocks: tuple[Block, ...]


def sections(result: ReviewResult) -> tuple[Section, ...]:
    """Return the sections that have something to say, the wrong cells first."""
    asked = questions(result.check.patch.comments)
    made = (
        ("unsound", "Where it says yes and must not", _unsound(result)),
        ("overstrict", "Where it says no and need not", _overstrict(result)),
        ("page-size", "4 kB or PAGE_SIZE", _page_size(result)),
        ("kconfig", "The conditions on Kconfig", _kconfig(result)),
        ("vm", "struct kvm, and where the function stands", _vm(result)),
        ("suggestion", "What it should be", _suggestion(result)),
    )
    return tuple(
        Section(
            name=name,
            title=title,
            questions=tuple(item for item in asked if item.section == name),
            blocks=tuple(blocks),
        )
        for name, title, blocks in ((name, title, tuple(found)) for name, title, found in made)
        if blocks
    )


def introduction(result: ReviewResult) -> Iterator[Block]:
    """Yield what was read out of the patch, and the verdicts of all cells."""
    check = result.check
    helpers = _listed([f"`{name}`" for name in check.inlined])
    yield f"With {helpers} of the patch put in, the check is" if helpers else "The check is"
    yield Code(lines=tuple(wrapped_c(check.expression, 0).split("\n")), language="c")
    if check.guards:
        directives = _listed([f"`{guard.text}`" for guard in check.guards])
        yield f"under {directives}; where that leaves it out, the answer is no."
    for item in result.diagnostics:
        if item.code in _OF_THE_CHECK and item.location is not None:
            hint = f" ({item.hint})" if item.hint else ""
            yield f"Line {item.location.line}: {item.message}{hint}"
    if result.same_as:
        versions = _listed([f"`{name}`" for name in result.same_as])
        yield f"In every cell it says the same as the declared version {versions}."
    patch = f" + {result.assumes_patch}" if result.assumes_patch else ""
    total = sum(cells for verdict, cells in result.verdicts.items() if verdict != Verdict.ABSENT)
    text = (
        f"Asked of Linux {_listed(result.kernels)}{patch}, in {total:,} cells: every "
        ".config, CPU, command line and kind of VM with the capability."
    )
    if result.without:
        text += f" In {_listed(result.without)} it is absent everywhere."
    yield text
    rows = (
        (str(verdict), f"{cells:,}", _MEANINGS[verdict])
        for verdict, cells in result.verdicts.items()
        if verdict in _MEANINGS
    )
    yield Table(header=("verdict", "cells", "the check, and what is true"), rows=tuple(rows))


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


# Warnings that are remarks on the patch: a reply says them too.
_OF_THE_CHECK = ("MX1218", "MX1221", "MX1222", "MX1224")

_MEANINGS = {
    Verdict.UNSOUND: "says yes, and something breaks",
    Verdict.UNKNOWN: "hangs on an unrecorded CPU field; in no rule below",
    Verdict.OVERSTRICT: "says no, and nothing would break",
    Verdict.SUPPORTED: "says yes, and nothing breaks",
    Verdict.REFUSED: "says no, and something would break",
}


def _unsound(result: ReviewResult) -> Iterator[Block]:
    """Yield the causes, each with its CPUs by condition, then the rules of its cells."""
    shown: dict[tuple[object, ...], str] = {}
    for number, cause in enumerate(result.causes, start=1):
        yield Item(
            number=number,
            text=f"{cause.statement} ({violated(cause)}), in {cause.cells:,} cells of Linux "
            f"{_listed(cause.kernels)}:",
            notes=tuple(_places(cause)),
        )
        for item in result.rules:
            if item.cause == number:
                yield f"{item.rule.cells:,} cells are {conjunction(item.rule)}"
                yield from _example(item, result, shown, f"{number}")


def _places(cause: Cause) -> Iterator[str]:
    """Yield where a cause is met: in the ordinary cell, or with what departs from it."""
    if not cause.is_ordinary:
        yield f"In {ORDINARY} (all else as in the baseline): no CPU"
    for place in cause.places:
        where = f"With {condition(place.change)}" if place.change else f"In {ORDINARY}"
        every = "" if place.change else " (all else as in the baseline)"
        yield f"{where}{every}: {_cpus(place)}"


def _cpus(place: Place) -> str:
    if not place.cpus:
        return "all cells"
    count = "1 CPU" if len(place.cpus) == 1 else f"{len(place.cpus)} CPUs"
    return f"{count}, {named(place.cpus, MAX_NAMED)}"


def _overstrict(result: ReviewResult) -> Iterator[Block]:
    rules = [item for item in result.rules if item.verdict == Verdict.OVERSTRICT]
    for number, item in enumerate(rules, start=1):
        yield Item(
            number=number,
            text=f"{item.rule.cells:,} cells: {conjunction(item.rule)}",
            notes=place_lines(item.places, MAX_NAMED),
        )
        yield from _example(item, result, {}, f"{number}")


def _example(
    item: ReviewedRule,
    result: ReviewResult,
    shown: dict[tuple[object, ...], str],
    number: str,
) -> Iterator[Block]:
    """Yield an example of a rule, and its trace unless it was shown."""
    example = cell_text(item.cell, result.baseline)
    earlier = shown.get(_trace_key(item))
    cell = f"{example} (all else as in the baseline)" if example else "the baseline cell"
    yield f"For example {cell}{_found(item, earlier)}"
    if item.findings and earlier is None:
        shown[_trace_key(item)] = number
        yield Code(lines=tuple(_trace_lines(item)))


def _trace_key(item: ReviewedRule) -> tuple[object, ...]:
    return tuple(
        (line.event, line.operation) for finding in item.findings[:1] for line in finding.trace
    )


def _found(item: ReviewedRule, earlier: str | None) -> str:
    if not item.findings:
        return ": no violation is reachable, in whatever order of events."
    found = "; ".join(
        f"{finding.invariant} ({certainty(finding.certainty)}): {finding.message}"
        for finding in item.findings
    )
    return f": {found}." + (f" The trace is that of {earlier}." if earlier else "")


def _trace_lines(item: ReviewedRule) -> Iterator[str]:
    finding = item.findings[0]
    yield f"{finding.invariant} ({certainty(finding.certainty)}):"
    for event in events(finding.trace):
        yield f"  {event.name}"
        for line in event.lines:
            done = f"    {line.operation}: {line.detail}"
            source = line.source or ""
            if len(done) + 2 + len(source) <= _TRACE_WIDTH:
                yield f"{done}  {source}".rstrip()
                continue
            yield from textwrap.wrap(done, _TRACE_WIDTH, subsequent_indent=" " * 8)
            if source:
                yield from textwrap.wrap(
                    source, _TRACE_WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6
                )


# Behind four columns of indent a line still has room for two levels of quotation.
_TRACE_WIDTH = 72


def _page_size(result: ReviewResult) -> Iterator[Block]:
    mentions = [line for line in result.check.patch.message if PAGE_SIZE.search(line.text)]
    asked = any(
        PAGE_SIZE.search(comment.text) is not None for comment in result.check.patch.comments
    )
    kept = result.granularity
    if not mentions and not asked and not kept.admitted:
        return
    if mentions:
        first = mentions[0]
        yield f'The message says "{first.text.strip()}" (line {first.number}).'
    sizes = result.page_sizes
    if sizes is not None and (mentions or asked):
        listed = _listed([str(size // 1024) for size in sizes.sizes])
        yield (
            f"PAGE_SIZE is meant: with pages of {listed} kB the verdict is the same on all "
            f"{sizes.compared:,} pairs of machines that differ in nothing else."
            if not sizes.differing
            else f"The page size matters: on {sizes.differing:,} of {sizes.compared:,} pairs of "
            f"machines that differ in nothing but their page size ({listed} kB) the verdict "
            "differs."
        )
    if not kept.cells:
        return
    stuck = f"{kept.cells:,} cells whose direct map cannot be changed page by page"
    if kept.admitted:
        yield (
            f"Nothing in the check enforces that the direct map can be changed: of {stuck} it "
            f"admits {kept.admitted:,}, and there the page silently stays mapped."
        )
    elif kept.keepers:
        sources = dict(kept.sources)
        listed = _listed(
            [
                f"`{text}`" + (f" ({sources[text]})" if text in sources else "")
                for text in kept.keepers
            ]
        )
        yield f"It is enforced by {listed}: alone it refuses all {stuck}."
    else:
        yield f"It is enforced by the conditions together: they refuse all {stuck}."


def _kconfig(result: ReviewResult) -> Iterator[Block]:
    for answer in result.kconfig:
        for status in Implied:
            found = [item for item in answer.kernels if item.status == status]
            if found:
                yield _kconfig_sentence(answer, status, found)


def _kconfig_sentence(answer: KconfigAnswer, status: Implied, found: Sequence[Implication]) -> str:
    what = f"`{answer.directive or answer.condition}` (line {answer.location.line})"
    releases = _listed([item.release for item in found])
    where = f" where `{answer.premise}` holds" if answer.premise else ""
    match status:
        case Implied.ALWAYS:
            drop = "The `#if` can go." if answer.directive else "The test can go."
            return f"{what} is always true in {releases}{where}: {_proof(found)}. {drop}"
        case Implied.NEVER:
            return f"{what} is never true in {releases}{where}: {_proof(found)}."
        case Implied.DECIDES:
            return f"{what} makes a difference in {releases}: Kconfig allows both{where}."
        case Implied.NO_SUCH_SYMBOL:
            symbols = dict.fromkeys(symbol for item in found for symbol in item.unlisted)
            named = _listed([f"`{symbol}`" for symbol in symbols])
            return f"In {releases} there is no {named} on this architecture."


def _proof(found: Sequence[Implication]) -> str:
    """Return the constraints of a proof, each with its line in every release."""
    sources: dict[str, dict[str, list[str]]] = {}
    by_hand = False
    for item in found:
        for constraint in item.because:
            text = constraint.condition.because or constraint.condition.text
            places = sources.setdefault(text, {})
            places.setdefault(constraint.condition.source or "", []).append(item.release)
            by_hand = by_hand or constraint.grounded == "hand"
    proof = "; ".join(_cited(text, places) for text, places in sources.items())
    return f"{proof}, Kconfig read by hand" if by_hand else proof


def _cited(text: str, places: Mapping[str, Sequence[str]]) -> str:
    """Return a constraint with where it stands; what was read elsewhere says so in its text."""
    known = "; ".join(
        f"{place} in {_listed(releases)}" for place, releases in places.items() if place
    )
    taken = _listed(places.get("", ()))
    return text + (f" ({known})" if known else "") + (f", taken for {taken}" if taken else "")


def _vm(result: ReviewResult) -> Iterator[Block]:
    check, function = result.check, result.function
    if function is None or function.argument is None:
        return
    for item in result.vm_kinds:
        yield (
            f"The right answer depends on the VM: on {item.machines:,} machines with Linux "
            f"{_listed(item.kernels)} a {item.baseline} VM is safe and a {item.kind} one is not "
            f"({item.violation.invariant}: {item.violation.message})."
        )
    if not result.vm_kinds:
        yield "In these kernels the right answer does not depend on the kind of VM."
    name = check.parameter
    if name is None:
        yield f"The function takes no `{function.argument}`, so it cannot tell VMs apart."
    elif check.reads_parameter:
        yield f"The function looks at `{name}`."
    elif result.vm_kinds:
        yield f"The function takes `{name}` and does not look at it. It should."
    else:
        yield f"The function takes `{name}` and does not look at it."
    yield from _placement(result, function.argument)


def _placement(result: ReviewResult, argument: str) -> Iterator[Block]:
    check, function = result.check, result.function
    if check.path is None:
        yield "The quotation does not say in which file it stands."
        return
    if function is None or check.path not in function.incomplete_in:
        return
    name = check.path.rpartition("include/")[2]
    if check.is_macro:
        yield (
            f"As a macro of {name} it is expanded where `{argument}` is complete, and nobody "
            "checks the type of its argument."
        )
    elif check.is_inline and check.reads_parameter:
        yield (
            f"As an inline function of {name} it cannot: `{argument}` is only declared there "
            f"({function.source}). {_MOVE}"
        )
    elif check.is_inline:
        yield (
            f"As an inline function of {name} it never can: `{argument}` is only declared there "
            f"({function.source}), so any use of it forces the full definition. {_MOVE}"
        )


_MOVE = "Define it in a .c file of KVM and declare it in the header."


def _suggestion(result: ReviewResult) -> Iterator[Block]:
    found = result.synthesis
    if not any(result.verdicts[verdict] for verdict in (Verdict.UNSOUND, Verdict.OVERSTRICT)):
        yield "As it is: it says yes in no cell that is unsafe, and no in none that is safe."
    else:
        yield "The weakest sound check over what the kernel can test there:"
        proposed = proposal(result)
        yield Code(lines=tuple(proposed.function.rstrip("\n").split("\n")), language="c")
        if proposed.header:
            yield "It stands in a .c file; the header has"
            yield Code(lines=proposed.header, language="c")
        if found.indistinguishable is None:
            yield "It is exact: it says yes to every safe cell and to no other."
        else:
            yield "It is not exact: two cells have the same conditions, one is safe and one is not."
            yield Code(lines=tuple(pair_lines(found.indistinguishable, result.baseline)))
    names = [item.name for item in result.compared]
    rows = [
        (str(verdict), *(f"{item.verdicts[verdict]:,}" for item in result.compared))
        for verdict in result.verdicts
        if verdict is not Verdict.ABSENT
    ]
    rows.append(("supported, gained", *(f"{item.gained:,}" for item in result.compared)))
    rows.append(("supported, lost", *(f"{item.lost:,}" for item in result.compared)))
    yield Table(header=("cells", *names), rows=tuple(rows))
