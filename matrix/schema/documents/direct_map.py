"""The document of another architecture's direct map, `configs/direct-maps/<id>.yaml`."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from matrix.schema import direct_maps
from matrix.schema.documents.fields import (
    TREE_PLACE_PATTERN,
    Declaration,
    Identifier,
    Release,
    Text,
    contradiction,
)
from matrix.schema.reading.nodes import Node

TreePlace = Annotated[str, StringConstraints(pattern=TREE_PLACE_PATTERN)]
_PLACE = re.compile(TREE_PLACE_PATTERN)


class EvidenceDeclaration(Declaration):
    """A place in the source tree and what stands there."""

    at: TreePlace = Field(description="path in the tree with the lines, `mm/Kconfig:1344`")
    within: Text | None = Field(
        default=None, description="function, or Kconfig entry such as `config X86`, it stands in"
    )
    text: Text | None = Field(default=None, description="the whole lines as they stand there")
    lacks: Text | None = Field(default=None, description="words that stand nowhere there")
    missing: Literal[True] | None = Field(default=None, description="the file does not exist")
    read: Text | None = Field(
        default=None, description="what somebody read there, where no tree is given"
    )

    @model_validator(mode="after")
    def _one_statement(self) -> Self:
        forms = [self.text, self.lacks, self.missing, self.read]
        if sum(form is not None for form in forms) != 1:
            raise contradiction(
                "a source needs exactly one of `text`, `lacks`, `missing` and `read`", key="at"
            )
        place = _PLACE.fullmatch(self.at)
        first, last = place.groups()[1:] if place else (None, None)
        if self.text is not None and first is None:
            raise contradiction("a quoted text needs its line", key="at", hint="write `path:line`")
        if first and last and int(last) < int(first):
            raise contradiction("the last line stands before the first", key="at")
        return self

    def value(self, at: Node) -> direct_maps.Evidence:
        """Return the declared evidence."""
        place = _PLACE.fullmatch(self.at)
        path, first, last = place.groups() if place else (self.at, None, None)
        return direct_maps.Evidence(
            path=path,
            lines=(int(first), int(last or first)) if first else None,
            within=self.within,
            text=self.text,
            lacks=self.lacks,
            missing=self.missing is True,
            read=self.read,
            location=at["at"].location,
        )


# All answers of QUESTIONS, so that a slip is told where it stands; which question has which is
# checked by `CellsDeclaration`.
Answer = Literal[
    "always-true",
    "by-instruction",
    "conditional",
    "default-on",
    "no",
    "no-option",
    "none",
    "not-defined",
    "not-selectable",
    "not-selected",
    "nothing",
    "on-split",
    "own-check",
    "selected",
    "stub",
    "unknown",
    "unmaps",
    "unmaps-lowmem",
    "wired",
    "yes",
]


class CellDeclaration(Declaration):
    """The answer to one question."""

    answer: Answer = Field(description="one of the question's answers, or `unknown`")
    condition: Text | None = Field(
        default=None, description="Kconfig condition of the answer, `MMU`"
    )
    note: Text | None = Field(default=None, description="what a reader must know; why unknown")
    sources: tuple[EvidenceDeclaration, ...] = Field(default=(), description="where it stands")

    @model_validator(mode="after")
    def _is_grounded(self) -> Self:
        if self.answer == direct_maps.UNKNOWN:
            if self.note is None:
                raise contradiction("`unknown` needs a `note` that says why", key="answer")
        elif not self.sources:
            raise contradiction("an answer needs a source", key="answer", hint="or is `unknown`")
        if (self.answer == "conditional") != (self.condition is not None):
            raise contradiction("`conditional` and `condition` go together", key="answer")
        return self

    def cell(self, at: Node, question: str) -> direct_maps.DirectMapCell:
        """Return the declared answer."""
        return direct_maps.DirectMapCell(
            question=question,
            answer=self.answer,
            condition=self.condition,
            note=self.note,
            sources=tuple(map(EvidenceDeclaration.value, self.sources, at.rows("sources"))),
        )


class CellsDeclaration(Declaration):
    """The answers to all questions about one release."""

    set_direct_map: CellDeclaration = Field(description="is ARCH_HAS_SET_DIRECT_MAP selected?")
    predicate: CellDeclaration = Field(description="what does can_set_direct_map() answer?")
    effect: CellDeclaration = Field(description="what does set_direct_map_invalid_noflush() do?")
    splits: CellDeclaration = Field(description="does it split a large entry?")
    flushes: CellDeclaration = Field(description="does it flush the TLB?")
    fails: CellDeclaration = Field(description="can it fail with -ENOMEM?")
    sleeps: CellDeclaration = Field(description="may it sleep?")
    secretmem: CellDeclaration = Field(description="can CONFIG_SECRETMEM be set?")
    syscall: CellDeclaration = Field(description="is memfd_secret(2) in the syscall table?")
    guest_memfd: CellDeclaration = Field(description="is KVM_GUEST_MEMFD selected?")

    @model_validator(mode="after")
    def _answers_its_question(self) -> Self:
        for name, (_, known) in direct_maps.QUESTIONS.items():
            answer = getattr(self, name).answer
            words = (*known, direct_maps.UNKNOWN)
            if answer not in words:
                raise contradiction(
                    f"`{answer}` is no answer to `{name}`",
                    key=name,
                    hint=f"the answers are {', '.join(words)}",
                )
        return self

    def value(self, at: Node) -> tuple[direct_maps.DirectMapCell, ...]:
        """Return the declared answers, in the order of the questions."""
        cells: dict[str, CellDeclaration] = {
            name: getattr(self, name) for name in direct_maps.QUESTIONS
        }
        return tuple(cell.cell(at[name], name) for name, cell in cells.items())


class ReleaseDeclaration(Declaration):
    """What one release says and does."""

    version: Text = Field(description="exact version of the tree that was read")
    grounded: Literal["tree", "hand"] = Field(
        description="`tree`: a given tree; `hand`: another one, read by somebody"
    )
    absent: tuple[EvidenceDeclaration, ...] = Field(
        default=(), description="what shows that the release lacks the architecture"
    )
    cells: CellsDeclaration | None = Field(
        default=None, description="question: answer; none where the architecture is absent"
    )

    @model_validator(mode="after")
    def _exists_or_not(self) -> Self:
        if bool(self.absent) == (self.cells is not None):
            raise contradiction("a release needs either `cells` or `absent`", key="version")
        return self

    def value(self, at: Node) -> direct_maps.DirectMapRelease:
        """Return the declared release."""
        return direct_maps.DirectMapRelease(
            release=at.name,
            version=self.version,
            grounded=self.grounded,
            absent=tuple(map(EvidenceDeclaration.value, self.absent, at.rows("absent"))),
            cells=self.cells.value(at["cells"]) if self.cells else (),
            location=at.place,
        )


class DirectMapDocument(Declaration):
    """The direct map of an architecture that is not simulated: check and Kconfig only."""

    id: Identifier = Field(description="name of the architecture, as in arch/")
    title: Text = Field(description="name as people write it")
    releases: dict[Release, ReleaseDeclaration] = Field(
        min_length=1, description="release: what it says and does, oldest first"
    )

    def value(self, at: Node) -> direct_maps.DirectMap:
        """Return the declared direct map; `at` is the node the document was read from."""
        return direct_maps.DirectMap(
            id=self.id,
            title=self.title,
            releases=tuple(
                map(ReleaseDeclaration.value, self.releases.values(), at.rows("releases"))
            ),
            location=at["id"].location,
        )
