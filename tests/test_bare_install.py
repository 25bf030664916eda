"""The wheel alone, in an empty environment without extras, sends a span and explains what the server extra is for."""

import shutil
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
import worthwhile as ww

@ww.task("bare-install", key="number")
def work(number):
    return number + 1

assert work(41) == 42
ww.accept(41, workload="bare-install")
assert ww.flush(10), "not delivered"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def bare_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    assert uv, "the development environment brings uv"
    home = tmp_path_factory.mktemp("bare") / "venv"
    python = home / "bin" / "python"
    for command in (
        [uv, "venv", "-q", "--python", sys.executable, str(home)],
        [
            uv,
            "pip",
            "install",
            "-q",
            "--python",
            str(python),
            "--require-hashes",
            "-r",
            str(ROOT / "requirements/base.txt"),
        ],
        [uv, "pip", "install", "-q", "--python", str(python), "--no-deps", str(wheel)],
    ):
        subprocess.run(command, check=True)
    return python


class Sink(BaseHTTPRequestHandler):
    seen: list[tuple[str, bytes]]

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append((self.path, body))
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def test_it_sends_a_span_and_a_signal(bare_python: Path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "PATH": ""}
    done = subprocess.run(
        [str(bare_python), "-c", PROGRAM], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    server.shutdown()
    server.server_close()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted({path for path, _ in server.seen}) == ["/v1/logs", "/v1/traces"]


def test_the_command_names_the_missing_extra(bare_python: Path):
    command = bare_python.parent / "worthwhile"
    done = subprocess.run([str(command), "report"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "pip install 'worthwhile[server]'" in done.stderr


def test_the_command_helps_without_extras(bare_python: Path):
    done = subprocess.run(
        [str(bare_python.parent / "worthwhile"), "--help"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert "report" in done.stdout


def test_the_wheel_holds_data_and_no_tests(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0] for n in names if ".dist-info" not in n} == {
        "worthwhile",
        "worthwhile_collectors",
        "worthwhile_dashboards",
        "worthwhile_schemas",
    }
    for suffix in (".sql", ".json", ".toml", ".proto", "py.typed"):
        assert [n for n in names if n.endswith(suffix)], suffix
