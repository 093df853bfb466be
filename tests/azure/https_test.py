"""The HTTPS client against answers that only a raw server gives: long headers, cut bodies, a proxy."""

import json
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

import arm

BUILD = pathlib.Path(os.environ.get("BUILD", pathlib.Path(__file__).resolve().parents[2] / "build/linux-x64"))
REFUSED, INVALID, TOO_LARGE, FAILED = 3, 5, 6, 9  # machine::ErrorKind


class Https(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.authority, server = arm.make_certificates(cls.folder.name)
        cls.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cls.context.load_cert_chain(server)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def serve(self, raw):
        """Answers one connection with these bytes. Returns the port."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def work():
            try:
                connection, _ = listener.accept()
                with self.context.wrap_socket(connection, server_side=True) as stream:
                    stream.recv(65536)
                    stream.sendall(raw)
                    stream.unwrap()
            except OSError:
                pass  # the client has seen enough

        threading.Thread(target=work, daemon=True).start()
        return listener.getsockname()[1]

    def fetch(self, raw, limit=1 << 20, proxy=None):
        port = self.serve(raw)
        words = [BUILD / "fetch", str(port), self.authority, str(limit), *([proxy] if proxy else [])]
        return json.loads(subprocess.run(words, capture_output=True, text=True, timeout=60).stdout)

    def test_headers_come_with_the_answer(self):
        answer = self.fetch(b"HTTP/1.1 202 Accepted\r\nRetry-After: 7\r\nX-Twice: a\r\nX-TWICE: b\r\n"
                            b"Date: Sat, 21 Nov 2026 02:00:00 GMT\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(answer["status"], 202)
        self.assertEqual(answer["date"], "Sat, 21 Nov 2026 02:00:00 GMT")
        self.assertIn(["retry-after", "7"], answer["headers"])
        self.assertEqual([value for name, value in answer["headers"] if name == "x-twice"], ["a", "b"])

    def test_two_long_addresses_of_an_operation(self):
        """T12: Resource Manager signs them with a certificate: 4 KB each, two at once."""
        address = b"https://management.azure.com/x?c=" + b"M" * 4000
        answer = self.fetch(b"HTTP/1.1 202 Accepted\r\nLocation: " + address + b"\r\nAzure-AsyncOperation: " + address +
                            b"\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(len(dict(answer["headers"])["azure-asyncoperation"]), len(address))

    def test_headers_have_a_limit(self):
        answer = self.fetch(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000 + b"\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(answer["kind"], TOO_LARGE, answer)

    def test_the_body_has_the_limit_of_the_request(self):
        """T12"""
        raw = b"HTTP/1.1 200 OK\r\nContent-Length: 1048600\r\n\r\n" + b"x" * 1048600
        self.assertEqual(self.fetch(raw)["kind"], TOO_LARGE)
        self.assertEqual(self.fetch(raw, limit=16 << 20)["size"], 1048600)

    def test_a_body_that_is_cut_short_is_no_success(self):
        self.assertEqual(self.fetch(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")["kind"], FAILED)
        self.assertEqual(self.fetch(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")["kind"], FAILED)

    def proxy(self, answer):
        """A proxy that answers CONNECT so, and passes everything on. Returns its address and what it was asked."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        asked = []

        def pump(source, target):
            try:
                while data := source.recv(65536):
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        def work():
            client, _ = listener.accept()
            asked.append(client.recv(65536).decode())
            client.sendall(answer)
            if b" 200 " not in answer:
                return client.close()
            server = socket.create_connection(("127.0.0.1", int(asked[0].split()[1].rsplit(":", 1)[1])))
            threading.Thread(target=pump, args=(client, server), daemon=True).start()
            pump(server, client)

        threading.Thread(target=work, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}", asked

    def test_a_proxy_is_asked_for_a_tunnel(self):
        address, asked = self.proxy(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.assertEqual(self.fetch(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", proxy=address)["size"], 2)
        self.assertRegex(asked[0], r"^CONNECT localhost:\d+ HTTP/1.1\r\nHost: localhost:\d+\r\n\r\n$")

    def test_a_proxy_that_refuses_is_named(self):
        address, _ = self.proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        answer = self.fetch(b"", proxy=address)
        self.assertEqual(answer["kind"], REFUSED, answer)
        self.assertIn("407", answer["error"])
        self.assertIn(address, answer["error"])

    def test_a_proxy_needs_a_port(self):
        for proxy in ("proxy", ":80", "proxy:", "proxy:99999", "proxy:8o"):
            self.assertEqual(self.fetch(b"", proxy=proxy)["kind"], INVALID, proxy)
