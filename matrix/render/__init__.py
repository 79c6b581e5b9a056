"""Reports and tables: Jinja templates to HTML, Markdown and JSON; blocks in documents."""
