"""The kernel's own `conf`, the judge of what a Kconfig tree allows; it shares no code with us.

`tests/fetch_conf.sh FOLDER` fetches one for each release; `MATRIX_CONF=FOLDER` names them. Without
it the ones of installed linux-kbuild packages are used.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec import Struct

_SETTING = re.compile(r"CONFIG_(\w+)=(.*)|# CONFIG_(\w+) is not set")


class Conf(Struct, frozen=True, kw_only=True):
    """One release's `conf`, for trees of one architecture."""

    program: Path
    arch: str = "arm64"

    def olddefconfig(self, tree: Path, text: str, scratch: Path) -> dict[str, str]:
        """Return the `.config` that `conf --olddefconfig` makes of a text: raw values by symbol."""
        config = scratch / ".config"
        config.write_text(text)
        done = subprocess.run(
            [str(self.program), "-s", "--olddefconfig", "Kconfig"],
            cwd=tree,
            env={
                **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
                "ARCH": self.arch,
                "SRCARCH": self.arch,
                "srctree": ".",
                "KERNELVERSION": "0",
                "KCONFIG_CONFIG": str(config),
                "CROSS_COMPILE_COMPAT": "",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return read_config(config.read_text())


def find_conf(release: str) -> Conf:
    """Return a `conf` of that release, or skip."""
    folder = os.environ.get("MATRIX_CONF")
    candidates = [Path(folder) / release / "conf"] if folder else []
    candidates += [
        path / "scripts/kconfig/conf"
        for path in sorted(Path("/usr/lib").glob(f"linux-kbuild-{release}*"))
        if re.fullmatch(rf"linux-kbuild-{re.escape(release)}([^0-9].*)?", path.name)
    ]
    for program in candidates:
        if program.is_file() and _runs(program):
            return Conf(program=program)
    return pytest.skip(f"no conf of Linux {release}: see tests/fetch_conf.sh, and set MATRIX_CONF")


def _runs(program: Path) -> bool:
    """Tell whether it starts here: it may need a newer C library."""
    done = subprocess.run([str(program), "--help"], capture_output=True, text=True, check=False)
    return "GLIBC" not in done.stderr


def read_config(text: str) -> dict[str, str]:
    """Return the settings of a `.config`, `n` for "is not set", strings with their quotes."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _SETTING.fullmatch(line)
        if match:
            found[match[1] or match[3]] = match[2] if match[1] else "n"
    return found


def write_config(settings: Mapping[str, str]) -> str:
    """Return the text of a `.config`."""
    return "".join(
        f"# CONFIG_{name} is not set\n" if value == "n" else f"CONFIG_{name}={value}\n"
        for name, value in settings.items()
    )


def unquoted(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings with strings as `DotConfig.texts()` has them."""
    return {
        name: re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        for name, value in settings.items()
    }
