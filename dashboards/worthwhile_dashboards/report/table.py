"""Tables of the page: captioned, with scoped headings, and rows that become cards where the screen is narrow."""

from collections.abc import Iterable, Sequence
from typing import Final

from worthwhile_dashboards.report import notation
from worthwhile_dashboards.report.markup import Markup, element

_FIGURES_OF_A_PHONE: Final = 4


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1) -> Markup:
    """Table whose first column names the row.

    Args:
        caption: What it shows.
        heads: Headings, one a column.
        rows: Cells; the first one names the row.
        texts: Number of leading columns with words; the others hold figures.
    """
    classes = [None if place < texts else "number" for place in range(len(heads))]
    return framed(
        caption,
        [column_head(head, class_) for head, class_ in zip(heads, classes, strict=True)],
        [_row(heads, row, texts) for row in rows],
        class_="cards" if texts > 1 or len(heads) > _FIGURES_OF_A_PHONE else None,
    )


def framed(caption: str, heads: Iterable[Markup], rows: Iterable[Markup], *, class_: str | None) -> Markup:
    """Table of ready rows. Roles are written out because a row shown as a card would lose its own."""
    return element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *heads, role="row"), role="rowgroup"),
        element("tbody", *rows, role="rowgroup"),
        class_=class_,
        role="table",
    )


def column_head(content: Markup | str, class_: str | None) -> Markup:
    """Heading of a column."""
    return element("th", content, scope="col", role="columnheader", class_=class_)


def row_head(*content: Markup | str | None) -> Markup:
    """First cell of a row, which names it."""
    return element("th", *content, scope="row", role="rowheader")


def cell(head: str, value: str, detail: str | None = None, *, is_text: bool = False) -> Markup:
    """Figure, with its heading for narrow screens and a second line in small type."""
    kind = "text" if is_text else "number"
    class_ = f"{kind} unknown" if value in (notation.UNKNOWN, notation.NOT_MEASURED) else kind
    return element("td", value, small(detail) if detail else None, class_=class_, data_label=head, role="cell")


def small(text: str) -> Markup:
    """Second line of a cell."""
    return element("small", text)


def _row(heads: Sequence[str], row: Sequence[str], texts: int) -> Markup:
    cells = [
        cell(head, value, is_text=place < texts) for place, (head, value) in enumerate(zip(heads, row, strict=True))
    ]
    return element("tr", row_head(row[0]), *cells[1:], role="row")
