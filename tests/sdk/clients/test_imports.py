"""The hook that tells when the host imports a client leaves the import as it would have been."""

import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from worthwhile.clients import _imports
from worthwhile.clients._imports import when_imported

NAME = "imported_by_the_host"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / f"{NAME}.py"
    path.write_text("value = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield path
    sys.modules.pop(NAME, None)
    _imports._waiting.pop(NAME, None)


@pytest.fixture
def told(source: Path) -> list[ModuleType]:
    found: list[ModuleType] = []
    when_imported(NAME, found.append)
    return found


def test_it_tells_once_the_module_has_run(told: list[ModuleType]) -> None:
    assert told == []
    module = importlib.import_module(NAME)
    assert told == [module]
    assert module.value == 1
    importlib.reload(module)
    assert told == [module]


def test_a_module_that_is_there_is_told_at_once(source: Path) -> None:
    module = importlib.import_module(NAME)
    found: list[ModuleType] = []
    when_imported(NAME, found.append)
    assert found == [module]


def test_the_module_is_as_it_would_have_been(told: list[ModuleType], source: Path) -> None:
    watched = importlib.import_module(NAME)
    del sys.modules[NAME]
    plain = importlib.import_module(NAME)
    assert len(told) == 1
    for module in (watched, plain):
        assert module.__spec__ is not None
        assert module.__spec__.loader is module.__loader__
        assert module.__spec__.origin == module.__file__ == str(source)
    assert type(watched.__loader__) is type(plain.__loader__)
    assert vars(watched).keys() == vars(plain).keys()


def test_only_to_look_for_it_tells_nothing(told: list[ModuleType], source: Path) -> None:
    spec = importlib.util.find_spec(NAME)
    assert spec is not None
    assert spec.loader is not None
    assert spec.loader.get_filename(NAME) == str(source)  # type: ignore[attr-defined]
    assert told == []
    importlib.import_module(NAME)
    assert len(told) == 1


def test_a_module_that_is_missing_is_missing(source: Path) -> None:
    found: list[ModuleType] = []
    when_imported("there_is_no_such_module", found.append)
    with pytest.raises(ModuleNotFoundError) as raised:
        importlib.import_module("there_is_no_such_module")
    assert raised.value.name == "there_is_no_such_module"
    assert found == []
    del _imports._waiting["there_is_no_such_module"]


def test_a_module_that_fails_is_told_when_it_succeeds(told: list[ModuleType], source: Path) -> None:
    source.write_text("raise KeyError('host')\n")
    importlib.invalidate_caches()
    with pytest.raises(KeyError, match="host"):
        importlib.import_module(NAME)
    assert told == []
    assert NAME not in sys.modules
    source.write_text("value = 22\n")
    importlib.invalidate_caches()
    assert importlib.import_module(NAME).value == 22
    assert len(told) == 1


def test_threads_that_import_it_together_are_told_once(told: list[ModuleType], source: Path) -> None:
    source.write_text("import time\ntime.sleep(0.05)\nvalue = 1\n")
    importlib.invalidate_caches()
    found: list[ModuleType] = []
    threads = [threading.Thread(target=lambda: found.append(importlib.import_module(NAME))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1
    assert found == [told[0]] * 4
