"""A TLS server on loopback that speaks enough of Azure Blob Storage, and what an upload to it has to survive."""

import http.server
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse

SIGNATURE = "s3cretS1gnature%2Fx%3D"
BLOCK = 1 << 16


class BlobService:
    """`failures` are functions by the number of the request (from 1) that get its handler and take its place."""

    def __init__(self, certificate, failures=None):
        self.blocks, self.blobs, self.requests, self.failures = {}, {}, [], failures or {}
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            already_read = False

            def do_PUT(self):
                service.put(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # connections that break are what is tested
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        port = self.server.server_address[1]
        return f"https://localhost:{port}/bundles?sv=2022-11-02&sr=c&sp=cw&sig={SIGNATURE}"

    def put(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        query = urllib.parse.parse_qs(url.query)
        assert query["sig"] == [urllib.parse.unquote(SIGNATURE)], handler.path
        self.requests.append(query["comp"][0] + "".join(query.get("blockid", [])))
        if failure := self.failures.pop(len(self.requests), None):
            return failure(handler)
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.already_read = True
        if query["comp"] == ["block"]:
            self.blocks[query["blockid"][0]] = body
        else:
            ids = re.findall(r"<Uncommitted>([^<]*)</Uncommitted>", body.decode())
            if missing := [one for one in ids if one not in self.blocks]:
                return answer(400, f"InvalidBlockList {missing}")(handler)
            self.blobs[url.path] = b"".join(self.blocks[one] for one in ids)
        return answer(201)(handler)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def answer(status, body=""):
    def send(handler):
        if not handler.already_read:
            handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(body.encode())
    return send


def break_off(handler):
    """In the middle of what it is sent."""
    handler.rfile.read(int(handler.headers["Content-Length"]) // 2)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    handler.connection.close()


class Certificates:
    """Files with a key and a certificate each, for localhost and for another name; <file>.crt has the latter alone."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.good = self.make("good", "DNS:localhost")
        self.stranger = self.make("stranger", "DNS:localhost")
        self.other_name = self.make("other-name", "DNS:elsewhere.example")

    def make(self, name, subject):
        file = pathlib.Path(self.folder.name) / f"{name}.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={subject}", "-keyout", file,
                        "-out", f"{file}.crt"], check=True, capture_output=True)
        with open(file, "ab") as both:
            both.write(pathlib.Path(f"{file}.crt").read_bytes())
        return file

    def remove(self):
        self.folder.cleanup()


class UploadCases:
    """What the upload has to do on every system. A TestCase that inherits from it has `command`, and trusts the
    certificates `good` and `other_name`; `stranger` it does not."""

    untrusted = "no trusted TLS connection to localhost:"
    nobody_answers = "cannot connect to localhost:"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        certificates = Certificates()
        cls.addClassCleanup(certificates.remove)
        cls.good, cls.stranger, cls.other_name = certificates.good, certificates.stranger, certificates.other_name

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.content = bytes(number * 7919 % 251 for number in range(5 * BLOCK + 1234))
        (self.folder / "bundle.zip").write_bytes(self.content)

    def serve(self, failures=None, certificate=None):
        service = BlobService(certificate or self.good, failures)
        self.addCleanup(service.close)
        return service

    def command(self, url):
        raise NotImplementedError

    def upload(self, url):
        done = subprocess.run(self.command(url), capture_output=True, text=True, timeout=120)
        for output in [done.stdout, done.stderr, *(file.read_text(errors="replace")
                                                   for file in self.folder.glob("*.json"))]:
            self.assertNotIn("s3cretS1gnature", output)
        return done

    def test_sends_it_whole(self):
        service = self.serve()
        done = self.upload(service.url)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertEqual({"/bundles/bundle.zip": self.content}, service.blobs)
        self.assertEqual(f"{len(self.content)} of {len(self.content)}", done.stdout.splitlines()[-1])

    def test_survives_broken_connections_and_a_busy_service(self):
        service = self.serve({2: break_off, 3: break_off, 5: answer(503), 9: break_off})
        self.assertEqual(0, self.upload(service.url).returncode)
        self.assertEqual(self.content, service.blobs["/bundles/bundle.zip"])
        self.assertEqual(7 + 4, len(service.requests))

    def test_goes_on_after_it_was_killed(self):
        hold = threading.Event()
        self.addCleanup(hold.set)
        service = self.serve({4: lambda handler: hold.wait(60)})
        with subprocess.Popen(self.command(service.url), stdout=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 60
            while len(service.requests) < 4 and time.monotonic() < deadline:
                time.sleep(.01)
            process.send_signal(signal.SIGKILL)
        before = len(service.requests)
        self.assertEqual(0, self.upload(service.url).returncode)
        self.assertEqual(self.content, service.blobs["/bundles/bundle.zip"])
        self.assertEqual(["block00000003", "block00000004", "block00000005", "blocklist"], service.requests[before:])

    def test_goes_on_after_the_service_was_away_and_begins_anew_where_it_forgot(self):
        service = self.serve({number: break_off for number in range(4, 8)})
        self.assertEqual(1, self.upload(service.url).returncode)
        service.blocks.clear()
        self.assertEqual(0, self.upload(service.url).returncode)
        self.assertEqual(self.content, service.blobs["/bundles/bundle.zip"])

    def test_says_what_a_refusal_means(self):
        done = self.upload(self.serve({1: answer(403, "AuthenticationFailed")}).url)
        self.assertEqual(1, done.returncode)
        self.assertIn("answered 403: the signature has expired", done.stderr)

    def test_trusts_neither_a_stranger_nor_another_name(self):
        for certificate in (self.stranger, self.other_name):
            service = self.serve(certificate=certificate)
            done = self.upload(service.url)
            self.assertEqual(1, done.returncode)
            self.assertIn(self.untrusted, done.stderr)
            self.assertEqual([], service.requests)

    def test_nobody_answers(self):
        service = self.serve()
        url = service.url
        service.server.server_close()
        done = self.upload(url)
        self.assertEqual(1, done.returncode)
        self.assertIn(self.nobody_answers, done.stderr)
