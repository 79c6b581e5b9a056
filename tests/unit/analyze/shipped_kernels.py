"""The shipped profiles, loaded and lowered once for the tests of this folder."""

from __future__ import annotations

from functools import cache

from matrix.analyze.facts.program import FactProgram, lower
from matrix.diagnostics import Location
from matrix.expr.parser import parse
from matrix.schema.compiled import knowledge
from matrix.schema.values import Architecture, Condition, KernelProfile, Knowledge

RELEASES = ("5.10", "6.1", "6.6", "6.12", "6.18", "7.2", "7.3")


@cache
def declared() -> Knowledge:
    return knowledge()


def profile_of(release: str) -> KernelProfile:
    return next(profile for profile in declared().kernels if profile.release == release)


def architecture() -> Architecture:
    return declared().architectures[0]


@cache
def program_of(release: str) -> FactProgram:
    return lower(profile_of(release), architecture())


def condition(text: str) -> Condition:
    """Return an expression as a declaration on line 1 of `case.yaml` would hold it."""
    place = Location(file="case.yaml", line=1, column=1, text=text)
    return Condition(expression=parse(text), text=text, location=place)
