"""The server: who may speak to it, what it refuses, what a hundred clients leave behind."""

import contextlib
import gc
import json
import queue
import signal
import socket
import threading
import time
import tracemalloc

import pytest
import uvicorn
from typer.testing import CliRunner
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from actscope.app.request import Settings
from actscope.app.server import MOST_CLIENTS, Explorer, configuration, listen
from actscope.app.session import MOST_MESSAGE, MOST_WAITING
from actscope.app.wire import decode
from actscope.cli import app as command_line
from actscope.errors import OutputError


class Running:
    """An explorer in this process, so that a test can look inside."""

    def __init__(self, origins=()):
        self.socket = listen("127.0.0.1", 0)
        self.port = self.socket.getsockname()[1]
        self.explorer = Explorer(Settings(), self.port, origins)
        self.server = uvicorn.Server(configuration(self.explorer))
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],))
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def end(self):
        self.server.should_exit = True
        self.thread.join(20)

    def open(self, origin=None, host=None):
        here = host or f"127.0.0.1:{self.port}"
        origin = f"http://127.0.0.1:{self.port}" if origin is None else origin or None
        carrier = socket.create_connection(("127.0.0.1", self.port))  # whatever the name says
        return connect(f"ws://{here}/socket", origin=origin, sock=carrier)

    def get(self, path, host=None, **headers):
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host or f"127.0.0.1:{self.port}")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        text = response.read().decode("utf8", "replace")
        connection.close()
        return response, text


@pytest.fixture(scope="module")
def running():
    running = Running(["http://lab.example:8421"])
    yield running
    running.end()


def ask(ws, **command):
    ws.send(json.dumps(command))
    return decode(ws.recv(timeout=30))


# --- who may speak to it


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        (None, None, 101),
        ("localhost:{port}", "http://localhost:{port}", 101),
        ("[::1]:{port}", "http://[::1]:{port}", 101),
        ("lab.example:8421", "http://lab.example:8421", 101),
        (None, "http://evil.example", 403),
        (None, "http://127.0.0.1:1", 403),
        (None, "https://127.0.0.1:{port}", 403),
        (None, "null", 403),
        (None, "", 403),
        ("evil.example", "http://evil.example", 403),
        ("evil.example:{port}", None, 403),
    ],
)
def test_a_socket_opens_for_our_own_pages_alone(running, host, origin, status):
    host, origin = (v and v.format(port=running.port) for v in (host, origin))
    if status == 101:
        with running.open(origin, host) as ws:
            assert ask(ws, id=1, ask="hello")["reply"]["panels"]
    else:
        with pytest.raises(InvalidStatus) as refused:
            running.open(origin, host)
        assert refused.value.response.status_code == status
        assert b"this explorer" in refused.value.response.body


def test_pages_are_guarded_too(running):
    assert running.get("/")[0].status == 200
    response, text = running.get("/", host="evil.example")
    assert (response.status, "Host 'evil.example'" in text) == (403, True)
    assert running.get("/explorer.js", Origin="http://evil.example")[0].status == 403
    policy = running.get("/")[0].headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_server_and_the_notebook_have_one_module(running):
    from actscope.app.widget import explore

    widget = explore("depth")
    assert running.get("/explorer.js")[1] == widget._esm
    assert running.get("/explorer.css")[1] == widget._css
    widget.close()


