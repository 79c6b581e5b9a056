"""A review as a reply to its mail: what is said stands under the lines that it answers.

Takes a `ReviewResult`, gives a document in the mail's own order (`writers/mail.py` sends it) and
the headers of the reply. Sentences say what was counted or proven, and where it stands; nothing is
recommended that was not evaluated again. Lines of the kernel are those of the newest release asked.
"""

from __future__ import annotations

import itertools
import re
import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.analyze.cell.verdict import Verdict
from matrix.analyze.facts.implied import Implication, Implied
from matrix.analyze.space.cause import Cause, Place
from matrix.analyze.space.cell_text import cell_text
from matrix.diagnostics import Diagnostic, Location
from matrix.flows.review_result import KconfigAnswer, PlaceInTree, ReviewedRule, ReviewResult
from matrix.render.causes import named, one_of
from matrix.render.defects import study_sentences
from matrix.render.document import (
    NO_BREAK,
    Block,
    Code,
    Document,
    Inline,
    List,
    Paragraph,
    Section,
    code,
)
from matrix.render.document import plain as as_it_is
from matrix.render.findings import certainty, events
from matrix.render.frames import frame_lines, strip_of
from matrix.render.markdown import plain
from matrix.render.proposed_check import pair_lines, wrapped_c
from matrix.render.quantities import listing
from matrix.render.review_diff import proposal
from matrix.render.review_questions import PAGE_SIZE, questions
from matrix.render.writers.mail import WIDTH, Headers
from matrix.solve.nearest import Changes

# So many CPUs are named that share a condition; those by default are what a maintainer looks for.
_BY_DEFAULT, _ELSEWHERE = 12, 3
# Warnings that are remarks on the patch: a reply says them too.
_OF_THE_CHECK = ("MX1218", "MX1221", "MX1222", "MX1224")
# Behind four columns of indent a line still has room for two levels of quotation.
_TRACE_WIDTH = 72
_SENTENCES = re.compile(r"[.?!] +\S")
_NO_CODE = re.compile(r"\s*(?:/\*.*|\*.*|//.*|[{}]?)$")


class _Remark(Struct, frozen=True, kw_only=True):
    """What is said under some lines of the mail, which are quoted."""

    lines: tuple[int, ...]
    blocks: tuple[Block, ...]


def reply_headers(result: ReviewResult) -> Headers:
    """Return whom a reply to all is for, and what it answers."""
    envelope = result.check.patch.mail.envelope
    to = (envelope.sender,) if envelope.sender is not None else ()
    known = {address for _, address in to}
    return Headers(
        to=to,
        cc=tuple(item for item in (*envelope.to, *envelope.cc) if item[1] not in known),
        in_reply_to=envelope.message_id,
        references=envelope.references,
    )


def reply(result: ReviewResult, study: str | None, *, traces: bool) -> Document:
    """Return the reply; its commands name the study, None for the default of the commands."""
    return _Reply(result, study, traces=traces).document()


def unsaid(result: ReviewResult) -> Iterator[Diagnostic]:
    """Yield what a reply that is sent leaves out, for the person who sends it."""
    place = Location(file=result.check.patch.file)
    function = result.function
    implied = {item.status for answer in result.kconfig for item in answer.kernels}
    answered = {
        "unsound": True,
        "page-size": result.page_sizes is not None,
        "kconfig": bool(implied - {Implied.DECIDES}),
        "vm": function is not None and function.argument is not None,
    }
    for item in questions(result.check.patch.comments):
        if not answered.get(item.section or ""):
            yield Diagnostic.warning(
                code="MX1225",
                message=f"this question has no answer in the reply: {plain(item.text)}",
                location=replace(place, line=item.line, column=1),
            )
    if result.check.patch.mail.envelope.message_id is None:
        yield Diagnostic.warning(
            code="MX1226",
            message="the text has no Message-ID: the reply has no In-Reply-To",
            location=place,
            hint="give the mail itself (`b4 mbox`, or `raw` on lore.kernel.org), or "
            "`git send-email --in-reply-to`",
        )


