"""Answers in plain text for the terminal: the verdict first, readable without colour.

Takes `Answer` values, gives lines no wider than the terminal (COLUMNS). What comes from files may
hold anything, so control characters never reach the terminal.
"""

from __future__ import annotations

import enum
import re
import textwrap
from collections.abc import Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from matrix.analyze.cell.answer import Answer, Finding, TraceLine
from matrix.analyze.cell.verdict import Verdict, meanings_of
from matrix.diagnostics.width import terminal_width
from matrix.expr.nodes import told
from matrix.render.defects import defects_of_cpus, sentences, with_defects
from matrix.render.findings import certainty, events, hangs
from matrix.render.fixes import fix_line, snippet_lines
from matrix.render.markdown import plain


class Palette(Struct, frozen=True, kw_only=True):
    """Escape sequences (ECMA-48 SGR) of a coloured text; all empty for a plain one."""

    verdicts: tuple[tuple[Verdict, str], ...] = ()
    strong: str = ""
    faint: str = ""
    reset: str = ""

    def verdict(self, verdict: Verdict) -> str:
        """Return the verdict's word in its colour."""
        colour = dict(self.verdicts).get(verdict, "")
        return f"{colour}{verdict}{self.reset if colour else ''}"

    def title(self, text: str) -> str:
        """Return a title."""
        return f"{self.strong}{text}{self.reset}"

    def aside(self, text: str) -> str:
        """Return what can be passed over at a first reading."""
        return f"{self.faint}{text}{self.reset}"


PLAIN = Palette()
# The eight colours every terminal has, bold: they stay readable on light and on dark ground.
COLOURED = Palette(
    verdicts=(
        (Verdict.UNSOUND, "\x1b[1;31m"),
        (Verdict.UNKNOWN, "\x1b[1;35m"),
        (Verdict.OVERSTRICT, "\x1b[1;33m"),
        (Verdict.NOT_GRANTED, "\x1b[1;34m"),
        (Verdict.SUPPORTED, "\x1b[1;32m"),
        (Verdict.GRANTED, "\x1b[1;32m"),
        (Verdict.REFUSED, "\x1b[1;34m"),
        (Verdict.ABSENT, "\x1b[1m"),
    ),
    strong="\x1b[1m",
    faint="\x1b[2m",
    reset="\x1b[0m",
)


class Detail(enum.IntEnum):
    """How much of an answer is shown, as `-v` is given never, once or twice."""

    BRIEF = 0  # the verdict, the first reason, the cheapest fix
    TRACED = 1  # all reasons and fixes, what each advisory says, the shortest trace
    WHOLE = 2  # the facts and every trace, too


def render_answer(
    title: str, answer: Answer, *, colour: bool, detail: Detail, aside: str | None = None
) -> str:
    """Return one answer: verdict, reasons, what is unsettled, the shortest trace, fixes.

    What `detail` leaves out is named; `aside` is a last remark.
    """
    lines = _Lines(palette=COLOURED if colour else PLAIN)
    if answer.defects:
        lines.verdict(answer.verdict, with_defects("", answer.defects))
        lines.add(title, indent=2)
    else:
        lines.verdict(answer.verdict, f": {title}")
    lines.add(meanings_of(answer.basis)[answer.verdict], indent=2, faint=True)
    is_brief = detail is Detail.BRIEF
    left_out = _reasons(lines, answer, detail)
    if is_brief:
        lines.names_of_advisories(answer.advisories)
        left_out += ["what the advisories say"] if answer.advisories else []
    else:
        lines.advisories(answer.advisories, detail=detail)
    fixes = answer.fixes[:1] if is_brief else answer.fixes
    for fix in fixes:
        lines.item(fix_line(fix), head="fix")
        # Not wrapped: they are there to be copied.
        lines.lines += [f"    {plain(line)}" for line in snippet_lines(fix)]
        for note, source in fix.costs:
            lines.item(f"{note} ({source})", indent=4, head="cost")
    left_out += _more(len(answer.fixes) - len(fixes), "fix", "fixes")
    if detail is Detail.WHOLE and answer.facts:
        _facts(lines, answer)
    if aside:
        lines.item(aside)
    if left_out:
        lines.add(f"-v shows {_listed(left_out)}", indent=2, faint=True)
    lines.add(f"confidence: {answer.confidence}", indent=2, faint=True)
    if answer.so_what:
        lines.add(f"so what: {answer.so_what}", indent=2)
    return lines.text()


