"""The C that a patch leaves behind: each hunk as a piece of a file, with the places of its words.

Takes patches, gives `Excerpt` values: what a hunk's lines are once it is applied, parsed, and the
way back from a word to the mail. A hunk begins and ends anywhere, so what it cuts in two is left
out by the parser or found incomplete here.

A series is taken as its last patch leaves it: hunks that change what an earlier patch added are
put in. A hunk goes where its old lines stand in what is known of the file, and where at least one
of them is an earlier patch's own: nothing is applied to a tree. What goes nowhere stays beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import InputError, Location
from matrix.kernel.patch.diff import ADDED, REMOVED, Hunk, Patch, PatchedFile, PatchLine, lines_of
from matrix.kernel.source.c.items import Item
from matrix.kernel.source.c.preprocessor import Guard, Macro
from matrix.kernel.source.c.source import CSource, parse_c
from matrix.kernel.source.c.tokens import Token, line_starts

_NUMBER = re.compile(r"\[(?P<tag>[^\]]*?)\b0*(?P<number>\d+)/0*(?P<count>\d+)\]")
# Lines that are looked at to find where hunks go; a series of a hundred patches needs a tenth.
_MOST_COMPARED = 10_000_000


class Piece(Struct, frozen=True, kw_only=True):
    """Lines of one file as they are in the end; `hunk` is the last one that changed them."""

    patch: Patch
    file: PatchedFile
    hunk: Hunk
    rows: tuple[PatchLine, ...]


def pieces_of(patches: Sequence[Patch]) -> tuple[Piece, ...]:
    """Return the pieces of files that patches leave; those at different quotations apart.

    Raises:
        InputError: MX1202, more patches of one file than can be put together.
    """
    found: list[Piece] = []
    of_file: dict[tuple[str, int], list[int]] = {}  # the numbers of a file's pieces
    earlier: dict[tuple[str, int], list[int]] = {}  # of those by other patches than this one
    last: Patch | None = None
    compared = 0
    for patch, file, hunk in lines_of(in_order(patches)):
        if patch is not last:
            # Hunks of one patch change what was before it, and not each other.
            earlier, last = {}, patch
        piece = Piece(patch=patch, file=file, hunk=hunk, rows=hunk.after())
        if file.path is None:
            found.append(piece)
            continue
        key = file.path, patch.level.depth
        numbers = earlier.setdefault(key, list(of_file.get(key, ())))
        for number in numbers:
            compared += len(found[number].rows) + len(hunk.lines)
            if compared > _MOST_COMPARED:
                raise _too_many_patches(patch, file.path, hunk)
            rows = _applied(found[number].rows, hunk)
            if rows is not None:
                found[number] = Piece(patch=patch, file=file, hunk=hunk, rows=rows)
                numbers.remove(number)
                break
        else:
            of_file.setdefault(key, []).append(len(found))
            found.append(piece)
    return tuple(piece for piece in found if piece.rows)


def _too_many_patches(patch: Patch, path: str, hunk: Hunk) -> InputError:
    return InputError.of(
        code="MX1202",
        message=f"more hunks change `{path}` than can be put together",
        location=next((line.place(patch.file) for line in hunk.lines), None),
        hint="give the patches that add the check and change it, without the others",
    )


def in_order(patches: Sequence[Patch]) -> tuple[Patch, ...]:
    """Return the patches of one series by their numbers; anything else as it comes."""
    numbers = [_NUMBER.search(patch.subject or "") for patch in patches]
    known = [found for found in numbers if found is not None]
    if len(known) < len(patches):
        return tuple(patches)
    series = {
        (found["tag"], found["count"], patch.level.depth)
        for found, patch in zip(known, patches, strict=True)
    }
    if len(series) != 1:
        return tuple(patches)
    ordered = sorted(range(len(patches)), key=lambda index: int(known[index]["number"]))
    return tuple(patches[index] for index in ordered)


def _applied(rows: Sequence[PatchLine], hunk: Hunk) -> tuple[PatchLine, ...] | None:
    """Return rows with a hunk put in where its old lines stand, None where they do not."""
    before = hunk.before()
    best: tuple[int, int] | None = None
    # Every way in which the two overlap, for a hunk may begin before what is known and end behind
    # it; where they do, all lines must be the same.
    for offset in range(1 - len(before), len(rows)):
        common = range(max(0, offset), min(len(rows), offset + len(before)))
        if all(_same(rows[at], before[at - offset]) for at in common):
            # Blank lines and brackets are alike everywhere: only the series' own words tell.
            weight = sum(
                rows[at].kind == ADDED and re.search(r"\w", rows[at].text) is not None
                for at in common
            )
            if weight and (best is None or weight > best[0]):
                best = (weight, offset)
    if best is None:
        return None
    offset = best[1]
    return _put(rows, hunk, offset)


def _put(rows: Sequence[PatchLine], hunk: Hunk, offset: int) -> tuple[PatchLine, ...]:
    kept: list[PatchLine] = list(rows[: max(0, offset)])
    at = offset
    removed = False
    for line in hunk.lines:
        if line.kind == REMOVED:
            removed, at = True, at + 1
            continue
        if line.kind == ADDED:
            kept.append(_below(line, removed=removed))
        else:
            # A context line that is known already keeps who added it.
            known = rows[at] if 0 <= at < len(rows) else line
            kept.append(_below(known, removed=removed))
            at += 1
        removed = False
    return (*kept, *rows[max(0, at) :])


def _below(line: PatchLine, *, removed: bool) -> PatchLine:
    return replace(line, below_removed=True) if removed else line


def _same(one: PatchLine, other: PatchLine) -> bool:
    return one.text.rstrip() == other.text.rstrip()


_DIRECTIVE = re.compile(r"\s*#")
_OPENS, _CLOSES = re.compile(r"\s*#\s*if"), re.compile(r"\s*#\s*endif")
_ARCHITECTURE = re.compile(r"arch/([a-z0-9_]+)/")
# C that no kernel is built from.
_NO_SOURCE = ("Documentation/", "tools/", "samples/", "scripts/")


class Excerpt(Piece, frozen=True, kw_only=True):
    """A piece as C; line n of `source` is `rows[n - 1]` of the mail."""

    source: CSource

    @property
    def architecture(self) -> str | None:
        """The architecture whose code it is; None for the code of all, or an unknown path."""
        found = _ARCHITECTURE.match(self.file.path or "")
        return found.group(1) if found else None

    def at_line(self, line: int) -> Location:
        """Return the place of a line of the source."""
        row = self.rows[min(max(line, 1), len(self.rows)) - 1]
        return row.place(self.patch.file)

    def at_word(self, line: int, word: str) -> Location:
        """Return the place of a word of a line, of the line where it is not there."""
        row = self.rows[line - 1]
        at = row.text.find(word)
        return self.at_line(line) if at < 0 else row.place(self.patch.file, at, len(word))

    def at_token(self, token: Token) -> Location:
        """Return the place of a word."""
        column = token.offset - line_starts(self.source.text)[token.line - 1]
        return self.rows[token.line - 1].place(self.patch.file, column, len(token.text))

    def conditions_above(self, line: int) -> tuple[int, ...]:
        """Return the lines of the `#if`s that are open at a line, outermost first."""
        found: list[int] = []
        for number, row in enumerate(self.rows[: line - 1], start=1):
            if _OPENS.match(row.text):
                found.append(number)
            elif _CLOSES.match(row.text) and found:
                found.pop()
        return tuple(found)

    def is_touched(self, first: int, last: int) -> bool:
        """Return whether the patch adds one of these lines, or removes one between them."""
        if any(row.kind == ADDED for row in self.rows[first - 1 : last]):
            return True
        # Not of the first line: what is removed above it stood in front of the function.
        return any(row.below_removed for row in self.rows[first:last])


class Definition(Struct, frozen=True, kw_only=True):
    """A function or macro that a patch defines or changes."""

    excerpt: Excerpt
    name: str
    parameters: tuple[str, ...] | None
    line: int
    last_line: int
    item: Item | None
    macro: Macro | None

    @property
    def guard(self) -> Guard:
        """The conditions of the preprocessor around it, as they are written."""
        if self.item is not None:
            return self.item.guard
        return () if self.macro is None else self.macro.guard

    @property
    def location(self) -> Location:
        """Where its name stands."""
        for token in self.item.tokens if self.item is not None else ():
            if token.text == self.name:
                return self.excerpt.at_token(token)
        return self.excerpt.at_word(self.line, self.name)

    @property
    def text(self) -> tuple[str, ...]:
        """Its lines as they stand in the patch, without their indents."""
        return tuple(row.text.strip() for row in self.excerpt.rows[self.line - 1 : self.last_line])

    @property
    def is_whole(self) -> bool:
        """Whether the hunk has all of it: its body is closed."""
        if self.item is None or self.item.body is None:
            return True
        words = [token.text for token in self.item.tokens[self.item.body :]]
        gaps = any(row.gap for row in self.excerpt.rows[self.line : self.last_line])
        return words.count("{") <= words.count("}") and not gaps


def excerpts(patches: Sequence[Patch]) -> tuple[Excerpt, ...]:
    """Return the pieces of kernel source that patches leave, as C."""
    return tuple(_excerpt(piece) for piece in pieces_of(patches) if _is_kernel_c(piece.file.path))


def _is_kernel_c(path: str | None) -> bool:
    """Return whether a file is C of the kernel; where a reply left no path it may be."""
    return path is None or (path.endswith((".c", ".h")) and not path.startswith(_NO_SOURCE))


def _excerpt(piece: Piece) -> Excerpt:
    source = parse_c("\n".join(row.text for row in piece.rows), piece.file.path or "?")
    items = tuple(_without_cut_text(item, source, piece.rows) for item in source.items)
    return Excerpt(
        patch=piece.patch,
        file=piece.file,
        hunk=piece.hunk,
        rows=piece.rows,
        source=replace(source, items=items),
    )


def _without_cut_text(item: Item, source: CSource, rows: Sequence[PatchLine]) -> Item:
    """Return a function without the end of a cut comment or macro that seems to precede it.

    The hunk may begin in the middle of one: what stands before the last blank line or directive
    above the function's name is none of its head, and under other `#if`s.
    """
    if item.kind != "function" or item.body is None:
        return item
    line = line_of_name(item)
    above = (number for number in range(line - 1, 0, -1) if _separates(rows[number - 1].text))
    start = next(above, 0)
    dropped = sum(token.line <= start for token in item.tokens)
    if not dropped:
        return item
    return replace(
        item,
        tokens=item.tokens[dropped:],
        body=item.body - dropped,
        guard=source.preprocessed.guards[line],
    )


def _separates(text: str) -> bool:
    return not text.strip() or _DIRECTIVE.match(text) is not None


def definitions(excerpt: Excerpt) -> Iterator[Definition]:
    """Yield what a hunk defines or changes; a macro that stands for its own name is none.

    Of a function that `#ifdef` gives several bodies all are yielded where one is changed.
    """
    functions = [
        (item, line_of_name(item)) for item in excerpt.source.items if item.kind == "function"
    ]
    touched = {item.name for item, line in functions if excerpt.is_touched(line, item.last_line)}
    for item, line in functions:
        if item.name in touched:
            yield definition(excerpt, item, line)
    for macro in excerpt.source.preprocessed.macros:
        if macro.replacement not in ("", macro.name) and excerpt.is_touched(
            macro.line, macro.last_line
        ):
            yield definition(excerpt, macro, macro.line)


def definition(excerpt: Excerpt, of: Item | Macro, line: int) -> Definition:
    """Return a function or macro of a hunk, whose name stands in a line."""
    return Definition(
        excerpt=excerpt,
        name=of.name,
        parameters=of.parameters,
        line=line,
        last_line=of.last_line,
        item=of if isinstance(of, Item) else None,
        macro=of if isinstance(of, Macro) else None,
    )


def definitions_of(excerpt: Excerpt, name: str) -> tuple[Definition, ...]:
    """Return how a hunk defines a name.

    Where what the hunk cuts in two hides a definition, the text before its line is left out.
    """
    found = tuple(item for item in definitions(excerpt) if item.name == name)
    if found:
        return found
    word = re.compile(rf"(?<!\w){re.escape(name)}\s*\(")
    for number, row in enumerate(excerpt.rows):
        # Directives stay, or the definition would lose the conditions that it stands under.
        if word.search(row.text) and not _DIRECTIVE.match(row.text):
            rows = tuple(
                replace(before, text="")
                if index < number and not _DIRECTIVE.match(before.text)
                else before
                for index, before in enumerate(excerpt.rows)
            )
            alone = _excerpt(replace(excerpt, rows=rows))
            found = tuple(item for item in definitions(alone) if item.name == name)
            if found:
                return found
    return ()


def line_of_name(item: Item) -> int:
    """Return the line of a function's own head: what stands before it may be a cut comment."""
    head = item.tokens[: item.body]
    return next((token.line for token in reversed(head) if token.text == item.name), item.line)
