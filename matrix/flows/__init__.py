"""The flows, one file each: read this room first.

* `knowledge.py`: declarations → lowered kernels, looked up by the names a user writes;
* `validate.py`: `.config` files, CPUs and a command line → answers;
* `study.py`: a study → counts, tables, classes; `report.py`: studies → files;
* `explain.py`: one cell or one code in full; `embed.py`: documents with marker blocks;
* `listings.py`: what is known, for `kernels`, `cpus`, `schema`, `check` and `init`.

Each flow takes values and paths, gives values or text, and leaves printing and exit codes to `cli`.
"""
