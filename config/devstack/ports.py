"""
Which port is free, and what to say when the wanted one is not.
"""

import errno
import socket
from itertools import chain


HOST = "127.0.0.1"
PORT_MAX = 65_535


def is_free(port: int) -> bool:
    """
    Tell whether a server could listen on the port now.
    """
    with socket.socket() as probe:
        # As the server does: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return not _is_answering(port)


def _is_answering(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


def find_free(*, above: int) -> int:
    """
    Return the first free port above the given one; where there is none, the last one below.
    """
    candidates = chain(range(above + 1, PORT_MAX + 1), range(above - 1, 1023, -1))
    return next(port for port in candidates if is_free(port))


def explain_taken(port: int) -> str:
    other = find_free(above=port)
    return (
        f"Port {port} is taken by another server.\n"
        f"Start Parado on a free one:  python3 manage.py up --port {other}"
    )
