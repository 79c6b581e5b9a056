"""The diffs in the text of a mail, quoted and trimmed as replies do.

Takes a `MailText`, gives `Patch` values. This is a reader of its own, since the libraries that read
diffs (unidiff, whatthepatch) refuse a hunk that is shorter than its header says, which is what a
reply leaves of it; the tests compare it with unidiff on patches that are whole. The numbers of a
hunk's header decide only where an unquoted hunk ends; nothing is applied to a tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct, convert, field
from msgspec.structs import replace

from matrix.diagnostics import InputError, Location
from matrix.kernel.patch.mail import Line, MailText
from matrix.kernel.patch.quoting import Comment, Level, comments_on, level_of, marks_of

CONTEXT, ADDED, REMOVED = " ", "+", "-"

_HUNK = re.compile(
    r"@@ -(?P<start>\d{1,9})(?:,(?P<old>\d{1,9}))? \+\d+(?:,(?P<new>\d{1,9}))? @@ ?(?P<section>.*)"
)
_GIT_HEADER = re.compile(r"diff --git (?:a/)?\S+ (?:b/)?(?P<path>\S+)$")
_NEW_FILE = re.compile(r"\+\+\+ (?:b/)?(?P<path>[^\t ]+)")
_OLD_FILE = re.compile(r"--- (?:a/|/dev/null)")
_EXTENDED_HEADER = re.compile(
    r"index |old mode |new mode |deleted file |new file |similarity |dissimilarity |rename |copy "
    r"|Binary files |GIT binary patch"
)
# What people write where they cut a quotation.
_CUT = re.compile(r"[\[<(]?\s*(?:\.\.\.+|…|snip\w*|trim\w*|cut)\s*[\])>]?$", re.IGNORECASE)
_SIGNATURE = re.compile(r"--\s*$")


class PatchLine(Struct, frozen=True, kw_only=True):
    """A line of a hunk: `kind` is its sign, `column` where its text begins in the file.

    `gap` says that something was cut out in front of it, `below_removed` that the patch removes
    what stood there.
    """

    kind: str
    text: str
    number: int
    column: int
    gap: bool = False
    below_removed: bool = False

    def place(self, file: str, offset: int = 0, length: int | None = None) -> Location:
        """Return the place of a part of its text; without a length, of all from the offset on."""
        return Location(
            file=file,
            line=self.number,
            column=self.column + offset,
            length=max(1, len(self.text.rstrip())) if length is None else length,
            text=" " * (self.column - 2) + self.kind + self.text if self.column > 1 else self.text,
        )


class Hunk(Struct, frozen=True, kw_only=True):
    """A hunk; `section` is what git writes behind its header, `line` the header's.

    It begins at line `start` of the old file; 0 where a reply left no header.
    """

    section: str
    line: int
    start: int
    lines: tuple[PatchLine, ...]

    def after(self) -> tuple[PatchLine, ...]:
        """Return the lines as they are once the patch is applied."""
        kept: list[PatchLine] = []
        removed = False
        for line in self.lines:
            if line.kind != REMOVED:
                kept.append(replace(line, below_removed=True) if removed else line)
            removed = line.kind == REMOVED
        return tuple(kept)

    def before(self) -> tuple[PatchLine, ...]:
        """Return the lines as they were."""
        return tuple(line for line in self.lines if line.kind != ADDED)


class PatchedFile(Struct, frozen=True, kw_only=True):
    """What a patch does to a file; `path` is None where a reply left only the lines."""

    path: str | None
    hunks: tuple[Hunk, ...]


class Patch(Struct, frozen=True, kw_only=True):
    """One patch: its mail's text, how it is quoted there, its message, and what is said of it."""

    mail: MailText
    level: Level
    message: tuple[Line, ...]
    files: tuple[PatchedFile, ...]
    comments: tuple[Comment, ...]

    @property
    def file(self) -> str:
        """What is shown as its place."""
        return self.mail.file

    @property
    def subject(self) -> str | None:
        """The subject of its mail."""
        return self.mail.subject


class _Block(Struct):
    """A patch while it is read."""

    level: Level
    start: int
    files: list[_File] = field(default_factory=list)

    def file(self, path: str | None) -> _File:
        self.files.append(_File(path))
        return self.files[-1]


class _File(Struct):
    """A `PatchedFile` while it is read, as the next one is a `Hunk`."""

    path: str | None
    hunks: list[_OpenHunk] = field(default_factory=list)


class _OpenHunk(Struct):
    section: str
    line: int
    start: int
    old: int
    new: int
    lines: list[PatchLine] = field(default_factory=list)
    cut: bool = False

    def is_whole(self) -> bool:
        return self.old <= 0 and self.new <= 0

    def add(self, kind: str, text: str, number: int, column: int) -> None:
        self.lines.append(
            PatchLine(kind=kind, text=text, number=number, column=column, gap=self.cut)
        )
        self.cut = False
        self.old -= kind != ADDED
        self.new -= kind != REMOVED

    def join(self, text: str) -> None:
        """Append the rest of a line that a mailer wrapped."""
        last = self.lines[-1]
        self.lines[-1] = replace(last, text=f"{last.text.rstrip()} {text.lstrip()}")


def read_patches(mail: MailText) -> tuple[Patch, ...]:
    """Return the patches of a text, those quoted at different levels apart.

    Raises:
        InputError: MX1207, a hunk header that is none.
    """
    return tuple(_patch(mail, block) for block in _Reader(mail).blocks())


