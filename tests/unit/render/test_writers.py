"""One document in each of its forms: the expected texts are written by hand."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from docutils import nodes
from docutils.core import publish_doctree
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from matrix.render.document import (
    NO_BREAK,
    Badge,
    Code,
    Definition,
    Definitions,
    Document,
    List,
    Paragraph,
    Section,
    Table,
    code,
    joined,
    plain,
)
from matrix.render.writers import asciidoc, html, markdown, rst, write

DOCUMENT = Document(
    title="Cells",
    lead=("There is a defect.",),
    blocks=(
        Paragraph(text="Where `a && b` holds."),
        Section(
            title="unsound: 2 cells",
            blocks=(
                Definitions(
                    items=(Definition(term="12", text=plain("x_ * y"), notes=("2 CPUs: a, b",)),),
                    header=("cells", "rule", "CPUs"),
                    align="r",
                    width=4,
                ),
                Table(header=("name", "cells"), rows=((code("a|b"), "7"),), align="lr"),
            ),
        ),
        Code(text="int f(void)\n{\n}\n", language="c", indent=2),
        List(items=("one", "two")),
    ),
)
FORMS = {
    "text": """\
There is a defect.
Cells

Where `a && b` holds.

unsound: 2 cells
    12  x_ * y
        2 CPUs: a, b
name  cells
a|b       7

  int f(void)
  {
  }

one
two
""",
    "markdown": """\
There is a defect.

## Cells

Where `a && b` holds.

### unsound: 2 cells

| cells | rule | CPUs |
| ---: | --- | --- |
| 12 | x\\_ \\* y | 2 CPUs: a, b |

| name | cells |
| --- | ---: |
| `a\\|b` | 7 |

```c
int f(void)
{
}
```

- one
- two
""",
    "rst": """\
There is a defect.

Cells
=====

Where ``a && b`` holds.

unsound: 2 cells
----------------

.. list-table::
   :header-rows: 1

   * - cells
     - rule
     - CPUs
   * - 12
     - x\\_ \\* y
     - 2 CPUs: a, b

.. list-table::
   :header-rows: 1

   * - name
     - cells
   * - ``a|b``
     - 7

.. code-block:: c

   int f(void)
   {
   }

- one
- two
""",
    "asciidoc": """\
There is a defect.

== Cells

Where `a && b` holds.

=== unsound: 2 cells

[cols=">,<,<",options="header"]
|===
|cells
|rule
|CPUs

|12
|x&#95; &#42; y
|2 CPUs: a, b
|===

[cols="<,>",options="header"]
|===
|name
|cells

|`a&#124;b`
|7
|===

[source,c]
----
int f(void)
{
}
----

* one
* two
""",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_document_in_each_form(form: str) -> None:
    assert write(DOCUMENT, form) == FORMS[form]


def test_a_page_has_the_blocks_in_order() -> None:
    page = write(DOCUMENT, "html")
    parts = [
        "<title>Cells</title>",
        "<p>There is a defect.</p>",
        "<h1>Cells</h1>",
        "<p>Where <code>a &amp;&amp; b</code> holds.</p>",
        "<h2>unsound: 2 cells</h2>",
        '<th scope="col" class="number">cells</th>',
        '<td class="number">12</td><td>x_ * y</td><td>2 CPUs: a, b</td>',
        '<td><code>a|b</code></td><td class="number">7</td>',
        "<pre><code>int f(void)\n{\n}\n</code></pre>",
        "<li>one</li>",
    ]
    places = [page.index(part) for part in parts]
    assert places == sorted(places)


def test_words_joined_by_a_no_break_space_stay_on_a_line_of_a_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    cell = plain(f"nearest:{NO_BREAK}page_size=64k,cpu=cortex-a710")
    document = Document(title="t", blocks=(Paragraph(text=joined(("in the", cell), " ")),))
    assert write(document, "text") == "t\n\nin the\nnearest: page_size=64k,cpu=cortex-a710\n"
    assert NO_BREAK not in write(document, "markdown") + write(document, "html")


def test_markup_beside_letters_is_set_apart_in_restructuredtext() -> None:
    # docutils: inline markup must begin and end at a space or at some punctuation.
    assert rst.inline((*code("a"), *plain("s and "), *code("b"))) == "``a``\\ s and ``b``"


# Each was held against Asciidoctor: it shows the text, and in it no markup.
@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("*b* `c` ##m##", "&#42;b&#42; &#96;c&#96; &#35;&#35;m&#35;&#35;"),
        ("{counter:x} link:y[z]", "&#123;counter:x} link:y&#91;z]"),
        ("<<x>> a -> b", "&#60;<x>> a -&#62; b"),
        ("http://x a@b.c", "http&#58;//x a&#64;b.c"),
        ("a:: b", "a:&#58; b"),
        ("a*; b", "a&#42;&#59; b"),
        ("&#42; &amp; a && b", "&#38;&#35;42; &#38;amp; a && b"),
        ("x' it's", "x' it&#39;s"),
        ("= title", "{empty}= title"),
        ("1. item", "{empty}1. item"),
        ("NOTE: no", "{empty}NOTE: no"),
        ("|===", "&#124;==="),
        ("\x1b[31mred", "\N{REPLACEMENT CHARACTER}&#91;31mred"),
    ],
)
def test_what_would_be_markup_of_asciidoc_is_not(text: str, written: str) -> None:
    document = Document(title="t", blocks=(Paragraph(text=plain(text)),))
    assert asciidoc.write(document) == f"== t\n\n{written}\n"


def test_a_listing_of_asciidoc_ends_where_the_code_ends() -> None:
    document = Document(title="t", blocks=(Code(text="include::x[]\n----\nf(); // <1>\n"),))
    assert asciidoc.write(document) == (
        "== t\n\n[source,subs=specialchars]\n-----\n\\include::x[]\n----\nf(); // <1>\n-----\n"
    )


class _Texts(HTMLParser):
    """The text of a page without its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]))


