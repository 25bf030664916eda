"""The guard: swallows and counts in production, once per cause in the log; re-raises under pytest."""

import logging
import threading

import pytest

from worthwhile import _guard
from worthwhile._errors import MisuseError, WorthwhileError, error_type
from worthwhile.testing import swallowing_errors

WORK = _guard.Guard("the work")


def test_under_pytest_it_re_raises() -> None:
    error = RuntimeError()
    with pytest.raises(RuntimeError) as caught, WORK:
        raise error
    assert caught.value is error


def test_in_production_it_swallows_counts_and_logs_once_per_cause(
    as_in_production: None, caplog: pytest.LogCaptureFixture
) -> None:
    before = _guard.internal_errors
    for _ in range(3):
        with WORK:
            raise RuntimeError
    with WORK:
        raise KeyError
    assert _guard.internal_errors == before + 4
    assert [(record.name, record.levelno) for record in caplog.records] == [("worthwhile", logging.ERROR)] * 2
    assert caplog.records[0].getMessage() == "lost the work because of an internal error; please report it"
    assert caplog.records[0].exc_info is not None


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_exception_of_ours_passes(as_in_production: None, kind: type[BaseException]) -> None:
    before = _guard.internal_errors
    with pytest.raises(kind), WORK:
        raise kind
    assert _guard.internal_errors == before


def test_it_may_be_entered_within_itself(as_in_production: None) -> None:
    reached = []
    with WORK:
        with WORK:
            raise RuntimeError
        reached.append(1)
    assert reached == [1]


def test_misuse_is_told_once_per_message(as_in_production: None, caplog: pytest.LogCaptureFixture) -> None:
    for text in ("a", "a", "b"):
        _guard.misuse(text, hint="do it so")
    assert [record.getMessage() for record in caplog.records] == ["a; do it so", "b; do it so"]
    assert caplog.records[0].levelno == logging.WARNING


def test_misuse_under_pytest_is_an_error_with_a_hint() -> None:
    with pytest.raises(MisuseError) as caught:
        _guard.misuse("key= is `x`; expected y", hint="do it so")
    assert str(caught.value) == "key= is `x`; expected y\n\nhint: do it so"
    assert (caught.value.message, caught.value.hint) == ("key= is `x`; expected y", "do it so")
    assert isinstance(caught.value, WorthwhileError)


def test_the_switch_is_put_back(as_in_production: None) -> None:
    before = _guard.reraises
    with pytest.raises(KeyError), swallowing_errors():
        raise KeyError
    assert _guard.reraises == before


def test_causes_are_bounded(as_in_production: None, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(_guard._MAX_CAUSES + 50):
        _guard.warn_once(f"warning {number}")
    assert len(caplog.records) == _guard._MAX_CAUSES


def test_names_of_exceptions() -> None:
    class InnerError(Exception): ...

    assert error_type(ValueError()) == "ValueError"
    assert error_type(InnerError()) == f"{__name__}.test_names_of_exceptions.<locals>.InnerError"
    assert error_type(MisuseError("m", hint="h")) == "worthwhile._errors.MisuseError"


def test_in_a_thread_of_ours_nothing_is_raised_even_under_pytest(caplog: pytest.LogCaptureFixture) -> None:
    raised: list[BaseException] = []

    def work() -> None:
        try:
            with _guard.Guard("a batch"):
                raise ValueError("in a thread")
        except ValueError as error:
            raised.append(error)

    for name in ("worthwhile-spans", "of the host"):
        thread = threading.Thread(target=work, name=name)
        thread.start()
        thread.join()
    assert len(raised) == 1, "the host's own thread sees it"
    assert "lost a batch" in caplog.text