# --- what it refuses, with a sentence


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no json", "no JSON object"),
        ("[" * 100_000, "no JSON object"),
        ('{"id": 1}', "expected ask, open, tell, credit or close"),
        ('{"id": -1, "ask": "hello"}', "a whole number"),
        ('{"id": 1, "ask": "nowhere.read"}', "unknown panel 'nowhere'"),
        ('{"id": 1, "ask": "activation.__class__"}', "unknown activation question"),
        ('{"id": 1, "ask": "activation.read", "args": 7}', "an object with the arguments"),
        ('{"id": 1, "ask": "activation.read", "args": {"x": 1e999}}', "a number from"),
        ('{"id": 1, "ask": "activation.read", "args": {"x": NaN}}', "a number from"),
        ('{"id": 1, "ask": "activation.read", "args": {"f": ["a", "b", "c", "d", "e", "f"]}}', "5"),
        ('{"id": 1, "ask": "depth.products", "args": {"depth": 601}}', "from 1 to 600"),
        ('{"id": 1, "ask": "depth.measured", "args": {"width": 5000}}', "from 4 to 64"),
        ('{"id": 1, "open": "dead.train", "args": {"steps": 1000000}}', "from 1 to 2000"),
        ('{"id": 1, "to": 99, "tell": "pause"}', "stream 99 is not open"),
    ],
)
def test_a_bad_command_gets_a_sentence_and_the_socket_lives(running, command, words):
    with running.open() as ws:
        ws.send(command)
        error = decode(ws.recv(timeout=30))["error"]
        assert words in error
        assert len(error) < 500
        assert ask(ws, id=2, ask="hello")["id"] == 2


def test_a_window_that_asks_too_much_at_once_is_told(running, monkeypatch):
    from actscope.app.panels.activation import RECORD

    monkeypatch.setitem(RECORD.questions, "slow", lambda request: time.sleep(0.02) or {})
    with running.open() as ws:
        count = 3 * MOST_WAITING
        for i in range(count):
            ws.send(json.dumps({"id": i, "ask": "activation.slow"}))
        replies = [decode(ws.recv(timeout=60)) for _ in range(count)]
    refused = [r["error"] for r in replies if "error" in r]
    assert f"at most {MOST_WAITING}" in refused[0]
    assert len(replies) - len(refused) >= MOST_WAITING


def test_a_command_that_is_too_long_closes_the_socket_with_a_reason(running):
    with running.open() as ws, pytest.raises(ConnectionClosed) as closed:
        # in two parts, the second small: what is sent and never read can cost the reason
        ws.send(["x" * (MOST_MESSAGE - 10), "x" * 20])
        ws.recv(timeout=20)
    assert closed.value.rcvd.code == 1009


def test_a_fault_of_ours_is_told_and_the_rest_goes_on(running, monkeypatch, capsys):
    from actscope.app.panels.activation import RECORD

    def broken(request):
        raise ZeroDivisionError("planted")

    monkeypatch.setitem(RECORD.questions, "read", broken)
    with running.open() as ws:
        reply = ask(ws, id=1, ask="activation.read")
        assert "failed at this request (ZeroDivisionError: planted)" in reply["error"]
        assert ask(ws, id=2, ask="hello")["id"] == 2
    assert "planted" in capsys.readouterr().err


def test_downloads_are_answered_or_refused(running):
    assert running.get("/file/activation/nothing")[0].status == 404
    assert running.get("/file/..%2f..%2fetc/passwd")[0].status == 404
    assert running.get("/page/style.css")[0].status == 404


# --- streams and credits


def test_a_stream_sends_two_frames_and_then_one_for_each_credit(running):
    with running.open() as ws:
        settings = {"steps": 2000, "lr": 0.1}
        assert ask(ws, id=5, open="dead.train", args=settings)["reply"] == {"open": True}
        frames = [decode(ws.recv(timeout=30))["reply"] for _ in range(2)]
        with pytest.raises(TimeoutError):
            ws.recv(timeout=0.5)
        ws.send('{"id": 0, "credit": 5}')
        frames.append(decode(ws.recv(timeout=30))["reply"])
        with pytest.raises(TimeoutError):
            ws.recv(timeout=0.5)
        assert frames[0]["step"] < frames[1]["step"] < frames[2]["step"] < 2000
        for _ in range(50):  # more credits than frames are no more than two
            ws.send('{"id": 0, "credit": 5}')
        waiting = []
        with contextlib.suppress(TimeoutError):
            while True:
                waiting.append(ws.recv(timeout=1))
        assert len(waiting) <= 51
        ws.send('{"id": 0, "close": 5}')
        assert ask(ws, id=6, ask="hello")["id"] == 6


