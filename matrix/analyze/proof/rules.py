"""Rules: which few axes and facts decide a verdict, and the shortest conjunctions over them.

Takes labelled regions of a solved study (verdicts, or changes of verdict), gives per label an
irredundant cover over features. Combinations of options that no cell has are don't-cares. The union
of a label's rules is exactly its cells: a feature is added until no two cells with equal features
have different labels.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from msgspec import Struct

from matrix.analyze.proof.features import Candidates, Feature
from matrix.analyze.space.cause import Place
from matrix.diagnostics import Diagnostic, UndecidedError
from matrix.solve.cover import cover
from matrix.solve.diagram import Diagram
from matrix.solve.space import FiniteVariable, Region, Space

# More features than this say nothing to a reader, and their space need not be small any more.
_MAX_FEATURES = 24


class FeatureRule(Struct, frozen=True, kw_only=True):
    """One conjunction: every feature of `when` has one of its options; `region` are its cells.

    No option can be added to it without taking in a cell of another label; options that occur in
    no such cell stand in it as well (`shown` leaves them out). Rules of a label may overlap.
    """

    label: str
    when: tuple[tuple[str, tuple[str, ...]], ...]
    shown: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    cells: int
    region: Region


class LabelRules(Struct, frozen=True, kw_only=True):
    """The rules of one verdict or change of verdict, each with its CPUs; none where all may be.

    `cells` are all cells of the label; `left_out` counts rules that a bound keeps from view.
    """

    label: str
    cells: int
    rules: tuple[tuple[FeatureRule, tuple[Place, ...]], ...]
    left_out: int


def find_rules(candidates: Candidates, labels: Mapping[str, Region]) -> tuple[FeatureRule, ...]:
    """Return the rules of every label in its order, those with most cells first.

    The labels' regions are disjoint, of visible cells, and together all cells of the candidates.

    Raises:
        UndecidedError: MX0620, where more features are needed than a reader can follow.
    """
    features = choose(candidates, labels)
    space = FeatureSpace(features, _axes(candidates))
    images = {label: space.image(region) for label, region in labels.items()}
    # Tuples of options that no cell has may be covered by any label's rules: that is what makes the
    # rules short.
    nowhere = ~space.image(candidates.valid)
    rules: list[FeatureRule] = []
    for label, image in images.items():
        found = [_rule(space, label, rule.when, labels[label]) for rule in cover(image, nowhere)]
        rules.extend(sorted(found, key=lambda rule: (-rule.cells, rule.when)))
    return tuple(rules)


def _rule(
    space: FeatureSpace, label: str, when: Mapping[str, tuple[str, ...]], labelled: Region
) -> FeatureRule:
    region = space.preimage(when, labelled)
    shown = []
    for feature in space.features:
        if feature.name in when:
            met = [
                option
                for option in when[feature.name]
                if not (feature.parts[option] & region).is_empty()
            ]
            shown.append((feature.name, tuple(met), tuple(feature.parts)))
    return FeatureRule(
        label=label,
        when=tuple(when.items()),
        shown=tuple(shown),
        cells=region.count(),
        region=region,
    )


def _axes(candidates: Candidates) -> list[str]:
    return [variable.name for variable in candidates.valid.space.variables]


class FeatureSpace:
    """The space whose variables are features, and the image of a study's regions in it."""

    def __init__(self, features: Sequence[Feature], axes: Sequence[str]) -> None:
        self.features = tuple(features)
        self._backend = Diagram(
            Space(
                variables=tuple(
                    FiniteVariable(name=item.name, options=tuple(item.parts)) for item in features
                )
            )
        )
        self._everything = self._backend.everything()
        self._nothing = self._backend.nothing()
        # Behind each feature: the axes that no later feature depends on.
        # What no later feature depends on is forgotten as soon as it is passed: more regions become
        # equal, and `_below` is asked once for each.
        self._idle: list[tuple[str, ...]] = []
        needed: set[str] = set()
        for feature in reversed(self.features):
            self._idle.append(tuple(axis for axis in axes if axis not in needed))
            for part in feature.parts.values():
                needed |= part.support()
        self._idle.reverse()
        self._found: dict[tuple[Region, int], Region] = {}
        self._told_apart: set[tuple[tuple[Region, ...], int]] = set()

    def image(self, region: Region) -> Region:
        """Return the tuples of options that cells of a region have."""
        return self._nothing if region.is_empty() else self._below(region, 0)

    def preimage(self, when: Mapping[str, Sequence[str]], within: Region) -> Region:
        """Return the part of a region whose cells have one of the options of each feature."""
        for feature in self.features:
            if feature.name in when:
                within = within & feature.where(when[feature.name])
        return within

    def confused(self, regions: Sequence[Region]) -> dict[str, tuple[str, ...]] | None:
        """Return one tuple of options that cells of two regions share, None if there is none."""
        return self._confused(tuple(item for item in regions if not item.is_empty()), 0)

    def _below(self, region: Region, depth: int) -> Region:
        if depth == len(self.features):
            return self._everything
        key = (region, depth)
        if key not in self._found:
            feature = self.features[depth]
            union = self._nothing
            for option, part in feature.parts.items():
                rest = region & part
                if not rest.is_empty():
                    inner = self._below(rest.forget(self._idle[depth]), depth + 1)
                    union = union | inner.restrict(feature.name, (option,))
            self._found[key] = union
        return self._found[key]

    def _confused(
        self, regions: tuple[Region, ...], depth: int
    ) -> dict[str, tuple[str, ...]] | None:
        # One region left: these cells have one label, whatever follows.
        if len(regions) < 2 or (regions, depth) in self._told_apart:
            return None
        if depth == len(self.features):
            return {}
        feature, idle = self.features[depth], self._idle[depth]
        for option, part in feature.parts.items():
            inside = (region & part for region in regions)
            rest = tuple(region.forget(idle) for region in inside if not region.is_empty())
            found = self._confused(rest, depth + 1)
            if found is not None:
                return {feature.name: (option,), **found}
        self._told_apart.add((regions, depth))
        return None


