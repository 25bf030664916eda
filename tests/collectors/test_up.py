"""`worthwhile up` starts, ends, and refuses to start, in so many words."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

STOP_SECONDS = 5.0
"""Two on a machine that does nothing else."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_even_while_a_request_hangs(start_collectors, tmp_path, number):
    collector = start_collectors(tmp_path / "data")
    host, _, port = collector.url.removeprefix("http://").partition(":")
    head = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head + b"Content-Length: 9\r\n\r\nx")
        assert collector.get("/healthz").status == 200
        status, seconds = collector.stop(number)
    assert (status, seconds < STOP_SECONDS) == (0, True)
    assert not (collector.data / "collector.json").exists()
    assert not (collector.data / "control.sock").exists()


def test_it_says_where_things_are_on_stderr(collector):
    words = collector.stderr()
    for expected in (collector.url, f"page       {collector.url}/", str(collector.data), "Ctrl-C ends it"):
        assert expected in words


def test_the_data_folder_is_private(collector):
    assert collector.data.stat().st_mode & 0o777 == 0o700
    assert Path(collector.announcement.control).stat().st_mode & 0o777 == 0o600


def test_a_busy_port_is_told(worthwhile_process, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = worthwhile_process("up", "--data", str(tmp_path / "data"), "--port", port)
    assert done.returncode == 2
    assert f"listening on `127.0.0.1:{port}`: another program uses this port" in done.stderr
    assert "hint: is `worthwhile up` running already?" in done.stderr


def test_a_folder_that_is_open_already_is_told(collector, worthwhile_process):
    done = worthwhile_process("up", "--data", str(collector.data), "--port", "0")
    assert done.returncode == 2
    assert f"the process `{collector.process.pid}` has it open, expected to be the only one" in done.stderr
    assert "hint: stop that process, or choose another folder with --data" in done.stderr
    assert collector.get("/healthz").status == 200


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--host", "0.0.0.0"], "listening on `0.0.0.0`: other machines could reach it, expected a token"),
        (["--host", "192.0.2.1", "--token", "x"], "expected an address of this machine"),
        (["--port", "70000", "--max-body", "1"], "`--max-body`: found `1`"),
        (["--data", "/proc/nothing"], "opening the data folder `/proc/nothing`: No such file or directory"),
    ],
)
def test_what_cannot_be_is_told_before_anything_starts(worthwhile_process, tmp_path, words, message):
    done = worthwhile_process("up", "--data", str(tmp_path / "data"), *words, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "\n\nhint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_takes_no_writes_is_told(worthwhile_process, tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o500)
    if os.access(data, os.W_OK):
        data = "/sys/worthwhile"  # root may write anywhere but here
    done = worthwhile_process("up", "--data", str(data), "--port", "0")
    assert done.returncode == 2
    assert f"opening the data folder `{data}`: " in done.stderr
    assert "expected a folder that may be written to\n\nhint: choose another folder with --data" in done.stderr


@contextlib.contextmanager
def small_disk(path):
    """A file system of 8 MiB, where this machine lets us make one."""
    path.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(path)], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip("may not mount a file system here")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk_is_told(worthwhile_process, tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        done = worthwhile_process("up", "--data", str(disk / "data"), "--port", "0")
    assert done.returncode == 2
    assert "bytes are free on its disk, expected at least 67108864\n\nhint: make room" in done.stderr


def test_a_newer_schema_is_told(worthwhile_process, tmp_path):
    data = str(tmp_path / "data")
    assert worthwhile_process("migrate", "--data", data).returncode == 0
    newer = (
        "INSERT INTO schema_migrations (kind, number, name, sha256) VALUES ('migration', 9999, 'x', repeat('0', 64))"
    )
    assert worthwhile_process("query", newer, "--data", data).returncode == 0
    done = worthwhile_process("up", "--data", data, "--port", "0")
    assert done.returncode == 2
    assert "migration `9999_x` was applied" in done.stderr
    assert "hint: upgrade worthwhile" in done.stderr


def test_a_long_path_has_its_control_socket_elsewhere(start_collectors, tmp_path):
    data = tmp_path / ("long" * 20) / ("long" * 20)
    data.parent.mkdir()
    collector = start_collectors(data)
    assert collector.rows("SELECT 1 AS one") == [{"one": 1}]
    control = collector.announcement.control
    assert not control.startswith(str(data))
    assert collector.stop()[0] == 0
    assert not Path(control).parent.exists()


def test_an_ipv6_address_may_be_listened_on(start_collectors, calls_of, tmp_path):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    collector = start_collectors(tmp_path / "data", "--host", "::1")
    assert collector.url.startswith("http://[::1]:")
    assert collector.post("/v1/traces", calls_of("ipv6").body()).status == 200


def test_a_query_that_runs_on_does_not_hold_up_the_end(start_collectors, tmp_path):
    collector = start_collectors(tmp_path / "data")
    endless = "SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1"
    words = [sys.executable, "-m", "worthwhile_collectors.cli", "query", endless, "--data", str(collector.data)]
    running = "SELECT 1 FROM system.processes WHERE query LIKE '%sipHash64%' AND query NOT LIKE '%processes%'"
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as query:
        while not collector.rows(running):
            assert query.poll() is None
        status, seconds = collector.stop(signal.SIGINT)
        assert (status, seconds < STOP_SECONDS) == (0, True)
        assert query.wait(20) == 1
    assert "left while the database was still busy" in collector.stderr()
    assert "Traceback" not in collector.stderr()
