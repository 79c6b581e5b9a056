"""Each word that an answer uses has one row in the glossary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from matrix.analyze.cell.verdict import Verdict
from matrix.scenarios.gmem import SCENARIO
from tests.cli_runner import run_cli
from tests.unit.scenarios.by_inputs import INVARIANT_NAMES

GLOSSARY = Path(__file__).resolve().parent.parent / "docs" / "glossary.md"


def _rows() -> list[list[str]]:
    lines = GLOSSARY.read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return [row for row in rows if row != ["term", "meaning", "source"] and set(row) != {"---"}]


def _terms() -> list[str]:
    return [term for row in _rows() for term in re.split(r", ", row[0])]


def test_every_row_has_term_meaning_and_source() -> None:
    assert all(len(row) == 3 and all(row) for row in _rows())


def test_no_term_is_defined_twice() -> None:
    terms = _terms()
    assert len(terms) == len(set(terms))


def test_each_table_is_in_alphabetical_order() -> None:
    tables = re.split(r"^## ", GLOSSARY.read_text("utf-8"), flags=re.MULTILINE)[1:]
    for table in tables:
        terms = re.findall(r"^\| (?!term )([^|]+?) \|", table, flags=re.MULTILINE)
        assert terms == sorted(terms, key=str.casefold), table.splitlines()[0]


def test_verdicts_and_invariants_are_defined() -> None:
    assert {verdict.value for verdict in Verdict} | set(INVARIANT_NAMES) <= set(_terms())


@pytest.mark.parametrize(
    "word", sorted({*Verdict, *INVARIANT_NAMES, "PoU", "Alias_Access", "VIPT"})
)
def test_explain_knows_the_words_of_an_answer(word: str) -> None:
    ran = run_cli("explain", word)
    assert ran.code == 0
    rows = {
        term.casefold().replace("-", " "): row for row in _rows() for term in row[0].split(", ")
    }
    term, meaning, _ = rows[word.casefold().replace("-", " ").replace("_", " ")]
    assert ran.out.startswith(f"{term} (")
    assert meaning.split("[")[0] in " ".join(ran.out.split())


@pytest.mark.parametrize("advisory", [item.name for item in SCENARIO.advisories])
def test_explain_knows_the_advisories(advisory: str) -> None:
    ran = run_cli("explain", advisory)
    assert (ran.code, ran.out.startswith(f"{advisory} (Advisories): ")) == (0, True)


def test_a_word_that_is_none_is_told() -> None:
    ran = run_cli("explain", "unsoundd")
    assert ran.code == 3
    assert "MX0831" in ran.err
    assert "did you mean `unsound`?" in ran.err
