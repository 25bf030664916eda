import re
from html.parser import HTMLParser

import pytest

from worthwhile_dashboards.report import CONTENT_SECURITY_POLICY, Report, render_html

VOID = {"meta", "link", "br", "hr"}


class Page(HTMLParser):
    """Reads a page strictly: every element must be closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    def named(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def text(self) -> str:
        return " ".join(self.texts)


@pytest.fixture
def page(report: Report) -> Page:
    return Page(render_html(report, periods=("7d", "30d")))


def test_page_is_well_formed_and_says_what_it_is(page: Page) -> None:
    assert page.named("html") == [{"lang": "en"}]
    assert "Cost per successful task" in page.text
    assert len(page.named("h1")) == 1
    assert len(page.named("main")) == 1


def test_names_of_workloads_and_models_are_text(page: Page) -> None:
    assert page.named("script", "b", "iframe", "img", "object") == []
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in page.text
    assert "\u202e" not in page.text
    assert "house-model<b>" in page.text


def test_page_asks_for_nothing_from_anywhere(report: Report, page: Page) -> None:
    html = render_html(report)
    assert not re.search(r"(https?:)?//|@import|url\(|javascript:|<script", html.split("</style>")[0])
    for _, attributes in page.elements:
        assert not {name for name in attributes if name.startswith("on") or name in ("src", "style", "action")}
    assert page.named("link") == [{"rel": "icon", "href": "data:,"}]
    assert all((link["href"] or "").startswith(("#", "?since=")) for link in page.named("a"))


def test_policy_allows_the_stylesheet_only(page: Page) -> None:
    policies = [meta["content"] for meta in page.named("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [CONTENT_SECURITY_POLICY]
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'; style-src 'sha256-")


def test_tables_have_captions_and_scoped_headings(page: Page) -> None:
    assert len(page.named("table")) == len(page.named("caption")) > 4
    assert all(head.get("scope") in ("col", "row") for head in page.named("th"))


def test_links_lead_to_a_section(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {(link["href"] or "")[1:] for link in page.named("a") if (link["href"] or "").startswith("#")} <= set(ids)


def test_drawings_have_a_text_alternative(page: Page) -> None:
    drawings = page.named("svg")
    assert drawings
    assert all(svg.get("role") == "img" or svg.get("aria-hidden") == "true" for svg in drawings)
    assert "$0.0140, 95% interval $0.0132 \N{EN DASH} $0.0150" in page.text
    assert "$0.700, 95% interval $0.252 or more" in page.text


def test_empty_store_says_what_to_do(empty_report: Report) -> None:
    page = Page(render_html(empty_report))
    assert "Nothing recorded yet" in page.text
    assert "import worthwhile as ww" in page.text
    assert page.named("table") == []
