"""A kernel version as a header, `uname -r` or a user writes it, and what it says of dated facts.

`6.1.90`, `7.3.0-rc7`, `6.12.0-144.el10.aarch64`: two or three numbers, then a release candidate's
`-rcN` or what a vendor put there. A fix comes to each series with a point release of its own, so
whether a version has it is asked series by series.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from matrix.door.files import read_regular

_VERSION = re.compile(
    r"v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?:-rc(\d{1,3}))?(?![\d])(.*)", re.ASCII | re.DOTALL
)


class KernelVersion(Struct, frozen=True, kw_only=True):
    """One version: `point` is the third number, None where nobody wrote one.

    `candidate` is N of `-rcN`; `suffix` is what a vendor wrote behind the numbers (`-26-arm64`).
    `vendor` says whether anything that is known of the kernel has one.
    """

    text: str
    series: tuple[int, int]
    point: int | None = None
    candidate: int | None = None
    suffix: str = ""
    vendor: bool = False

    @property
    def release(self) -> str:
        """The first two numbers: "6.12" of "6.12.0-144.el10.aarch64"."""
        return f"{self.series[0]}.{self.series[1]}"

    @property
    def short(self) -> str:
        """The version without what a vendor put behind it: "6.1.90", "7.3-rc7", "6.6.57-rc1"."""
        # Mainline's 7.3-rc7 calls itself 7.3.0-rc7; a candidate of a point release has a number
        # there.
        mainline = self.candidate is not None and not self.point
        point = "" if self.point is None or mainline else f".{self.point}"
        candidate = "" if self.candidate is None else f"-rc{self.candidate}"
        return f"{self.release}{point}{candidate}"

    @property
    def tells_point(self) -> bool:
        """Whether the point release is told.

        Many vendors leave it at 0 and count in the suffix (Debian's `uname -r` of 6.1.112 is
        6.1.0-26-arm64, Red Hat's kernels are x.y.0 for all their life).
        """
        if self.candidate is not None:
            return True
        return self.point is not None and not (self.point == 0 and self.suffix)

    def has(self, since: Sequence[str]) -> bool | None:
        """Return whether a version has what came with `since`, None where it does not tell.

        `since` are the first point release of each series that got it ("6.1.113") and the mainline
        release that had it ("6.12"). Series below mainline's that are not listed ended without it.
        """
        # Two numbers are a mainline release, three a point release of its series.
        numbers = [tuple(map(int, first.split("."))) for first in since]
        mainline = min((first for first in numbers if len(first) == 2), default=None)
        # A candidate of the very series may be from before the commit.
        if mainline is not None and self.series >= mainline:
            return None if self.series == mainline and self.candidate is not None else True
        points = [first[2] for first in numbers if len(first) > 2 and first[:2] == self.series]
        if not self.tells_point and (points or self.suffix):
            return None
        if not points:
            return False  # the series ended without it, whatever the point release
        point = self.point or 0
        if point == points[0] and self.candidate is not None:
            return None  # under review: a patch may still be dropped or added
        return point >= points[0]


class _Series(Struct, frozen=True):
    """What `series.json` says of which releases there are."""

    last: Mapping[str, int]
    series: Mapping[int, int]
    any: int


@functools.cache
def _series() -> _Series:
    table = msgspec.json.decode(read_regular(Path(__file__).with_name("series.json"), 1 << 16))
    ended = {int(major): last for major, last in table["series"].items()}
    return _Series(table["last"], ended, table["any"]["last"])


def why_no_release(version: KernelVersion) -> str | None:
    """Return why no release has this version ("6.8 ended with 6.8.12"), None where one may.

    Of a series that goes on nobody knows the last point release; far beyond all others is none.
    """
    major, minor = version.series
    last = _series().series.get(major)
    if last is not None and minor > last:
        return f"the last series of {major} is {major}.{last}"
    if version.point is None:
        return None
    ended = _series().last.get(version.release)
    if ended is not None and version.point > ended:
        return f"{version.release} ended with {version.release}.{ended}"
    if version.point > _series().any:
        return f"no series has come to {_series().any} point releases"
    return None


def read_version(text: str | None) -> KernelVersion | None:
    """Return a version, None where the text does not begin with one."""
    found = _VERSION.match(text or "")
    if found is None:
        return None
    major, minor, point, candidate, suffix = found.groups()
    return KernelVersion(
        text=text or "",
        series=(int(major), int(minor)),
        point=None if point is None else int(point),
        candidate=None if candidate is None else int(candidate),
        suffix=suffix,
        vendor=bool(suffix),
    )


def version_of(release: str, *told: str | None) -> KernelVersion | None:
    """Return what is known of the version of a kernel of a release, None for the release alone.

    `told` are what a user, `uname -r` and the `.config`'s header say, what counts most first; the
    first that tells its point release counts. One of another release is wrong about this kernel.
    """
    known = [found for text in told if (found := read_version(text)) and found.release == release]
    if not known:
        return None
    chosen = next((found for found in known if found.tells_point), known[0])
    return replace(chosen, vendor=any(found.vendor for found in known))


def same_version(left: str, right: str) -> bool:
    """Tell whether two texts name one version: `7.3.0-rc7` and `7.3-rc7`."""
    one, other = read_version(left), read_version(right)
    if one is None or other is None:
        return left == right
    return (one.short, one.suffix) == (other.short, other.suffix)
