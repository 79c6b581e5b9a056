"""The shipped kernels of distributions are what the commands of their README make."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.cli_runner import run_cli

SHIPPED = Path(__file__).parent.parent / "configs" / "distros"


def test_importing_again_gives_the_shipped_bytes(
    distro_configs: Path, debian_configs: Path, tmp_path: Path
) -> None:
    folders = {"distros": distro_configs, "debian": debian_configs}
    lines = (SHIPPED / "README.md").read_text().splitlines()
    commands = [line for line in lines if line.startswith("matrix distros import")]
    assert len(commands) >= 40
    for command in commands:
        arguments = shlex.split(command.replace('"$OUT"', shlex.quote(str(tmp_path))))[1:]
        folder, _, name = arguments[2].partition("/")
        arguments[2] = str(folders[folder] / name)
        assert run_cli(*arguments).code == 0, command
    made = {path.name: path.read_bytes() for path in tmp_path.glob("*.yaml")}
    assert made == {path.name: path.read_bytes() for path in SHIPPED.glob("*.yaml")}
