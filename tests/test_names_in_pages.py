"""Names that are HTML, Markdown, an address or a header of a mail.

A user declares them wherever text may stand; codes of a terminal are in no declaration (MX0204).
The page is held to the one of harmless names of the same lengths: the same elements with the same
attributes, whatever the names are made of.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from matrix.flows.report import study_reports
from matrix.render.report import report_files
from tests.cli_runner import run_cli

CONFIGS = Path(__file__).parent.parent / "configs"
CHROMIUM = shutil.which("chromium")
# What stands where a name may: `option` as an axis's option or a command line, `text` elsewhere.
HOSTILE = {
    "option": "</script><img src=x onerror=alert(1)>`|*b*[a](javascript:b)#&page_size=4k",
    "text": "\"'></title></text></svg><script>alert(1)</script><!-- {{7*7}} ::error:: http://evil/ "
    "**b** [a](javascript:alert(1)) <style>*{display:none}</style>",
    "mail": "a Bcc: evil@example.org <evil@example.org>, =?utf-8?q?=0d=0aBcc?=",
}
HARMLESS = {kind: re.sub(r"[^\w ]", "x", text) for kind, text in HOSTILE.items()}


def declared(folder: Path, says: Mapping[str, str]) -> None:
    """Write a CPU, a capability and a study that have these names wherever one may stand."""
    found = {
        "cpus": yaml.safe_load((CONFIGS / "cpus" / "cortex-a710.yaml").read_text("utf-8")),
        "capabilities": yaml.safe_load(
            (CONFIGS / "capabilities" / "gmem-no-direct-map.yaml").read_text("utf-8")
        ),
        "matrices": yaml.safe_load(
            (CONFIGS / "matrices" / "arm64-overview.yaml").read_text("utf-8")
        ),
    }
    cpu, capability, study = found.values()
    cpu |= {"id": "odd-core", "name": says["text"], "notes": [says["text"], says["mail"]]}
    cpu.pop("aliases", None)
    capability |= {"id": "odd", "title": says["mail"], "description": says["text"]}
    for number, requirement in enumerate(capability["requires"]):
        requirement["otherwise"] = f"{says['text']} {number}"
    for predicate in capability["predicates"].values():
        predicate["description"] = says["text"]
    axes = study["axes"]
    axes["kernel"]["options"] = ["6.18", "7.3"]
    axes["cpu"]["options"] = ["odd-core", "aws-graviton3", "neoverse-n1", "neoverse-v1"]
    axes["page_size"]["options"][says["option"]] = axes["page_size"]["options"].pop("64k")
    for axis in axes.values():
        axis["title"] = says["text"]
    study["profiles"] = {"default": {}, says["option"]: {"boot.rodata": "off"}}
    study |= {"id": "odd-study", "capability": "odd", "title": says["mail"]}
    study["description"] = says["text"]
    study["constraints"][0]["because"] = says["text"]
    study["claims"] = {
        "one": {"c": "predicate", "expected": {"*": "refuted"}, "description": says["text"]}
    }
    study["pivots"] = [
        {"title": says["text"], "rows": "cpu", "columns": ["kernel", "profiles"]},
        {"title": says["mail"], "rows": "page_size", "columns": ["kernel"]},
    ]
    for kind, values in found.items():
        (folder / kind).mkdir(parents=True)
        (folder / kind / f"{values['id']}.yaml").write_text(json.dumps(values), encoding="utf-8")


class Structure(HTMLParser):
    """The elements of a page with the names of their attributes, and their ends."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, ...]] = []
        self.addresses: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, *(name for name, _ in attrs)))
        self.addresses |= {
            (value or "").partition(":")[0] for name, value in attrs if name in ("href", "src")
        }

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        self.elements.append((f"/{tag}",))

    def handle_comment(self, _data: str) -> None:
        self.elements.append(("<!--",))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Return the folder of the report with each sort of names."""
    found = {}
    for sort, says in (("hostile", HOSTILE), ("harmless", HARMLESS)):
        folder = tmp_path_factory.mktemp(sort)
        declared(folder / "configs", says)
        (report,) = study_reports(("odd-study",), configs=(folder / "configs",))
        for name, text in report_files(report).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        found[sort] = folder
    return found


def test_names_make_no_element_and_no_attribute(pages: Mapping[str, Path]) -> None:
    hostile, harmless = (
        Structure((folder / "odd-study.html").read_text(encoding="utf-8"))
        for folder in pages.values()
    )
    for kind in ("option", "text", "mail"):
        assert " ".join(HOSTILE[kind].split()) in " ".join(hostile.text.split())
    assert ("svg",) in {element[:1] for element in hostile.elements}
    assert hostile.elements == harmless.elements
    assert hostile.addresses == harmless.addresses


def test_names_make_no_line_of_a_mail(
    pages: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    configs = ("--configs", str(pages["hostile"] / "configs"))
    for form in ("mail", "text"):
        ran = run_cli("view", "odd-study", *configs, "--format", form)
        assert ran.code == 0, ran.err
        assert not re.search(r"^(Bcc|Subject|From |>From|::)", ran.out, re.MULTILINE)


@pytest.mark.skipif(not os.environ.get("CI"), reason="a browser is started in CI alone")
@pytest.mark.skipif(not CHROMIUM, reason="no chromium here")
@pytest.mark.parametrize("fragment", ["", "#page_size={}", "#{}={}&q={}"])
def test_the_script_makes_no_element_of_a_name(pages: Mapping[str, Path], fragment: str) -> None:
    drawn = []
    for sort, says in (("hostile", HOSTILE), ("harmless", HARMLESS)):
        page = pages[sort] / "odd-study.html"
        ran = subprocess.run(
            [
                *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu"),
                *("--enable-logging=stderr", f"--user-data-dir={page.parent / 'profile'}"),
                *("--dump-dom", page.as_uri() + fragment.replace("{}", quote(says["option"]))),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert ":CONSOLE" not in ran.stderr
        drawn.append(Structure(ran.stdout).elements)
    assert drawn[0] == drawn[1]