def _reasons(lines: _Lines, answer: Answer, detail: Detail) -> list[str]:
    """Add why the verdict is what it is; give the names of what a brief answer leaves out."""
    own = _own_reasons(answer)
    title = _violation_title(answer.verdict)
    broken = sorted(answer.violations, key=lambda finding: len(finding.trace))
    if detail is not Detail.BRIEF:
        for reason in own:
            lines.item(reason)
        for fact in answer.unsettled:
            lines.item(fact.sentence, head="not settled")
        for index, finding in enumerate(broken):
            lines.finding(title, finding, traced=detail is Detail.WHOLE or index == 0)
        return []
    for reason in own[:1]:
        lines.item(reason)
    for fact in answer.unsettled[:1]:
        lines.item(fact.sentence, head="not settled")
    shown = 0 if own or answer.unsettled else 1
    for finding in broken[:shown]:
        lines.finding(title, finding, traced=False)
    return [
        *(["the trace"] if any(finding.trace for finding in broken) else []),
        *_more(len(own) - 1, "reason", "reasons"),
        *_more(len(answer.unsettled) - 1, "open fact", "open facts"),
        *_more(len(broken) - shown, "violation", "violations"),
    ]


def _more(count: int, one: str, many: str) -> list[str]:
    return [f"{count} more {one if count == 1 else many}"] if count > 0 else []


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def render_verdict(title: str, answer: Answer, *, colour: bool) -> str:
    """Return the verdict with its reasons and nothing of what the simulation found."""
    return render_answer(
        title,
        replace(answer, violations=(), advisories=(), fixes=(), so_what=""),
        colour=colour,
        detail=Detail.TRACED,
    )


def render_simulation(answer: Answer, *, colour: bool) -> str:
    """Return what the simulation found: violations with their traces, advisories without."""
    lines = _Lines(palette=COLOURED if colour else PLAIN)
    for finding in sorted(answer.violations, key=lambda finding: len(finding.trace)):
        lines.finding(_violation_title(answer.verdict), finding, traced=True)
    for finding in answer.advisories:
        lines.finding("advisory", finding, traced=False)
    return lines.text() if lines.lines else ""


def render_grouped(
    title: str,
    answers: Sequence[tuple[str, Answer]],
    *,
    colour: bool,
    fixed: str = "",
    asides: Sequence[str] = (),
) -> str:
    """Return many answers by verdict: names that share their reasons stand together.

    Reasons that differ only in the name count as the same; `NAME` then stands for each of them.
    `fixed` says below the title what is the same for all, `asides` are remarks at the end.
    """
    lines = _Lines(palette=COLOURED if colour else PLAIN)
    if defects := defects_of_cpus([answer.defects for _, answer in answers]):
        lines.add(defects, indent=0)
    lines.title(title)
    if fixed:
        lines.add(fixed, indent=2, faint=True)
    for verdict in Verdict:
        found = [(name, answer) for name, answer in answers if answer.verdict is verdict]
        if not found:
            continue
        lines.blank()
        lines.verdict(verdict, f" ({len(found)}): {meanings_of(found[0][1].basis)[verdict]}")
        _alike(lines, found)
    for index, remark in enumerate(asides):
        if index == 0:
            lines.blank()
        lines.add(remark, indent=2)
    return lines.text()


def _alike(lines: _Lines, found: Sequence[tuple[str, Answer]]) -> None:
    """Add the answers of one verdict: CPUs that share their reasons stand together."""
    shared: dict[tuple[str, ...], list[tuple[str, Answer]]] = {}
    for name, answer in found:
        shared.setdefault(without_name(name, why(answer)), []).append((name, answer))
    for reasons, alike in shared.items():
        lines.add(", ".join(name for name, _ in alike), indent=2)
        for reason in reasons if len(alike) > 1 else why(alike[0][1]):
            lines.item(reason, indent=4)
        if meant := _meant_by_all(alike):
            lines.item(meant, indent=4, head="so what")


def _meant_by_all(alike: Sequence[tuple[str, Answer]]) -> str:
    """Return what the answers of alike CPUs mean, empty where that is not one sentence."""
    if len(alike) == 1:
        return alike[0][1].so_what
    meant = {without_name(name, (answer.so_what,))[0] for name, answer in alike}
    return meant.pop() if len(meant) == 1 else ""


def _facts(lines: _Lines, answer: Answer) -> None:
    lines.item("", head="facts")
    width = max((len(name) for name, _ in answer.facts), default=0)
    for name, value in answer.facts:
        lines.add(f"{plain(name):{width}} = {plain(told(value))}", indent=4, hang=width + 3)


