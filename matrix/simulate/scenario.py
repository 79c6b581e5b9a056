"""Scenarios and mechanism options by name: what a study or a reviewer may vary.

The first value of an option is the series as posted. `scenario_options` checks words that came from
a user; the simulation itself only ever sees checked ones.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from matrix.diagnostics import Diagnostic, InputError, Location, unknown_word_hint

SCENARIOS: dict[str, str] = {
    "gmem": "one page of a guest_memfd created with GUEST_MEMFD_FLAG_NO_DIRECT_MAP",
    "secretmem": "one page of memfd_secret(2)",
}


class Option(Struct, frozen=True, kw_only=True):
    """One mechanism option: `values` maps each word to what it means, the default first."""

    name: str
    values: dict[str, str]

    @property
    def default(self) -> str:
        """Return the word for the series as posted."""
        return next(iter(self.values))


OPTIONS: tuple[Option, ...] = (
    Option(
        name="guest",
        values={
            "any": "the guest reads, writes and executes the page",
            "no-exec": "the guest never executes from this memory slot",
        },
    ),
    Option(
        name="tlb-flush",
        values={
            "series": "folio_zap_direct_map() flushes, besides what the helper of arm64 does",
            "helper": "only set_direct_map_valid_noflush() flushes, where it does",
            "none": "nothing flushes",
            "deferred": "one flush at the end of the fault, after the guest can use the page",
        },
    ),
    Option(
        name="zapped-bit",
        values={
            "cleared": "restoring clears the folio's bit",
            "kept": "restoring while the folio stays in the file leaves the bit set",
        },
    ),
    Option(
        name="restore",
        values={
            "on-free": "free_folio restores",
            "compiled-out": "the hook is not built (the series on 7.3 without porting)",
            "in-place": "a folio may also be restored while it stays in the file",
        },
    ),
    Option(
        name="zap-error",
        values={
            "returned": "a failed zap fails the fault",
            "ignored": "the error is dropped and the folio counts as zapped",
        },
    ),
    Option(
        name="folio",
        values={"small": "order-0 folios", "large": "a large folio, which the zap refuses"},
    ),
    Option(
        name="split",
        values={
            "gated": "a block is split where the release allows it",
            "ungated": "a block is split whatever the CPUs support",
        },
    ),
    Option(
        name="maintenance",
        values={
            "by-alias": "KVM cleans and invalidates through the direct map",
            "whole-icache": "IC IALLUIS for zapped folios",
            "extable-fixup": "a fault on IC IVAU is fixed up and the error ignored",
            "temporary-mapping": "maintenance through a temporary kernel mapping",
            "skip-zapped": "no maintenance for zapped folios",
        },
    ),
    Option(
        name="dirty-log",
        values={"no": "no dirty logging", "yes": "pages can be write-protected"},
    ),
)

DEFAULTS: dict[str, str] = {option.name: option.default for option in OPTIONS}


def scenario_options(
    scenario: str, chosen: Iterable[tuple[str, str]], location: Location | None = None
) -> tuple[tuple[str, str], ...]:
    """Return the chosen options that differ from the defaults, sorted: `SimulationInputs.variant`.

    Raises InputError (MX0701 scenario, MX0702 option, MX0703 value, MX0704 given twice) with
    everything that is wrong.
    """
    wrong: list[Diagnostic] = []
    if scenario not in SCENARIOS:
        wrong.append(_unknown("MX0701", "scenario", scenario, SCENARIOS, location))
    values = {option.name: option.values for option in OPTIONS}
    seen: dict[str, str] = {}
    for name, value in chosen:
        if name not in values:
            wrong.append(_unknown("MX0702", "scenario option", name, values, location))
        elif value not in values[name]:
            kind = f"value of scenario option `{name}`"
            wrong.append(_unknown("MX0703", kind, value, values[name], location))
        elif seen.setdefault(name, value) != value:
            message = f"scenario option `{name}` is given twice, as `{seen[name]}` and `{value}`"
            hint = "leave one of them"
            wrong.append(Diagnostic(code="MX0704", message=message, location=location, hint=hint))
    if wrong:
        raise InputError(wrong)
    return tuple(sorted((name, value) for name, value in seen.items() if DEFAULTS[name] != value))


def _unknown(
    code: str, kind: str, word: str, known: Iterable[str], location: Location | None
) -> Diagnostic:
    return Diagnostic(
        code=code,
        message=f"unknown {kind} `{word}`",
        location=location,
        hint=unknown_word_hint(word, known, f"{kind.partition(' of ')[0]}s"),
    )
