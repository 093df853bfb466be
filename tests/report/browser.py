"""A headless Chromium, told what to do through pipes by the DevTools protocol; nothing but Python's own library."""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import time

FLAGS = ["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--hide-scrollbars", "--no-first-run", "--disable-extensions", "--disable-component-update",
         "--disable-background-networking", "--disable-sync", "--metrics-recording-only", "--mute-audio"]
TIME_LIMIT = 60  # seconds, for one answer


class Browser:
    """One page. Events (requests, exceptions, messages of the log) are kept in `events`."""

    def __init__(self, profile):
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        # Without a network of its own it could ask for what the page must not.
        alone = ["unshare", "--net", "--"] if os.geteuid() == 0 and shutil.which("unshare") else []

        def as_devtools_expects():
            os.dup2(commands, 33)
            os.dup2(answers, 34)
            os.dup2(33, 3)
            os.dup2(34, 4)
            os.closerange(5, 64)

        self._process = subprocess.Popen([*alone, "chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, close_fds=False,
                                         preexec_fn=as_devtools_expects, start_new_session=True)
        os.close(commands)
        os.close(answers)
        self._number = 0
        self._buffer = b""
        self._session = None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        return self._wait(lambda answer: answer.get("id") == self._number)

    def _wait(self, wanted):
        deadline = time.monotonic() + TIME_LIMIT
        while True:
            while b"\0" not in self._buffer:
                if not select.select([self._read], [], [], max(0, deadline - time.monotonic()))[0]:
                    raise TimeoutError("the browser does not answer")
                data = os.read(self._read, 1 << 20)
                if not data:
                    raise EOFError("the browser ended")
                self._buffer += data
            line, self._buffer = self._buffer.split(b"\0", 1)
            message = json.loads(line)
            if "method" in message:
                self.events.append(message)
            if wanted(message):
                if "error" in message:
                    raise RuntimeError(message["error"])
                return message.get("result", message)

    def open(self, path):
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        if not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._wait(lambda event: event.get("method") == "Page.loadEventFired")

    def evaluate(self, expression):
        """The value of a JavaScript expression, which DevTools runs though the page itself may run none."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def show(self, width, dark=False, media="screen"):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def screenshot(self, path):
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(picture["data"]))

    def print(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"]))

    def close(self):
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._read)
        os.close(self._write)
