"""The names in a study: its capability and predicate, and the axes and options of its cells."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from matrix.diagnostics import Location, unknown_word_hint
from matrix.schema.checking.architectures import study_architecture
from matrix.schema.checking.axes import AxisExpander, ExpandedAxis
from matrix.schema.checking.catalogue import Catalogue, Known
from matrix.schema.documents.study import StudyDocument
from matrix.schema.files import Kind
from matrix.schema.reading.nodes import Node
from matrix.schema.reading.problems import Problems
from matrix.schema.values import Axis

# In a pivot this word stands for the study's named command lines.
PROFILES = "profiles"


class StudyChecker:
    """Checks and expands the studies of one load."""

    def __init__(self, catalogue: Catalogue, problems: Problems) -> None:
        self._catalogue = catalogue
        self._problems = problems
        self._expanders: dict[str, AxisExpander] = {}

    def axes(
        self, document: StudyDocument, at: Node, views: Iterable[Node] = ()
    ) -> tuple[str, tuple[Axis, ...]]:
        """Return architecture and expanded axes of a study; what is wrong with it is added.

        `views` are those of the study that stand in files of their own.

        Where the architecture is in doubt there are no axes: half of their names would be unknown.
        """
        self._predicate(document, at)
        arch = study_architecture(self._catalogue, document, at, self._problems)
        if arch is None:
            return "", ()
        if arch not in self._expanders:
            self._expanders[arch] = AxisExpander(self._catalogue.of(arch), self._problems)
        expander = self._expanders[arch]
        expanded = {
            name: expander.expand(axis, node)
            for (name, axis), node in zip(document.axes.items(), at.rows("axes"), strict=True)
        }
        if PROFILES in expanded:
            hint = "choose another name: in a pivot it stands for the named command lines"
            place = expanded[PROFILES].axis.location
            self._problems.add("MX0217", f"an axis cannot be named `{PROFILES}`", place, hint)
        self._baseline(expanded, at["baseline"])
        for profile in at.rows(PROFILES):
            self._cell(profile, expanded)
        for pivot in at.rows("pivots"):
            self._pivot(pivot, expanded, has_profiles=bool(document.profiles))
        for view in (*at.rows("views"), *views):
            self._pivot(view, expanded, has_profiles=bool(document.profiles))
            self._only(view, expanded, list(document.profiles))
        return arch, tuple(item.axis for item in expanded.values())

    def _predicate(self, document: StudyDocument, at: Node) -> None:
        capabilities = self._catalogue.capabilities
        known = self._catalogue.known(Kind.CAPABILITY, capabilities)
        if known.check(document.capability, at["capability"].location, self._problems):
            versions = [row.name for row in capabilities[document.capability].predicates]
            Known(kind=f"predicate of {document.capability}", names=versions).check(
                document.predicate, at["predicate"].location, self._problems
            )

    def _baseline(self, axes: dict[str, ExpandedAxis], at: Node) -> None:
        """Check that the baseline gives each axis one of its options."""
        self._cell(at, axes)
        missing = [name for name in axes if at.get(name) is None]
        if missing:
            named = ", ".join(f"`{name}`" for name in missing)
            hint = "the baseline is a whole cell: tables start from it"
            self._problems.add("MX0223", f"the baseline has no option for {named}", at.place, hint)

    def _cell(self, at: Node, axes: dict[str, ExpandedAxis]) -> None:
        known = Known(kind="axis", names=axes)
        for node in at.children.values():
            if not known.check(node.name, node.place, self._problems):
                continue
            found = axes[node.name]
            names = [option.name for option in found.axis.options]
            Known(kind=f"option of {node.name}", names=names, complete=found.complete).check(
                str(node.data), node.location, self._problems
            )

    def _pivot(self, at: Node, axes: dict[str, ExpandedAxis], *, has_profiles: bool) -> None:
        names = [*axes, PROFILES] if has_profiles else list(axes)
        known = Known(kind="axis", names=names)
        used: dict[str, Location] = {}
        for node in (at["rows"], *at.rows("columns")):
            name = str(node.data)
            if known.check(name, node.location, self._problems) and name in used:
                hint = f"the first is at {used[name]}"
                message = f"`{name}` stands twice in this table"
                self._problems.add("MX0219", message, node.location, hint)
            used.setdefault(name, node.location)
        fixed = at.get("fixed")
        if fixed is not None:
            self._cell(fixed, axes)

    def _only(self, at: Node, axes: dict[str, ExpandedAxis], profiles: list[str]) -> None:
        """Check that the patterns of a view are of axes it shows, and that each keeps something."""
        shown = [str(node.data) for node in (at["rows"], *at.rows("columns"))]
        for axis in at.rows("only"):
            found = axes.get(axis.name)
            if axis.name not in shown:
                hint = f"it shows {', '.join(shown)}; what else it keeps is a matter of `where`"
                message = f"the view does not show `{axis.name}`"
                self._problems.add("MX0820", message, axis.place, hint)
                continue
            if found is None and axis.name != PROFILES:
                continue  # told where it is shown
            names = [option.name for option in found.axis.options] if found else profiles
            for pattern in axis.children.values():
                if found is not None and not found.complete:
                    continue
                if not fnmatch.filter(names, str(pattern.data)):
                    hint = unknown_word_hint(str(pattern.data), names, f"options of {axis.name}")
                    message = f"`{pattern.data}` keeps no option of `{axis.name}`"
                    self._problems.add("MX0820", message, pattern.location, hint)
