"""The page and its data: what was sent is shown at once; values only; a browser cannot be turned against its owner."""

import pytest


def test_the_page_shows_what_was_acknowledged_before_it(collector, calls_of):
    assert collector.post("/v1/traces", calls_of("on-the-page").body()).status == 200
    report = collector.get("/api/report.json?since=1d").json()
    assert report["schema"] == "worthwhile.report/1"
    assert report["totals"]["calls"] >= 3
    page = collector.get("/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<!doctype html>" in page.body.decode()


def test_the_headers_leave_a_browser_nothing_to_do(collector):
    for path in ("/", "/api/report.json"):
        headers = collector.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers
    policy = collector.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("query", ["since=soon", "since=2026-13-01", "until=x", "since=1d&until=2d", "since=99999999w"])
def test_a_period_that_means_nothing_is_400(collector, query):
    answer = collector.get(f"/api/report.json?{query}")
    assert answer.status == 400
    assert "expected a " in answer.body.decode()


@pytest.mark.parametrize("text", ["'; DROP TABLE calls; --", "{x:String}", "\\", "\x00", "<script>alert(1)</script>"])
def test_values_are_never_sql_or_markup(collector, calls_of, text):
    from urllib.parse import quote

    assert collector.post("/v1/traces", calls_of("survivor", 1).body()).status == 200
    report = collector.get(f"/api/report.json?workload={quote(text)}")
    assert report.status == 200
    page = collector.get(f"/?workload={quote(text)}")
    assert page.status == 200
    assert "<script>" not in page.body.decode()
    assert collector.rows("SELECT count() > 0 AS there FROM calls") in ([{"there": 1}], [{"there": True}])


def test_a_browser_that_asks_for_an_icon_is_not_counted_as_an_error(collector):
    before = collector.get("/healthz").json()["refused"].get("404", 0)
    assert collector.get("/favicon.ico").status == 204
    assert collector.get("/healthz").json()["refused"].get("404", 0) == before


def test_no_path_takes_sql(collector):
    for path in ("/query", "/report", "/insert", "/migrate", "/status"):
        assert collector.post(path, b'{"sql": "SELECT 1"}', "application/json").status == 404
    assert collector.get("/?query=SELECT+1").status == 200
