"""The document of a capability, `configs/capabilities/<id>.yaml`, and of claims."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from matrix.schema import values
from matrix.schema.documents.fields import (
    CExpression,
    CostDeclaration,
    Declaration,
    Identifier,
    Source,
    Text,
    Word,
    condition,
    contradiction,
    mapping,
    optional,
    rows,
    said,
    some,
)
from matrix.schema.reading.nodes import Node

# The verdicts of a capability that declares what must hold, and of one that does not.
_OF_WHAT_IS_JUDGED: tuple[str, ...] = ("supported", "unsound", "overstrict", "refused")
_OF_WHAT_THE_KERNEL_SAYS: tuple[str, ...] = ("granted", "not-granted")


class RequirementDeclaration(Declaration):
    """A condition without which the capability is absent."""

    c: CExpression = said("C expression over a profile")
    otherwise: Text = said("the reason of `absent` where it does not hold")
    formerly: tuple[Text, ...] = rows(
        "older names of its Kconfig symbol: where a release has none of them and a `.config` sets "
        "one, somebody brought it back"
    )

    def value(self, at: Node) -> values.Requirement:
        """Return the declared requirement."""
        return values.Requirement(
            condition=condition(self.c, at["c"], because=self.otherwise),
            otherwise=self.otherwise,
            location=at["c"].location,
            formerly=self.formerly,
        )


class SoWhatDeclaration(Declaration):
    """What a verdict means to who runs the machine."""

    verdict: Literal[
        "supported",
        "unsound",
        "overstrict",
        "refused",
        "granted",
        "not-granted",
        "absent",
        "unknown",
    ] = said("the verdict")
    c: CExpression | None = optional(
        "C expression that must hold besides; the first row of a verdict that holds is said"
    )
    says: Text = said("what is gained or lost there, one sentence without a full stop")

    def value(self, at: Node) -> values.SoWhat:
        """Return the declared sentence."""
        return values.SoWhat(
            verdict=self.verdict,
            condition=None if self.c is None else condition(self.c, at["c"], because=self.says),
            says=self.says,
        )


class FileEndDeclaration(Declaration):
    """Where a file ends, so that a diff can put a function behind."""

    becomes = values.FileEnd

    path: Text = said("the file")
    line: int = Field(ge=1, description="number of the first of `lines`")
    section: Text = said("first line of the function that ends there")
    lines: tuple[str, ...] = some("its last lines as they stand")


class FunctionDeclaration(Declaration):
    """The kernel function whose value the predicate is."""

    becomes = values.CheckFunction

    name: Word = said("name of the function, which `matrix review` looks for")
    argument: Text | None = optional("type that it is asked about, `struct kvm`; absent: none")
    incomplete_in: tuple[Text, ...] = rows("headers in which that type is declared but not defined")
    source: Source = said("where the function and the headers are read")
    goes_to: FileEndDeclaration | None = optional(
        "end of the file in which code may look into that type"
    )


class PredicateDeclaration(Declaration):
    """One version of the kernel's own answer."""

    becomes = values.PredicateVersion

    c: CExpression = said("the predicate as the kernel's C expression")
    source: Source = said("patch or path:line it is taken from")
    description: Text = said("what this version is")


class SeriesVersionDeclaration(Declaration):
    """One version of the series on top of a release."""

    becomes = values.SeriesVersion

    description: Text = said("what this version does, in a line")
    source: Source = said("where it was posted or proposed")
    options: dict[Identifier, Text] = mapping(
        "what it does, as options of the mechanism: `zap-at: add-folio`; absent: the default"
    )


class AliasUserDeclaration(Declaration):
    """A place that uses a kernel address of a page."""

    becomes = values.AliasUser

    path: Text = said("the file")
    function: Word = said("the function, or the table of functions")
    use: Word = said("what it calls: `page_address`")
    answer: values.AliasAnswer = said(
        "`modelled`: a micro-operation is this place; `refused`: an earlier check; "
        "`unreachable`: never for these pages"
    )
    operation: Identifier | None = optional("the micro-operation of a place that is modelled")
    because: Text = said("why, in a sentence")
    source: Source = said("where that is read")

    @model_validator(mode="after")
    def _modelled_has_an_operation(self) -> Self:
        if (self.operation is not None) != (self.answer == "modelled"):
            raise contradiction(
                f"`operation` belongs to a place that is modelled, and this one is {self.answer}",
                key="operation" if self.operation is not None else "answer",
                hint="name the micro-operation of a modelled place, and of no other",
            )
        return self


