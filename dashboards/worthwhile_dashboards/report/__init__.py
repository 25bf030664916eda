"""The report: cost per successful task, and what stands behind it, from the store to terminal, page and JSON."""

from worthwhile_dashboards.report.document import to_json
from worthwhile_dashboards.report.figures import build
from worthwhile_dashboards.report.html import CONTENT_SECURITY_POLICY, render_html
from worthwhile_dashboards.report.model import Report, Workload
from worthwhile_dashboards.report.text import render_text

__all__ = ["CONTENT_SECURITY_POLICY", "Report", "Workload", "build", "render_html", "render_text", "to_json"]
