"""Every micro-operation of the worlds of one arm64 page: the rows of `operations.json` beside it.

The names are the keys under which a kernel profile gives source lines (`operations:` in
configs/kernels). JSON, for it is read whenever a simulation is asked for, in a tenth of what a
kinder format takes.
"""

from __future__ import annotations

from msgspec import json

from matrix.door.package import shipped
from matrix.explore.scenario import Operation

OPERATIONS = json.decode(shipped("scenarios/arm64/operations.json"), type=tuple[Operation, ...])
