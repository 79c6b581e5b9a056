"""Folders over folders, everything wrong at once, and no errors that follow from others."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.diagnostics import InputError
from matrix.schema.files import Kind
from matrix.schema.loader import load_knowledge
from tests.unit.schema.declarations import (
    declared,
    errors,
    good_folder,
    good_text,
    load,
    replace,
    where,
)


def test_the_good_declarations_load() -> None:
    knowledge = load()
    assert [item.id for item in knowledge.architectures] == ["arm64"]
    assert [item.id for item in knowledge.kernels] == ["linux-7.3-arm64"]
    assert [item.id for item in knowledge.cpus] == ["neoverse-v1"]
    assert [item.id for item in knowledge.sources] == ["fbsd-D24853", "hrw-trm"]
    assert [item.id for item in knowledge.capabilities] == ["gmem-no-direct-map"]
    assert [item.id for item in knowledge.studies] == ["small"]
    assert len(knowledge.digest) == 64


def test_a_later_folder_overrides_by_id(tmp_path: Path) -> None:
    base = good_folder(tmp_path / "base")
    mine = tmp_path / "mine" / "cpus"
    mine.mkdir(parents=True)
    text = good_text(Kind.CPU).replace("name: Arm Neoverse-V1", "name: Mine")
    (mine / "any-name.yml").write_text(text, encoding="utf-8")
    (mine / "new.yaml").write_text(
        "id: new\nname: New\nvendor: U\nfields: {fwb: {value: 1, confidence: trm, sources: [x]}}\n",
        encoding="utf-8",
    )
    (mine / "sources.yaml").write_text(
        "sources: {x: {kind: TRM, reference: here}}\n", encoding="utf-8"
    )
    knowledge = load_knowledge([base, mine.parent])
    assert {item.id: item.name for item in knowledge.cpus} == {"neoverse-v1": "Mine", "new": "New"}
    assert [item.id for item in knowledge.sources] == ["fbsd-D24853", "hrw-trm", "x"]
    overridden = next(item for item in knowledge.cpus if item.id == "neoverse-v1")
    assert overridden.location.file == f"{mine}/any-name.yml"


def test_the_same_id_twice_in_one_folder_names_both_places() -> None:
    second = declared(Kind.KERNEL, good_text(Kind.KERNEL).encode(), name="kernels/second.yaml")
    (found,) = errors(None, second)
    assert where(found) == "kernels/second.yaml:2:5 MX0218"
    assert "kernels/kernel.yaml:2:5" in str(found.hint)
    assert errors(None, declared(Kind.KERNEL, good_text(Kind.KERNEL).encode(), folder=1)) == ()


def test_an_alias_means_one_cpu() -> None:
    other = good_text(Kind.CPU).replace("id: neoverse-v1", "id: other")
    (found,) = errors(None, declared(Kind.CPU, other.encode(), name="cpus/other.yaml", folder=1))
    assert where(found) == "cpus/other.yaml:5:11 MX0218"
    assert "cpus/cpu.yaml:5:11" in str(found.hint)


def test_everything_wrong_in_all_files_is_told_at_once_in_order() -> None:
    found = errors(
        {
            Kind.MATRIX: replace("predicate: v12", "predicat: v12"),
            Kind.CPU: lambda text: text.replace("vendor: Arm", "vendor: no").replace(
                "trm,", "trn,"
            ),
            Kind.ARCHITECTURE: lambda text: text.replace("settable: true", "settable: on", 1),
            Kind.CAPABILITY: replace("can_set_direct_map() && cpus", "can_set_direct_map( && cpus"),
        }
    )
    places = [where(item) for item in found]
    assert places == [
        "architectures/architecture.yaml:5:86 MX0211",
        "capabilities/capability.yaml:28:33 MX0106",
        "cpus/cpu.yaml:4:9 MX0211",
        "cpus/cpu.yaml:9:31 MX0216",
        "cpus/cpu.yaml:12:34 MX0216",
        "matrices/matrix.yaml:2:1 MX0214",
        "matrices/matrix.yaml:6:1 MX0213",
    ]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_broken_file_causes_no_errors_in_others(kind: Kind) -> None:
    """Names that a file that cannot be read may declare are not called unknown."""
    found = errors({kind: lambda text: text + "\n]"})
    assert [item.code for item in found] == ["MX0206"]


def test_a_duplicate_key_does_not_override_another_folder(tmp_path: Path) -> None:
    base = good_folder(tmp_path / "base")
    folder = tmp_path / "mine"
    (folder / "cpus").mkdir(parents=True)
    text = "id: neoverse-v1\nid: neoverse-v1\nname: A\nvendor: B\nfields: {}\n"
    (folder / "cpus" / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_knowledge([base, folder])
    assert [item.code for item in caught.value.diagnostics] == ["MX0207"]


def test_kernels_are_ordered_by_release() -> None:
    def profile(release: str) -> bytes:
        text = good_text(Kind.KERNEL).replace('"7.3"', f'"{release}"')
        return text.replace("linux-7.3-arm64", f"linux-{release}-arm64").encode()

    files = [
        declared(Kind.KERNEL, profile(release), name=f"kernels/{release}.yaml")
        for release in ("6.12", "6.6", "10.1")
    ]
    knowledge = load(None, *files)
    assert [item.release for item in knowledge.kernels] == ["6.6", "6.12", "7.3", "10.1"]
    kernel_axis = knowledge.studies[0].axes[0]
    assert [item.name for item in kernel_axis.options] == ["6.6", "6.12", "7.3", "10.1"]
    assert kernel_axis.options[0].kernel == "linux-6.6-arm64"
