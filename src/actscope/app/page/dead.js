// Panel 3: the cells of one layer, before training and while it trains.

const ACROSS = 16; // cells in a row
const WIDTHS = [2, 4, 8, 16, 32, 64, 128];
const RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];

definePanel("dead", (element, context) => {
  const { state } = context;
  const number = (key, low, high, fallback) => Math.min(high, Math.max(low, state.number(key, fallback)));
  const setting = {
    f: state.get("f", "relu"),
    bias: number("bias", -20, 20, 0),
    spread: number("spread", 0, 20, 1),
    width: Math.round(number("width", 2, 128, 16)),
    seed: Math.round(number("seed", 0, 4294967295, 0)),
    optimiser: state.get("optimiser") === "adam" ? "adam" : "sgd",
    lr: number("lr", 0, 1e6, 10),
    steps: state.get("steps") === "2000" ? 2000 : 200,
  };
  let sense = state.get("alive") === "gradient" ? "passing" : "firing";
  let layer = null; // the newest census
  let style = null;
  let stream = null;
  let curve = { firing: [], passing: [], loss: [] };

  const problem = complaint();
  const look = context.latest("layer", (reply) => {
    problem.say();
    style = reply.style;
    if (stream) return;
    curve = { firing: [reply.alive_firing], passing: [reply.alive_passing], loss: [NaN] };
    take(reply);
  }, (error) => problem.say(error.message));

  /** A setting of the layer has changed: it starts anew. */
  function ask() {
    stop();
    state.set({ ...setting, alive: sense === "passing" ? "gradient" : null });
    look(setting);
  }

  // ---- controls
  const other = h("input", { type: "text", list: freshId("catalogue"), maxlength: "1000", autocomplete: "off", spellcheck: "false", "data-name": "typed", ...OWN_KEYS });
  const known = ["relu", "leaky_relu"];
  other.value = known.includes(setting.f) ? "gelu" : setting.f;
  const options = h("datalist", { id: other.getAttribute("list") });
  context.ask("catalogue").then((told) => options.append(...told.known.map((one) => h("option", { value: one.name }, one.label))));
  const otherField = field("Name or expression of x", other);
  otherField.append(options);
  other.addEventListener("change", () => { setting.f = other.value.trim(); ask(); });
  const which = choice({
    label: "Activation", name: "f", value: known.includes(setting.f) ? setting.f : "other",
    options: [["relu", "ReLU"], ["leaky_relu", "Leaky"], ["other", "Other"]],
    change: (v) => {
      otherField.hidden = v !== "other";
      setting.f = v === "other" ? other.value.trim() : v;
      ask();
    },
  });
  otherField.hidden = known.includes(setting.f);
  const slide = (key, label, low, high, step, hint = "") => slider({
    label, low, high, step, hint, name: key, value: setting[key],
    change: (v) => { setting[key] = v; ask(); },
  }).element;
  const pick = (key, label, values, text) => slider({
    label, low: 0, high: values.length - 1, step: 1, name: key, value: setting[key], text,
    at: (p) => values[p],
    of: (v) => values.reduce((best, one, i) => (Math.abs(Math.log(one / v)) < Math.abs(Math.log(values[best] / v)) ? i : best), 0),
    change: (v) => { setting[key] = v; ask(); },
  }).element;
  const seed = numberField({ label: "Seed", name: "seed", low: 0, high: 4294967295, step: 1, value: setting.seed, change: (v) => { setting.seed = Math.round(v); ask(); } });
  const steps = choice({
    label: "Steps", name: "steps", value: String(setting.steps), options: [["200", "200"], ["2000", "2,000"]],
    change: (v) => { setting.steps = Number(v); ask(); showButton(); },
  });
  const optimiser = choice({
    label: "Optimiser", name: "optimiser", value: setting.optimiser, options: [["sgd", "SGD"], ["adam", "Adam"]],
    change: (v) => { setting.optimiser = v; ask(); },
  });
  const train = button("", () => (stream ? cancel() : start()), { class: "as-primary", "data-name": "train" });
  const means = choice({
    label: "A unit counts as alive if", name: "alive-means", value: sense === "passing" ? "gradient" : "fires",
    options: [["fires", "it fires"], ["gradient", "a gradient passes"]],
    change: (v) => { sense = v === "gradient" ? "passing" : "firing"; state.set({ alive: v === "gradient" ? v : null }); if (layer) take(layer); },
  });

  // ---- cells
  const cells = h("div", { class: "as-cells", role: "listbox", "aria-label": "Units of the layer", "data-name": "cells", ...OWN_KEYS });
  const told = h("output", { class: "as-told", "aria-live": "off", "data-name": "unit" }, "Point at a unit, or walk over them with the arrow keys.");
  let current = 0;
  const cellAt = (i) => cells.children[i];
  const words = (i) => {
    const silent = layer.passing[i] ? `its slope is not 0 on ${layer.passing[i]}` : "its slope is 0 on all";
    return `unit ${i + 1}: active on ${layer.firing[i]} of ${layer.points} inputs; ${silent}`;
  };
  const tell = (i) => { if (layer && i >= 0) told.textContent = words(i); };
  const indexOf = (event) => [...cells.children].indexOf(event.target.closest("[role=option]"));
  cells.addEventListener("pointerover", (event) => tell(indexOf(event)));
  cells.addEventListener("focusin", (event) => {
    const i = indexOf(event);
    if (i < 0) return;
    cellAt(current).tabIndex = -1;
    cellAt(current).setAttribute("aria-selected", "false");
    current = i;
    cellAt(i).tabIndex = 0;
    cellAt(i).setAttribute("aria-selected", "true");
    tell(i);
  });
  cells.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -ACROSS, ArrowDown: ACROSS, Home: -current, End: 127 - current }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    const next = current + move;
    if (next >= 0 && next < cells.children.length) cellAt(next).focus();
  });

  const firing = output("firing");
  const passing = output("passing");
  const alive = output("alive");
  const verdict = h("p", { class: "as-note", "data-name": "verdict" });
  const key = (kind, label) => h("li", {}, h("span", { class: "as-cell", "data-kind": kind, "aria-hidden": "true" }), label);
  const legend = h("ul", { class: "as-key" }, key("alive", "fires, and a gradient passes"), key("silent", "silent, but a gradient passes"), key("dead", "silent, and no gradient passes"), key("stuck", "fires, but no gradient passes"));
  const counts = chart(context, { title: "Units alive", name: "curve", height: 260 });
  const losses = chart(context, { title: "Training loss", name: "loss", height: 260 });
  const group = (title, ...parts) => h("section", { class: "as-group", "aria-label": title }, h("h2", {}, title), parts);
  element.append(
    h("div", { class: "as-columns" },
      h("div", { class: "as-controls" },
        group("Layer", which.element, otherField,
          slide("bias", "Bias mean", -6, 4, 0.05, "Every unit starts with it."),
          slide("spread", "Input spread", 0.05, 4, 0.05),
          pick("width", "Width of an input", WIDTHS, (v) => `${v} numbers`),
          seed.element, problem.element),
        group("Training", optimiser.element,
          pick("lr", "Learning rate", RATES, (v) => short(v)),
          steps.element, train,
          h("p", { class: "as-hint" }, "All inputs at once; it learns whether the first two numbers of an input have the same sign."))),
      h("div", { class: "as-stack" },
        h("div", { class: "as-card" },
          h("div", { class: "as-census" },
            cells,
            h("div", { class: "as-controls as-bare" },
              h("div", {},
                h("p", { class: "as-big" }, alive, h("span", {}, " of 128 alive")),
                h("p", { class: "as-note" }, firing, " fire; through ", passing, " a gradient passes.")),
              means.element, told, legend)),
          verdict),
        h("div", { class: "as-two" }, counts.element, losses.element))));

  // ---- training
  function showButton() {
    train.textContent = stream ? "Cancel" : `Train ${setting.steps === 2000 ? "2,000" : "200"} steps`;
  }
  function stop() {
    if (!stream) return;
    stream.close();
    stream = null;
    showButton();
  }
  function cancel() {
    stop();
    conclude("cancelled");
  }
  function start() {
    problem.say();
    curve = { firing: [], passing: [], loss: [] };
    stream = context.open("train", setting, (frame) => {
      curve.firing.push(...frame.curve_firing);
      curve.passing.push(...frame.curve_passing);
      curve.loss.push(...frame.loss);
      take(frame);
      if (frame.step >= frame.steps) {
        stop();
        conclude("trained");
      }
    }, (error) => { stop(); problem.say(error.message); });
    showButton();
  }
  function conclude(how) {
    const done = curve.firing.length - 1;
    const lost = curve.firing[0] - curve.firing[done];
    const change = lost > 0 ? `${lost} fell silent` : lost < 0 ? `${-lost} came to life` : "none fell silent";
    const broke = diverged();
    const text = `${how === "cancelled" ? "Cancelled" : "Finished"} after ${done} steps: ${curve.firing[done]} of 128 units fire, ${change}.`
      + (broke < 0 ? "" : ` The loss became no number at step ${broke}: lower the learning rate.`);
    verdict.textContent = text;
    context.announce(text);
  }
  const diverged = () => curve.loss.findIndex((v, i) => i > 0 && !Number.isFinite(v));

  /** Show a census: the cells, the counts, the curves. */
  function take(census) {
    layer = census;
    if (!stream) verdict.textContent = "";
    const kinds = [...census.firing].map((n, i) => (n ? (census.passing[i] ? "alive" : "stuck") : census.passing[i] ? "silent" : "dead"));
    if (!cells.children.length) {
      cells.append(...kinds.map((_, i) => h("div", { class: "as-cell", role: "option", tabindex: i ? "-1" : "0", "aria-selected": "false" })));
    }
    kinds.forEach((kind, i) => {
      const cell = cellAt(i);
      if (cell.dataset.kind !== kind) cell.dataset.kind = kind;
      const living = String(census[sense][i] > 0);
      if (cell.dataset.alive !== living) cell.dataset.alive = living;
      const label = words(i);
      if (cell.getAttribute("aria-label") !== label) cell.setAttribute("aria-label", label);
    });
    cells.style.setProperty("--as-series", style ? context.pick(style) : "");
    showNumber(firing, census.alive_firing);
    showNumber(passing, census.alive_passing);
    showNumber(alive, census[`alive_${sense}`]);
    legend.lastElementChild.hidden = !kinds.includes("stuck");
    drawCurves();
  }

  function drawCurves() {
    const x = Float64Array.from(curve.firing, (_, i) => i);
    const colour = style ? context.pick(style) : context.colours().text;
    const axis = { label: "step", low: 0, high: setting.steps, whole: true };
    counts.canvas.dataset.points = String(x.length);
    counts.draw({
      x: axis, y: { label: "units of 128", low: 0, high: 132, ticks: [0, 32, 64, 96, 128] },
      lines: [
        { x, y: curve.passing, colour, dash: [2.5, 1.5], width: 2, label: "gradient" },
        { x, y: curve.firing, colour, width: 2.4, label: "firing" },
      ],
      points: x.length === 1 ? [{ x, y: curve.firing, colour, size: 4 }] : [],
      says: `Units alive by step: ${curve.firing.at(-1)} of 128 fire, through ${curve.passing.at(-1)} a gradient passes, after ${x.length - 1} steps`,
      table: () => ({ columns: ["step", "firing", "gradient passes", "loss before the step"], rows: [...x].map((i) => [i, curve.firing[i], curve.passing[i], i + 1 < x.length ? curve.loss[i + 1] : null]) }),
    });
    const logs = curve.loss.slice(1).map((v) => Math.log10(v));
    const seen = logs.filter(Number.isFinite);
    const [low, high] = seen.length ? [Math.min(-1, ...seen), Math.max(0, ...seen)] : [-1, 0];
    const broke = diverged();
    losses.draw({
      x: axis, y: { label: "binary cross-entropy", low: low - 0.1, high: high + 0.1, log: true },
      lines: [{ x, y: logs, colour: context.colours().text, width: 2 }],
      rules: broke < 0 ? [] : [{ x: broke, colour: context.colours().alarm, label: "no number from here" }],
      says: logs.length ? `Training loss: ${short(curve.loss.at(-1))} after ${logs.length - 1} steps` : "Training loss: not trained yet",
      table: () => ({ columns: ["step", "loss"], rows: logs.map((_, i) => [i, curve.loss[i + 1]]) }),
    });
  }
  context.onTheme(() => layer && take(layer));
  showButton();
  ask();
  return { destroy: stop };
});
