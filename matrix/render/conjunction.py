"""A rule in words: a conjunction of literals, each the shorter of `∈` and `∉`."""

from __future__ import annotations

from collections.abc import Sequence

from matrix.analyze.proof.rules import FeatureRule

# So many CPUs are named beneath a rule in a document; the rest is a number.
MAX_NAMED = 12


def conjunction(rule: FeatureRule) -> str:
    """Return a rule as `has_stage2_fwb ∧ ¬has_cache_dic ∧ kvm_mode ∈ {nvhe, vhe}`."""
    literals = [literal(*item) for item in rule.shown]
    return " ∧ ".join(item for item in literals if item) or "always"


def literal(name: str, options: tuple[str, ...], known: tuple[str, ...]) -> str:
    """Return one literal, the shorter of `∈` and `∉`; empty where every option is in.

    An option with a comma stands in double quotes, as in a cell.

    >>> literal("has_cache_dic", ("false",), ("true", "false", "unknown"))
    '¬has_cache_dic'
    >>> literal("kernel", ("6.12", "7.2", "7.3"), ("6.1", "6.12", "7.2", "7.3"))
    'kernel ≠ 6.1'
    >>> literal("mode", ("nested", "nvhe,nested"), ("absent", "nested", "nvhe", "nvhe,nested", "x"))
    'mode ∈ {nested, "nvhe,nested"}'
    """
    options, known = _quoted(options), _quoted(known)
    others = tuple(option for option in known if option not in options)
    if not others:
        return ""
    if options == ("true",):
        return name
    if options == ("false",):
        return f"¬{name}"
    if len(options) == 1:
        return f"{name} = {options[0]}"
    if len(others) == 1:
        return f"{name} ≠ {others[0]}"
    if len(others) < len(options):
        return f"{name} ∉ {{{', '.join(others)}}}"
    return f"{name} ∈ {{{', '.join(options)}}}"


def _quoted(options: Sequence[str]) -> tuple[str, ...]:
    return tuple(f'"{option}"' if "," in option else option for option in options)