class AliasStopDeclaration(Declaration):
    """A function behind which no page of the capability is."""

    becomes = values.AliasStop

    function: Word = said("the function, or the table of functions, that is not looked into")
    because: Text = said("why no such page is used behind it, in a sentence")
    source: Source = said("where that is read")


class AliasPagesDeclaration(Declaration):
    """How a tree shows that it has the capability's pages."""

    becomes = values.AliasPages

    name: Text = said("what such pages are of: `guest_memfd`")
    functions: tuple[Word, ...] = some("functions that make them")
    symbols: tuple[Word, ...] = some("Kconfig symbols, of any release, that build them in")
    kconfig: Text = said("the file that has these symbols")


class AliasCensusDeclaration(Declaration):
    """Who may use a kernel address of the capability's pages."""

    becomes = values.AliasCensus

    pages: AliasPagesDeclaration | None = optional("how a tree shows that it has such pages")
    files: tuple[Text, ...] = some("patterns of the files looked at")
    roots: tuple[Word, ...] = some("functions through which the kernel gets at such a page")
    stops: tuple[AliasStopDeclaration, ...] = rows("functions behind which no such page is used")
    uses: tuple[Word, ...] = some("functions that make or use a kernel address of a page")
    places: tuple[AliasUserDeclaration, ...] = rows("what is known of each place")


class TruthPartDeclaration(Declaration):
    """A condition that must hold where the kernel's check says yes."""

    becomes = values.TruthPart

    c: CExpression = said("C expression over facts and CPU properties")
    source: Source = said("where it stands that this must hold")
    because: Text = said("what is wrong where it does not hold, a sentence")


class AtomDeclaration(Declaration):
    """A condition that the kernel can test where it asks the predicate."""

    c: CExpression = said("the condition as the kernel writes it")
    meaning: CExpression | None = optional(
        "the same over the names of a profile, where that is different"
    )

    def value(self, at: Node) -> values.Atom:
        """Return the declared atom; without a meaning of its own it means what it says."""
        meaning = self.meaning or self.c
        place = at["c" if self.meaning is None else "meaning"]
        return values.Atom(c=self.c.text, meaning=meaning.text, condition=condition(meaning, place))


class SynthesisDocument(Declaration):
    """What a synthesised predicate is made of."""

    becomes = values.SynthesisDeclaration

    function: Text = said(
        "C declaration of the function it is the body of: `bool f(struct kvm *kvm)`"
    )
    atoms: tuple[AtomDeclaration, ...] = some(
        "what may be tested there; what is cheapest to justify in a review first"
    )


class ClaimDeclaration(Declaration):
    """A statement over the whole space."""

    becomes = values.Claim

    c: CExpression = said("C expression that is claimed to hold in every cell")
    expected: dict[Text, Literal["proved", "refuted"]] = some(
        'release, or "*" for every other: proved or refuted'
    )
    description: Text = said("the claim in words")
    said: Text | None = optional("pattern of the words in which a patch's message makes the claim")
    instead: Text | None = optional("what `review` answers where it is refuted: what is true there")
    shown_by: Text | None = optional("function, or micro-operation, whose kernel lines show it")

    @model_validator(mode="after")
    def _pattern_is_one(self) -> Self:
        try:
            re.compile(self.said or "")
        except re.error as error:
            raise contradiction(
                f"this is no pattern: {error}",
                key="said",
                hint="a regular expression as Python has them: `splitting .* is not possible`",
            ) from error
        return self


