"""Lines of a `.config` that people meant as settings and the kernel's conf does not take."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_runner import run_cli


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("# CONFIG_KVM is not  set", ("MX0313", "did you mean `# CONFIG_KVM is not set`")),
        ("# CONFIG_KVM  is not set", ("MX0313", "did you mean `# CONFIG_KVM is not set`")),
        ("#CONFIG_KVM is not  set", ("MX0313", "did you mean `# CONFIG_KVM is not set`")),
        ("CONFIGKVM=y", ("MX0309", "did you mean `CONFIG_KVM=y`")),
        ("CONFIG_KVM=", ("MX0310", "nothing follows the `=`")),
    ],
)
def test_a_slip_is_said_with_what_was_meant(
    line: str, says: tuple[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "odd.config"
    config.write_text(f"# Linux/arm64 7.3.0 Kernel Configuration\nCONFIG_ARM64=y\n{line}\n")
    err = run_cli("validate", str(config), "--cpu", "graviton3").err
    assert all(part in err for part in says)
    assert f"{config}:3:" in err


def test_a_comment_that_begins_with_a_symbol_is_one(tmp_path: Path) -> None:
    config = tmp_path / "comment.config"
    config.write_text(
        "# Linux/arm64 7.3.0 Kernel Configuration\n# CONFIG_KVM is what we need\nCONFIG_KVM=y\n"
    )
    err = run_cli("validate", str(config), "--cpu", "graviton3").err
    assert "MX03" not in err
