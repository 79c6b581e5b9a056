"""A badge: a name beside a verdict in its colour, as an SVG that stands by itself."""

from __future__ import annotations

import re
from functools import cache
from html import escape

from matrix.analyze.cell.verdict import Verdict
from matrix.door.package import shipped
from matrix.render.document import Badge
from matrix.render.markdown import plain
from matrix.render.quantities import THIN

# Beside the colour of a verdict, for who cannot tell it.
SIGNS = {
    Verdict.UNSOUND: "✗",
    Verdict.UNKNOWN: "?",
    Verdict.OVERSTRICT: "≠",
    Verdict.NOT_GRANTED: "–",
    Verdict.SUPPORTED: "✓",
    Verdict.GRANTED: "✓",
    Verdict.REFUSED: "–",
    Verdict.ABSENT: "·",
}
_COLOUR = re.compile(r"--((?:on-)?[a-z-]+): (#[0-9a-f]{6})")
# Of a letter at 11 px, in px; `textLength` fits the text to what is reckoned with it.
_LETTER, _MARGIN, _HEIGHT = 6.6, 7, 20


def label_of(badge: Badge) -> str:
    """Return what a badge says, for who sees no picture."""
    return f"{plain(badge.name)}: {_words(badge)}"


def badge_of(badge: Badge) -> str:
    """Return the picture, the name at the left."""
    name, said = plain(badge.name), _said(badge)
    left, right = (round(len(text) * _LETTER) for text in (name, said))
    width = left + right + 4 * _MARGIN
    edge = left + 2 * _MARGIN
    paint = palette()
    text = escape(label_of(badge))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" '
        f'viewBox="0 0 {width} {_HEIGHT}" role="img" aria-label="{text}">\n'
        f"<title>{text}</title>\n"
        f'<rect width="{width}" height="{_HEIGHT}" rx="3" fill="#1c2127"/>\n'
        f'<path d="M{edge} 0h{width - edge - 3}a3 3 0 0 1 3 3v{_HEIGHT - 6}a3 3 0 0 1-3 3H{edge}z" '
        f'fill="{paint[badge.verdict]}"/>\n'
        '<g font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">\n'
        f'<text x="{_MARGIN}" y="14" textLength="{left}" fill="#ffffff">{escape(name)}</text>\n'
        f'<text x="{edge + _MARGIN}" y="14" textLength="{right}" '
        f'fill="{paint[f"on-{badge.verdict}"]}">{escape(said)}</text>\n'
        "</g>\n</svg>\n"
    )


def _said(badge: Badge) -> str:
    return f"{SIGNS[Verdict(badge.verdict)]} {_words(badge)}"


def _words(badge: Badge) -> str:
    """Return the verdict with its share, in letters that every font and LaTeX have."""
    return f"{badge.verdict} {badge.share}".replace(THIN, " ").strip()


@cache
def palette() -> dict[str, str]:
    """Return the light colours of the verdicts, and of what is written on them, from the page."""
    style = shipped("render/templates/report.css").decode("utf-8")
    found: dict[str, str] = {}
    for name, colour in _COLOUR.findall(style):
        found.setdefault(name, colour)
    return found
