"""`matrix probe` inside Debian guests, booted in QEMU: about half a minute each, so not by default.

`MATRIX_GUESTS=1 pytest tests/guests` runs them; `--update-golden` writes their bundles into
`tests/data/probed` anew. Packages and the guests' files are kept in MATRIX_GUESTS_DIR.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.guests.booted_guest import GUESTS, ROOT, Guest, boot, debian_mirror

PROBED = ROOT / "tests" / "data" / "probed"
TOOLS = ("qemu-system-aarch64", "apt-get", "dpkg-deb")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]

pytestmark = [
    pytest.mark.skipif(
        not os.environ.get("MATRIX_GUESTS"),
        reason="boots QEMU guests for several minutes: set MATRIX_GUESTS=1",
    ),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


@pytest.fixture(scope="module")
def folder() -> Path:
    """Return where packages are kept; the archive with this checkout is made anew."""
    if debian_mirror() is None:
        pytest.skip("apt-get knows no mirror of Debian")
    kept = Path(os.environ.get("MATRIX_GUESTS_DIR", Path(tempfile.gettempdir()) / "matrix-guests"))
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "base.cpio.gz").unlink(missing_ok=True)
    return kept


@pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: guest.name)
def test_the_model_agrees_inside_a_guest(
    guest: Guest, folder: Path, request: pytest.FixtureRequest
) -> None:
    wrote = boot(guest, folder)
    assert wrote.get("exit") == "0", wrote.get("out")
    document = json.loads(wrote["probe.json"])
    assert [line for line in document["comparison"] if line["agreement"] == "disagree"] == []
    assert document["counts"]["agree"] >= 6
    assert document["machine"] == "aarch64"
    bundle = PROBED / f"{guest.name}.json.gz"
    if request.config.getoption("--update-golden"):
        bundle.write_bytes(gzip.compress(wrote["host.json"].encode("ascii"), mtime=0))
    # What is committed was made so: another boot of the same kernel reads the same.
    assert json.loads(gzip.decompress(bundle.read_bytes())) == json.loads(wrote["host.json"])
