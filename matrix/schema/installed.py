"""What is installed here, by which two machines can tell that they answer alike."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version

import matrix
from matrix.door.package import package_digest
from matrix.schema.files import content_digest, read_folders
from matrix.schema.location import configs_folder

# Whose versions decide the bytes of a table.
_LIBRARIES = ("numpy", "pyarrow")
_DIGITS = 12


@cache
def installed() -> Mapping[str, str]:
    """Return the versions of all that decides an answer and its bytes, by name."""
    declarations = content_digest(read_folders([configs_folder()]).files)
    return {
        "matrix": f"{matrix.__version__} (modules {package_digest()[:_DIGITS]})",
        "declarations": declarations[:_DIGITS],
        **{name: version(name) for name in _LIBRARIES},
    }
