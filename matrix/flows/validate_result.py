"""What `validate` and `probe` have to say: answers with what was asked, and whether they count."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from msgspec import Struct

from matrix.analyze.cell.answer import Answer
from matrix.diagnostics import Diagnostic, ExitCode, Location
from matrix.kernel.source.version import same_version


class Standing(enum.StrEnum):
    """Whether a verdict counts: not where it is muted, or known from a baseline."""

    OPEN = "open"
    MUTED = "muted"
    KNOWN = "known"


class ValidateResult(Struct, frozen=True, kw_only=True):
    """One answer with what was asked: `cpu` has one name for each CPU type of the system.

    `kernel` is the release of the profile, `read_on` the version that it was read on, `version` the
    kernel's own where one was told; of a release without a profile `kernel` is that release and
    `between` the two that were asked in its place. `surroundings` has the options of the
    environment axes that the answer reads or that depart from the default. `muted_because` is the
    reason in matrix.toml of a result that is MUTED.
    `decided_at` is the line of the `.config` that decides, or line 1 where `decided_by` is not set
    in it.
    """

    file: str
    kernel: str
    assumes_patch: str | None
    cpu: tuple[str, ...]
    cmdline: str
    vm: str
    capability: str
    predicate_version: str
    answer: Answer
    surroundings: tuple[tuple[str, str], ...] = ()
    standing: Standing = Standing.OPEN
    muted_because: str | None = None
    decided_by: str | None = None
    decided_at: Location | None = None
    version: str | None = None
    read_on: str | None = None
    running: str | None = None
    between: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The kernel and the patch that is assumed; where it was read on another version, so.

        Of a machine it names what runs (`uname -r`) in any case.
        """
        patch = f" + {self.assumes_patch}" if self.assumes_patch else ""
        if self.between:
            own = self.running or self.version or self.kernel
            return f"Linux {own}{patch} (between {' and '.join(self.between)})"
        if self.running is not None and self.read_on is not None:
            answered = f"answered as {self.kernel}, read on {self.read_on}"
            return f"Linux {self.running}{patch} ({answered})"
        if self.kernel == "unknown":
            return f"Linux of an unknown release{patch}"
        return f"Linux {kernel_name(self.kernel, self.version, self.read_on, patch)}"


def kernel_name(release: str, version: str | None, read_on: str | None, patch: str = "") -> str:
    """Return a kernel's name: `6.1`, or `6.1.90 (answered as 6.1, read on 6.1.176)`."""
    if version is None or read_on is None or same_version(version, read_on):
        return f"{release}{patch}"
    return f"{version}{patch} (answered as {release}, read on {read_on})"


class ValidateOutcome(Struct, frozen=True, kw_only=True):
    """What a run has to say: its results, what was wrong or odd, what makes it fail.

    `problems` are (file that was named or found, diagnostic). `compared` says that a baseline was
    used, so that every result is either known or new. `root` is the folder that paths are relative
    to, since a code host knows no others. `known` is how many results a baseline covers.
    """

    results: tuple[ValidateResult, ...]
    problems: Sequence[tuple[str, Diagnostic]]
    fail_on: frozenset[str]
    undecided_fails: bool
    compared: bool
    exit_code: ExitCode
    grouped: bool
    baseline_text: str | None = None
    root: str = ""
    known: int = 0

    def path(self, file: str) -> str:
        """Return a path from the root, with `/`; one outside of it as it is."""
        path = file.replace("\\", "/")
        root = self.root.replace("\\", "/").rstrip("/")
        path = path.removeprefix(f"{root}/") if root else path
        while path.startswith("./"):
            path = path[2:]
        return path