class _Reply:
    def __init__(self, result: ReviewResult, study: str | None, *, traces: bool) -> None:
        self._result = result
        self._check = result.check
        self._study = study
        self._traces = traces
        self._asked = questions(result.check.patch.comments)
        self._texts = {line.number: line.text for line in result.check.patch.mail.lines}
        self._newest = result.kernels[-1]
        self._explained: set[tuple[str, str]] = set()

    def document(self) -> Document:
        remarks = [*self._message(), *self._diagnosed(), *self._kconfig(), *self._verdict()]
        remarks.sort(key=lambda remark: min(remark.lines))
        blocks: list[Block] = []
        for remark in remarks:
            lines = [self._texts.get(number, "") for number in sorted(set(remark.lines))]
            quoted = tuple(line for line in lines if line.strip("> "))
            blocks += [
                *([Code(text="\n".join(quoted), quoted=True)] if quoted else []),
                *remark.blocks,
            ]
        sender = self._check.patch.mail.envelope.sender
        if sender is not None:
            blocks[:1] = [Section(blocks=(self._attribution(*sender), *blocks[:1]))]
        subject = plain(self._check.patch.subject or f"[PATCH] {self._check.name}()")
        return Document(
            title=as_it_is(subject if subject.lower().startswith("re:") else f"Re: {subject}"),
            blocks=tuple(blocks),
            lead=study_sentences(self._result.defects),
        )

    def _attribution(self, name: str, address: str) -> Paragraph:
        date = plain(self._check.patch.mail.envelope.date or "")
        when = f"On {date}, " if date else ""
        return Paragraph(text=as_it_is(f"{when}{plain(name) or address} wrote:"))

    def _about(self, section: str) -> tuple[int, ...]:
        """Return the lines of what the mail asks about a subject, from the last sentence on."""
        found: list[int] = []
        for item in self._asked:
            text = ""
            for number in reversed(item.quoted if item.section == section else ()):
                if _SENTENCES.search(text):
                    break
                found.append(number)
                text = f"{self._texts.get(number, '').strip('> ')} {text}"
        return tuple(found)

    def _at(self, source: str | None, release: str) -> str:
        """Return the first place of a source in parentheses, with its release unless the newest."""
        if source is None:
            return ""
        where = "" if release == self._newest else f" in {release}"
        return f" ({_first_line(source)}{where})"

    def _message(self) -> Iterator[_Remark]:
        """Yield what is wrong in the message, with the answer about the size of pages."""
        stated = self._result.statements
        asked = self._about("page-size")
        mentions = [line for line in self._check.patch.message if PAGE_SIZE.search(line.text)]
        lines = [number for item in stated for number in item.lines]
        lines += asked or [line.number for line in mentions[:1] if not stated]
        refuted: dict[tuple[str, ...], list[str]] = {}
        for item in stated:
            text = f"{item.instead}{self._at(item.source, item.release)}"
            refuted.setdefault(item.kernels, []).append(text)
        said = [f"Not so in {listing(names)}: {listing(of)}." for names, of in refuted.items()]
        if asked or mentions:
            said += self._page_size()
        if said:
            yield _Remark(lines=tuple(lines), blocks=(Paragraph(text=" ".join(said)),))

    def _page_size(self) -> Iterator[str]:
        sizes, kept = self._result.page_sizes, self._result.granularity
        if sizes is None:
            return
        listed = listing([str(size // 1024) for size in sizes.sizes])
        keepers = [
            f"`{text}`{self._at(source.partition(' in ')[0], source.rpartition(' in ')[2])}"
            for text in kept.keepers
            for source in [dict(kept.sources).get(text, "")]
        ]
        if sizes.differing:
            yield (
                f"The page size matters: with pages of {listed} kB the answer differs on machines "
                "that differ in nothing else."
            )
        elif kept.cells and not kept.admitted and keepers:
            yield f"PAGE_SIZE is meant ({listed} kB are alike), and {listing(keepers)} enforces it."
        else:
            yield f"PAGE_SIZE is meant: {listed} kB are alike."

    def _diagnosed(self) -> Iterator[_Remark]:
        """Yield remarks on lines of the patch outside of the function."""
        mine = {row.number for row in self._check.rows}
        for line, text in self._warnings():
            if line not in mine:
                yield _Remark(lines=(line,), blocks=(Paragraph(text=text),))

    def _warnings(self) -> Iterator[tuple[int, str]]:
        for item in self._result.diagnostics:
            if item.code in _OF_THE_CHECK and item.location is not None:
                hint = f" ({item.hint})" if item.hint else ""
                text = f"{item.message[:1].upper()}{item.message[1:]}{hint}."
                # A hint that asks ends the sentence itself.
                yield item.location.line or 0, text.replace("?).", "?)")

    def _kconfig(self) -> Iterator[_Remark]:
        asked, generic = self._about("kconfig"), self._check.is_generic
        for answer in self._result.kconfig:
            of_kernels = [item for item in answer.kernels if item.release in self._result.kernels]
            said = [
                Paragraph(text=_kconfig_sentence(answer, status, found, generic=generic))
                for status in (Implied.ALWAYS, Implied.NEVER, Implied.NO_SUCH_SYMBOL)
                if (found := [item for item in of_kernels if item.status == status])
            ]
            if said:
                yield _Remark(lines=(answer.location.line or 0, *asked), blocks=tuple(said))
                # The question is quoted once, with the first answer.
                asked = ()

    def _verdict(self) -> Iterator[_Remark]:
        """Yield where the check is wrong, and what it should be under what asks for that."""
        rows = [row.number for row in self._check.rows if not _NO_CODE.match(row.text)]
        # The head of a function says nothing of what it returns.
        lines = (*(rows if self._check.is_macro else rows[1:] or rows), *self._about("unsound"))
        wrong, right, asked = self._wrong(), self._suggestion(), self._about("vm")
        # A reply keeps the order of the mail: a question behind the check has its answer there.
        if asked and min(asked) > max(lines):
            yield _Remark(lines=lines, blocks=tuple(wrong))
            yield _Remark(lines=asked, blocks=tuple(right))
        else:
            yield _Remark(lines=(*lines, *asked), blocks=(*wrong, *right))

    def _put_in(self) -> str:
        of_tree = self._result.of_tree
        of_patch = [name for name in self._check.inlined if name not in of_tree]
        version = self._result.tree.version if self._result.tree is not None else ""
        parts = [
            f"{listing([f'`{name}`' for name in some])} of {whose}"
            for some, whose in ((of_patch, "the patch"), (of_tree, f"Linux {version}"))
            if some
        ]
        return " and ".join(parts)

    def _wrong(self) -> Iterator[Block]:
        result = self._result
        mine = {row.number for row in self._check.rows}
        yield from (Paragraph(text=text) for line, text in self._warnings() if line in mine)
        if self._check.inlined:
            yield Paragraph(text=f"With {self._put_in()} put in, that is")
            yield Code(text=wrapped_c(self._check.expression, 4), language="c", indent=4)
        if result.granularity.admitted:
            yield Paragraph(
                text="Nothing in it enforces that the direct map can be changed page by page: "
                "where it cannot, the page silently stays mapped."
            )
        where = listing(result.kernels)
        where += f" with {result.assumes_patch}" if result.assumes_patch else ""
        same = [name for name in result.same_as if name != result.assumes_patch]
        where += f", as `{same[0]}` does" if same else ""
        where += f" (lines of {self._newest})" if len(result.kernels) > 1 else ""
        overstrict = [item for item in result.rules if item.verdict == Verdict.OVERSTRICT]
        causes = list(itertools.starmap(self._cause, enumerate(result.causes, start=1)))
        again = "" if causes else f", in {where}"
        wrong = [
            (f"yes and must not, in {where}", causes),
            (f"no and need not{again}", [f"{self._places(item.places)}." for item in overstrict]),
        ]
        cells = [dict(cause.example) for cause in result.causes]
        run = Paragraph(text=self._command([*cells, *(item.cell for item in overstrict)]))
        blocks: list[Block] = []
        for word, cases in wrong:
            if cases:
                blocks += [
                    Paragraph(text=f"It says {word}:"),
                    List(items=tuple(cases)),
                ]
        if blocks:
            yield Section(blocks=(*blocks, run))
        else:
            yield Paragraph(
                text=f"Right in {where}: yes in no case that is unsafe, and no in none "
                "that is safe."
            )
        if self._traces:
            for item in result.rules:
                if item.findings:
                    yield Code(text="\n".join(_trace_lines(item, result.baseline)), indent=4)

    def _cause(self, number: int, cause: Cause) -> str:
        """Return a cause with its CPUs, what permits it, and what else may come of it."""
        head = f"{cause.statement}{self._at(cause.source, cause.release)}"
        some = cause.kernels != self._result.kernels
        head += f", in {listing(cause.kernels)}" if some else "."
        found = next((item.findings for item in self._result.rules if item.cause == number), ())
        assumed = dict.fromkeys(needs.partition("=")[0] for _, needs in cause.broken)
        permitted = [
            self._result.permitted[name] for name in assumed if name in self._result.permitted
        ]
        others = [
            f"If {item.certainty.partition('=')[2] or item.certainty}, {item.message}."
            for item in found
            if item.message != cause.statement
        ]
        places = self._places(cause.places)
        places = places if some else places[:1].upper() + places[1:]
        return " ".join([head, f"{places}.", *permitted, *others])

    def _places(self, places: Sequence[Place]) -> str:
        """Return CPUs by condition, those that need none first.

        Where there are many they are counted, with those that need another condition besides.
        """
        said: list[str] = []
        counted: list[Changes] = []
        for place in places:
            # Counted there: `shown` below takes in those that need more than the condition.
            if any(set(change) <= set(place.change) for change in counted):
                continue
            cpus = place.cpus
            if len(cpus) > (_ELSEWHERE if place.change else _BY_DEFAULT):
                counted.append(place.change)
                more = (item.cpus for item in places if set(place.change) <= set(item.change))
                shown = f"{len(set(itertools.chain(*more)))} CPUs"
            else:
                shown = named(cpus, len(cpus))
            said.append(f"{self._condition(place.change)}{f': {shown}' if cpus else ''}")
        return "; ".join(said)

    def _condition(self, change: Changes) -> str:
        words = []
        for axis, options in change:
            lines = [self._result.command_lines.get((axis, option)) for option in options]
            shown = [f'"{line}"' if " " in line else line for line in lines if line]
            words.append(
                " or ".join(shown) if all(lines) else one_of(axis, options).replace("`", "")
            )
            meaning = self._result.surroundings.get((axis, options[0]))
            # `vm=protected` explains itself.
            clear = meaning is None or options[0] in meaning
            if not clear and (axis, options[0]) not in self._explained:
                self._explained.add((axis, options[0]))
                words[-1] += f" ({meaning})"
        return f"with {listing(words)}" if words else "by default"

    def _command(self, cells: Sequence[Mapping[str, str]]) -> Inline:
        """Return a line that shows what is simulated in the cells, as many of them as it takes."""
        line = "matrix simulate" + (f" --matrix {self._study}" if self._study else "")
        for number, cell in enumerate(cells):
            more = f" {shlex.quote(cell_text(cell, self._result.baseline) or self._a_cpu())}"
            # The first cell stands however long it is: a command without one shows nothing of this.
            if number and len(line) + len(more) > WIDTH - 2:
                break
            line += more
        return code(f"$ {line}".replace(" ", NO_BREAK))

    def _a_cpu(self) -> str:
        """Return the baseline cell, which no option sets apart, by one of its options."""
        axis, option = next(iter(self._result.baseline.items()))
        return cell_text({axis: option}, {})

    def _placement(self) -> str:
        """Return whether the answer depends on the VM, and where such a function can stand."""
        check, function, kinds = self._check, self._result.function, self._result.vm_kinds
        if function is None or function.argument is None or not (self._about("vm") or kinds):
            return ""
        verb = "tells" if check.reads_parameter else "must tell"
        said = [f"It {verb} a {item.kind} VM from a {item.baseline} one." for item in kinds]
        said = said or ["The answer does not depend on the VM."]
        if check.path in function.incomplete_in and check.is_macro:
            said.append(
                f"As a macro it is expanded where `{function.argument}` is complete, and nobody "
                "checks the type of its argument."
            )
        elif check.path in function.incomplete_in and check.is_inline:
            said.append(f"`{function.argument}` is only declared here.")
        return " ".join(said)

    def _suggestion(self) -> Iterator[Block]:
        result, pair = self._result, self._result.synthesis.indistinguishable
        said = self._placement()
        if not any(result.verdicts[word] for word in (Verdict.UNSOUND, Verdict.OVERSTRICT)):
            yield from [Paragraph(text=said)] if said else []
            return
        proposed = proposal(result)
        what = "Instead, sound and exact:" if pair is None else "The weakest sound check:"
        yield Paragraph(text=f"{said} {what}".strip())
        form = "diff" if proposed.diff else "c"
        yield Code(text=proposed.diff or proposed.function, language=form)
        if result.tree is not None:
            yield from self._in_tree(result.tree, applies=bool(proposed.diff))
        if proposed.header and not proposed.diff:
            yield Paragraph(text="in a .c file, with this in the header:")
            yield Code(text="\n".join(proposed.header), language="c")
        if pair is not None:
            yield Paragraph(text="It is no to both of these, of which one is safe:")
            yield Code(text="\n".join(pair_lines(pair, result.baseline)))

    def _in_tree(self, tree: PlaceInTree, *, applies: bool) -> Iterator[Block]:
        """Yield what the proposed check lacks in the tree that was given."""
        said = []
        if not applies:
            stands = self._result.stands_in
            lacks = "the hunk has no place" if stands in tree.files else f"there is no `{stands}`"
            said.append(
                f"It is no diff of Linux {tree.version}: {lacks} in the tree that was given."
            )
        if tree.needs and not applies:
            said += [f"`{name}()` needs <{header}>." for name, header in tree.needs.items()]
        if tree.lacks:
            names = listing([f"`{name}()`" for name in tree.lacks])
            said.append(f"No header of the tree that was given declares {names}.")
        if said:
            yield Paragraph(text=" ".join(said))


def _first_line(source: str) -> str:
    """Return the first line of a source, a header's as it is included: `asm/kvm_mmu.h:258`."""
    first = re.match(r"(?:arch/\w+/include/)?([^;]*?:\d+)(?=[-;]|$)", source)
    return first[1] if first else source


def _kconfig_sentence(
    answer: KconfigAnswer, status: Implied, found: Sequence[Implication], *, generic: bool
) -> str:
    premise = re.sub(r"IS_ENABLED\((\w+)\)", r"\1", answer.premise).replace(" && ", " and ")
    always = f"With {premise} always" if premise else "Always"
    releases = listing([item.release for item in found])
    what = f"the `#{answer.directive.lstrip('# ').split()[0]}`" if answer.directive else "the test"
    proof = "; ".join(
        (item.condition.because or item.condition.text)
        + (f" ({item.condition.source})" if item.condition.source else "")
        for item in found[-1].because
    )
    match status:
        case Implied.ALWAYS:
            # What is true of this architecture may be false where another compiles the same line.
            so = "" if generic else f"; {what} can go"
            return f"{always} true in {releases}: {proof}{so}."
        case Implied.NEVER:
            return f"Never true in {releases}: {proof}."
        case _:
            symbols = dict.fromkeys(symbol for item in found for symbol in item.unlisted)
            return f"In {releases} there is no {listing([f'`{name}`' for name in symbols])} here."


def _trace_lines(item: ReviewedRule, baseline: Mapping[str, str]) -> Iterator[str]:
    finding, cell = item.findings[0], cell_text(item.cell, baseline)
    yield from (f"{finding.invariant} ({certainty(finding.certainty)}):", f"  {cell}")
    strip = strip_of(finding)
    if strip is not None:
        yield from (f"  {line}" for line in frame_lines(strip, _TRACE_WIDTH - 6))
    for event in events(finding.trace):
        yield f"  {event.name}"
        for line in event.lines:
            yield from textwrap.wrap(
                f"{line.operation}{' (breaks)' * (line is finding.breaking)}: {line.detail}",
                _TRACE_WIDTH,
                initial_indent=" " * 4,
                subsequent_indent=" " * 8,
            )
            for source in (line.source or "").split("; "):
                yield from [f"{' ' * 6}{source}"] if source else []
