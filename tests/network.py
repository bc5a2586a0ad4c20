"""Keeps tests off the network: this process may talk to itself and its neighbours, and to nobody outside."""

import ipaddress
import sys

# Events whose arguments are a socket and where it wants to go, and events whose first argument is a name to look up.
_REACHING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOKING_UP = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})


class OutsideConnectionError(RuntimeError):
    """A test tried to reach another machine."""


def block_outside_sockets() -> None:
    """From here on, and for as long as the process lives, only loopback addresses and Unix sockets are reachable.

    An audit hook sees every way in which Python code reaches for the network, also through names that were imported
    before, which replacing functions of the module `socket` would miss.
    """
    sys.addaudithook(_refuse_outside)


def _refuse_outside(event: str, args: tuple[object, ...]) -> None:
    if event in _REACHING:
        address = args[1]
        # Internet addresses are tuples; a path belongs to a Unix socket.
        near = not isinstance(address, tuple) or _is_loopback(address[0])
        target: object = address
    elif event in _LOOKING_UP:
        # A server that listens on every address of this machine looks up "0.0.0.0", which asks nobody.
        near = args[0] in {None, "", b"", "0.0.0.0", "::"} or _is_loopback(args[0])  # noqa: S104  not a bind
        target = args[0]
    else:
        return
    if not near:
        raise OutsideConnectionError(f"tests stay on this machine, and one reached for {target!r} ({event})")


def _is_loopback(host: object) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
