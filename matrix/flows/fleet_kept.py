"""What was made of each text of a table, or what was wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from matrix.diagnostics import InputError

_Key = TypeVar("_Key", bound=Hashable)
_Made = TypeVar("_Made")


class Kept(Generic[_Key, _Made]):
    """What was made of each key, or what was wrong with it."""

    def __init__(self, make: Callable[[_Key], _Made]) -> None:
        self._make = make
        self._made: dict[_Key, _Made | InputError] = {}

    def __len__(self) -> int:
        return len(self._made)

    def of(self, key: _Key) -> _Made:
        """Return what is made of a key.

        Raises:
            InputError: what was wrong with it, each time anew.
        """
        made = self._made.get(key)
        if made is None:
            try:
                made = self._make(key)
            except InputError as error:
                made = error
            self._made[key] = made
        if isinstance(made, InputError):
            raise made
        return made

    def forget(self) -> None:
        """Forget everything."""
        self._made.clear()
