"""Who is let in: tokens, names of hosts, addresses."""

import base64

import pytest
from google.rpc.status_pb2 import Status

from worthwhile_collectors.errors import BindError
from worthwhile_collectors.receive.access import check_bind, is_loopback

TOKEN = "correct-horse"


@pytest.fixture(scope="module")
def guarded(start_collectors, tmp_path_factory):
    return start_collectors(tmp_path_factory.mktemp("guarded") / "data", WORTHWHILE_TOKEN=TOKEN)


def bearer(token: str) -> str:
    return f"Bearer {token}"


@pytest.mark.parametrize(
    "shown", ["", bearer("wrong"), bearer(""), "Bearer", "Basic x", bearer(TOKEN[:-1]), bearer("ü"), TOKEN]
)
def test_a_missing_or_wrong_token_is_401(guarded, calls_of, shown):
    answer = guarded.post("/v1/traces", calls_of("refused").body(), Authorization=shown)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    status = Status.FromString(answer.body)
    assert status.code == 16
    assert "the token is missing or wrong" in status.message
    assert "OTEL_EXPORTER_OTLP_HEADERS" in status.message


def test_the_right_token_is_let_in(guarded, calls_of):
    assert guarded.post("/v1/traces", calls_of("let-in").body(), Authorization=bearer(TOKEN)).status == 200
    assert [row["n"] for row in guarded.rows("SELECT count() AS n FROM calls_final")] == [3]


def test_a_browser_is_asked_and_may_show_the_token_as_a_password(guarded):
    answer = guarded.get("/")
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    shown = base64.b64encode(f"anybody:{TOKEN}".encode()).decode()
    assert guarded.get("/", Authorization=f"Basic {shown}").status == 200
    answer = guarded.post("/v1/traces", b"", Authorization=f"Basic {shown}")
    assert answer.status == 401


def test_health_tells_strangers_no_counts(guarded):
    assert guarded.get("/healthz").json().keys() == {"status", "version"}
    assert "writer" in guarded.get("/healthz", Authorization=bearer(TOKEN)).json()


@pytest.mark.parametrize("path", ["/", "/v1/traces", "/healthz", "/api/report.json"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4318", "127.0.0.1.evil.example", "localhost.evil.example", ""]
)
def test_another_host_name_is_421(collector, path, host):
    answer = collector.request("POST" if path.startswith("/v1") else "GET", path, b"", {"Host": host})
    assert answer.status == 421
    assert "expected localhost or a loopback address" in answer.body.decode("utf-8", "replace")


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:4318", "127.0.0.1:1", "127.8.9.10", "[::1]:4318", "LocalHost"]
)
def test_names_of_this_machine_are_let_in(collector, host):
    assert collector.get("/healthz", Host=host).status == 200


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("db.internal", False),
    ],
)
def test_loopback_addresses_are_known(host, expected):
    assert is_loopback(host) is expected


def test_other_addresses_need_a_token():
    check_bind("0.0.0.0", "token")
    check_bind("127.0.0.1", None)
    with pytest.raises(BindError, match="expected a token") as refusal:
        check_bind("0.0.0.0", None)
    assert refusal.value.code == "token_required"
    assert "WORTHWHILE_TOKEN" in str(refusal.value.hint)