def _patch(mail: MailText, block: _Block) -> Patch:
    message = []
    for line in mail.lines[: block.start]:
        text = block.level.content(line.text)
        if text is not None:
            message.append(Line(number=line.number, text=text))
    return Patch(
        mail=mail,
        level=block.level,
        message=tuple(message),
        files=convert(block.files, tuple[PatchedFile, ...], from_attributes=True),
        comments=comments_on(mail.lines, block.level),
    )


class _Reader:
    def __init__(self, mail: MailText) -> None:
        self._mail = mail
        self._lines: Sequence[Line] = mail.lines
        self._block: _Block | None = None
        self._hunk: _OpenHunk | None = None

    def blocks(self) -> list[_Block]:
        found: list[_Block] = []
        for index, line in enumerate(self._lines):
            level = self._level_of_header(index)
            # A header at another level of quotes is of another patch, or of another version of it.
            if level is not None and (self._block is None or self._block.level != level):
                self._block, self._hunk = _Block(level=level, start=index), None
                found.append(self._block)
            if self._block is not None:
                content = self._block.level.content(line.text)
                if content is not None:
                    self._read(self._block, index, content)
        return [block for block in found if any(item.hunks for item in block.files)]

    def _level_of_header(self, index: int) -> Level | None:
        """Return the level of a line that begins a diff, or of an added line without one."""
        text = self._lines[index].text
        marks = marks_of(text)
        rest = text.removeprefix(marks)
        if rest.startswith(("diff --git ", "@@ -")) or (
            _OLD_FILE.match(rest) and self._is_new_file(index + 1, level_of(text, rest))
        ):
            return level_of(text, rest)
        # Somebody who quotes only what was added leaves no header.
        if marks and rest.startswith(ADDED) and self._block is None:
            return level_of(text, rest)
        return None

    def _is_new_file(self, index: int, level: Level) -> bool:
        if index >= len(self._lines):
            return False
        content = level.content(self._lines[index].text)
        return content is not None and _NEW_FILE.match(content) is not None

    def _read(self, block: _Block, index: int, text: str) -> None:
        line = self._lines[index]
        if header := _GIT_HEADER.match(text):
            self._hunk = None
            block.file(header["path"])
        elif text.startswith("@@ "):
            self._hunk = self._open_hunk(block, line, text)
        elif self._hunk is None:
            self._read_header(block, line, text)
        elif _OLD_FILE.match(text) and self._is_new_file(index + 1, block.level):
            self._hunk = None
            block.file(None)
        else:
            self._read_line(block, self._hunk, line, text)

    def _read_header(self, block: _Block, line: Line, text: str) -> None:
        if found := _NEW_FILE.match(text):
            path = None if found["path"] == "/dev/null" else found["path"]
            if not block.files or block.files[-1].hunks:
                block.file(path)
            elif block.files[-1].path is None:
                block.files[-1].path = path
        elif block.level.depth and text.startswith(ADDED):
            # A reply that kept only the added lines.
            self._hunk = _new_hunk(block, "", line.number, start=0, old=0, new=0)
            self._read_line(block, self._hunk, line, text)

    def _open_hunk(self, block: _Block, line: Line, text: str) -> _OpenHunk:
        header = _HUNK.match(text)
        if header is None:
            raise InputError.of(
                code="MX1207",
                message="this is no hunk header",
                location=Location(
                    file=self._mail.file,
                    line=line.number,
                    column=len(line.text) - len(text) + 1,
                    length=max(1, len(text)),
                    text=line.text,
                ),
                hint="it is written `@@ -1682,6 +1683,18 @@`; was the mail wrapped or edited?",
            )
        old, new = header["old"], header["new"]
        return _new_hunk(
            block,
            header["section"],
            line.number,
            start=int(header["start"]),
            # `@@ -5 +5 @@`: a count that is left out is 1.
            old=1 if old is None else int(old),
            new=1 if new is None else int(new),
        )

    def _read_line(self, block: _Block, hunk: _OpenHunk, line: Line, text: str) -> None:
        column = len(line.text) - len(text) + 2
        quoted = block.level.depth > 0
        if _SIGNATURE.match(text) and (quoted or hunk.is_whole() or text == "-- "):
            self._hunk = None
        elif text[:1] in (ADDED, REMOVED):
            hunk.add(text[0], text[1:], line.number, column)
        elif text.startswith("\\"):
            # `\ No newline at end of file` is no line of it.
            return
        # The header's numbers end it. A quoted hunk may have lost lines, so its numbers say
        # nothing.
        elif hunk.is_whole() and not quoted:
            self._hunk = None
        elif text[:1] in ("", CONTEXT):
            hunk.add(CONTEXT, text[1:], line.number, column)
        elif _CUT.match(text):
            hunk.cut = True
        # No first column of a diff: the rest of a line that a mailer has wrapped.
        elif hunk.lines and not _EXTENDED_HEADER.match(text):
            hunk.join(text)


def _new_hunk(
    block: _Block, section: str, line: int, *, start: int, old: int, new: int
) -> _OpenHunk:
    if not block.files:
        block.file(None)
    hunk = _OpenHunk(section=section, line=line, start=start, old=old, new=new)
    block.files[-1].hunks.append(hunk)
    return hunk


def lines_of(patches: Sequence[Patch]) -> Iterator[tuple[Patch, PatchedFile, Hunk]]:
    """Yield every hunk of patches with where it belongs."""
    for patch in patches:
        for file in patch.files:
            for hunk in file.hunks:
                yield patch, file, hunk
