"""On which kernel, Kconfig, CPU and command line does a kernel capability really work?

    >>> import matrix
    >>> matrix.load().ask("cpu=apple-m2", study="arm64-overview").verdict
    'unsound'

What `__all__` lists is the public API; it is imported when it is first used
(`matrix/integrations/library.py`), so that `import matrix` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matrix.integrations.library import (
        Cell,
        Counts,
        Declarations,
        InputError,
        Rule,
        Rules,
        Step,
        View,
        load,
    )

__version__ = "0.1.0"
__all__ = [
    "Cell",
    "Counts",
    "Declarations",
    "InputError",
    "Rule",
    "Rules",
    "Step",
    "View",
    "__version__",
    "load",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'matrix' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module("matrix.integrations.library"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
