"""Commands that ask one question of a whole study and answer in text or JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from matrix.cli.console import answer
from matrix.cli.options import (
    DEFAULT_STUDY,
    Configs,
    Format,
    Output,
    Predicate,
    Study,
    TextFormat,
)

if TYPE_CHECKING:
    from matrix.flows.reply import Reply


class Flow(Protocol):
    """A flow over one study."""

    def __call__(
        self, name: str, *, configs: tuple[Path, ...], predicate: str | None, as_json: bool
    ) -> Reply:
        """Return the answer for the study of this name."""


def study_command(load: Callable[[], Flow], description: str) -> Callable[..., int]:
    """Return a command that runs a flow; `load` imports it, so that `--help` need not."""

    def command(
        study: Study = DEFAULT_STUDY,
        predicate: Predicate = None,
        output_format: Format = TextFormat.TEXT,
        output: Output = None,
        configs: Configs = None,
    ) -> int:
        reply = load()(
            study,
            configs=tuple(configs or ()),
            predicate=predicate,
            as_json=output_format is TextFormat.JSON,
        )
        return answer(reply, output)

    command.__doc__ = description
    return command
