"""The pages of the site that are made of the code at each build; none of them is committed.

reference/cli.md             each command's own --help, examples included
reference/declarations.md    the fields of each kind of file, from the JSON Schema
reference/codes/MX….md       a diagnostic code: what it means, and an example where tests have one
reference/map.svg            the verdicts of a study as a picture
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

import matrix
from matrix.cli.commands import COMMANDS, command_line
from matrix.diagnostics.codes import codes
from matrix.flows.contracts import contract_schema, contracts
from matrix.render.badge import SIGNS, palette
from matrix.render.json import dump
from matrix.schema.jsonschema import schema_document

DOCS = Path(__file__).parent
EXAMPLES = DOCS.parent / "tests" / "golden" / "diagnostics"
STUDY = "arm64-overview"
SVG = "http://www.w3.org/2000/svg"


def write_reference(folder: Path) -> None:
    """Write all pages; one that is as it was stays untouched, and what is left over goes."""
    pages = dict(_pages())
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.relative_to(folder).as_posix() not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def _pages() -> Iterator[tuple[str, str]]:
    yield "cli.md", "\n".join(_command_pages())
    yield "declarations.md", "\n".join(_declarations(schema_document()))
    yield "map.svg", _map()
    yield "contracts.md", "\n".join(_contracts())
    yield "json/declarations.schema.json", dump(schema_document())
    for name in contracts():
        yield f"json/{_file(name)}", dump(contract_schema(name))
    listed = "\n".join(f"{code} <codes/{code}>" for code in codes())
    head = "# Codes of diagnostics, one by one\n\n```{toctree}\n:maxdepth: 1\n\n"
    yield "codes.md", f"{head}{listed}\n```\n"
    for code, (title, text) in codes().items():
        yield f"codes/{code}.md", "\n".join(_code(code, title, text))


def _contracts() -> Iterator[str]:
    yield from (
        "# JSON Schemas",
        "",
        "Of the [JSON documents](../json.md), and of declarations:",
        "",
    )
    yield "- {download}`declarations <json/declarations.schema.json>`"
    for name in contracts():
        yield f"- {{download}}`{name} <json/{_file(name)}>`"
    yield ""


def _file(contract: str) -> str:
    """Return the name of the file of a schema."""
    return f"{contract.removeprefix('matrix/').replace('/', '-')}.schema.json"


def _code(code: str, title: str, text: str) -> Iterator[str]:
    yield from (f"# {code}: {title}", "", text, "")
    examples = sorted(EXAMPLES.glob(f"{code}*"))
    if examples:
        yield from ("## What is printed", "", "Of an input that a test has:", "")
    for example in examples:
        yield from ("````text", example.read_text("utf-8").rstrip("\n"), "````", "")


def _command_pages() -> Iterator[str]:
    yield from ("# Command line", "", "What `--help` prints, command by command.", "")
    app = command_line(COMMANDS)
    words: list[tuple[str, ...]] = [()]
    # What typer makes of an app of several commands is a group; its types say a command.
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        words += [(name,), *((name, inner) for inner in getattr(command, "commands", ()))]
    for command in words:
        ran = CliRunner().invoke(
            app, [*command, "--help"], prog_name="matrix", env={"COLUMNS": "80"}
        )
        title = " ".join(("matrix", *command))
        yield from (f"## `{title}`", "", "```text", ran.output.strip(), "```", "")


def _declarations(schema: dict[str, Any]) -> Iterator[str]:
    definitions = schema["$defs"]
    kinds = {
        name: row for name, row in definitions.items() if row.keys() == {"$ref", "description"}
    }
    yield from ("# Fields of the declarations", "")
    yield "The kinds of files in a folder of declarations, then the parts that they share."
    yield from ("`matrix schema` prints the same as a JSON Schema.", "")
    for name, kind in kinds.items():
        target = _target(kind["$ref"])
        yield from (f"## {name}", "", f"{_words(kind['description'])}", "")
        yield from _fields(definitions[target])
    owners = {_target(kind["$ref"]) for kind in kinds.values()}
    yield from ("## Parts of declarations", "")
    for name, row in definitions.items():
        if name not in kinds and name not in owners:
            yield from (f"({name})=", "", f"### {_short(name)}", "")
            yield from (_words(row.get("description", "")), "")
            yield from _fields(row)


def _fields(row: dict[str, Any]) -> Iterator[str]:
    if "properties" not in row:
        yield from ((_type(row)), "")
        return
    needed = row.get("required", [])
    yield from ("| key | value | needed | meaning |", "|---|---|---|---|")
    for name, field in row["properties"].items():
        must = "yes" if name in needed else ""
        yield f"| `{name}` | {_type(field)} | {must} | {_words(field.get('description', ''))} |"
    yield ""


def _type(field: dict[str, Any]) -> str:
    """Return the type of a field in words."""
    if "$ref" in field:
        target = _target(field["$ref"])
        return f"[{_short(target)}](#{target})"
    if "const" in field or "enum" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    for key in ("anyOf", "oneOf"):
        if key in field:
            return " or ".join(dict.fromkeys(map(_type, field[key])))
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}" if "items" in field else "list"
    values = [*field.get("patternProperties", {}).values(), field.get("additionalProperties")]
    if field.get("type") == "object" and isinstance(values[0], dict):
        return f"map of {_type(values[0])}"
    return str(field.get("format", field.get("type", "any value")))


def _target(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def _short(name: str) -> str:
    return name.rsplit("__", 1)[-1]


def _words(text: str) -> str:
    """Return a description in one line of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _map() -> str:
    """Return the verdicts of the study's first table as tiles: a row for each answer of CPUs."""
    table = matrix.load().view(STUDY).table
    lines = sorted(
        zip(table.row_groups, table.cells, strict=True),
        key=lambda line: (
            "unsound" not in {cell.verdict for cell in line[1] if cell},
            -len(line[0]),
        ),
    )
    side, head, paint = 22, 20, palette()
    left = 220
    width, height = left + side * len(table.columns), head + side * (len(lines) + 1) + 10
    title = f"Verdicts of {STUDY}: CPUs by release and command line"
    parts = [
        f'<svg xmlns="{SVG}" width="{width}" viewBox="0 0 {width} {height}" role="img">',
        '<g font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, column in enumerate(table.columns):
        if number == 0 or column[0] != table.columns[number - 1][0]:
            parts.append(f'<text x="{left + side * number}" y="14">{escape(column[0])}</text>')
    for at, (labels, cells) in enumerate(lines):
        top = head + side * at
        more = f" and {len(labels) - 1} more" if len(labels) > 1 else ""
        name = f"{labels[0]}{more}"
        parts.append(f'<text x="4" y="{top + 15}">{escape(name)}</text>')
        for number, cell in enumerate(cells):
            if cell is None:
                continue
            x = left + side * number
            told = f"{name}, {': '.join(table.columns[number])}: {cell.verdict}"
            parts.append(
                f'<rect x="{x}" y="{top}" width="{side - 2}" height="{side - 2}" '
                f'fill="{paint[cell.verdict]}"><title>{escape(told)}</title></rect>'
                f'<text x="{x + side / 2 - 1}" y="{top + 15}" text-anchor="middle" '
                f'fill="{paint[f"on-{cell.verdict}"]}">{SIGNS[cell.verdict]}</text>'
            )
    shown = {cell.verdict for _, cells in lines for cell in cells if cell}
    legend = "     ".join(f"{sign} {word}" for word, sign in SIGNS.items() if word in shown)
    parts.append(f'<text x="{left}" y="{height - 8}" xml:space="preserve">{legend}</text>')
    return "\n".join([*parts, "</g>\n</svg>", ""])
