"""Forms of settings that are no `.config`: what each says, with the numbers of its lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.diagnostics import InputError
from matrix.flows.validate_inputs import read_fragment, read_inputs
from matrix.kernel.config.dotconfig import DotConfig, read_dotconfig
from matrix.kernel.config.fragments import merged

DATA = Path(__file__).parents[2] / "data" / "evidence"


def read(*files: Path | str, fragments: tuple[str, ...] = ()) -> list[DotConfig]:
    found = list(read_inputs(tuple(map(str, files)), "arm64", {}, fragments))
    for item in found:
        if isinstance(item, InputError):
            raise item
    return [item for item in found if isinstance(item, DotConfig)]


def texts(config: DotConfig) -> dict[str, str]:
    return config.texts()


def test_lines_of_grep_keep_their_numbers() -> None:
    (config,) = read(DATA / "p24-grep.txt")
    assert texts(config) == {
        "ARM64_4K_PAGES": "y",
        "RODATA_FULL_DEFAULT_ENABLED": "n",
        "SECRETMEM": "y",
    }
    assert [config.symbols[name].line for name in texts(config)] == [399, 1055, 435] or [
        config.symbols["ARM64_4K_PAGES"].line,
        config.symbols["RODATA_FULL_DEFAULT_ENABLED"].line,
        config.symbols["SECRETMEM"].line,
    ] == [399, 435, 1055]


@pytest.mark.parametrize(
    "text",
    [
        "  CONFIG_KVM=y\n\t# CONFIG_KFENCE is not set\n",
        "boot/config:CONFIG_KVM=y\nboot/config:# CONFIG_KFENCE is not set\n",
        "boot/config:12:CONFIG_KVM=y\nboot/config:13:# CONFIG_KFENCE is not set\n",
        "12:CONFIG_KVM=y\r\n13-# CONFIG_KFENCE is not set\r\n",
        "KVM y\nKFENCE? n\n",
    ],
)
def test_settings_behind_something(text: str, tmp_path: Path) -> None:
    (tmp_path / "pasted").write_text(text)
    (config,) = read(tmp_path / "pasted")
    assert texts(config) == {"KVM": "y", "KFENCE": "n"}


def test_each_file_that_grep_names_is_one_configuration(tmp_path: Path) -> None:
    (tmp_path / "pasted").write_text("a/config:CONFIG_KVM=y\nb/config:CONFIG_KVM=m\n")
    configs = read(tmp_path / "pasted")
    assert [config.file.partition("!")[2] for config in configs] == ["a/config", "b/config"]
    assert [texts(config) for config in configs] == [{"KVM": "y"}, {"KVM": "m"}]


def test_a_list_of_a_ci_is_named_as_such() -> None:
    (config,) = read(DATA / "p14.yml")
    assert config.file.endswith("p14.yml!arm64-kasan-configs")
    assert texts(config)["DEBUG_PAGEALLOC"] == "y"
    assert [item.code for item in config.diagnostics] == ["MX1454"]


def test_annotations_have_one_answer_a_flavour() -> None:
    configs = read(DATA / "p10-annotations")
    assert [config.file.partition("!")[2] for config in configs] == [
        "arm64-realtime",
        "arm64-realtime-64k",
    ]
    plain, large = map(texts, configs)
    assert (plain["ARM64_64K_PAGES"], large["ARM64_64K_PAGES"]) == ("n", "y")
    assert plain["KVM"] == large["KVM"] == "n"
    assert configs[0].symbols["SECRETMEM"].line == 11
    assert {item.code for item in configs[0].diagnostics} == {"MX1451"}


def test_annotations_read_what_they_include(tmp_path: Path) -> None:
    (tmp_path / "debian.master/config").mkdir(parents=True)
    (tmp_path / "debian.rt/config").mkdir(parents=True)
    (tmp_path / "debian.master/config/annotations").write_text(
        "# FORMAT: 4\n# FLAVOUR: arm64-generic\n"
        "CONFIG_KVM   policy<{'arm64': 'y'}>\nCONFIG_KFENCE   policy<{'arm64': 'y'}>\n"
    )
    main = tmp_path / "debian.rt/config/annotations"
    main.write_bytes((DATA / "p10-annotations").read_bytes())
    configs = read(main)
    assert not [item for config in configs for item in config.diagnostics]
    assert texts(configs[0])["KFENCE"] == "y"
    assert texts(configs[0])["KVM"] == "n"


def test_a_fragment_replaces_what_the_base_says() -> None:
    (config,) = read(DATA / "p25-base.config", fragments=(str(DATA / "p25-overlay.config"),))
    assert texts(config)["HIBERNATION"] == "n"
    assert texts(config)["KFENCE_SAMPLE_INTERVAL"] == "0"
    assert texts(config)["KVM_GUEST_MEMFD"] == "y"
    assert config.release == "6.18"
    assert [item.code for item in config.diagnostics] == ["MX1455"]
    assert "p25-base.config:5" in config.diagnostics[0].message


def test_a_feature_of_yocto_stands_for_its_fragments(tmp_path: Path) -> None:
    (tmp_path / "kvm.cfg").write_text("CONFIG_KVM=y\n")
    (tmp_path / "more.scc").write_text("kconf hardware kvm.cfg\n")
    (tmp_path / "all.scc").write_text("define X y\ninclude more.scc # why\n")
    found = read_fragment(str(tmp_path / "all.scc"), "arm64")
    assert [(one.name, one.text) for one in found] == [
        (str(tmp_path / "kvm.cfg"), b"CONFIG_KVM=y\n")
    ]


def test_a_version_in_the_name_is_inferred(tmp_path: Path) -> None:
    for name, release in (("config-6.12.9-arm64", "6.12"), ("defconfig", None)):
        (tmp_path / name).write_text("CONFIG_KVM=y\n")
        (config,) = read(tmp_path / name)
        assert config.release == release
        assert [item.code for item in config.diagnostics] == (["MX1457"] if release else [])


SYMBOLS = st.sampled_from(["KVM", "KFENCE", "SECRETMEM", "HIBERNATION"])
SETTINGS = st.lists(st.tuples(SYMBOLS, st.sampled_from("ymn")), max_size=6)


@given(parts=st.lists(SETTINGS, min_size=1, max_size=4))
def test_merging_is_the_last_setting_of_all(parts: list[list[tuple[str, str]]]) -> None:
    """A law of merge_config.sh: as if all files stood behind each other."""
    files = ["".join(f"CONFIG_{name}={value}\n" for name, value in part).encode() for part in parts]
    data = merged(("base", files[0]), [("f", text) for text in files[1:]]).text
    wanted = dict(pair for part in parts for pair in part)
    if wanted:
        assert texts(read_dotconfig(data, "merged")) == wanted