class CapabilityDocument(Declaration):
    """A kernel feature: what it needs, its predicate versions, and what decides if they hold."""

    becomes = values.Capability
    stands_at = "id"

    id: Identifier = said("name of the capability, `gmem-no-direct-map`")
    title: Text = said("what it is, in one line")
    description: Text = said("what it is, in a paragraph")
    assumes_patch: Identifier | None = said(
        "version of the series that is assumed on top of a release; null: none"
    )
    series: dict[Identifier, SeriesVersionDeclaration] = mapping(
        "versions of that series by name, for `matrix simulate --variant NAME`"
    )
    requires: tuple[RequirementDeclaration, ...] = rows(
        "tested in order; the first that fails is the reason of `absent`"
    )
    asked_in: tuple[Word, ...] = rows("functions in which the kernel asks a predicate without one")
    function: FunctionDeclaration | None = optional(
        "kernel function of the predicate; absent: it has none of its own"
    )
    predicates: dict[Identifier, PredicateDeclaration] = some("versions of the predicate by name")
    default_predicate: Identifier = said("version that holds unless another is given")
    scenario: Identifier | None = optional(
        "events of the simulation that decides what breaks; leave it out unless the "
        "predicate is the gate of just that"
    )
    gates: Text | None = optional("what the predicate allows, in the words of the scenario")
    truth: dict[Identifier, TruthPartDeclaration] = mapping(
        "in place of a scenario: what must hold where the predicate says yes, by name; "
        "with neither, answers are granted and not-granted"
    )
    synthesis: SynthesisDocument | None = optional(
        "what a synthesised predicate is made of; absent: none is"
    )
    scenario_options: dict[Identifier, Text] = mapping("options of the mechanism, `guest: no-exec`")
    so_what: tuple[SoWhatDeclaration, ...] = rows(
        "what each verdict means to who runs the machine, the special cases first"
    )
    alias_users: AliasCensusDeclaration | None = optional(
        "places that use a kernel address of its pages, for `matrix kernels census`"
    )
    observed_by: Literal["memfd_secret", "guest_memfd"] | None = optional(
        "what a running machine shows of it, for `matrix probe`: whether memfd_secret(2) succeeds, "
        "or whether KVM offers guest_memfd"
    )
    costs: tuple[CostDeclaration, ...] = rows("what a system pays that has the capability")
    claims: dict[Identifier, ClaimDeclaration] = mapping(
        "statements over the space of every study of the capability"
    )

    @model_validator(mode="after")
    def _default_is_declared(self) -> Self:
        if self.default_predicate not in self.predicates:
            raise contradiction(
                f"unknown predicate `{self.default_predicate}`",
                key="default_predicate",
                hint=f"the predicates are {', '.join(self.predicates)}",
            )
        return self

    @model_validator(mode="after")
    def _assumed_version_is_declared(self) -> Self:
        if self.series and self.assumes_patch not in (None, *self.series):
            raise contradiction(
                f"unknown version of the series `{self.assumes_patch}`",
                key="assumes_patch",
                hint=f"the versions are {', '.join(self.series)}",
            )
        return self

    @model_validator(mode="after")
    def _so_what_is_of_its_verdicts(self) -> Self:
        judged = self.scenario is not None or bool(self.truth)
        both = (_OF_WHAT_IS_JUDGED, _OF_WHAT_THE_KERNEL_SAYS)
        own, others = both if judged else both[::-1]
        wrong = [row.verdict for row in self.so_what if row.verdict in others]
        if wrong:
            why = "declares what must hold" if judged else "declares neither `truth` nor `scenario`"
            raise contradiction(
                f"no answer is `{wrong[0]}`: the capability {why}",
                key="so_what",
                hint=f"its answers are {', '.join(own)}, absent and unknown",
            )
        return self

    @model_validator(mode="after")
    def _one_thing_decides(self) -> Self:
        if self.scenario is None:
            for key in ("gates", "scenario_options", "series"):
                if getattr(self, key):
                    raise contradiction(
                        f"`{key}` says something of a scenario, and there is none",
                        key=key,
                        hint=f"leave `{key}` out, or declare `scenario:`",
                    )
            return self
        if self.truth:
            raise contradiction(
                "`scenario` and `truth` both say what decides",
                key="truth",
                code="MX0240",
                hint="leave one out: `scenario` where the simulation decides, `truth` where "
                "expressions do",
            )
        return self
