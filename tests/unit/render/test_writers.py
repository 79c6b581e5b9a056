"""One document in each of its forms: the expected texts are written by hand."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from matrix.render.document import (
    NO_BREAK,
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
from matrix.render.writers import html, markdown, rst, write

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


class _Texts(HTMLParser):
    """The text of a page without its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]))


@given(text=TEXTS.filter(lambda text: text == " ".join(text.split()) and text))
def test_what_a_reader_sees_is_the_text_whatever_it_holds(text: str) -> None:
    page = _Texts()
    page.feed(html.inline(plain(text)))
    assert page.text == text
    tokens = MarkdownIt().parse(markdown.inline(plain(text)))
    shown = "".join(child.content for token in tokens if token.children for child in token.children)
    assert shown == text
