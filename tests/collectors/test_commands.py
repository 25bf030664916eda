"""The command line: data to stdout, words to stderr, exit 0, 1 or 2; with a running collector or without."""

import fcntl
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from tests.collectors.conftest import clean_environment

from worthwhile_collectors.folder import DataFolder


@pytest.fixture
def data(collector):
    """The data folder of a running collector."""
    return str(collector.data)


def test_query_writes_every_format(worthwhile, data):
    sql = "SELECT number AS n, if(n = 0, NULL, 'a,\"b') AS t FROM numbers({rows:UInt8})"

    def answer(*words: str) -> str:
        done = worthwhile("query", sql, "--param", "rows=2", "--data", data, *words)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    assert json.loads(answer("--format", "json")) == [{"n": 0, "t": None}, {"n": 1, "t": 'a,"b'}]
    assert [json.loads(line)["n"] for line in answer("--format", "jsonl").splitlines()] == [0, 1]
    assert answer("--format", "csv") == '"n","t"\n0,\\N\n1,"a,""b"\n'
    assert answer() == 'n  t\n0  NULL\n1  a,"b\n'
    assert "\x1b" not in answer()


def test_query_tells_what_was_wrong(worthwhile, data):
    done = worthwhile("query", "SELEC 1", "--data", data)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: running `SELEC 1`: ")
    done = worthwhile("query", "SELECT {x:UInt8}", "--param", "oops", "--data", data)
    assert done.returncode == 2
    assert "found `oops`, expected NAME=VALUE" in done.stderr
    assert worthwhile("query", " ; ", "--data", data).returncode == 2


def test_query_reads_the_statement_from_stdin(worthwhile_process, collector):
    done = worthwhile_process("query", "-", "--json", "--data", str(collector.data), stdin=b"SELECT 1 AS one;\n")
    assert json.loads(done.stdout) == [{"one": 1}]


def test_report_is_shown_in_every_form(worthwhile, data, tmp_path):
    text = worthwhile("report", "--data", data)
    assert (text.returncode, text.stderr) == (0, "")
    assert "worthwhile report" in text.stdout
    assert "\x1b" not in text.stdout
    since = f"{datetime.now(UTC):%Y}-01-01"
    found = json.loads(worthwhile("report", "--json", "--since", since, "--data", data).stdout)
    assert (found["schema"], found["since"]) == ("worthwhile.report/1", f"{since}T00:00:00Z")
    page = tmp_path / "report.html"
    done = worthwhile("report", "--html", str(page), "--data", data)
    assert (done.stdout, done.stderr) == ("", f"wrote {page}\n")
    assert page.read_text().startswith("<!doctype html>")
    done = worthwhile("report", "--html", "/proc/nothing/page.html", "--data", data)
    assert done.returncode == 2
    assert "writing the page `/proc/nothing/page.html`" in done.stderr


def test_report_refuses_a_period_that_means_nothing(worthwhile, collector):
    done = worthwhile("report", "--since", "yesterday", "--data", str(collector.data))
    assert done.returncode == 2
    assert "reading --since: found `yesterday`, expected a length such as 30d" in done.stderr


def test_there_is_no_data_yet(worthwhile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in (("report",), ("query", "SELECT 1"), ("migrate", "--dry-run")):
        done = worthwhile(*words)
        assert done.returncode == 2
        assert "opening the data folder `.worthwhile`: there is none\n\nhint: `worthwhile up` makes it" in done.stderr
    assert not (tmp_path / ".worthwhile").exists()


def test_a_folder_that_nobody_has_open_is_opened(worthwhile_process, tmp_path):
    (tmp_path / "data").mkdir()
    data = ("--data", str(tmp_path / "data"))
    listed = worthwhile_process("migrate", "--dry-run", "--json", *data)
    changes = json.loads(listed.stdout)["changes"]
    assert {"kind": "migration", "name": "0001_otel", "action": "create"} in changes
    made = worthwhile_process("migrate", *data)
    assert len(made.stdout.splitlines()) == len(changes)
    assert "Nothing recorded yet" in worthwhile_process("report", *data).stdout
    doctor = json.loads(worthwhile_process("doctor", "--json", *data).stdout)
    assert (doctor["collector"], doctor["database"]["schema"]) == (None, "up to date")


def test_commands_at_the_same_time_wait_for_each_other(worthwhile_process, tmp_path):
    (tmp_path / "data").mkdir()
    words = ("query", "SELECT 1 AS one", "--json", "--data", str(tmp_path / "data"))
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: worthwhile_process(*words), range(2)))
    assert [(each.returncode, each.stdout, each.stderr) for each in done] == [(0, '[{"one":1}]\n', "")] * 2


def test_a_running_collector_keeps_its_schema_up_to_date(worthwhile, data):
    done = worthwhile("migrate", "--data", data)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "up to date\n")


