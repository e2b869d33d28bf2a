"""Requests no client sends, byte by byte: what each is, and what a server may say to it."""

from __future__ import annotations

import errno
import json
import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tests.security.strings import CORPORA

HEAD = "Host: 127.0.0.1\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = f"POST /user/email/undo HTTP/1.1\r\n{HEAD}{FORM}Transfer-Encoding: chunked\r\n"
NEXT = f"GET /healthz?smuggled HTTP/1.1\r\n{HEAD}\r\n"
LENGTH = f"POST /user/email/undo HTTP/1.1\r\n{HEAD}{FORM}Content-Length: "
# One answer, REFUSALS at most, and the connection ends: what follows is nobody's request.
REFUSALS = (400, 404, 414, 431, 501)
REFUSED = {
    "nothing but spaces": "     \r\n\r\n",
    "one word": "GET\r\n\r\n",
    "no version": f"GET /healthz\r\n{HEAD}\r\n",
    "HTTP/0.9": "GET /healthz\r\n",
    "HTTP/3.0": f"GET /healthz HTTP/3.0\r\n{HEAD}\r\n",
    "HTTP/9.9": f"GET /healthz HTTP/9.9\r\n{HEAD}\r\n",
    "a small version": f"GET /healthz http/1.1\r\n{HEAD}\r\n",
    "four words": f"GET /healthz now HTTP/1.1\r\n{HEAD}\r\n",
    "a method with a colon": f"G:T /healthz HTTP/1.1\r\n{HEAD}\r\n",
    "a method of NUL": f"\0 /healthz HTTP/1.1\r\n{HEAD}\r\n",
    "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a long line": f"GET /{'a' * 5_000} HTTP/1.1\r\n{HEAD}\r\n",
    "many headers": "\r\n".join(["GET /healthz HTTP/1.1", *["X: y"] * 200, f"{HEAD}\r\n"]),
    "a huge header": f"GET /healthz HTTP/1.1\r\n{HEAD}Cookie: session={'A' * 9_000}\r\n\r\n",
    "no Host": "GET / HTTP/1.1\r\n\r\n",
    "an empty Host": "GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "two Hosts": f"GET / HTTP/1.1\r\n{HEAD}Host: evil.example\r\n\r\n",
    "the same Host twice": f"GET / HTTP/1.1\r\n{HEAD}{HEAD}\r\n",
    "a Host with a space": "GET / HTTP/1.1\r\nHost: 127.0.0.1 evil.example\r\n\r\n",
    "a Host with a tab": "GET / HTTP/1.1\r\nHost: 127.0.0.1\tx\r\n\r\n",
    "a Host with a path": "GET / HTTP/1.1\r\nHost: 127.0.0.1/x\r\n\r\n",
    "a Host with a name": "GET / HTTP/1.1\r\nHost: me@127.0.0.1\r\n\r\n",
    "a Host with a script": 'GET / HTTP/1.1\r\nHost: "><script>\r\n\r\n',
    "another Host": "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "a Host with a line": "GET / HTTP/1.1\r\nHost: 127.0.0.1%0d%0aX:1\r\n\r\n",
    "two Hosts, one with a space before the colon": f"GET / HTTP/1.1\r\n{HEAD}Host : evil.example\r\n\r\n",
    "a header without a colon": f"GET /healthz HTTP/1.1\r\n{HEAD}nonsense\r\n\r\n",
    "a header without a name": f"GET /healthz HTTP/1.1\r\n{HEAD}: x\r\n\r\n",
    "a header that is folded": f"GET /healthz HTTP/1.1\r\n{HEAD}X: a\r\n b\r\n\r\n",
    "a header with NUL": f"GET /healthz HTTP/1.1\r\n{HEAD}X: a\0b\r\n\r\n",
    "a header with a bare CR": f"GET /healthz HTTP/1.1\r\n{HEAD}X: a\rY: b\r\n\r\n",
    "a name with a space": f"GET /healthz HTTP/1.1\r\n{HEAD}X Y: a\r\n\r\n",
    "a name that ends in a space": f"GET /healthz HTTP/1.1\r\n{HEAD}X : a\r\n\r\n",
    "a first header that is folded": f"GET /healthz HTTP/1.1\r\n X: a\r\n{HEAD}\r\n",
    "a length below nothing": f"{LENGTH}-1\r\n\r\n{NEXT}",
    "a length with a sign": f"{LENGTH}+3\r\n\r\na=b{NEXT}",
    "a length in words": f"{LENGTH}5x\r\n\r\nabcde{NEXT}",
    "a length of other digits": f"{LENGTH}\xb2\r\n\r\nab{NEXT}",
    "an underscored length": f"{LENGTH}1_0\r\n\r\n0123456789{NEXT}",
    "a hexadecimal length": f"{LENGTH}0x3\r\n\r\nabc{NEXT}",
    "two lengths": f"{LENGTH}5\r\nContent-Length: 6\r\n\r\nabcdef{NEXT}",
    "one length twice": f"{LENGTH}3\r\nContent-Length: 3\r\n\r\na=b{NEXT}",
    "a list of lengths": f"{LENGTH}3, 3\r\n\r\na=b{NEXT}",
    "length and chunks": f"{CHUNKED}Content-Length: 6\r\n\r\n0\r\n\r\nG{NEXT}",
    "chunks and length": f"{LENGTH}6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG{NEXT}",
    "chunks with a space before the colon": f"{LENGTH}6\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\nG{NEXT}",
    "an unknown encoding": f"{LENGTH}6\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\nG{NEXT}",
    "an encoding with a tab": f"{LENGTH}6\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\nG{NEXT}",
    "chunked twice": f"{CHUNKED}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{NEXT}",
    "chunked, then identity": f"{CHUNKED}Transfer-Encoding: identity\r\n\r\n0\r\n\r\n{NEXT}",
    "chunks in HTTP/1.0": f"POST /user/email/undo HTTP/1.0\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{NEXT}",
    "CONNECT": f"CONNECT evil.example:443 HTTP/1.1\r\n{HEAD}\r\n",
    "a target without a slash": f"GET user/login HTTP/1.1\r\n{HEAD}\r\n",
    "the proxy protocol": f"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\nGET /healthz HTTP/1.1\r\n{HEAD}\r\n",
}
# What breaks off has no answer or one; a body that is junk has exactly one.
JUNK = {
    "a chunk of no number": f"{CHUNKED}\r\nzz\r\n{NEXT}",
    "a chunk with a sign": f"{CHUNKED}\r\n-3\r\nabc\r\n0\r\n\r\n",
    "a chunk with 0x": f"{CHUNKED}\r\n0x3\r\nabc\r\n0\r\n\r\n{NEXT}",
    "a chunk of an underscore": f"{CHUNKED}\r\n1_0\r\n0123456789012345\r\n0\r\n\r\n{NEXT}",
    "a huge chunk": f"{CHUNKED}\r\nffffffffffffffff\r\nabc",
    "a chunk longer than said": f"{CHUNKED}\r\n3\r\nabcdef\r\n0\r\n\r\n{NEXT}",
    "a chunk that ends early": f"{CHUNKED}\r\n10\r\nabc",
    "a long chunk line": f"{CHUNKED}\r\n3;{'x' * 70_000}\r\nabc\r\n0\r\n\r\n",
    "a chunk with NUL beside its number": f"{CHUNKED}\r\n3;\0\r\nabc\r\n0\r\n\r\n",
    "chunks without an end": f"{CHUNKED}\r\n3\r\na=b\r\n",
    "a trailer that is junk": f"{CHUNKED}\r\n3\r\na=b\r\n0\r\nnonsense\r\n\r\n{NEXT}",
    "half a body": f"{LENGTH}1000\r\n\r\nabc",
    "no body": f"{LENGTH}1000\r\n\r\n",
    "a huge length": f"{LENGTH}{'9' * 20}\r\n\r\n",
    "half a head": f"GET /healthz HTTP/1.1\r\n{HEAD}X: a",
    "half a line": "GET /hea",
}
# The service reads no body of an unknown type, and answers what it answers to an empty one.
UNREAD = {name: raw.replace(FORM, "") for name, raw in JUNK.items() if FORM in raw}
# Odd, but HTTP: so many answers and no more; a body in chunks ends its connection.
ANSWERED = {
    "two requests at once": (f"GET /healthz HTTP/1.1\r\n{HEAD}\r\n{NEXT}", 2),
    "fifty requests at once": (f"GET /healthz HTTP/1.1\r\n{HEAD}\r\n" * 50, 50),
    "a body, then a request": (f"{LENGTH}3\r\n\r\na=b{NEXT}", 2),
    "a body nobody reads, then a request": (f"GET /healthz HTTP/1.1\r\n{HEAD}Content-Length: 3\r\n\r\nGET{NEXT}", 2),
    "chunks, then a request": (f"{CHUNKED}\r\n3\r\na=b\r\n0\r\n\r\n{NEXT}", 1),
    "chunks with extensions": (f"{CHUNKED}\r\n3;x=y\r\na=b\r\n0\r\n\r\n{NEXT}", 1),
    "chunks with a trailer": (f"{CHUNKED}\r\n3\r\na=b\r\n0\r\nX: y\r\n\r\n{NEXT}", 1),
    "an expectation": (f"{LENGTH}3\r\nExpect: 100-continue\r\n\r\na=b", 2),
    "an upgrade": (f"GET /healthz HTTP/1.1\r\n{HEAD}Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", 1),
    "an absolute target of another host": (f"GET http://evil.example/healthz HTTP/1.1\r\n{HEAD}\r\n", 1),
    "an absolute target": ("GET http://127.0.0.1/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 1),
    "an odd method": (f"FOO /healthz HTTP/1.1\r\n{HEAD}\r\n", 1),
    "TRACE": (f"TRACE /healthz HTTP/1.1\r\n{HEAD}Cookie: s=1\r\n\r\n", 1),
    "OPTIONS *": (f"OPTIONS * HTTP/1.1\r\n{HEAD}\r\n", 1),
    "a path with NUL": (f"GET /\0 HTTP/1.1\r\n{HEAD}\r\n", 1),
    "a path of bytes": (f"GET /\xff\xfe HTTP/1.1\r\n{HEAD}\r\n", 1),
    "a path with a fragment": (f"GET /healthz#x HTTP/1.1\r\n{HEAD}\r\n", 1),
    "an empty line first": (f"\r\nGET /healthz HTTP/1.1\r\n{HEAD}\r\n", 1),
    "bare line feeds": ("GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n", 1),
    "HTTP/1.0 without a Host": ("GET /healthz HTTP/1.0\r\n\r\n", 1),
    "a header of bytes": (f"GET /healthz HTTP/1.1\r\n{HEAD}X: \xff\xfe\r\n\r\n", 1),
    "an underscored header": (f"GET /healthz HTTP/1.1\r\n{HEAD}Content_Length: 5\r\n\r\n", 1),
    "HEAD with a body": (f"HEAD /healthz HTTP/1.1\r\n{HEAD}Content-Length: 3\r\n\r\nabc", 1),
}


@dataclass(frozen=True)
class Said:
    """Everything a server sent on a connection: the status of each answer, and whether the last one is whole.

    Where it closed with much unread, the answer may be lost on the way: the connection was cut.
    """

    statuses: tuple[int, ...]
    whole: bool
    cut: bool = False

    @property
    def answers(self) -> int:
        """How many requests were answered; one that was cut off counts as refused."""
        return len(self.statuses) or int(self.cut)


def corpora() -> dict[str, str]:
    """The corpora's requests, where they lie beside this repository; a "GEN:" line is built here."""
    path = CORPORA / "http/raw_requests.json"
    rows = json.loads(path.read_text("utf-8")) if Path(path).exists() else []
    return {row["name"]: _built(row["request_latin1"]) for row in rows}


def _built(text: str) -> str:
    if not text.startswith("GEN:"):
        return text
    what, times = text[4:].removesuffix(" HTTP/1.1").rsplit("*", 1)
    if what.startswith("GET /"):
        return f"{what[:-4]}{'A' * int(times)} HTTP/1.1\r\n{HEAD}\r\n"
    line = what[:-1] + what[-1] * int(times) if what.startswith("Cookie") else "\r\n".join([what] * int(times))
    return f"GET / HTTP/1.1\r\n{HEAD}{line}\r\n\r\n"


def talk(port: int, sent: bytes, timeout: float = 60) -> Said:
    """Send all of it, say that nothing follows, and read until the server has done."""
    received, cut = b"", False
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        with suppress(ConnectionResetError, BrokenPipeError):
            connection.sendall(sent)
        try:
            connection.shutdown(socket.SHUT_WR)
            while data := connection.recv(65536):
                received += data
        except OSError as error:
            cut = error.errno in (errno.ECONNRESET, errno.ENOTCONN)
            if not cut:
                raise
    return replace(heard(received, sent), cut=cut)


def heard(received: bytes, sent: bytes) -> Said:
    """The answers in what was received; those to HEAD have no body."""
    statuses, whole = [], True
    while received:
        head, gap, rest = received.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        words = lines[0].split(b" ", 2)
        if not gap or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            return Said(tuple(statuses), False)
        statuses.append(int(words[1]))
        fields = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])
        }
        length = 0 if sent.startswith(b"HEAD") or statuses[-1] == 100 else int(fields.get(b"content-length", b"0"))
        whole = len(rest) >= length
        received = rest[length:]
    return Said(tuple(statuses), whole)
