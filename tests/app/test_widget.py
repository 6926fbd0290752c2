"""Panels in notebooks: a kernel's comm messages, a page that hosts the module, a still picture."""

import asyncio
import base64
import json
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from actscope import dead_units
from actscope.activations import activation
from actscope.app import bundle
from actscope.app.panels import SHELF
from actscope.app.request import Settings
from actscope.app.widget import MOST_VIEWS, Views, explore, static_picture
from actscope.app.wire import decode
from actscope.errors import UnknownName

PNG = b"\x89PNG"


def test_an_unknown_panel_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'depth'"):
        explore("dept")


def test_the_widget_is_the_servers_module_and_style():
    widget = explore("depth", depth=50)
    assert (widget._esm, widget._css) == (bundle.module(), bundle.style())
    assert widget.state == "depth?depth=50"
    assert "import " not in bundle.module().replace("import(", "")  # anywidget loads one module
    widget.close()


@pytest.mark.parametrize("name", [p.name for p in SHELF if p.picture is not None])
def test_a_stored_notebook_shows_a_picture(name):
    data, _ = explore(name)._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(PNG)
    assert "application/vnd.jupyter.widget-view+json" in data


def test_the_picture_follows_the_state_and_one_that_cannot_be_is_left_out():
    own = static_picture("activation?f=relu", Settings())
    assert own != static_picture("activation?f=gelu&f=silu&span=10", Settings())
    assert static_picture("activation?f=nonsense", Settings()) == ""


def aside(work, *args):
    """Do it in a thread of its own: the browser of other tests keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *args).result(60)


class Kept:
    """A widget's views, with what was sent to them; no loop runs where they are asked."""

    def __init__(self):
        self.sent = queue.Queue()
        self.views = Views(Settings(), lambda head, frame: self.sent.put((head, decode(frame))))

    def ask(self, view, **command):
        aside(self.views.take, {"view": view, "text": json.dumps(command)})

    def answer(self, patience=20):
        return self.sent.get(timeout=patience)


def test_without_a_running_loop_a_view_is_answered_from_a_thread():
    kept = Kept()
    kept.ask("a", id=1, ask="activation.read", args={"f": ["tanh"], "x": 1})
    head, frame = kept.answer()
    assert head == {"view": "a"}
    assert frame["reply"]["readings"][0]["value"] == float(activation("tanh")(1.0))
    kept.ask("b", id=1, ask="activation.read", args={"x": "up"})
    head, frame = kept.answer()
    assert head == {"view": "b"}
    assert "expected a number" in frame["error"]
    kept.views.close()
    assert len(kept.views) == 0


def test_views_are_bounded_and_the_last_word_of_one_ends_it():
    kept = Kept()
    for i in range(MOST_VIEWS + 3):
        kept.ask(f"view {i}", id=1, ask="hello")
        kept.answer()
    assert len(kept.views) == MOST_VIEWS
    kept.views.take({"view": f"view {MOST_VIEWS}", "gone": True})
    assert len(kept.views) == MOST_VIEWS - 1
    kept.views.take("no message of ours")
    kept.views.close()


def test_on_a_kernels_loop_everything_stays_on_that_loop():
    async def kernel():
        threads = set()
        sent = asyncio.Queue()

        def send(head, frame):
            threads.add(threading.current_thread())
            sent.put_nowait(decode(frame))

        views = Views(Settings(), send)
        views.take({"view": "a", "text": '{"id": 1, "ask": "hello"}'})
        reply = await asyncio.wait_for(sent.get(), 20)
        views.close()
        await asyncio.sleep(0.05)
        return reply, threads == {threading.current_thread()}

    reply, same = aside(asyncio.run, kernel())
    assert same
    assert reply["reply"]["panels"][0]["name"] == "activation"


CELL = """
import actscope
widget = actscope.explore("dead", bias=-2, seed=3)
widget
"""