class _Lines(Struct, kw_only=True):
    """Lines collected one after the other, each wrapped to the terminal."""

    palette: Palette
    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def blank(self) -> None:
        self.lines.append("")

    def title(self, text: str) -> None:
        self.lines += [self.palette.title(line) for line in hanging(text, "", "")]

    def verdict(self, verdict: Verdict, rest: str) -> None:
        """Add a line that begins with the verdict."""
        first, *more = hanging(f"{verdict}{rest}", "", "  ")
        # Coloured once it is wrapped: an escape sequence has a length and no width.
        self.lines += [first.replace(verdict, self.palette.verdict(verdict), 1), *more]

    def add(self, text: str, *, indent: int, hang: int = 0, faint: bool = False) -> None:
        """Add a paragraph; its lines after the first stand `hang` further in."""
        wrapped = hanging(text, " " * indent, " " * (indent + hang), keep=bool(hang))
        self.lines += [self.palette.aside(line) for line in wrapped] if faint else wrapped

    def item(self, text: str, *, indent: int = 2, head: str = "") -> None:
        """Add an item of a list, with what kind it is where that is not plain."""
        label = f"{head}: " if head else ""
        self.lines += hanging(f"{label}{text}", " " * indent + "- ", " " * (indent + 2))

    def finding(self, title: str, finding: Finding, *, traced: bool) -> None:
        """Add a finding, and its trace where `traced`."""
        self.item(f"{title} {_finding(finding)}")
        for number, event in enumerate(events(finding.trace) if traced else (), start=1):
            self.lines += hanging(f"{number}. {event.name}", " " * 4, " " * 7)
            for line in event.lines:
                self.operation(line)

    def names_of_advisories(self, advisories: Sequence[Finding]) -> None:
        """Add the names of what is reported besides, by how certain they are."""
        by_certainty: dict[str, list[str]] = {}
        for item in sorted(advisories, key=lambda item: hangs(item.certainty)):
            by_certainty.setdefault(certainty(item.certainty), []).append(f"`{item.invariant}`")
        if by_certainty:
            groups = (f"{', '.join(names)} ({word})" for word, names in by_certainty.items())
            self.item("; ".join(groups), head="advisories")

    def advisories(self, advisories: Sequence[Finding], *, detail: Detail) -> None:
        """Add what is reported besides; of what hangs on more than the cell the names are enough.

        The whole of an answer has what each says, and its trace.
        """
        is_whole = detail is Detail.WHOLE
        brief = [item for item in advisories if hangs(item.certainty) and not is_whole]
        for item in advisories:
            if item not in brief:
                self.finding("advisory", item, traced=is_whole)
        if brief:
            named = (f"advisory `{item.invariant}` ({certainty(item.certainty)})" for item in brief)
            self.item(f"{', '.join(named)}: -vv says on what each hangs")

    def operation(self, line: TraceLine) -> None:
        """Add a micro-operation, its kernel lines beside it where there is room, else beneath."""
        done = hanging(f"{line.operation} {line.detail}", " " * 7, " " * 9)
        source = f"({plain(line.source)})" if line.source else ""
        if source and len(done[-1]) + 1 + len(source) <= terminal_width():
            done[-1] += f" {self.palette.aside(source)}"
        elif source:
            beneath = hanging(source, " " * 9, " " * 10)
            done += [self.palette.aside(part) for part in beneath]
        self.lines += done


def hanging(
    text: str, first: str, rest: str, *, keep: bool = False, width: int | None = None
) -> list[str]:
    """Return the text without control characters, cut at spaces to `width`, else the terminal's.

    `first` stands before the first line, `rest` before the others. A word longer than the line
    stays whole, so that paths can be copied. `keep` leaves runs of spaces as they are.
    """
    return textwrap.wrap(
        text if keep else plain(text),
        width or terminal_width(),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def _own_reasons(answer: Answer) -> tuple[str, ...]:
    """Return the reasons that no violation and no open fact says in the same words."""
    said = {finding.message for finding in answer.violations}
    said.update(fact.sentence for fact in answer.unsettled)
    return tuple(reason for reason in answer.reasons if reason not in said)


def why(answer: Answer) -> tuple[str, ...]:
    """Return what a reader of many answers is told of one."""
    title = _violation_title(answer.verdict)
    broken = dict.fromkeys(f"{title} {_finding(finding)}" for finding in answer.violations)
    return (
        *(f"with {text}" for text in sentences(answer.defects)),
        *_own_reasons(answer),
        *(fact.sentence for fact in answer.unsettled),
        *broken,
    )


def without_name(name: str, reasons: Sequence[str]) -> tuple[str, ...]:
    """Return reasons with NAME for a CPU's name, so that those of alike CPUs are equal."""
    whole = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])") if name else re.compile(r"(?!)")
    return tuple(whole.sub("NAME", reason) for reason in reasons)


def _finding(finding: Finding) -> str:
    return f"`{finding.invariant}` ({certainty(finding.certainty)}): {finding.message}"


def _violation_title(verdict: Verdict) -> str:
    match verdict:
        case Verdict.UNKNOWN:
            return "may violate"
        case Verdict.REFUSED:
            return "would violate"
        case _:
            return "violates"


def wrapped(text: str, head: str) -> list[str]:
    """Return the lines of a paragraph that begins with `head`, the others as far in as it is."""
    return hanging(text, head, " " * len(head))
