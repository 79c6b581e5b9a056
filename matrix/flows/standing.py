"""Which verdicts count in a repository: those that no mute and no baseline covers.

Takes a request, gives it back with the defaults of its matrix.toml, and says of each result
whether it counts. Without settings and baseline nothing is loaded for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, InputError
from matrix.flows.validate_job import ValidateRequest
from matrix.flows.validate_result import Standing, ValidateResult

if TYPE_CHECKING:
    from matrix.flows.baseline import Baseline, Entry
    from matrix.flows.user_settings import Mutes
    from matrix.schema.settings import Mute


class Used(Struct, kw_only=True):
    """What of mutes and a baseline was of use for some results, and what a new baseline has."""

    mutes: set[Mute] = field(default_factory=set)
    asked: set[tuple[str, ...]] = field(default_factory=set)
    found: set[Entry] = field(default_factory=set)
    new: set[Entry] = field(default_factory=set)
    known: int = 0

    def add(self, other: Used) -> None:
        """Add what was of use for others."""
        self.mutes |= other.mutes
        self.asked |= other.asked
        self.found |= other.found
        self.new |= other.new
        self.known += other.known


class Accepted(Struct, kw_only=True):
    """The request as its settings complete it, and what they say of each result.

    `used` is what was of use in the whole run, `_own` what was since `take_used` was asked last.
    """

    request: ValidateRequest
    mutes: Mutes | None = None
    baseline: Baseline | None = None
    used: Used = field(default_factory=Used)
    _own: Used = field(default_factory=Used)

    def of(self, result: ValidateResult) -> ValidateResult:
        """Return the result with its standing; a mute comes first, since it says why."""
        if self.baseline is not None:
            result = self.baseline.apply(result)
        if self.mutes is not None:
            result = self.mutes.apply(result)
        self._own.known += result.standing is Standing.KNOWN
        return result

    def known_from_now(
        self, results: Iterable[ValidateResult], counts: Callable[[ValidateResult], bool]
    ) -> list[ValidateResult]:
        """Return results, those that count as known: a new baseline has them."""
        from matrix.flows.baseline import entry_of

        folder = self.request.write_baseline.parent if self.request.write_baseline else Path()
        counted = [result for result in results if counts(result)]
        self._own.new.update(entry_of(result, folder) for result in counted)
        self._own.known += len(counted)
        return [
            replace(result, standing=Standing.KNOWN) if counts(result) else result
            for result in results
        ]

    def new_baseline_text(self) -> str | None:
        """Return the file that makes all known that counts, if it is asked for."""
        if self.request.write_baseline is None:
            return None
        from matrix.flows.baseline import baseline_text

        return baseline_text(self.used.new)

    def take_used(self) -> Used:
        """Return what was of use since this was asked last."""
        own, self._own = self._own, Used()
        if self.mutes is not None:
            own.mutes, self.mutes.used = self.mutes.used, set()
        if self.baseline is not None:
            own.asked, self.baseline.asked = self.baseline.asked, set()
            own.found, self.baseline.found = self.baseline.found, set()
        return own

    def hides(self, diagnostic: Diagnostic) -> bool:
        """Tell whether a remark beside the answers is muted."""
        return self.mutes is not None and self.mutes.hides(diagnostic)

    def placed(self, error: InputError) -> InputError:
        """Return an error about the request, with its place where the settings file said it."""
        if self.mutes is None or self.mutes.settings is None:
            return error
        from matrix.flows.settings_places import placed

        return placed(error, self.mutes.settings, self.mutes.taken)

    def remarks(self) -> Iterable[Diagnostic]:
        """Yield what became of no use: mutes and entries of the baseline."""
        if self.mutes is not None:
            # Of use anywhere in the run, in the processes that share its work too.
            self.mutes.used |= self.used.mutes
            yield from self.mutes.unused()
        if self.baseline is not None:
            self.baseline.asked, self.baseline.found = self.used.asked, self.used.found
            yield from self.baseline.stale()


def read_accepted(request: ValidateRequest) -> Accepted:
    """Read the settings and the baseline of a request.

    Raises:
        InputError: MX1410 to MX1415, MX1420: what is wrong with them.
    """
    mutes = baseline = None
    if request.settings_file is not None:
        from matrix.flows.user_settings import with_settings

        request, mutes = with_settings(request)
    if request.write_baseline is not None:
        # It is about to be replaced, so that what it says does not matter.
        request = replace(request, baseline=None)
    if request.baseline is not None:
        from matrix.flows.baseline import load_baseline

        baseline = load_baseline(request.baseline)
    return Accepted(request=request, mutes=mutes, baseline=baseline)
