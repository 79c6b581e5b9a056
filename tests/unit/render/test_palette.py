"""The colours of verdicts: apart for readers who lack the receptors for red or for green.

Nothing of the package is used but the style sheet as it is written into pages. Simulation: Machado,
Oliveira and Fernandes 2009, table of severity 1. Difference: CIEDE2000 as in Sharma, Wu and Dalal
2005, whose test data it is held to.
"""

from __future__ import annotations

import itertools
import math
import re

import pytest
from msgspec.structs import replace

from matrix.analyze.cell.verdict import meanings_of
from matrix.render.report import render_html
from tests.unit.render import builder

Triple = tuple[float, float, float]

SIGHTS: dict[str, tuple[Triple, Triple, Triple]] = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "all receptors": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
}
LEAST = 20


def style(*, judged: bool) -> str:
    """Return the style sheet of a page."""
    result = builder.result(unsound=0)
    if not judged:
        result = replace(
            result,
            capability=replace(result.capability, scenario=None),
            counts=tuple((verdict, 3) for verdict in meanings_of("nothing")),
            counts_by_kernel=(),
            tables=(),
            groups=(),
        )
    return render_html(result).partition("<style>")[2].partition("</style>")[0]


def colours(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the named colours in light and in dark."""
    light, dark = re.findall(r":root \{(.*?)\n *\}", text, re.DOTALL)
    named = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part)) for part in (light, dark)]
    return named[0], named[1]


def linear(colour: str) -> Triple:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return red, green, blue


def seen(colour: str, sight: str) -> Triple:
    """Return a colour as CIELAB under D65, as it is seen."""
    source = linear(colour)
    red, green, blue = (
        min(1.0, max(0.0, sum(a * b for a, b in zip(row, source, strict=True))))
        for row in SIGHTS[sight]
    )
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (
        t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z)
    )
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def hue(a: float, b: float) -> float:
    return math.degrees(math.atan2(b, a)) % 360 if a or b else 0.0


def difference(one: Triple, other: Triple) -> float:
    """Return CIEDE2000 of two CIELAB colours."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * math.sqrt(mean**7 / (mean**7 + 25**7))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = hue(a1, b1), hue(a2, b2)
    turn = 0.0
    if c1 * c2:
        turn = h2 - h1
        turn -= 360 * round(turn / 360) if abs(turn) > 180 else 0
    dh = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn) / 2)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    if not c1 * c2:
        h = h1 + h2
    elif abs(h1 - h2) <= 180:
        h = (h1 + h2) / 2
    else:
        h = (h1 + h2 + (360 if h1 + h2 < 360 else -360)) / 2
    t = (
        1
        - 0.17 * math.cos(math.radians(h - 30))
        + 0.24 * math.cos(math.radians(2 * h))
        + 0.32 * math.cos(math.radians(3 * h + 6))
        - 0.20 * math.cos(math.radians(4 * h - 63))
    )
    sl = 1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2)
    sc, sh = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    rotation = -2 * math.sqrt(chroma**7 / (chroma**7 + 25**7))
    rotation *= math.sin(math.radians(60 * math.exp(-(((h - 275) / 25) ** 2))))
    dl, dc, dh = (l2 - l1) / sl, (c2 - c1) / sc, dh / sh
    return math.sqrt(dl**2 + dc**2 + dh**2 + rotation * dc * dh)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_difference_is_that_of_the_published_pairs(
    one: Triple, other: Triple, expected: float
) -> None:
    assert difference(one, other) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("judged", [True, False], ids=["judged", "granted or not"])
def test_any_two_verdicts_are_told_apart(scheme: int, sight: str, *, judged: bool) -> None:
    named = colours(style(judged=judged))[scheme]
    words = [str(verdict) for verdict in meanings_of("simulation" if judged else "nothing")]
    close = {
        (one, other): apart
        for one, other in itertools.combinations(words, 2)
        if (apart := difference(seen(named[one], sight), seen(named[other], sight))) < LEAST
    }
    assert close == {}


def test_each_verdict_has_a_sign_of_its_own_beside_its_colour() -> None:
    for judged in (True, False):
        signs = re.findall(r'^\.[\w-]+ \{.*--sign: "(.)"; \}$', style(judged=judged), re.MULTILINE)
        words = meanings_of("simulation" if judged else "nothing")
        assert len(signs) == len(set(signs)) == len(words)
