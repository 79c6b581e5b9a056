"""What a version text says, and whether a kernel has what came with a point release."""

from __future__ import annotations

import pytest

from matrix.kernel.source.version import read_version, same_version, version_of

# CVE-2024-50182, by hand from the announcements of the stable releases.
SINCE = ("5.15.169", "6.1.113", "6.6.57", "6.11.4", "6.12")


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("5.15.168", False),
        ("5.15.169", True),
        ("6.1.90", False),
        ("6.1.112", False),
        ("6.1.113", True),
        ("6.1.176", True),
        ("6.1.9", False),  # not 6.1.90, and no text to compare
        ("6.6.56", False),
        ("6.6.57", True),
        ("6.6.134.1", True),
        ("6.11.3", False),
        ("6.11.4", True),
        ("6.11.10", True),
        ("6.12.0", True),
        ("6.12.7", True),
        ("7.3.0-rc7", True),
        ("7.3", True),
        # Series that ended before the fix, and those whose release candidates are older.
        ("5.14.21", False),
        ("6.2.10", False),
        ("6.5.13", False),
        ("6.8.12", False),
        ("6.10.14", False),
        ("6.1.0-rc3", False),
        ("6.1.0", False),
        # The number does not tell: no point, a vendor's zero, the candidates before the release.
        ("6.1", None),
        # A series that ended without the fix has it in no point release.
        ("5.14", False),
        ("6.8", False),
        ("6.1.0-26-arm64", None),
        ("5.14.0-316.el9", None),
        ("6.12.0-rc2", None),
        # A vendor's number is kept.
        ("6.1.90-1-vendor", False),
        ("6.1.119-129.201.amzn2023.aarch64", True),
        ("6.12.0-144.el10.aarch64", True),
        ("v6.1.90", False),
    ],
)
def test_which_versions_have_the_fix(text: str, has: bool | None) -> None:
    version = read_version(text)
    assert version is not None
    assert version.has(SINCE) is has


@pytest.mark.parametrize(
    "text", [None, "", "vmlinuz", "linux-6.1", "6", "6.", "x.1.2", "61234.1.1"]
)
def test_what_is_no_version(text: str | None) -> None:
    assert read_version(text) is None


@pytest.mark.parametrize(
    ("told", "chosen", "vendor"),
    [
        (("6.1.90", None, "6.1.113"), "6.1.90", False),  # what is asked counts most
        (("6.1", None, "6.1.113"), "6.1.113", False),
        ((None, "6.1.0-26-arm64", "6.1.112"), "6.1.112", True),  # Debian's `uname -r`
        ((None, "6.1.112-foo", "6.1.90"), "6.1.112-foo", True),
        ((None, None, "6.6.57"), None, False),  # another release is wrong about this kernel
        (("6.1", None, "5.15.160"), "6.1", False),
        ((None, None, None), None, False),
    ],
)
def test_which_version_is_known(
    told: tuple[str | None, ...], chosen: str | None, vendor: bool
) -> None:
    version = version_of("6.1", *told)
    assert (version.text if version else None) == chosen
    assert (version.vendor if version else False) is vendor


def test_texts_of_one_version() -> None:
    assert same_version("7.3.0-rc7", "7.3-rc7")
    assert same_version("6.1.90", "v6.1.90")
    assert not same_version("6.1.90", "6.1.9")
    assert not same_version("6.12.107-foo", "6.12.107")
    assert not same_version("7.3.0", "7.3.0-rc7")
