"""Where matrix.toml says what a diagnostic complains about.

A value of the file is checked like one of the command line, where it has no place. Here it gets the
place of its key, so that the reader of a CI log knows which line to change.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from matrix.diagnostics import Diagnostic, InputError
from matrix.kernel.cpu.spec import SPEC_FILE
from matrix.kernel.line.cmdline import GIVEN
from matrix.schema.settings import Settings

# The key of [validate] that a code is about; for `vm` and `set` the message says which.
_KEYS = {
    "MX0901": ("predicate",),
    "MX0905": ("kernel",),
    "MX0913": ("kernel",),
    "MX0906": ("capability",),
    "MX0907": ("fail_on",),
    "MX0908": ("set",),
    "MX0909": ("vm", "set"),
    "MX0506": ("set", "vm"),
    "MX0401": ("cmdline",),
    "MX0920": ("cmdline",),
    "MX0921": ("cmdline",),
}


def placed(error: InputError, settings: Settings, taken: AbstractSet[str]) -> InputError:
    """Return the error with places in the settings file; `taken` are the keys it was asked for."""
    return InputError([_placed(item, settings, taken) for item in error.diagnostics])


def _placed(item: Diagnostic, settings: Settings, taken: AbstractSet[str]) -> Diagnostic:
    where = item.location.file if item.location is not None else None
    if where not in (None, SPEC_FILE, GIVEN):
        return item
    keys = ("cpus",) if where == SPEC_FILE else _KEYS.get(item.code, ())
    if item.code == "MX0909":
        keys = keys if "`vm`" in item.message else ("set",)
    key = next((key for key in keys if key in taken), None)
    if key is None:
        return item
    return replace(item, location=settings.location(("validate", key)))
