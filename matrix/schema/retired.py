"""Words that declarations no longer have, and what becomes of a file that has them.

No row is ever removed: people keep their declarations for years. Of all keys, folders and names
that a shipped declaration ever had, these are gone, so that nothing need rewrite a file.
"""

from __future__ import annotations

from collections.abc import Iterable

from matrix.diagnostics import unknown_word_hint

RETIRED = {
    "other_architectures": "the key is gone: leave the line out; a study with `arch:` of its own "
    "asks about another architecture",
    "direct-maps": "the folder is gone: remove it; a study with `arch:` of its own asks about "
    "another architecture",
    "return_error": "each function that hands an error on has a name of its own now, which ends in "
    "`_return`: write those of this release, as the shipped profile nearest to it does",
}


def gone_or_unknown(word: str, known: Iterable[str], kind: str) -> str:
    """Return the hint for a word that is not known: what took its place, or what is known."""
    return RETIRED.get(word) or unknown_word_hint(word, known, kind)
