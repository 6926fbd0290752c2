"""What the figure tests share: a short run, and what a figure says."""

import numpy as np
import pytest

from actscope.article.run import reproduce
from actscope.article.setup import Setup

MANY = ["sigmoid", "relu", "tanh", "leaky_relu", "gelu", "x*sigmoid(1.7*x)", "silu", "elu"]


@pytest.fixture(scope="session")
def runs():
    """Short runs of 1 to 8 activations, by their number."""
    return {n: reproduce(MANY[:n], setup=Setup(epochs=15)) for n in (1, 2, 3, 4, 6, 8)}


@pytest.fixture(scope="session")
def diverged():
    """A run in which one of three networks diverges."""
    return reproduce(["relu", "x**3", "tanh"], setup=Setup(epochs=20, lr=0.5))


def _texts(figure):
    """Every text that is drawn and not empty; drawing says which ones are."""
    from matplotlib.text import Text

    drawn, draw = [], Text.draw

    def note(self, renderer, *args, **kwargs):
        if self.get_visible() and self.get_text().strip():
            drawn.append(self)
        return draw(self, renderer, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", note)
        figure.canvas.draw()
    return list(dict.fromkeys(drawn))


def _words(figure):
    """Everything a figure says, as one string."""
    return "\n".join(t.get_text() for t in _texts(figure))


def _check_layout(figure, smallest=8.9):
    """Every text lies inside the figure, is large enough, and no two texts overlap.

    Texts written beside data points may lie on lines, but not on each other.
    """
    whole = figure.bbox
    boxes = [(t, t.get_window_extent(figure.canvas.get_renderer())) for t in _texts(figure)]
    for text, box in boxes:
        assert text.get_size() >= smallest, (text.get_text(), text.get_size())
        inside = whole.x0 - 1 <= box.x0 and box.x1 <= whole.x1 + 1
        assert inside and whole.y0 - 1 <= box.y0 and box.y1 <= whole.y1 + 1, text.get_text()
    shrunk = [(t, b.shrunk(0.92, 0.92)) for t, b in boxes]
    for i, (text, box) in enumerate(shrunk):
        for other, second in shrunk[i + 1 :]:
            assert not box.overlaps(second), (text.get_text(), other.get_text())


def _is_png(content):
    """Whether bytes are a PNG that shows something (it is not one colour)."""
    import io

    from PIL import Image

    image = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    return image.std() > 5


@pytest.fixture(scope="session")
def words():
    """words(figure)."""
    return _words


@pytest.fixture(scope="session")
def check_layout():
    """check_layout(figure, smallest)."""
    return _check_layout


@pytest.fixture(scope="session")
def is_png():
    """is_png(content)."""
    return _is_png
