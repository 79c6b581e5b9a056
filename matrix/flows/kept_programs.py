"""Profiles lowered to expressions, each once on a machine.

Takes a profile as the declarations have it, gives its `FactProgram`: what takes long of it is kept
under the declarations and the modules that lower them, in the user's cache.
"""

from __future__ import annotations

from matrix.analyze.facts.program import FactProgram, Lowered, lower, lowered
from matrix.door.kept import key_of, recall_value, remember_value
from matrix.door.package import code_of
from matrix.schema.values import Architecture, KernelProfile, Knowledge

_KIND = "program"


def kept_program(
    knowledge: Knowledge, profile: KernelProfile, architecture: Architecture
) -> FactProgram:
    """Return the lowered facts of a profile.

    Raises:
        InputError: as `lower`.
    """
    code = code_of("analyze/facts", "expr", "schema")
    is_declared = any(profile is one for one in knowledge.kernels) and any(
        architecture is one for one in knowledge.architectures
    )
    # Of a profile that was changed since it was read, nothing is known.
    if not knowledge.digest or code is None or not is_declared:
        return lower(profile, architecture)
    key = key_of(code, knowledge.digest.encode(), profile.id.encode(), profile.arch.encode())
    found = recall_value(_KIND, key, Lowered)
    program = lower(profile, architecture, found)
    if found is None:
        remember_value(_KIND, key, lowered(program))
    return program
