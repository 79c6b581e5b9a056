"""docs/performance.md is what its committed figures give; what measures them is right."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.measuring import Figure, figure, number, run, write_whole
from benchmarks.performance_page import DOCS, MEASURED, SVG, pages


def test_the_page_is_what_the_figures_give() -> None:
    made = dict(pages(json.loads(MEASURED.read_text("utf-8"))))
    assert made == {name: (DOCS / name).read_text("utf-8") for name in made}
    assert {path.name for path in MEASURED.parent.iterdir()} == {
        MEASURED.name,
        *(Path(name).name for name in made if name.endswith(".svg")),
    }


@pytest.mark.parametrize("path", sorted(MEASURED.parent.glob("*.svg")), ids=lambda path: path.name)
def test_a_plot_says_in_words_what_it_shows(path: Path) -> None:
    plot = ET.parse(path).getroot()  # noqa: S314 - our own file
    assert plot.get("role") == "img"
    told = plot.findtext(f"{{{SVG}}}title")
    assert told
    assert f"![{told}](performance/{path.name})" in (DOCS / "performance.md").read_text("utf-8")
    points = plot.findall(f"{{{SVG}}}circle")
    assert len(points) == told.partition("). ")[2].count(" at ") >= 2
    width, height = map(float, plot.get("viewBox", "").split()[2:])
    assert all(0 < float(one.get("cx", 0)) < width for one in points)
    assert all(0 < float(one.get("cy", 0)) < height for one in points)


def test_numbers_have_three_digits_that_count() -> None:
    told = {0.0: "0", 0.01234: "0.0123", 1.0: "1.00", 56.78: "56.8", 1234.5: "1,234"}
    assert {value: number(value) for value in told} == told


def test_a_ratio_is_the_figure_divided_by_its_baseline_and_its_goal_is_of_the_ratio() -> None:
    slow = figure("one file", 0.2, beside=("another", 0.1), most=1.8)
    assert slow.ratio == 2
    assert slow.missed
    assert slow.line() == "one file: 0.200 s CPU, 2.00 × another, goal ≤ 1.80 MISSED"
    assert not figure("one file", 0.17, beside=("another", 0.1), most=1.8).missed
    assert figure("rows", 3e6, "rows/s", least=1e7).missed
    assert figure("page", 1.0, "MB") == Figure(name="page", value=1.0, unit="MB")


@pytest.mark.skipif(sys.platform != "linux", reason="what a process used at most is told there")
def test_what_a_command_takes_is_that_of_all_its_processes() -> None:
    spent = "import time\nwhile time.process_time() < 0.3: pass\n"
    child = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"
    )
    both = run([sys.executable, "-c", f"{child}\n{spent}", spent])
    assert 0.6 <= both.cpu < 3
    large = run(
        [sys.executable, "-c", "import time; x = b'1' * (50 << 20); time.sleep(0.3)"], sampled=True
    )
    assert 50 < large.together < 120
    # Not at most so much: of a child of a larger process the system says that one's.
    assert large.largest > 50
    with pytest.raises(SystemExit, match="no such thing"):
        run([sys.executable, "-c", "raise SystemExit('no such thing')"])


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    file.write_text("old")
    write_whole(file, "new")
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]
