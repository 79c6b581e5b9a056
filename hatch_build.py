"""Build hook of the wheel: the shipped declarations are compiled into it.

Without that the first run of each user would read the YAML files, a second of work, and so would
every run where no cache can be written. An editable install has none: its declarations change.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledDeclarations(BuildHookInterface[Any]):
    """Adds `matrix/_compiled.bin`, which `matrix.schema.compiled` looks for first."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the declarations of this checkout; `version` is the wheel's kind."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        try:
            from matrix.schema.compiled import compile_shipped
        finally:
            sys.path.remove(self.root)
        self._folder = tempfile.TemporaryDirectory()
        target = Path(self._folder.name) / "_compiled.bin"
        if not compile_shipped(target):
            raise RuntimeError(f"the compiled declarations cannot be written to {target}")
        build_data["force_include"][str(target)] = "matrix/_compiled.bin"

    def finalize(
        self,
        version: str,
        build_data: dict[str, Any],  # noqa: ARG002 - hatchling calls it so
        artifact_path: str,  # noqa: ARG002
    ) -> None:
        """Remove the scratch folder."""
        if version != "editable":
            self._folder.cleanup()
