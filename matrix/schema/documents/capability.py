"""The document of a capability, `configs/capabilities/<id>.yaml`, and of claims."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from matrix.schema import values
from matrix.schema.documents.cost import CostDeclaration
from matrix.schema.documents.fields import (
    CExpression,
    Declaration,
    Identifier,
    Source,
    Text,
    Word,
    condition,
    contradiction,
)
from matrix.schema.reading.nodes import Node


class RequirementDeclaration(Declaration):
    """A condition without which the capability is absent."""

    c: CExpression = Field(description="C expression over a profile")
    otherwise: Text = Field(description="the reason of `absent` where it does not hold")

    def value(self, at: Node) -> values.Requirement:
        """Return the declared requirement."""
        return values.Requirement(
            condition=condition(self.c, at["c"], because=self.otherwise),
            otherwise=self.otherwise,
            location=at["c"].location,
        )


class FileEndDeclaration(Declaration):
    """Where a file ends, so that a diff can put a function behind."""

    becomes = values.FileEnd

    path: Text = Field(description="the file")
    line: int = Field(ge=1, description="number of the first of `lines`")
    section: Text = Field(description="first line of the function that ends there")
    lines: tuple[str, ...] = Field(min_length=1, description="its last lines as they stand")


class FunctionDeclaration(Declaration):
    """The kernel function whose value the predicate is."""

    becomes = values.CheckFunction

    name: Word = Field(description="name of the function, which `matrix review` looks for")
    argument: Text | None = Field(
        default=None, description="type that it is asked about, `struct kvm`; absent: none"
    )
    incomplete_in: tuple[Text, ...] = Field(
        default=(), description="headers in which that type is declared but not defined"
    )
    source: Source = Field(description="where the function and the headers are read")
    goes_to: FileEndDeclaration | None = Field(
        default=None, description="end of the file in which code may look into that type"
    )


class PredicateDeclaration(Declaration):
    """One version of the kernel's own answer."""

    becomes = values.PredicateVersion

    c: CExpression = Field(description="the predicate as the kernel's C expression")
    source: Source = Field(description="patch or path:line it is taken from")
    description: Text = Field(description="what this version is")


class TruthPartDeclaration(Declaration):
    """A condition that must hold where the kernel's check says yes."""

    becomes = values.TruthPart

    c: CExpression = Field(description="C expression over facts and CPU properties")
    source: Source = Field(description="where it stands that this must hold")
    because: Text = Field(description="what is wrong where it does not hold, a sentence")


class AtomDeclaration(Declaration):
    """A condition that the kernel can test where it asks the predicate."""

    c: CExpression = Field(description="the condition as the kernel writes it")
    meaning: CExpression | None = Field(
        default=None, description="the same over the names of a profile, where that is different"
    )

    def atom(self) -> values.Atom:
        """Return the declared atom."""
        return values.Atom(c=self.c.text, meaning=(self.meaning or self.c).text)


class SynthesisDocument(Declaration):
    """What a synthesised predicate is made of."""

    function: Text = Field(
        description="C declaration of the function it is the body of: `bool f(struct kvm *kvm)`"
    )
    atoms: tuple[AtomDeclaration, ...] = Field(
        min_length=1,
        description="what may be tested there; what is cheapest to justify in a review first",
    )

    def value(self, at: Node) -> values.SynthesisDeclaration:
        """Return the declared function and atoms."""
        del at
        return values.SynthesisDeclaration(
            function=self.function, atoms=tuple(atom.atom() for atom in self.atoms)
        )


class ClaimDeclaration(Declaration):
    """A statement over the whole space."""

    becomes = values.Claim

    c: CExpression = Field(description="C expression that is claimed to hold in every cell")
    expected: dict[Text, Literal["proved", "refuted"]] = Field(
        min_length=1, description='release, or "*" for every other: proved or refuted'
    )
    description: Text = Field(description="the claim in words")
    said: Text | None = Field(
        default=None, description="pattern of the words in which a patch's message makes the claim"
    )
    instead: Text | None = Field(
        default=None, description="what `review` answers where it is refuted: what is true there"
    )
    shown_by: Text | None = Field(
        default=None, description="function, or micro-operation, whose kernel lines show it"
    )

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

    id: Identifier = Field(description="name of the capability, `gmem-no-direct-map`")
    title: Text = Field(description="what it is, in one line")
    description: Text = Field(description="what it is, in a paragraph")
    assumes_patch: Identifier | None = Field(
        description="version of the series that is assumed on top of a release; null: none"
    )
    requires: tuple[RequirementDeclaration, ...] = Field(
        default=(), description="tested in order; the first that fails is the reason of `absent`"
    )
    asked_in: tuple[Word, ...] = Field(
        default=(), description="functions in which the kernel asks a predicate without one"
    )
    function: FunctionDeclaration | None = Field(
        default=None, description="kernel function of the predicate; absent: it has none of its own"
    )
    predicates: dict[Identifier, PredicateDeclaration] = Field(
        min_length=1, description="versions of the predicate by name"
    )
    default_predicate: Identifier = Field(description="version that holds unless another is given")
    scenario: Identifier | None = Field(
        default=None,
        description="events of the simulation that decides what breaks; leave it out unless the "
        "predicate is the gate of just that",
    )
    gates: Text | None = Field(
        default=None, description="what the predicate allows, in the words of the scenario"
    )
    truth: dict[Identifier, TruthPartDeclaration] = Field(
        default={},
        description="in place of a scenario: what must hold where the predicate says yes, by name; "
        "with neither, answers are granted and not-granted",
    )
    synthesis: SynthesisDocument | None = Field(
        default=None, description="what a synthesised predicate is made of; absent: none is"
    )
    scenario_options: dict[Identifier, Text] = Field(
        default={}, description="options of the mechanism, `guest: no-exec`"
    )
    costs: tuple[CostDeclaration, ...] = Field(
        default=(), description="what a system pays that has the capability"
    )
    claims: dict[Identifier, ClaimDeclaration] = Field(
        default={}, description="statements over the space of every study of the capability"
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
    def _one_thing_decides(self) -> Self:
        if self.scenario is None:
            for key, given in (("gates", self.gates), ("scenario_options", self.scenario_options)):
                if given:
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
