"""The explorer: panels in the browser and in notebooks; Python computes, the page only draws.

How it is put together, and how a panel is added, in short (docs/explorer.md has it in full):

- `panels/<name>.py` holds `RECORD = Panel(…)`: functions `(Request) -> reply`, by name, and
  streams for what runs on (training). A reply is a dict of JSON values and NumPy arrays. What a
  request may ask is checked with `request.whole("depth", 1, 600)` and the like; an error of ours
  becomes the sentence that the page shows.
- `page/<name>.js` holds `definePanel("<name>", (element, context) => …)`. `bundle.py` joins
  `core.js`, `chart.js`, `controls.js`, one part for each panel and `mount.js` into the one module
  that server and notebook use; each panel's part is a block of its own, so its names stay its own.
- The wire (`wire.py`, `session.py`): commands go up as JSON text, everything comes down as one
  binary frame each. `{"id", "ask": "panel.question", "args"}` is answered once;
  `{"id", "open": "panel.stream", "args"}` opens a stream, `{"id", "to", "tell", "args"}` speaks
  to it, `{"close"}` ends it; `{"credit"}` gives back the credit of one frame that was drawn.
"""

from actscope.app.widget import explore as explore
