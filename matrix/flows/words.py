"""Words of answers explained: verdicts, invariants, advisories and the rest of the glossary.

Takes a word as an answer has it, gives what it means with who says so. The glossary is
docs/glossary.md itself, which a wheel brings; what a simulation reports is declared by scenarios.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from msgspec import Struct

from matrix.analyze.facts.scenario_words import scenario_of
from matrix.diagnostics import InputError, did_you_mean
from matrix.flows.knowledge import Library
from matrix.flows.pages import shipped_page


class Word(Struct, frozen=True, kw_only=True):
    """A word, what it means, and the section it stands in (`Verdicts`); `source` says who says."""

    term: str
    meaning: str
    section: str
    source: str


def explain_word(text: str, configs: tuple[Path, ...] = ()) -> Word:
    """Return what a word means, in whatever letters it is written.

    Raises:
        InputError: MX0831, it is none that an answer or the glossary has.
    """
    words = {**_simulated(configs), **_glossary()}
    found = words.get(_key(text))
    if found is not None:
        return found
    near = did_you_mean(_key(text), words)
    ways = "a cell is axis=option,…, a diagnostic code MXnnnn; docs/glossary.md has all words"
    raise InputError.of(
        code="MX0831",
        message=f"`{text}` is no cell, no diagnostic code and no word of an answer",
        hint=f"{near} {ways}" if near else ways,
    )


def is_word(text: str) -> bool:
    """Tell whether a word is asked about, and no cell."""
    return bool(text.strip()) and "=" not in text


def _key(text: str) -> str:
    return re.sub(r"[\s_]+", " ", text.strip().replace("-", " ")).casefold()


@cache
def _glossary() -> dict[str, Word]:
    """Return the rows of the glossary by each of their terms."""
    section = ""
    words: dict[str, Word] = {}
    for line in shipped_page("glossary.md").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 3 and cells[0] != "term":
            term, meaning, source = cells
            row = Word(term=term, meaning=_plain(meaning), section=section, source=_plain(source))
            words |= {_key(name): row for name in (term, *term.split(", "))}
    return words


def _plain(text: str) -> str:
    """Return a text of the glossary without its links, whose target stands behind the words."""
    return re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)


def _simulated(configs: tuple[Path, ...]) -> dict[str, Word]:
    """Return what the scenarios of all capabilities forbid and report."""
    words: dict[str, Word] = {}
    for capability in Library(configs).knowledge.capabilities:
        scenario = scenario_of(capability)
        if scenario is None:
            continue
        source = f"the scenario of {capability.id}"
        for item in scenario.invariants:
            words[_key(item.name)] = Word(
                term=item.name, meaning=item.forbids, section="Invariants", source=source
            )
        for advisory in scenario.advisories:
            words[_key(advisory.name)] = Word(
                term=advisory.name, meaning=advisory.reports, section="Advisories", source=source
            )
    return words
