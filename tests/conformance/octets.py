"""Python 2 byte strings for the converted Autobahn suite.

The suite's cases were written for Python 2, where a string literal is a row of
octets. After conversion a literal is a Python 3 `str` in which every character
stands for the octet of the same number (Latin-1), so that the cases' slicing,
joining and comparing keep their meaning without being touched. This module is
the border between such strings and the library's `bytes`: everything a case
sends is encoded here, everything it receives or logs is decoded here.
"""

import binascii

from autobahn.websocket import utf8validator


def to_bytes(octets):
    """The octets of a case's string. `bytes` (from the library) pass unchanged."""
    return octets.encode("latin-1") if isinstance(octets, str) else octets


def from_bytes(data):
    """`data` as a case sees it. A `str` passes unchanged."""
    return data if isinstance(data, str) else bytes(data).decode("latin-1")


def b2a_hex(octets):
    """Stands in for `binascii.b2a_hex`, which in Python 2 gave a `str`."""
    return binascii.b2a_hex(to_bytes(octets)).decode("ascii")


class Utf8Validator(utf8validator.Utf8Validator):
    """The library's validator, for a case's string."""

    def validate(self, octets):
        return super().validate(to_bytes(octets))


class OctetBorder:
    """Mixed in before the suite's client protocol: translates what crosses between case and library."""

    def sendFrame(self, opcode, payload=b"", **options):
        super().sendFrame(opcode, to_bytes(payload), **options)

    def sendMessage(self, payload, *args, **options):
        super().sendMessage(to_bytes(payload), *args, **options)

    def sendMessageFrameData(self, payload, *args, **options):
        return super().sendMessageFrameData(to_bytes(payload), *args, **options)

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False):
        super().sendCloseFrame(code, to_bytes(reasonUtf8), isReply)
        if self.localCloseReason is not None:
            self.localCloseReason = from_bytes(self.localCloseReason)

    def onMessage(self, payload, isBinary):
        super().onMessage(from_bytes(payload), isBinary)

    def onPong(self, payload):
        super().onPong(from_bytes(payload))

    def logRxOctets(self, data):
        super().logRxOctets(from_bytes(data))

    def logTxOctets(self, data, sync):
        super().logTxOctets(from_bytes(data), sync)

    def logRxFrame(self, frameHeader, payload):
        super().logRxFrame(frameHeader, [from_bytes(part) for part in payload])

    def logTxFrame(self, frameHeader, payload, *rest):
        super().logTxFrame(frameHeader, from_bytes(payload), *rest)

    def connectionLost(self, reason):
        for name in ("http_request_data", "http_response_data"):
            if hasattr(self, name):
                setattr(self, name, from_bytes(getattr(self, name)))
        super().connectionLost(reason)