# Pieces of what is markup of reStructuredText, most of all at the beginning and end of a line.
_MARKS = "*_`#^~+{}[]<>&|\\:;\"'!=-.,/()@%$?• "
_WORDS = ":: .. a_ `x`_ |x| [1]_ 1. a. (a) II) #. ===== :a: >>> __ :ref:`x` é b1"
PIECES = st.lists(
    st.sampled_from([*_MARKS, "a", *_WORDS.split(), *(f"{word} " for word in _WORDS.split())]),
    min_size=1,
    max_size=6,
).map(lambda pieces: " ".join("".join(pieces).split()))


@given(text=PIECES.filter(bool), word=PIECES.filter(bool))
@settings(max_examples=60)
def test_docutils_takes_what_is_written_strictly_and_shows_the_text(text: str, word: str) -> None:
    beside = (*plain(f"{text} "), *code(word), *plain("s"))
    document = Document(
        title="t",
        blocks=(
            Paragraph(text=plain(text)),
            Paragraph(text=beside),
            List(items=(plain(text), plain("z"))),
            Table(header=("h", "i"), rows=((plain(text), plain("q")),)),
        ),
    )
    strict = {"report_level": 2, "halt_level": 2, "file_insertion_enabled": False}
    tree = publish_doctree(rst.write(document), settings_overrides=strict)
    _, first, second, listed, table = tree
    assert first.astext() == text
    assert second.astext() == f"{text} {word}s"
    assert [item.astext() for item in listed.findall(nodes.list_item)] == [text, "z"]
    assert [entry.astext() for entry in table.findall(nodes.entry)] == ["h", "i", text, "q"]


def test_docutils_takes_a_whole_document() -> None:
    tree = publish_doctree(
        write(DOCUMENT, "rst"), settings_overrides={"report_level": 1, "halt_level": 1}
    )
    kinds = [type(node).__name__ for node in tree.findall() if isinstance(node, nodes.Element)]
    for kind in ("title", "table", "literal_block", "bullet_list", "literal"):
        assert kind in kinds


@given(text=TEXTS.filter(lambda text: text == " ".join(text.split()) and text))
def test_what_a_reader_sees_is_the_text_whatever_it_holds(text: str) -> None:
    page = _Texts()
    page.feed(html.inline(plain(text)))
    assert page.text == text
    tokens = MarkdownIt().parse(markdown.inline(plain(text)))
    shown = "".join(child.content for token in tokens if token.children for child in token.children)
    assert shown == text


@given(text=st.text(max_size=30))
def test_a_badge_is_a_picture_where_a_form_holds_one_and_text_elsewhere(text: str) -> None:
    shown = Paragraph(text=plain("a text"), badge=Badge(name=text, verdict="unsound", share="in 2"))
    picture = html.fragment([shown]).removeprefix("<p>").removesuffix("</p>")
    label = ET.fromstring(picture).attrib["aria-label"]  # noqa: S314 - our own
    assert label.endswith(": unsound in 2")
    (written,) = MarkdownIt("commonmark").parse(markdown.fragment([shown]))
    assert written.type == "html_block"
    image = ET.fromstring(written.content.strip().removesuffix(">") + "/>").attrib  # noqa: S314
    assert " ".join(image["alt"].split()) == " ".join(label.split())
    assert unquote(image["src"]) == f"data:image/svg+xml,{picture}"
    for form in (rst, asciidoc):
        assert form.fragment([shown]).strip() == "a text"
