"""Run the collector: take OTLP, keep it in ClickHouse, serve the page."""

import argparse
import asyncio
import contextlib
import os
import socket
import threading
import time
from pathlib import Path
from typing import Final

from worthwhile_collectors import installed_version
from worthwhile_collectors.folder import Announcement, DataFolder
from worthwhile_collectors.pipeline import Pipeline
from worthwhile_collectors.quarantine import Quarantine
from worthwhile_collectors.receive.access import Gate, check_bind, is_loopback
from worthwhile_collectors.receive.app import Receiver, ReceiverLimits, build_app
from worthwhile_collectors.receive.control import build_control
from worthwhile_collectors.receive.page import Page
from worthwhile_collectors.receive.server import listen, listen_privately, serve, url_of
from worthwhile_collectors.settings import Settings, add_flags, load, without_password
from worthwhile_collectors.settler import Settler
from worthwhile_collectors.spool import Spool, SpoolLimits
from worthwhile_collectors.store import Store, open_store
from worthwhile_collectors.terminal import say

STOP_SECONDS: Final = 1.7
CLOSE_SECONDS: Final = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds every setting of the collector."""
    add_flags(parser, *Settings.model_fields)


def run(arguments: argparse.Namespace) -> int:
    """Runs until Ctrl-C or SIGTERM."""
    settings = load(arguments).settings
    check_bind(settings.host, _token(settings))
    cluster = settings.served()
    folder = DataFolder(settings.data)
    with folder.opened(), contextlib.closing(listen(settings.host, settings.port)) as listener:
        say(f"opening {_place(settings, folder)} ...")
        with contextlib.closing(open_store(settings.clickhouse or folder.clickhouse, cluster=cluster)) as store:
            store.migrate()
            store.keep(settings.retention())
            spool = Spool(folder.spool, SpoolLimits(settings.spool_quota, settings.segment_bytes, settings.durability))
            pipeline = Pipeline(spool, store, Quarantine(folder.quarantine), segment_seconds=settings.segment_seconds)
            pipeline.start()
            settler = Settler(store, seconds=settings.settle_seconds)
            settler.start()
            stopped_at = time.perf_counter()
            try:
                with folder.control_path() as control:
                    stopped_at = _serve(settings, folder, _Collector(store, pipeline, settler, listener, control))
            finally:
                settler.stop(0)
                _finish(pipeline, stopped_at + STOP_SECONDS - time.perf_counter())
            _close(store)
    return 0


class _Collector:
    """The parts of a running collector."""

    def __init__(
        self, store: Store, pipeline: Pipeline, settler: Settler, listener: socket.socket, control: Path
    ) -> None:
        self.store = store
        self.pipeline = pipeline
        self.settler = settler
        self.listener = listener
        self.control = control
        self.url = url_of(listener)


def _serve(settings: Settings, folder: DataFolder, collector: _Collector) -> float:
    token = _token(settings)
    pipeline, store = collector.pipeline, collector.store
    receiver = Receiver(
        pipeline,
        ReceiverLimits(body_bytes=settings.max_body, items=settings.max_spans, timeout_seconds=settings.read_timeout),
    )
    gate = Gate(token, is_local=is_loopback(settings.host))
    page = Page(store, pipeline)
    app = build_app(receiver, pipeline, page, gate, version=installed_version())

    def health() -> dict[str, object]:
        return {
            "version": installed_version(),
            "store": _place(settings, folder),
            "accepted": dict(receiver.accepted),
            "refused": dict(receiver.refused),
            "writer": pipeline.counts(),
            "settler": collector.settler.counts(),
        }

    def ready() -> None:
        folder.announce(
            Announcement(os.getpid(), collector.url, str(collector.control), installed_version(), time.time_ns())
        )
        _welcome(collector.url, folder, needs_token=token is not None)

    with listen_privately(collector.control) as private:
        try:
            public = (app, collector.listener)
            control = (build_control(store, pipeline, collector.settler, health), private)
            return asyncio.run(serve(public, control, ready, header_seconds=settings.read_timeout))
        finally:
            folder.withdraw()


def _welcome(url: str, folder: DataFolder, *, needs_token: bool) -> None:
    token = " (Authorization: Bearer <token>)" if needs_token else ""
    say(
        f"worthwhile {installed_version()} is up; Ctrl-C ends it\n"
        f"  OTLP/HTTP  {url}{token}\n"
        f"  page       {url}/\n"
        f"  data       {folder.path}\n"
        f"  questions  worthwhile report --data {folder.path}"
    )


def _finish(pipeline: Pipeline, seconds: float) -> None:
    if pipeline.stop(seconds):
        say("stopped; everything acknowledged is stored")
    else:
        left = pipeline.counts()["waiting_bytes"]
        say(f"stopped; {left} acknowledged bytes wait in the spool and are stored at the next start")


def _close(store: Store) -> None:
    """Closes the store, or leaves without it: a reader's query cannot be stopped, and all there is to keep is kept."""
    closing = threading.Thread(target=store.close, daemon=True)
    closing.start()
    closing.join(CLOSE_SECONDS)
    if closing.is_alive():
        say("left while the database was still busy; what it holds is safe")
        os._exit(0)


def _token(settings: Settings) -> str | None:
    return settings.token.get_secret_value() if settings.token else None


def _place(settings: Settings, folder: DataFolder) -> str:
    if settings.clickhouse is not None:
        return f"ClickHouse at {without_password(settings.clickhouse)}"
    return f"the embedded ClickHouse in {folder.clickhouse}"
