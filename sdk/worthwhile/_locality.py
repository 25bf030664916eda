"""How far away a server is, seen from this process, and what says so. Asks no name server and sends nothing.

Evidence: the kind of address, then its name. A name that anybody may point anywhere says nothing.
"""

import ipaddress
import socket
from typing import Final, Literal, NamedTuple, TypeAlias

Locality: TypeAlias = Literal["host", "private", "public"]

LocalityBasis: TypeAlias = Literal[
    "unix_socket",
    "loopback",
    "container_host",
    "own_address",
    "own_name",
    "private_address",
    "private_name",
    "public_address",
    "public_name",
]

_CONTAINER_HOSTS: Final = ("host.docker.internal", "host.containers.internal", "gateway.docker.internal")
_PRIVATE_SUFFIXES: Final = (".local", ".internal", ".lan", ".home.arpa", ".svc", ".svc.cluster.local")


class Place(NamedTuple):
    """Where a server is.

    Attributes:
        locality: `host` for this machine, `private` for a private network, `public`; `None` if unknown.
        basis: What says so; `None` if nothing does.
    """

    locality: Locality | None
    basis: LocalityBasis | None


_UNKNOWN: Final = Place(None, None)


def locate(address: str | None, *, is_known_public: bool = False) -> Place:
    """Where the server at `address` is.

    Args:
        address: Lower-case host name or address, without brackets or a dot at its end.
        is_known_public: Whether it is a hosted provider's name.
    """
    if not address:
        return _UNKNOWN
    if is_known_public:
        return Place("public", "public_name")
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return _locate_name(address)
    return _locate_ip(getattr(ip, "ipv4_mapped", None) or ip)


def _locate_ip(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Place:
    if ip.is_loopback or ip.is_unspecified:
        return Place("host", "loopback")
    if _is_own(ip):
        return Place("host", "own_address")
    return Place("public", "public_address") if ip.is_global else Place("private", "private_address")


def _locate_name(name: str) -> Place:
    if name == "localhost" or name.endswith(".localhost"):
        return Place("host", "loopback")
    if name in _CONTAINER_HOSTS:
        return Place("host", "container_host")
    if name == socket.gethostname().lower():
        return Place("host", "own_name")
    if "." not in name or name.endswith(_PRIVATE_SUFFIXES):
        return Place("private", "private_name")
    return _UNKNOWN


def _is_own(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an interface of this machine has the address: only such a one can be bound to."""
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(ip), 0))
    except OSError:
        return False
    return True
