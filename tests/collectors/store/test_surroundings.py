"""What the embedded engine leaves alone, and what its answers survive."""

from pathlib import Path

import pytest
from tests.collectors.store.otlp import calls

from worthwhile_collectors.store import Store, framed


def test_nothing_is_written_to_the_working_directory(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert store.insert_protobuf("traces", framed([calls(1)]), "elsewhere") == ()
    assert list(tmp_path.iterdir()) == []
    assert store.query("SELECT count() AS calls FROM calls_final") == [{"calls": 1}]


def test_text_that_is_not_utf8_does_not_break_an_answer(store: Store) -> None:
    assert store.query("SELECT unhex('61ff62') AS text") == [{"text": "a\ufffdb"}]
