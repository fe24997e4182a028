import os
from pathlib import Path

import pytest

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def neuron(x1, x2, w1, w2, b):
    n = x1 * w1 + x2 * w2 + b
    return n.tanh()


def fork(x, w):
    a = x * w
    y = a * a
    z = y + a + 3 * x
    return z / w


NEURON = {"x1": 2.0, "x2": 0.0, "w1": -3.0, "w2": 1.0, "b": 6.8813735870195432}
FORK = {"x": 1.5, "w": -2.0}


@pytest.fixture(scope="session")
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    if not Path(program).exists():
        pytest.skip(f"needs Chromium: there is none at {program}; the environment variable CHROMIUM names another")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class Opened:
    """A page of a Stepper in the browser, with all it said and asked for."""

    def __init__(self, context, path):
        self.messages, self.requests = [], []
        self.page = context.new_page()
        self.page.set_default_timeout(30_000)  # a machine may be busy
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.messages.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def text(self, selector):
        return self.page.locator(selector).text_content()

    def state(self, element):
        return set((self.page.locator(f"#g{element}").get_attribute("data-state") or "").split())

    def press(self, *keys):
        """Press keys, each when the page has drawn what the one before did: only then has the focus moved, too."""
        for key in keys:
            self.page.keyboard.press(key)
            self.drawn()

    def drawn(self):
        """Wait until the page has been drawn once more."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    @property
    def at(self):
        return int(self.text("#where").split()[0]) - 1


@pytest.fixture
def opened(chromium, tmp_path):
    """Opens a Stepper; at the end, the page must have logged nothing and asked for nothing but itself."""
    contexts, pages = [], []

    def open_(stepper, **options):
        path = stepper.save(tmp_path / f"page{len(pages)}.html")
        contexts.append(chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options}))
        pages.append((Opened(contexts[-1], path), path))
        return pages[-1][0]

    yield open_
    for page, path in pages:
        assert page.messages == []
        assert [url for url in page.requests if not url.startswith("data:")] == [path.as_uri()]
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def walks():
    """Two functions walked through, each with its gradients straight from the engine."""
    import glassgrad as gg

    def both(function, inputs):
        values = {name: gg.Value(x) for name, x in inputs.items()}
        result = function(**values)
        result.backward()
        return gg.viz.step(function, **inputs), {name: value.grad for name, value in values.items()}

    return {"neuron": both(neuron, NEURON), "fork": both(fork, FORK)}
