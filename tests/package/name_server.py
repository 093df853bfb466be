"""Runs a command while a tiny name server answers on 127.0.0.1:53: name_server.py COMMAND...

It knows one host, backup.example. Meant for a network namespace of its own (unshare --net).
"""

import socket
import struct
import subprocess
import sys
import threading

HOST = "backup.example"
ADDRESSES = {1: socket.inet_pton(socket.AF_INET, "192.0.2.7"), 28: socket.inet_pton(socket.AF_INET6, "2001:db8::7")}
NO_SUCH_NAME = 3


def answer(query):
    """The answer to a query with one question, the only kind there is."""
    labels, end = [], 12
    while length := query[end]:
        labels.append(query[end + 1:end + 1 + length].decode())
        end += 1 + length
    end += 5  # the root label, type and class
    record_type = struct.unpack(">H", query[end - 4:end - 2])[0]

    known = ".".join(labels).lower() == HOST
    address = ADDRESSES.get(record_type) if known else None
    header = query[:2] + struct.pack(">HHHHH", 0x8180 | (0 if known else NO_SUCH_NAME), 1, 1 if address else 0, 0, 0)
    record = b"\xc0\x0c" + struct.pack(">HHIH", record_type, 1, 60, len(address)) + address if address else b""
    return header + query[12:end] + record


def serve(server):
    while True:
        query, client = server.recvfrom(512)
        server.sendto(answer(query), client)


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    threading.Thread(target=serve, args=[server], daemon=True).start()
    sys.exit(subprocess.run(sys.argv[1:], timeout=30).returncode)


if __name__ == "__main__":
    main()
