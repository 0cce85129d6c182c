"""A browser without a window, driven over a pair of pipes: what Chromium's devtools protocol offers without a library."""

import json
import os
import shutil
import subprocess

PATH = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
# Chromium reads commands from descriptor 3 and writes answers to descriptor 4, each ended by a zero byte.
_START = 'exec "$0" "${@:3}" 3<&"$1" 4>&"$2"'


class Browser:
    """One page; a context manager.

    Args:
        profile: Empty folder for what the browser keeps.
        size: Width and height of the window.
        dark: Ask pages for dark colours.
    """

    def __init__(self, profile, size=(1180, 900), dark=False):
        flags = [
            "--headless",
            "--remote-debugging-pipe",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={profile}",
        ]
        read, commands = os.pipe()
        answers, write = os.pipe()
        self._process = subprocess.Popen(
            ["bash", "-c", _START, PATH, str(read), str(write), *flags],
            pass_fds=(read, write), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(read)
        os.close(write)
        self._commands, self._answers = os.fdopen(commands, "wb", 0), os.fdopen(answers, "rb")
        self._number, self._session, self.messages = 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        self.call("Runtime.enable")
        self.call("Log.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=size[0],
            height=size[1],
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._commands.close()
        self._process.terminate()
        self._process.wait(10)
        self._answers.close()

    def call(self, method, **params):
        """Give one command of the protocol and return its result; errors of the page go to `messages`."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": params}
        command |= {"sessionId": self._session} if self._session else {}
        self._commands.write(json.dumps(command).encode() + b"\0")
        while True:
            answer = json.loads(self._read())
            told = answer.get("params", {})
            if (
                answer.get("method") == "Runtime.exceptionThrown"
                or told.get("entry", {}).get("level") == "error"
            ):
                self.messages.append(json.dumps(told))
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _read(self):
        message = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            if not byte:
                raise RuntimeError("the browser has ended")
            message += byte
        return message

    def evaluate(self, script):
        """The value of an expression in the page; promises are awaited."""
        result = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def wait_for(self, condition, seconds=10):
        """Wait until an expression is true."""
        script = f"""new Promise((done, fail) => {{
            const end = Date.now() + {1000 * seconds};
            (function look() {{
                if ({condition}) done(true);
                else if (Date.now() > end) fail("waited in vain");
                else setTimeout(look, 20);
            }})();
        }})"""
        assert self.evaluate(script)

    def open(self, url):
        """Open an address and wait until it is loaded."""
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")
