"""Looks up the receiver's name within a deadline, which the system's resolver does not know."""

import socket
import threading
from typing import Any, Final, TypeAlias

from worthwhile._threads import start_thread

Addresses: TypeAlias = list[tuple[Any, ...]]
"""As of `socket.getaddrinfo`."""

_UNANSWERED: Final = OSError("its name was not looked up before the process ended")


class Resolver:
    """The look-ups of one connection, which is used by one thread at a time.

    A look-up that hangs is left to its thread; no second one is begun as long as it does.
    """

    def __init__(self) -> None:
        self._under_way: _LookUp | None = None

    def addresses(self, host: str, port: int, timeout_s: float) -> Addresses:
        """Where `host` is.

        Raises:
            TimeoutError: The resolver has not answered in time.
            OSError: It does not know, or the process is about to end and there is no thread to ask it in.
        """
        if _is_address(host):
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        look_up = self._under_way
        if look_up is None or not look_up.is_for(host, port):
            look_up = self._under_way = _LookUp(host, port)
            if not start_thread(look_up.run, "look-up"):
                self._under_way = None
                raise _UNANSWERED
        found = look_up.answer(timeout_s)
        self._under_way = None
        if isinstance(found, OSError):
            raise found
        return found


class _LookUp:
    def __init__(self, host: str, port: int) -> None:
        self._asked = (host, port)
        self._found: Addresses | OSError = _UNANSWERED
        self._is_answered = threading.Lock()
        self._is_answered.acquire()

    def is_for(self, host: str, port: int) -> bool:
        """Whether it asks for this, and the answer is yet to come: an old one may be out of date."""
        return self._asked == (host, port) and self._is_answered.locked()

    def run(self) -> None:
        try:
            self._found = socket.getaddrinfo(*self._asked, type=socket.SOCK_STREAM)
        except OSError as error:
            self._found = error
        except UnicodeError as error:  # a name that no name may be
            self._found = OSError(str(error))
        finally:
            self._is_answered.release()

    def answer(self, timeout_s: float) -> Addresses | OSError:
        if not self._is_answered.acquire(timeout=min(timeout_s, threading.TIMEOUT_MAX)):
            raise TimeoutError
        return self._found


def _is_address(host: str) -> bool:
    from ipaddress import ip_address

    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
