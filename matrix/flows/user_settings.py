"""What matrix.toml changes about a run: defaults of options, and findings that do not count.

Takes the settings of `matrix.schema.settings`, gives the request with its defaults filled in, and
results with their standing. An option on the command line wins over the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from msgspec import Struct, field
from msgspec.structs import replace

from matrix.analyze.cell.verdict import WORKS, Verdict
from matrix.diagnostics import Diagnostic, Severity, refuse, unknown_word_hint
from matrix.diagnostics.codes import codes
from matrix.flows.validate_job import ValidateRequest
from matrix.flows.validate_result import Standing, ValidateResult
from matrix.kernel.config.config_input import split_name
from matrix.scenarios import every_scenario
from matrix.schema.settings import Mute, Settings, load_settings

# Keys of [validate] that name their field of the request differently.
_FIELDS = {"set": "settings"}
_PATHS = ("configs", "baseline")
# --vm KIND and --set vm=KIND are one option.
_VM = "vm="
_QUIET = (*WORKS, Verdict.ABSENT)


def with_settings(request: ValidateRequest) -> tuple[ValidateRequest, Mutes]:
    """Return the request with the defaults of its settings file, and the mutes of the file.

    Raises:
        InputError: MX1410 to MX1413, MX1415 what is wrong with the file.
    """
    if request.settings_file is None:
        return request, Mutes()
    settings = load_settings(request.settings_file)
    _check_names(settings)
    folder = request.settings_file.parent
    changes: dict[str, object] = {}
    taken: set[str] = set()
    for key, value in settings.options.items():
        name = _FIELDS.get(key, key)
        if name in request.given or (name == "cmdline" and "cmdline_file" in request.given):
            continue
        if key == "vm" and any(text.startswith(_VM) for text in request.settings):
            continue
        taken.add(key)
        if key == "set" and "vm" in request.given:
            changes[name] = tuple(text for text in value if not text.startswith(_VM))
        elif key in _PATHS:
            changes[name] = (
                # Paths of the file count from its folder: it means the same wherever the command is
                # run.
                folder / value if isinstance(value, str) else tuple(folder / part for part in value)
            )
        else:
            changes[name] = value
    request = replace(request, **changes, releases=settings.releases)
    fail_on = frozenset(request.fail_on)
    return request, Mutes(settings=settings, taken=frozenset(taken), folder=folder, fail_on=fail_on)


def _check_names(settings: Settings) -> None:
    if not settings.mutes:
        return
    invariants = list(
        dict.fromkeys(name for item in every_scenario() for name in item.invariant_names)
    )
    rules = [*invariants, *codes()]
    problems = []
    for mute in settings.mutes:
        for key, word, known in (
            ("verdict", mute.verdict, list(Verdict)),
            ("rule", mute.rule, rules),
        ):
            if word is not None and word not in known:
                shown = known if key == "verdict" else invariants
                hint = unknown_word_hint(word, shown, f"{key}s")
                if key == "rule":
                    hint += "; or the code of a diagnostic"
                problems.append(
                    Diagnostic(
                        code="MX1415",
                        message=f"unknown {key} `{word}`",
                        location=settings.location((*mute.place, key)),
                        hint=hint,
                    )
                )
    refuse(problems)


class Mutes(Struct, kw_only=True):
    """The mutes of a settings file, and which of them were of use in this run.

    `taken` are the keys of [validate] that the command line left to the file.
    """

    settings: Settings | None = None
    taken: frozenset[str] = frozenset()
    folder: Path = Path()
    fail_on: frozenset[str] = frozenset()
    used: set[Mute] = field(default_factory=set)

    @property
    def all(self) -> Sequence[Mute]:
        """The mutes in the order of the file."""
        return self.settings.mutes if self.settings else ()

    def apply(self, result: ValidateResult) -> ValidateResult:
        """Return the result, muted where mutes cover it: its verdict, or all that it violates.

        What no reader need look at is not muted: a mute would seem to be of use there.
        """
        verdict = result.answer.verdict
        if verdict in _QUIET and verdict not in self.fail_on:
            return result
        matching = [mute for mute in self.all if self._matches(mute, result)]
        whole = [mute for mute in matching if mute.rule is None]
        if whole:
            self.used.update(whole)
            return replace(result, standing=Standing.MUTED, muted_because=whole[0].because)
        violated = {finding.invariant for finding in result.answer.violations}
        covering = [mute for mute in matching if mute.rule in violated]
        self.used.update(covering)
        if not violated or violated - {mute.rule for mute in covering}:
            return result
        because = "; ".join(dict.fromkeys(mute.because for mute in covering))
        return replace(result, standing=Standing.MUTED, muted_because=because)

    def hides(self, diagnostic: Diagnostic) -> bool:
        """Tell whether a warning or a note is muted; an error never is."""
        if diagnostic.severity is Severity.ERROR:
            return False
        file = diagnostic.location.file if diagnostic.location else None
        hiding = [
            mute
            for mute in self.all
            if mute.rule == diagnostic.code
            and (mute.verdict, mute.cpu, mute.capability) == (None, None, None)
            and (mute.file is None or (file is not None and self._is_file(mute.file, file)))
        ]
        self.used.update(hiding)
        return bool(hiding)

    def unused(self) -> Iterable[Diagnostic]:
        """Yield a warning for each mute that nothing in this run needed."""
        for mute in self.all:
            if mute not in self.used and self.settings is not None:
                yield Diagnostic.warning(
                    code="MX1414",
                    message="nothing in this run needs this mute",
                    location=self.settings.location(mute.place),
                    hint="remove it once no run needs it; it would hide the next finding",
                )

    def _matches(self, mute: Mute, result: ValidateResult) -> bool:
        cpus = ("+".join(result.cpu), *result.cpu)
        return (
            mute.verdict in (None, str(result.answer.verdict))
            and mute.capability in (None, result.capability)
            and (mute.file is None or self._is_file(mute.file, result.file))
            and (mute.cpu is None or any(fnmatchcase(cpu, mute.cpu) for cpu in cpus))
        )

    def _is_file(self, pattern: str, file: str) -> bool:
        """Tell whether a pattern means a file: its path from the settings, or a name in it."""
        container, member = split_name(file)
        names = (
            relative_name(file, self.folder),
            PurePosixPath(container).name,
            f"{PurePosixPath(container).name}!{member}",
            PurePosixPath(member).name,
        )
        return any(name and fnmatchcase(name, pattern) for name in names)


def relative_name(file: str, folder: Path) -> str:
    """Return a file's path from a folder, with `/`, so that it is equal on every machine."""
    container, member = split_name(file)
    if container == "<stdin>":
        return file
    try:
        container = os.path.relpath(container, folder)
    except ValueError:  # another drive
        return file
    return f"{Path(container).as_posix()}!{member}" if member else Path(container).as_posix()