@pytest.fixture(scope="module")
def kernel():
    """An IPython kernel, as a notebook runs one."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    client = NotebookClient(notebook, kernel_name="python3", timeout=120)
    with client.setup_kernel():
        client.execute_cell(notebook.cells[0], 0)
        yield client, notebook.cells[0].outputs


@pytest.mark.filterwarnings("ignore")  # what Jupyter's own packages warn of
def test_a_notebook_holds_the_widget_and_its_picture(kernel):
    _, outputs = kernel
    data = outputs[-1]["data"]
    assert base64.b64decode(data["image/png"]).startswith(PNG)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"]


@pytest.mark.filterwarnings("ignore")
def test_a_kernel_answers_and_trains_by_comm_messages(kernel):
    client, outputs = kernel
    comm = outputs[-1]["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
    channel = client.kc

    def tell(**command):
        content = {"view": "v", "text": json.dumps(command)}
        message = {"comm_id": comm, "data": {"method": "custom", "content": content}}
        channel.shell_channel.send(channel.session.msg("comm_msg", message))

    def heard(number):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            message = iopub(channel)
            if message and message["buffers"]:
                frame = decode(bytes(message["buffers"][0]))
                if frame["id"] == number:
                    return frame["reply"]
        raise AssertionError("no answer")

    settings = {"f": "relu", "bias": -2, "seed": 3, "lr": 1, "steps": 6}
    tell(id=1, ask="dead.layer", args=settings)
    expected = dead_units("relu", bias=-2.0, seed=3, lr=1.0, steps=6)
    assert heard(1)["alive_firing"] == expected.firing[0]
    tell(id=2, open="dead.train", args=settings)
    assert heard(2) == {"open": True}
    curve = []
    while len(curve) < 7:
        curve += heard(2)["curve_firing"].tolist()
        tell(id=0, credit=2)
    assert curve == expected.firing.tolist()


def iopub(channel):
    """The kernel's next message to its pages, or None after a second."""
    from jupyter_core.utils import run_sync

    try:
        return run_sync(channel._async_get_iopub_msg)(timeout=1)
    except queue.Empty:
        return None


HOST = """async (module) => {
  const code = new Blob([module], {type: "text/javascript"});
  const { default: widget } = await import(URL.createObjectURL(code));
  const el = document.body.appendChild(document.createElement("div"));
  const state = {state: window.startState};
  const hear = new Set();
  window.deliver = (head, text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    for (const f of hear) f(head, [new DataView(bytes.buffer)]);
  };
  window.outbox = [];
  window.model = {
    get: (key) => state[key], set: (key, value) => { state[key] = value; },
    save_changes: () => { window.saved = {...state}; },
    on: (name, f) => hear.add(f), off: (name, f) => hear.delete(f),
    send: (content) => window.outbox.push(content),
  };
  window.leave = await widget.render({model: window.model, el});
}"""


def test_the_module_runs_under_a_minimal_host(browser, helpers):
    widget_sent = queue.Queue()
    views = Views(Settings(), lambda head, frame: widget_sent.put((head, frame)))
    page = browser.new_page(viewport={"width": 900, "height": 800})
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: m.type == "error" and problems.append(m.text))
    page.goto("about:blank")
    page.evaluate("window.startState = 'activation?f=tanh&x=1'")
    page.evaluate(HOST, bundle.module())

    def carry(holds):
        for _ in range(400):
            for content in page.evaluate("outbox.splice(0)"):
                views.take(content)
            while not widget_sent.empty():
                head, frame = widget_sent.get()
                page.evaluate("([h, t]) => deliver(h, t)", [head, base64.b64encode(frame).decode()])
            if page.evaluate(holds):
                return
            page.wait_for_timeout(25)
        raise AssertionError(f"never: {holds}")

    shown = "document.querySelector('[data-name=\"value tanh\"]')"
    carry(f"{shown} !== null")
    assert helpers.number(page, "value tanh") == float(activation("tanh")(1.0))
    assert page.locator("nav a").count() == 0  # no tabs, and the page's address is left alone
    page.focus("input[type=range]")
    assert page.get_attribute("input[type=range]", "data-lm-suppress-shortcuts") == "true"
    page.keyboard.press("ArrowRight")
    carry(f"{shown}.dataset.value !== '{float(activation('tanh')(1.0))!r}'")
    assert helpers.number(page, "value tanh") == float(activation("tanh")(1.01))
    carry("window.saved && window.saved.state.includes('x=1.01')")
    assert len(views) == 1
    page.evaluate("leave()")
    carry("true")
    assert len(views) == 0
    assert page.evaluate("location.href") == "about:blank"
    assert not problems, problems
    page.close()