def choose(candidates: Candidates, labels: Mapping[str, Region]) -> tuple[Feature, ...]:
    """Return features that decide the label of every cell, none of which can be left out.

    While two cells with equal features have different labels, the most readable candidate that
    tells them apart is added; at the end the least readable ones that do not matter are dropped.

    Raises:
        UndecidedError: MX0620, where more features are needed than a reader can follow.
    """
    axes = _axes(candidates)
    chosen: list[Feature] = []
    space = FeatureSpace(chosen, axes)
    # Refinement by counterexample: two cells that look alike and are labelled differently name the
    # next feature. It ends at the latest when all axes are chosen.
    while (when := space.confused(tuple(labels.values()))) is not None:
        inside = [space.preimage(when, region) for region in labels.values()]
        one, other = [region for region in inside if not region.is_empty()][:2]
        chosen.append(candidates.telling_apart(*closest(one, other)))
        # The order of features is that of the diagram and of the rules' words: readable ones in
        # front, whatever the order in which they were found.
        chosen.sort(key=candidates.rank)
        if len(chosen) > _MAX_FEATURES:
            raise UndecidedError(_too_many())
        space = FeatureSpace(chosen, axes)
    # A later feature may have made an earlier one superfluous.
    images = [space.image(region) for region in labels.values()]
    kept = list(chosen)
    # The least readable first, so that what stays is what a reader knows best.
    for feature in reversed(chosen):
        without = [image.forget((feature.name,)) for image in images]
        if all((one & other).is_empty() for one, other in itertools.combinations(without, 2)):
            images = without
            kept.remove(feature)
    return tuple(kept)


def closest(one: Region, other: Region) -> tuple[dict[str, str], dict[str, str]]:
    """Return a cell of each region, both not empty, that differ in one axis where that is possible.

    Otherwise the second keeps, axis by axis, the option of the first where it can.
    """
    for variable in one.space.variables:
        # Cells of the other label that one change of this axis leads to.
        near = one.forget((variable.name,)) & other
        second = near.pick()
        if second is not None:
            fixed = {name: option for name, option in second.items() if name != variable.name}
            return one.at(fixed).pick() or {}, second
    first = one.pick() or {}
    for name, option in first.items():
        kept = other.restrict(name, (option,))
        if not kept.is_empty():
            other = kept
    return first, other.pick() or {}


def _too_many() -> Diagnostic:
    return Diagnostic(
        code="MX0620",
        message=f"more than {_MAX_FEATURES} axes and facts decide the answer together",
        hint="ask about a part of the study, or leave axes out of it",
    )
