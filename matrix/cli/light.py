"""Imported first by the command: what keeps the libraries that it needs from loading more.

msgspec asks typing_extensions, where that is installed, for what typing has had since Python 3.11;
it does without. Loading it, and `inspect` with it, takes a twelfth of an answer about one file.
msgspec loads uuid, too, which asks platform for the name of the system, once.
"""

from __future__ import annotations

import sys
from types import ModuleType

_modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]

if sys.platform == "linux" and "platform" not in _modules:
    _stand_in = ModuleType("platform")
    _stand_in.system = lambda: "Linux"  # type: ignore[attr-defined]
    _modules["platform"] = _stand_in
    import uuid  # noqa: F401

    del _modules["platform"]

if "typing_extensions" not in _modules:
    _modules["typing_extensions"] = None
    import msgspec  # noqa: F401

    del _modules["typing_extensions"]
