"""Settings in Nix expressions: what lib/kernel.nix of nixpkgs makes of them, nothing guessed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.diagnostics import InputError
from matrix.kernel.config.nix_settings import nix_configs
from matrix.kernel.config.written_forms import WrittenConfig, is_nix
from matrix.kernel.source.version import read_version
from tests.cli_runner import run_cli

# A system of NixOS with two patches of its kernel, one of them in a comment.
SYSTEM = """{ config, lib, pkgs, ... }:
let version = "6.12.9"; in
{
  services.openssh.extraConfig = ''
    PermitRootLogin no
  '';
  boot.kernelPatches = [
    {
      name = "pages";
      patch = null;
      structuredExtraConfig = with lib.kernel; {
        ARM64_4K_PAGES = yes;      # for the GPU
        ARM64_16K_PAGES = no; ARM64_64K_PAGES = no;
        KVM = lib.mkForce (option yes);
        /* KFENCE = yes; */
        HZ = freeform "250";
        LOCALVERSION = freeform "-\\"v8\\"";
        "9P_FS" = module;
      };
    }
    { extraStructuredConfig.SECRETMEM = lib.kernel.no; extraConfig = ''
        NOVA_CORE n
        VFIO? m
      ''; }
  ];
}
"""
RELEASES = ("5.10", "6.6", "6.12", "7.3")


def read(text: str, version: str | None = None) -> list[WrittenConfig]:
    assert is_nix(text.encode())
    return list(nix_configs(text.encode(), "k.nix", read_version(version)))


def settings(config: WrittenConfig) -> dict[str, str | None]:
    """Return the settings by symbol, None where one is not decided."""
    found: dict[str, str | None] = dict.fromkeys(config.undecided)
    for line in filter(None, config.text.split("\n")):
        if line.startswith("# "):
            found[line.split()[1].removeprefix("CONFIG_")] = "n"
        else:
            name, _, value = line.partition("=")
            found[name.removeprefix("CONFIG_")] = value
    return found


def one(text: str, version: str | None = None) -> dict[str, str | None]:
    (config,) = read(text, version)
    return settings(config)


def test_a_system_with_patches_is_one_kernel() -> None:
    (config,) = read(SYSTEM)
    assert not config.notes
    assert settings(config) == {
        "ARM64_4K_PAGES": "y",
        "ARM64_16K_PAGES": "n",
        "ARM64_64K_PAGES": "n",
        "KVM": "y",
        "HZ": "250",
        "LOCALVERSION": '"-\\"v8\\""',
        "9P_FS": "m",
        "SECRETMEM": "n",
        "NOVA_CORE": "n",
        "VFIO": "m",
    }
    lines = config.text.split("\n")
    assert lines[11] == "CONFIG_ARM64_4K_PAGES=y"
    assert SYSTEM.split("\n")[11].strip().startswith("ARM64_4K_PAGES")


@pytest.mark.parametrize(
    "text",
    [
        "KVM = yes;\nARM64_16K_PAGES = no;\n",
        "{ KVM = yes; ARM64_16K_PAGES = no; }",
        "with lib.kernel; { KVM = yes; ARM64_16K_PAGES = no; }\n",
        "{ a, ... }: with a; { virt = { KVM = yes; };\n mm.pages = { ARM64_16K_PAGES = no; };\n}",
        "f { structuredExtraConfig = { KVM = k.yes; ARM64_16K_PAGES = a.k.no; }; }",
        "x: rec { structuredExtraConfig = with x; { KVM = yes; } // { ARM64_16K_PAGES = no; }; }",
        "a // { extraStructuredConfig.KVM = yes;\n extraStructuredConfig.ARM64_16K_PAGES = no; }",
        '\r\nKVM = { tristate = "y"; optional = true; };\r\nARM64_16K_PAGES = no;\r\n',
    ],
)
def test_the_same_settings_in_many_ways(text: str) -> None:
    assert one(text) == {"KVM": "y", "ARM64_16K_PAGES": "n"}


@pytest.mark.parametrize(
    ("value", "by_release"),
    [
        ('whenAtLeast "6.12" yes', (None, None, "y", "y")),
        ('whenOlder "6.12" (option module)', ("m", "m", None, None)),
        ('whenBetween "6.6" "7.0" no', (None, "n", "n", None)),
        ('mkMerge [ (whenOlder "6.6" module) (whenAtLeast "6.6" yes) ]', ("m", "y", "y", "y")),
        ('lib.mkIf (lib.versionAtLeast version "6.12") yes', (None, None, "y", "y")),
        ('if versionOlder version "6.12" then no else whenAtLeast "7" yes', ("n", "n", None, None)),
        ('if (versionOlder kernel.version "6.6" || true) then no else yes', ("n", "n", "n", "n")),
        ('{ optional = true; tristate = whenOlder "6.12" "n"; }', ("n", "n", None, None)),
        ('whenAtLeast "6.1" (freeform "100")', (None, "100", "100", "100")),
        ("unset", (None, None, None, None)),
    ],
)
def test_a_version_decides(value: str, by_release: tuple[str | None, ...]) -> None:
    text = f"OTHER = yes;\nKVM = {value};\n"
    if 'whenAtLeast "7"' in value:
        text = text.replace('"7"', '"7.4"')
    for release, wanted in zip(RELEASES, by_release, strict=True):
        assert one(text, release) == {"OTHER": "y"} | ({} if wanted is None else {"KVM": wanted})
    (config,) = read(text)
    agree = len(set(by_release)) == 1
    assert settings(config) == {"OTHER": "y"} | (
        {} if by_release == (None,) * 4 else {"KVM": by_release[0] if agree else None}
    )
    assert bool(config.notes) == (not agree)
    for note in config.notes:
        assert (note.code, note.location and note.location.line) == ("MX1462", 2)
        assert note.hint is not None
        assert "--kernel decides" in note.hint


def test_a_point_release_decides_only_where_it_is_told() -> None:
    text = 'OTHER = yes;\nKVM = whenAtLeast "6.12.5" yes;\n'
    for version, wanted in (("6.12.4", 0), ("6.12.5", "y"), ("6.12", None), ("6.13", "y")):
        assert one(text, version).get("KVM", 0) == wanted, version


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "KVM = yes;\nKFENCE = myValue;\n",
            ":2:10: `myValue` is not decided, so unknown: CONFIG_KFENCE",
        ),
        ("KVM = yes;\nKFENCE = lib.mkDefault yes;\n", ":2:10: `lib.mkDefault yes` is not decided"),
        (
            "KVM = yes;\nKFENCE = mkIf stdenv.is64bit yes;\n",
            ":2:15: `stdenv.is64bit` is not decided",
        ),
        ('KVM = yes;\nKFENCE = freeform "${a}";\n', ':2:19: `"${a}"` is not decided'),
        ('KVM = yes;\nKFENCE = "y";\n', ':2:10: `"y"` is not decided'),
        ("{ KVM = yes; inherit (x)\nKFENCE; }", ":2:1: `KFENCE` is not decided"),
        ("{ KVM = yes; } // optionalAttrs x {\nKFENCE = no; }", ":1:33: `x` is not decided"),
    ],
)
def test_what_is_not_decided_is_said(text: str, said: str) -> None:
    (config,) = read(text)
    assert settings(config) == {"KVM": "y", "KFENCE": None}
    (note,) = config.notes
    assert note.location is not None
    assert f":{note.location.line}:{note.location.column}: {note.message}".startswith(said)


def test_what_may_be_replaced_is_not_decided() -> None:
    assert one("{ structuredExtraConfig = { KVM = yes; } // more; }") == {"KVM": None}
    # Called without an argument, which is the file by itself.
    text = (
        "args: { structuredExtraConfig = { KVM = yes; } // (args.structuredExtraConfig or { }); }"
    )
    assert one(text) == {"KVM": "y"}
    patches = "{ extraStructuredConfig.KVM = yes; } { extraStructuredConfig.KVM = %s; }"
    two = f"{{ kernelPatches = [ {patches} ]; }}"
    assert one(two % "no") == {"KVM": None}
    assert one(two % "(mkForce no)") == {"KVM": "n"}


def test_names_with_the_prefix_are_no_options() -> None:
    (config,) = read("KVM = yes;\nCONFIG_KFENCE = yes;\n")
    assert settings(config) == {"KVM": "y"}
    assert config.notes[0].message == "`CONFIG_KFENCE` is no option"


def test_kernels_of_one_file_are_told_apart() -> None:
    text = (
        '{ lts = f { pname = "lts"; structuredExtraConfig = { KVM = yes; }; };\n'
        "  main = f { structuredExtraConfig = { KVM = module; }; }; }"
    )
    configs = read(text)
    assert [(config.part, settings(config)) for config in configs] == [
        ("lts", {"KVM": "y"}),
        ("line 2", {"KVM": "m"}),
    ]


@pytest.mark.parametrize(
    ("text", "place", "wanted"),
    [
        ("{ KVM = yes;\n  KFENCE = no }", "2:15", "`;`"),
        ('KVM = yes;\nHZ = freeform "25;\n', "2:16", '`"` that ends the string'),
        ("{ KVM = yes; KFENCE = no;", "1:1", "`}` for this"),
        ("KVM = yes; /* KFENCE = no;", "1:12", "`*/` that ends the comment"),
        ("KVM = yes; KFENCE = ;", "1:21", "an expression"),
        ("KVM = yes; KFENCE = " + "(" * 99 + "no" + ")" * 99 + ";", "1:81", "at most 60"),
    ],
)
def test_what_is_no_nix_is_an_error_with_its_place(text: str, place: str, wanted: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    (said,) = caught.value.diagnostics
    assert said.location is not None
    assert (said.code, f"{said.location.line}:{said.location.column}") == ("MX1463", place)
    assert f"expected {wanted}" in said.message


# A value with what it is for a version of the kernel: None sets nothing.
Meaning = Callable[[tuple[int, int]], str | None]
Value = tuple[str, Meaning]
BOUNDS = st.sampled_from([(5, 10), (6, 1), (6, 12), (7, 0)])


def _when(bound: tuple[int, int], older: bool, inner: Value) -> Value:
    text, meaning = inner
    word = "whenOlder" if older else "whenAtLeast"
    return (
        f'({word} "{bound[0]}.{bound[1]}" {text})',
        lambda version: meaning(version) if (version < bound) == older else None,
    )


def _if(bound: tuple[int, int], negated: bool, yes: Value, no: Value) -> Value:
    call = f'versionAtLeast version "{bound[0]}.{bound[1]}"'
    text = f"(if {f'!({call})' if negated else call} then {yes[0]} else {no[0]})"
    return text, lambda version: (yes if (version >= bound) != negated else no)[1](version)


LEAVES = st.sampled_from(
    [("yes", "y"), ("lib.kernel.no", "n"), ("(option module)", "m"), ('(freeform "7")', "7")]
).map(lambda pair: (pair[0], lambda _: pair[1]))
VALUES: st.SearchStrategy[Value] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(_when, BOUNDS, st.booleans(), inner),
        st.builds(_if, BOUNDS, st.booleans(), inner, inner),
    ),
    max_leaves=6,
)


@given(value=VALUES)
def test_what_is_decided_without_a_version_holds_for_every_one(value: Value) -> None:
    """A law: nothing is guessed, and with a version nothing is left open."""
    text, meaning = value
    around = ((5, 9), (5, 10), (6, 0), (6, 1), (6, 11), (6, 12), (6, 19), (7, 0), (7, 3))
    every = {f"{major}.{minor}": meaning((major, minor)) for major, minor in around}
    source = f"A = yes;\nKVM = {text};\n"
    for version, wanted in every.items():
        assert one(source, version).get("KVM") == wanted
        assert "KVM" not in read(source, version)[0].undecided
    found = one(source)
    if found.get("KVM") is not None:
        assert set(every.values()) == {found["KVM"]}
    elif "KVM" not in found:
        assert set(every.values()) == {None}


ASK = ("--cpu", "graviton3")
NEEDS = "KVM = yes; ARM64_4K_PAGES = yes; KVM_GUEST_MEMFD = yes;"


def test_an_answer_for_a_file_of_nix(tmp_path: Path) -> None:
    file = tmp_path / "kernel.nix"
    file.write_text(f"{{ structuredExtraConfig = with lib.kernel; {{ {NEEDS} }}; }}")
    assert run_cli("validate", str(file), "--kernel", "7.3", *ASK).out.startswith("supported")
    file.write_text(file.read_text().replace("KVM = yes", 'KVM = whenOlder "7.3" yes'))
    ran = run_cli("validate", str(file), "--kernel", "7.2", *ASK)
    assert ran.out.startswith("supported")
    file.write_text(file.read_text().replace("KVM = whenOlder", "KVM = foo"))
    ran = run_cli("validate", str(file), "--kernel", "7.3", *ASK)
    assert ran.out.startswith("unknown")
    assert "kernel.nix:1:52: warning[MX1462]" in ran.err


def test_the_version_beside_the_settings_is_the_kernels(tmp_path: Path) -> None:
    file = tmp_path / "kernel.nix"
    text = """{ buildLinux, fetchFromGitHub, ... }@args: buildLinux (args // rec {
      pname = "linux-board"; src = fetchFromGitHub { version = "6.1"; };
      version = "7.2.4"; modDirVersion = version;
      kernelPatches = [ { structuredExtraConfig = with k; { A = yes; KVM = KVM_VALUE; }; } ];
    })"""
    file.write_text(text.replace("KVM_VALUE", 'whenOlder "7.2.5" no'))
    ran = run_cli("validate", str(file), *ASK)
    assert " ".join(ran.out.split()).startswith(f"absent: {file}: Linux 7.2.4")
    assert "MX1462" not in ran.err
    # What is asked for counts before it.
    (config,) = read(file.read_text(), "7.3")
    assert settings(config) == {"A": "y"}
    for version in ("other", '"7.${x}"', '"unstable"'):
        (config,) = read(text.replace("KVM_VALUE", "yes").replace('"7.2.4"', version))
        assert config.version is None


def test_a_file_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "kernel.nix"
    file.write_text("{ structuredExtraConfig = import ./settings.nix; }\n")
    ran = run_cli("validate", str(file), "--kernel", "7.3", *ASK)
    assert ran.code == 3
    assert "kernel.nix:1:27: error[MX1462]: `import ./settings.nix` is not decided" in ran.err


def test_a_fragment_of_nix_on_a_base(tmp_path: Path) -> None:
    base, nix = tmp_path / "base", tmp_path / "over.nix"
    base.write_text(
        "# Linux/arm64 7.3.0 Kernel Configuration\n"
        "CONFIG_KVM=y\nCONFIG_ARM64_4K_PAGES=y\nCONFIG_KVM_GUEST_MEMFD=y\n"
    )
    ask = ("validate", "--base", str(base), "--fragment", str(nix), *ASK)
    nix.write_text('KVM = whenAtLeast "7.0" no;\nHZ = freeform "250";\n')
    ran = run_cli(*ask)  # the base's header tells the version
    assert ran.out.startswith("absent")
    assert "over.nix:1:1: note[MX1455]" in ran.err
    # What the base says counts no more where the fragment says something that is not known.
    nix.write_text("KVM = mkIf x no;\nHZ = yes;\n")
    ran = run_cli(*ask)
    assert ran.out.startswith("unknown")
    assert "over.nix:1:12: warning[MX1462]: `x` is not decided, so unknown: CONFIG_KVM" in ran.err
    (tmp_path / "last.cfg").write_text("CONFIG_KVM=y\n")
    ran = run_cli(*ask, "--fragment", str(tmp_path / "last.cfg"))
    assert ran.out.startswith("supported")