def test_a_panel_has_one_stream_and_two_windows_have_their_own(running):
    with running.open() as one, running.open() as two:
        for ws in (one, two):
            assert ask(ws, id=1, open="dead.train", args={"steps": 200})["reply"]["open"]
        ask(one, id=2, ask="hello")
        one.send(
            '{"id": 3, "open": "dead.train", "args": {"steps": 200, "bias": -6, "spread": 0.1}}'
        )
        seen = {}
        while 3 not in seen or "step" not in seen[3]:
            frame = decode(one.recv(timeout=30))
            seen[frame["id"]] = frame["reply"]
        assert seen[3]["alive_firing"] == 0
        other = decode(two.recv(timeout=30))["reply"]
        assert other["alive_firing"] > 0
        reply = ask(one, id=4, to=1, tell="pause")
        while reply["id"] != 4:
            reply = decode(one.recv(timeout=30))
        assert "another took its place" in reply["error"]


# --- what is left behind


def rush(running, count):
    """Clients that ask, train, and leave in the middle of it, politely or not."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(running.open()) for _ in range(count)]
        for i, ws in enumerate(clients):
            ws.send(json.dumps({"id": 1, "ask": "activation.curves", "args": {}}))
            ws.send(json.dumps({"id": 2, "open": "dead.train", "args": {"steps": 2000}}))
            if i % 2:
                ws.socket.shutdown(socket.SHUT_RDWR)
        for ws in clients:
            with contextlib.suppress(Exception):
                ws.recv(timeout=0.05)


def test_a_hundred_clients_leave_no_task_thread_or_memory():
    running = Running()
    found = queue.Queue()

    def settled():
        until = time.monotonic() + 40
        while time.monotonic() < until and (running.explorer.sessions or tasks() > base_tasks):
            time.sleep(0.05)
        return len(running.explorer.sessions), tasks()

    def tasks():
        import asyncio

        loop = next(iter(running.server.servers)).get_loop()
        loop.call_soon_threadsafe(lambda: found.put(len(asyncio.all_tasks())))
        return found.get(timeout=10)

    try:
        base_tasks = tasks()
        rush(running, 20)  # what is made once is made
        assert settled() == (0, base_tasks)
        threads = threading.active_count()
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.take_snapshot()
        rush(running, 100)
        assert settled() == (0, base_tasks)
        gc.collect()
        after = tracemalloc.take_snapshot()
        tracemalloc.stop()
        grown = sum(entry.size_diff for entry in after.compare_to(before, "filename"))
        assert threading.active_count() <= threads
        assert grown < 2_000_000, after.compare_to(before, "filename")[:5]
    finally:
        running.end()


def test_one_window_too_many_is_told(running):
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_CLIENTS):
            stack.enter_context(running.open())
        ws = stack.enter_context(running.open())
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(timeout=20)
        assert closed.value.rcvd.code == 1013
        assert "close one and reload" in closed.value.rcvd.reason


# --- the command


def serve(*options):
    return CliRunner().invoke(command_line, ["serve", "--no-open", *options])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--host", "0.0.0.0"), "--allow-origin"),
        (("--host", "0.0.0.0", "--allow-origin", "*"), "origin '*'"),
        (("--allow-origin", "http://a/path"), "origin 'http://a/path'"),
        (("--host", "no.such.host.invalid", "--allow-origin", "http://a"), "cannot be used"),
        (("--studies", "/nowhere"), "expected a folder that exists"),
    ],
)
def test_options_that_cannot_be_are_one_sentence_and_exit_code_2(options, words):
    result = serve(*options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_taken_port_is_told_and_the_usual_one_gives_way():
    with contextlib.closing(listen("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = serve("--port", str(port))
        assert (result.exit_code, f"port {port} is taken" in result.stderr) == (2, True)
        with pytest.raises(OutputError):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_it_prints_the_url_when_it_answers_and_ends_cleanly(helpers, how, code):
    server = helpers.Server()
    import urllib.request

    with urllib.request.urlopen(server.url, timeout=20) as response:
        assert response.status == 200
    with connect(server.url.replace("http", "ws") + "socket", origin=server.url.rstrip("/")) as ws:
        ws.send('{"id": 1, "open": "dead.train", "args": {"steps": 2000}}')
        ws.recv(timeout=30)
        server.process.send_signal(how)
        server.process.wait(20)
    server.process.stdout.close()
    assert server.process.returncode == code
