"""What the kernel knows about bytes that were sent."""

import socket
import struct

_TCP_INFO_BYTES = 256
_ACKED = struct.Struct("=120xQ")
_SENT_AND_RESENT = struct.Struct("=200xQQ")


def nothing_acknowledged(connection: socket.socket, length_bytes: int) -> bool:
    """Of the last ``length_bytes`` that were sent, the peer's TCP has acknowledged none.

    When the peer's FIN is here already, this proves that it had closed before they came: a FIN that was sent after they
    had come would acknowledge them. False also when this kernel cannot tell (``struct tcp_info`` of Linux before 4.19).
    """
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    if len(info) < _SENT_AND_RESENT.size:
        return False
    (acked,) = _ACKED.unpack_from(info)
    sent, resent = _SENT_AND_RESENT.unpack_from(info)
    syn = 1
    return bool(sent - resent - acked + syn >= length_bytes)
