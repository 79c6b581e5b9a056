"""Which verdicts count in a repository: those that no mute and no baseline covers.

Takes a request, gives it back with the defaults of its matrix.toml, and says of each result
whether it counts. Without settings and baseline nothing is loaded for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, InputError
from matrix.flows.validate_job import ValidateRequest
from matrix.flows.validate_result import Standing, ValidateResult

if TYPE_CHECKING:
    from matrix.flows.baseline import Baseline
    from matrix.flows.user_settings import Mutes


class Accepted(Struct, frozen=True, kw_only=True):
    """The request as its settings complete it, and what they say of each result."""

    request: ValidateRequest
    mutes: Mutes | None = None
    baseline: Baseline | None = None

    def of(self, result: ValidateResult) -> ValidateResult:
        """Return the result with its standing; a mute comes first, since it says why."""
        if self.baseline is not None:
            result = self.baseline.apply(result)
        if self.mutes is not None:
            result = self.mutes.apply(result)
        return result

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
            yield from self.mutes.unused()
        if self.baseline is not None:
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


def new_baseline(
    request: ValidateRequest,
    results: Iterable[ValidateResult],
    counts: Callable[[ValidateResult], bool],
) -> tuple[str, list[ValidateResult]]:
    """Return a baseline of the results that count, and all results with their new standing."""
    from pathlib import Path

    from matrix.flows.baseline import baseline_text

    standing = [
        replace(result, standing=Standing.KNOWN) if counts(result) else result for result in results
    ]
    folder = request.write_baseline.parent if request.write_baseline else Path()
    known = [result for result in standing if result.standing is Standing.KNOWN]
    return baseline_text(known, folder), standing
