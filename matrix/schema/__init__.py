"""Declarations: pydantic documents, the YAML loader that knows file:line:col, frozen values."""
