"""What the options of a study stand for once they are written out."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from matrix.schema.files import Kind
from matrix.schema.values import Axis
from tests.unit.schema.declarations import declared, errors, good_text, load, replace


def axis(name: str, change: str = "", by: str = "") -> Axis:
    knowledge = load({Kind.MATRIX: replace(change, by)} if change else None)
    return next(item for item in knowledge.studies[0].axes if item.name == name)


def test_cpu_axis_in_parts() -> None:
    options = axis("cpu").options
    assert [item.name for item in options] == [
        "neoverse-v1",
        "neoverse-v1+zeus",
        "free,fwb=0,l1ip=pipt",
        "free,fwb=0,l1ip=vipt",
        "free,fwb=1,l1ip=pipt",
        "free,fwb=1,l1ip=vipt",
    ]
    assert all(item.cpu == item.name for item in options)
    assert [item.title for item in options[:3]] == [
        "Neoverse V1",
        "Arm Neoverse-V1 + Arm Neoverse-V1",
        "fwb=0 l1ip=pipt",
    ]
    assert str(options[0].location) == "matrices/matrix.yaml:14:16"
    assert str(options[2].location) == "matrices/matrix.yaml:16:7"


def test_all_cpus_and_overlapping_groups_list_each_cpu_once() -> None:
    second = good_text(Kind.CPU).replace("neoverse-v1", "other").replace("zeus", "hera")
    file = declared(Kind.CPU, second.encode(), name="cpus/other.yaml")
    change = replace('named: ["@server"]', 'named: ["@server", other, "@server"]')
    for study in (None, {Kind.MATRIX: change}):
        options = load(study, file).studies[0].axes[1].options
        assert [item.name for item in options[:3]] == ["neoverse-v1", "other", "neoverse-v1+zeus"]


def test_kconfig_boot_and_environment() -> None:
    kfence = axis("kconfig.KFENCE").options
    assert kfence[1].kconfig == (
        ("KFENCE", "y"),
        ("KFENCE_SAMPLE_INTERVAL", 100),
        ("CRYPTO_TEST", "m"),
    )
    rodata = axis("boot.rodata").options
    assert [(item.name, item.cmdline) for item in rodata] == [
        ("absent", ""),
        ("off,on", "rodata=off rodata=on"),
    ]
    assert rodata[0].kernel is rodata[0].cpu is None
    (entry,) = axis("entry").options
    assert (entry.environment, entry.title) == ((("entry", "el2"),), "entered at EL2")
    both = axis("entry", "options: [el2]", "options: all").options
    assert [item.name for item in both] == ["el2", "el1"]


def test_all_releases_are_those_of_the_architecture_of_the_study() -> None:
    """Another architecture may have the same release, fields and axes: none of it is meant."""
    kernel = good_text(Kind.KERNEL).replace("arm64", "other")
    newer = kernel.replace('"7.3"', '"7.4"').replace("linux-7.3", "linux-7.4")
    architecture = good_text(Kind.ARCHITECTURE).replace("id: arm64", "id: other")
    cpu = good_text(Kind.CPU).replace("neoverse-v1", "mine").replace("zeus", "hera")
    files = [
        declared(Kind.KERNEL, kernel.encode(), name="kernels/other.yaml"),
        declared(Kind.KERNEL, newer.encode(), name="kernels/newer.yaml"),
        declared(Kind.ARCHITECTURE, architecture.encode(), name="architectures/other.yaml"),
        declared(Kind.CPU, (cpu + "arch: other\n").encode(), name="cpus/other.yaml"),
    ]
    alone = load().studies[0]
    named = {Kind.CPU: lambda text: text + "arch: arm64\n"}
    study = load(named, *files).studies[0]
    assert (study.arch, study.axes) == ("arm64", alone.axes)
    other = {
        **named,
        Kind.MATRIX: lambda text: text.replace("zeus", "hera").replace("neoverse-v1", "mine"),
    }
    axes = load(other, *files).studies[0].axes
    assert [item.kernel for item in axes[0].options] == ["linux-7.3-other", "linux-7.4-other"]
    assert {item.cpu for item in axes[1].options if "free" not in item.name} == {
        "mine",
        "mine+hera",
    }


def test_releases_of_a_distro_axis_answer_alone() -> None:
    """A profile that was added later does not change the options of an axis that names releases."""
    newer = good_text(Kind.KERNEL).replace('"7.3"', '"7.4"').replace("linux-7.3", "linux-7.4")
    more = declared(Kind.KERNEL, newer.encode(), name="kernels/newer.yaml")

    def study(kernels: str, baseline: str) -> dict[Kind, Callable[[str], str]]:
        added = f'  distro: {{kind: distro, title: "kernel", options: all{kernels}}}\n  entry: {{'
        set_entry = replace("  entry: el2\n", f'  entry: el2\n  distro: "{baseline}"\n')
        return {Kind.MATRIX: lambda text: set_entry(replace("  entry: {", added)(text))}

    def options(kernels: str, baseline: str = "small-7.3") -> list[tuple[str, str | None]]:
        axes = load(study(kernels, baseline), more).studies[0].axes
        found = next(item for item in axes if item.name == "distro")
        return [(item.name, item.kernel) for item in found.options]

    own = [("small-7.3", "linux-7.3-arm64")]
    assert options("") == options(', kernels: ["7.3"]') == own
    other = "small-7.3@7.4"
    assert options(', kernels: ["7.4"]', other) == [(other, "linux-7.4-arm64")]
    (error, *_) = errors(study(', kernels: ["7.9"]', other), more)
    assert (error.code, "`7.9`" in error.message) == ("MX0221", True)


@given(
    st.dictionaries(
        st.sampled_from(["fwb", "dic", "l1ip"]), st.integers(min_value=1, max_value=2), min_size=1
    )
)
def test_free_is_the_product_of_its_values(counts: dict[str, int]) -> None:
    domains: dict[str, list[object]] = {"fwb": [0, 1], "dic": [0, 1], "l1ip": ["pipt", "vipt"]}
    chosen = {name: domains[name][:count] for name, count in counts.items()}
    text = ", ".join(f"{name}: {values}" for name, values in chosen.items()).replace("'", "")
    changes = {
        Kind.MATRIX: lambda good: good.replace(
            "free: {fwb: [0, 1], l1ip: [pipt, vipt]}", f"free: {{{text}}}"
        ).replace('"free,fwb=1,l1ip=pipt"', "neoverse-v1")
    }
    options = load(changes).studies[0].axes[1].options[2:]
    expected = {
        frozenset(f"{name}={value}" for name, value in zip(chosen, row, strict=True))
        for row in itertools.product(*chosen.values())
    }
    assert [item.name.split(",")[0] for item in options] == ["free"] * len(expected)
    assert {frozenset(item.name.split(",")[1:]) for item in options} == expected


def test_titles_are_of_options() -> None:
    (found,) = errors({Kind.MATRIX: replace("titles: {neoverse-v1:", "titles: {neoverse:")})
    assert (found.code, "did you mean `neoverse-v1`?" in str(found.hint)) == ("MX0221", True)
