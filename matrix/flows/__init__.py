"""The flows, one file each: read this room first.

* `knowledge.py`: declarations → lowered kernels, looked up by the names a user writes;
* `validate.py`: `.config` files, CPUs and a command line → answers;
* `study.py`: a study → counts, tables, classes; `report.py`: studies → files;
* `answers.py`: the engine beneath `validate.py`, `fleet.py` and `probe.py`;
* `explain.py`: one cell in full; `review.py`: a patch mail; `check.py`: a user's declarations.

Each flow takes values and paths and gives values: texts are made in `render`, printed by `cli`.
"""
