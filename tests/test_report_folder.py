"""What stands beside the reports: the page over all, badges, what has moved; and their server."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, InputError
from matrix.door.serving import HOST, Site, serve
from matrix.flows.knowledge import Library
from matrix.flows.study import run_study
from matrix.render.index import IndexEntry, index_entry, index_page
from tests.cli_runner import run_cli
from tests.unit.analyze.small_study import declarations

STUDY = "arm64-memfd-secret"
ROOT = Path(__file__).parent.parent
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def entry() -> IndexEntry:
    return index_entry(run_study(Library(), STUDY))


def test_a_badge_has_the_most_urgent_verdict_and_its_cells(entry: IndexEntry) -> None:
    counted = json.loads(run_cli("count", STUDY, "--format", "json").out)["verdicts"]
    assert counted["unsound"]
    share = f"unsound in {counted['unsound']:,} cells".replace(",", " ")
    image = ET.fromstring(entry.badge)  # noqa: S314 - our own
    assert image.tag == f"{SVG}svg"
    assert image.attrib["aria-label"] == f"{STUDY}: {share}"
    shown = "".join(text.text or "" for text in image.iter(f"{SVG}text"))
    assert shown == f"{STUDY}✗ {share}"


def test_the_page_over_all_reports_leads_to_each(entry: IndexEntry) -> None:
    page = index_page([entry])
    assert f'<a href="{STUDY}.html">{entry.title}</a>' in page
    assert entry.badge.strip() in page
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_names_made_of_markup_are_text() -> None:
    result = run_study(Library(), STUDY)
    name = "\"><script>alert(1)</script>&'\x1b[31m"
    odd = index_entry(replace(result, study=replace(result.study, id=name, title=name)))
    page = index_page([odd])
    assert "<script" not in page
    assert "\x1b" not in page
    assert 'href="&#34;' not in page
    image = ET.fromstring(odd.badge)  # noqa: S314 - our own
    assert {item.tag for item in image.iter()} == {
        f"{SVG}{tag}" for tag in ("svg", "title", "rect", "path", "g", "text")
    }


def test_all_reports_have_an_index_and_each_a_badge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run_cli("report", STUDY)
    assert ran.code == 0, ran.err
    files = sorted(str(path.relative_to("reports")) for path in Path("reports").rglob("*.*"))
    assert files == [f"{STUDY}.html", f"{STUDY}.md", f"badges/{STUDY}.svg"]


def test_what_has_moved_is_what_diff_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    study = "arm64-overview"
    saved = run_cli("report", study, "--save", "old.json")
    assert (saved.code, saved.out) == (0, "")
    assert not Path("reports").exists()
    same = run_cli("report", "--since", "old.json", "-o", "out")
    assert same.out.split() == [f"out/{study}-changes.html", f"out/{study}-changes.md"]
    text = Path(f"out/{study}-changes.md").read_text()
    assert "No verdict of" in text
    assert "not compared" not in text
    ran = run_cli("report", "--since", "old.json", "-o", "out", "--predicate", "cacheable-pfnmap")
    assert ran.code == 0, ran.err
    text = Path(f"out/{study}-changes.md").read_text()
    given = ("diff", "v12", "cacheable-pfnmap", "--matrix", study, "--format", "json")
    changes = json.loads(run_cli(*given).out)["changes"]
    for change in changes:
        assert f"| {change['from']} | {change['to']} | {change['cells']:,} |" in text
    assert len(changes) == text.count("\n### ")
    (unsound,) = (line for line in text.splitlines() if line.startswith("| unsound |"))
    assert "IC IVAU" in unsound
    damage(Path("old.json"))


def test_what_one_side_lacks_is_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = declarations(tmp_path / "own")
    run_cli("report", "small", "--configs", str(own), "--save", "old.json")
    study = own / "matrices" / "small.yaml"
    text = study.read_text().replace('"6.12", "6.18", "7.3"', '"6.18", "7.2", "7.3"')
    study.write_text(text.replace("neoverse-v1, cortex-a710", "cortex-a710"))
    ran = run_cli("report", "--since", "old.json", "--configs", str(own), "-o", "out")
    assert ran.code == 0, ran.err
    said = Path("out/small-changes.md").read_text()
    assert "only before, and not compared: kernel: 6.12; cpu: neoverse-v1\n" in said
    assert "only now, and not compared: kernel: 7.2\n" in said


def damage(file: Path) -> None:
    """Give files that are damaged, or of other versions, to `--since`."""
    text = file.read_text()
    saved = json.loads(text)
    record = saved["record"]
    wrong = {
        "MX0821": [
            "",
            "{",
            "[]",
            '{"schema": "matrix/count/1"}',
            text[:-300],
            "[" * 100_000,
            json.dumps({**saved, "record": {**record, "leaves": [999]}}),
            json.dumps({**saved, "record": {**record, "labels": [["fine", []]]}}),
        ],
        "MX0822": [
            json.dumps({**saved, "schema": "matrix/verdicts/0"}),
            json.dumps({**saved, "record": {**record, "study": "gone"}}),
        ],
    }
    for code, texts in wrong.items():
        for item in texts:
            file.write_text(item)
            ran = run_cli("report", "--since", str(file))
            assert (ran.code, ran.out) == (3, "")
            assert f"{file}: error[{code}]" in ran.err
            assert "hint: " in ran.err
    ran = run_cli("report", "--since", "nowhere.json")
    assert "nowhere.json: error[MX0821]" in ran.err


def asked(port: int, path: str, host: str | None = None) -> tuple[int, str, Mapping[str, str]]:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    connection.request("GET", path, headers={} if host is None else {"Host": host})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, dict(answer.getheaders())


def test_served_pages_are_made_anew_when_a_file_changes(tmp_path: Path) -> None:
    source = tmp_path / "declared.yaml"
    source.write_text("one")

    def build() -> dict[Path, str]:
        text = source.read_text()
        if text == "wrong":
            raise InputError([Diagnostic(code="MX0801", message="<b>wrong</b>")])
        policy = "default-src 'none'; style-src 'sha256-x'; script-src 'sha256-y'"
        page = f'<meta content="{policy}"><body>{text}</body>'
        return {Path("a.html"): page, Path("badges/a.svg"): "<svg/>", Path("a.md"): "# a"}

    site = Site(build, [tmp_path])
    assert site.make() == ()
    said: list[str] = []
    ended = threading.Event()
    server = threading.Thread(target=serve, args=(site, 0, said.append, ended))
    server.start()
    try:
        while not said:
            time.sleep(0.05)
        port = int(said[0].split("/")[2].rpartition(":")[2])
        assert said[0].startswith(f"http://{HOST}:")
        status, page, headers = asked(port, "/a.html")
        assert (status, "<body>one<script>" in page) == (200, True)
        assert "connect-src 'self'; script-src 'sha256-" in page
        assert "'sha256-y'" in page
        assert headers["Cache-Control"] == "no-store"
        assert asked(port, "/badges/a.svg")[2]["Content-Type"].startswith("image/svg+xml")
        assert asked(port, "/a.md")[1] == "# a"
        for path in ("/../declared.yaml", "/%2e%2e/declared.yaml", "/nope", "//a.html/.."):
            assert asked(port, path)[0] == 404
        assert asked(port, "/a.html", "evil.example:80")[0] == 404
        before = asked(port, "/~version")[1]
        source.write_text("wrong")
        while asked(port, "/~version")[1] == before:
            time.sleep(0.1)
        assert "&lt;b&gt;wrong" in asked(port, "/a.html")[1]
        assert "MX0801" in "".join(said)
        before = asked(port, "/~version")[1]
        source.write_text("three")
        while asked(port, "/~version")[1] == before:
            time.sleep(0.1)
        assert "<body>three" in asked(port, "/a.html")[1]
        with pytest.raises(InputError) as wrong:
            serve(site, port, said.append)
        assert [item.code for item in wrong.value.diagnostics] == ["MX0823"]
    finally:
        ended.set()
        server.join()


def test_a_person_ends_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_cli("init", "mine").code == 0
    with subprocess.Popen(
        [sys.executable, "-m", "matrix", "report", "my-study", "--configs", "mine", "--serve",
         "--port", "0"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    ) as running:  # fmt: skip
        assert running.stderr is not None
        line = ""
        while "http://" not in line:
            line = running.stderr.readline()
            assert line
        port = int(line.split("/")[2].rpartition(":")[2])
        assert "my-study.html" in asked(port, "/")[1]
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=30)
    assert (running.returncode, err) == (0, "ended\n")
    assert not Path("reports").exists()