def test_a_process_that_answers_nothing_is_told(worthwhile, tmp_path, monkeypatch):
    monkeypatch.setattr("worthwhile_collectors.database.START_SECONDS", 0.1)
    with DataFolder(tmp_path).opened():
        done = worthwhile("report", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "a process has it open and answers nothing\n\nhint: wait for that command to end" in done.stderr


def test_doctor_tells_everything(worthwhile_process, collector):
    here = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "XDG_STATE_HOME": str(collector.data)}
    assert collector.post("/v1/traces", b"\xff").status == 400
    done = worthwhile_process("doctor", "--json", "--data", str(collector.data), **here)
    found = json.loads(done.stdout)
    assert found["versions"]["chdb"]
    assert {"name": "data", "value": str(collector.data), "origin": "`--data`"} in found["collector_settings"]
    endpoint = {"name": "endpoint", "value": collector.url, "origin": "OTEL_EXPORTER_OTLP_ENDPOINT"}
    assert endpoint in found["sdk_settings"]
    assert found["sdk_receiver"]["state"].startswith("answers, worthwhile ")
    assert found["collector"]["pid"] == collector.process.pid
    assert found["database"]["schema"] == "up to date"
    assert any("refused requests since it started: " in problem["message"] for problem in found["problems"])
    text = worthwhile_process("doctor", "--data", str(collector.data), **here)
    assert text.returncode == done.returncode
    for title in ("versions", "settings of the collector", "running collector", "database"):
        assert f"\n{title}\n" in f"\n{text.stdout}"


def test_doctor_tells_what_needs_attention(worthwhile_process, tmp_path):
    endpoint = "http://127.0.0.1:9"
    here = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "XDG_STATE_HOME": str(tmp_path)}
    done = worthwhile_process("doctor", "--json", cwd=tmp_path, **here)
    assert done.returncode == 1
    [problem] = json.loads(done.stdout)["problems"]
    assert problem["message"].startswith(f"nothing takes spans at `{endpoint}`: ")
    assert "worthwhile up" in problem["hint"]
    assert not (tmp_path / ".worthwhile").exists()


LEAVING = """
import os
import worthwhile as ww

with ww.task("t"):
    pass
ww.shutdown(1)
os._exit(0)
"""


def test_doctor_tells_what_programs_have_left_that_nobody_delivers(worthwhile_process, tmp_path):
    here = {"XDG_STATE_HOME": str(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    environment = clean_environment(OTEL_SERVICE_NAME="renamed-shop", **here)
    subprocess.run([sys.executable, "-c", LEAVING], env=environment, check=True, timeout=60, stderr=subprocess.DEVNULL)
    [segment] = (tmp_path / "worthwhile" / "spool").rglob("*.seg")

    def found():
        return json.loads(worthwhile_process("doctor", "--json", cwd=tmp_path, **here).stdout)

    told = found()
    assert told["sdk_spool"]["undelivered_bytes"] == segment.stat().st_size
    assert told["sdk_spool"]["undelivered_of"] == ["renamed-shop"]
    assert len(told["problems"]) == 1, "its program may just be about to start again"

    old = segment.with_name(f"{int(segment.name[:20]) - 2 * 3600 * 10**9:020d}{segment.name[20:]}")
    segment.rename(old)
    _, problem = found()["problems"]
    assert (
        f"`{old.stat().st_size}` bytes of the service `renamed-shop` have waited in `{old.parent}`"
        in problem["message"]
    )
    assert "endpoint, service name and headers" in problem["hint"]
    with old.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert found()["sdk_spool"]["undelivered_of"] == [], "its program runs"
    assert old.exists()


def test_the_command_line_says_how_it_is_used(worthwhile):
    for words in (["--help"], ["up", "--help"], ["query", "--help"]):
        done = worthwhile(*words)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("usage: worthwhile")
    assert worthwhile("--version").stdout.startswith("worthwhile ")
    for words in ([], ["nothing"], ["query"], ["up", "--no-such-flag"], ["report", "--json", "--html", "x"]):
        done = worthwhile(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "usage: worthwhile" in done.stderr


def test_bad_settings_are_all_told(worthwhile, monkeypatch):
    monkeypatch.setenv("WORTHWHILE_PORT", "many")
    monkeypatch.setenv("WORTHWHILE_DURABILITY", "never")
    done = worthwhile("report")
    assert done.returncode == 2
    assert done.stderr.count("\n  - `WORTHWHILE_") == 2


@pytest.mark.parametrize("module", ["pydantic", "starlette", "uvicorn"])
def test_a_missing_extra_is_told_with_the_command(module):
    blocked = f"import sys; sys.modules['{module}'] = None"
    code = f"{blocked}; from worthwhile_collectors.cli import main; sys.exit(main(['up']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"`worthwhile up` needs the module `{module}`, which is not installed" in done.stderr
    assert "hint: pip install 'worthwhile[server]'" in done.stderr


def test_a_reader_that_goes_away_is_no_error(collector):
    command = [sys.executable, "-m", "worthwhile_collectors.cli", "query", "SELECT number FROM numbers(100000)"]
    done = subprocess.run(
        f"{subprocess.list2cmdline(command)} --data {collector.data} | head -1",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("number", "")


def test_a_server_that_does_not_answer_is_told(worthwhile):
    done = worthwhile("query", "SELECT 1", "--clickhouse", "http://user:secret@127.0.0.1:9/worthwhile")
    assert (done.returncode, done.stdout) == (1, "")
    assert "http://127.0.0.1:9" in done.stderr
    assert "\n\nhint: " in done.stderr
    assert "secret" not in done.stderr
