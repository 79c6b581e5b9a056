"""Where other programs ask: Sphinx, MkDocs, Python-Markdown, and Python itself (`library.py`)."""
