"""The probes of an architecture, read when a tree is compared: no answer needs them."""

from __future__ import annotations

from pathlib import Path

from matrix.door.files import read_regular
from matrix.schema.checking.shape import check_shape
from matrix.schema.documents.probes import ProbesDocument
from matrix.schema.files import MAX_BYTES
from matrix.schema.reading.composing import compose
from matrix.schema.reading.problems import Problems
from matrix.schema.reading.source import decode
from matrix.schema.values import Probe, Probes


def read_probes(file: Path, shown: str) -> tuple[Probe, ...]:
    """Return the probes of a file that people are shown as `shown`; none where there is no file.

    Raises:
        InputError: all that is wrong in it, as `load_knowledge`.
    """
    if not file.is_file():
        return ()
    problems = Problems()
    source = decode(shown, read_regular(file, MAX_BYTES), problems)
    node = compose(source, problems) if source else None
    document = check_shape(node, ProbesDocument, problems) if node else None
    problems.raise_if_any()
    if node is None or document is None:
        return ()
    read: Probes = document.value(node)
    return read.probes
