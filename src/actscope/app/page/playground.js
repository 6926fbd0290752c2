// Panel 4: two networks that learn the same points side by side.

const READOUTS = [
  ["train_loss", "training loss"], ["test_loss", "test loss"],
  ["train_accuracy", "training accuracy"], ["test_accuracy", "test accuracy"], ["epoch", "epoch"],
];
const KEEPS = 1000; // ms between two writings of the epochs into the hash while it runs
const WAITS = 250; // ms that a command may take before the page says that it works on it

definePanel("playground", (element, context) => {
  const { state } = context;
  const settings = readSettings(state);
  const show = { test: state.get("test") === "1", points: state.get("points-off") !== "1", log: state.get("log") === "1", keys: true };
  const sides = [null, null]; // what each was told last, all parts together
  const pasts = [new Past(), new Past()];
  const boxes = [null, null];
  let setting = null;
  let point = [0, 0];
  let stream = null;
  let broken = false; // whether the stream has to be opened anew
  let running = false;
  let slow = 0; // the timer of a slow play
  let keptAt = 0;
  let controls = null;
  let own = [];
  let frames = 0;

  // ------------------------------------------------ parts of the page
  const problem = complaint();
  const banner = h("p", { class: "as-complaint", role: "alert", hidden: true, "data-name": "banner" });
  const verdict = h("div", { class: "as-verdict as-words", "data-name": "words" });
  const busy = h("p", { class: "as-busy", role: "status", hidden: true });
  const playButton = button("Play", toggle, { class: "as-primary as-play", "data-name": "play" });
  const stepButton = button("Step", () => act("step"), { "data-name": "step", title: "One epoch of both (.)" });
  const resetButton = button("Reset", () => act("reset"), { "data-name": "reset", title: "Both from the start (r)" });
  const epochs = output("epochs");
  const back = h("input", { type: "range", min: 0, max: 0, step: 1, id: freshId("back"), "data-name": "rewind", ...OWN_KEYS });
  const speed = menu({ label: "Speed", name: "speed", value: settings.speed, options: SPEEDS, change: (v) => { settings.speed = v; keep(); if (running) play(); } });
  const until = numberField({ label: "Stop at epoch", name: "until", low: 1, high: 20000, step: 1, value: settings.until, change: (v) => { apply({ until: v }); if (running) play(); } });
  const keys = tick({ label: "Keys: space plays, full stop steps, r resets", name: "keys", value: true, change: (on) => (show.keys = on) });
  const transport = h("div", { class: "as-card as-transport" },
    h("div", { class: "as-row" }, playButton, stepButton, resetButton),
    h("div", { class: "as-field as-back" }, h("div", { class: "as-head" }, h("label", { for: back.id }, "Epoch: go back to any"), epochs), back),
    speed.element, until.element, keys.element);

  const columns = SIDES.map((side) => {
    const plane = chart(context, { title: "", name: `plane-${side}`, height: 420, square: true });
    const rows = READOUTS.map(([key, words]) => [words, output(`${key}-${side}`)]);
    const bias = output(`bias-${side}`);
    const about = h("p", { class: "as-note", "data-name": `net-${side}` });
    const head = h("div", { class: "as-own-head" });
    const readout = h("dl", { class: "as-readouts" }, rows.flatMap(([words, shown]) => [h("dt", {}, words), h("dd", {}, shown)]),
      h("dt", {}, "output bias"), h("dd", { class: "as-wide" }, bias));
    plane.onPoint((x, y) => pick([Number(x.toFixed(3)), Number(y.toFixed(3))]));
    return { plane, head, about, outputs: rows.map(([, shown]) => shown), bias, hidden: null,
      element: h("div", { class: "as-stack" }, head, plane.element, h("div", { class: "as-card" }, about, readout)) };
  });
  const legend = h("div", { class: "as-legend" });

  const charts = {};
  const addChart = (name, options) => (charts[name] = chart(context, { name, height: 270, ...options }));
  addChart("loss", { title: "Loss", note: "solid: running loss; dashed: test set" });
  addChart("accuracy", { title: "Accuracy", note: "solid: test set; dashed: training set; dotted: a straight line" });
  addChart("signal", { title: "Signal of the picked point", note: "mean |·| before (z) and after (h) each activation" });
  addChart("gradient_ratio", { title: "Gradient by layer", note: "weight gradient over the output layer's" });
  addChart("spread", { title: "Spread by layer", note: "standard deviation of a layer's outputs" });
  addChart("flat", { title: "Dead and saturated", note: "solid: dead units; dashed: outputs on a flat part" });
  const logLoss = tick({ label: "Loss on a log axis", name: "log", value: show.log, change: (on) => change({ log: on }) });
  const pickX = numberField({ label: "Picked point, x₁", name: "pick-x", low: -100, high: 100, value: 0, change: (v) => pick([v, point[1]]) });
  const pickY = numberField({ label: "x₂", name: "pick-y", low: -100, high: 100, value: 0, change: (v) => pick([point[0], v]) });

  const layer = slider({ label: "Layer", name: "layer", low: 0, high: settings.depth, value: Math.min(settings.layer, settings.depth), text: (v) => (v ? `${v} of ${settings.depth}` : "input"), change: (v) => { settings.layer = v; look(); } });
  const mode = choice({ label: "Axes", name: "mode", options: [["pca", "Principal plane"], ["units", "Two units"]], value: settings.mode, change: (v) => { settings.mode = v; showMode(); look(); } });
  const unitX = numberField({ label: "Unit across", name: "unitX", low: 1, high: 64, step: 1, value: settings.unitX, change: (v) => { settings.unitX = v; look(); } });
  const unitY = numberField({ label: "Unit up", name: "unitY", low: 1, high: 64, step: 1, value: settings.unitY, change: (v) => { settings.unitY = v; look(); } });
  const units = h("div", { class: "as-row as-units" }, unitX.element, unitY.element);
  const showMode = () => (units.hidden = settings.mode !== "units");
  showMode();
  for (const [i, side] of SIDES.entries()) columns[i].hidden = chart(context, { title: "", name: `hidden-${side}`, height: 380, square: true });
  const readers = SIDES.map((side) => h("div", { class: "as-scroll", tabindex: "0", role: "region", "aria-label": `Network ${side.toUpperCase()}: what a linear reader recovers` }));
  const readerNote = h("p", { class: "as-note", "data-name": "reader-note" });
  const readerTitles = SIDES.map((side) => h("h3", {}, `Network ${side.toUpperCase()}`));

  const left = h("div", { class: "as-stack", "data-name": "left" });
  const hideBox = h("details", { class: "as-more as-hide" }, h("summary", {}, "Hide controls"));
  element.append(
    verdict, banner, problem.element, busy,
    h("div", { class: "as-columns" }, left,
      h("div", { class: "as-stack" },
        transport,
        h("div", { class: "as-two" }, columns.map((one) => one.element)),
        legend,
        h("div", { class: "as-two" }, h("div", { class: "as-stack" }, charts.loss.element), h("div", { class: "as-stack" }, charts.accuracy.element)),
        logLoss.element,
        h("h2", {}, "What each layer does to the points"),
        h("div", { class: "as-card as-hidden-controls" }, layer.element, mode.element, units),
        h("div", { class: "as-two" }, columns.map((one) => one.hidden.element)),
        h("h2", {}, "The signal and the gradient, layer by layer"),
        h("div", { class: "as-card as-picks" }, pickX.element, pickY.element, h("p", { class: "as-note" }, "Or press on a plane above.")),
        h("div", { class: "as-two" }, charts.signal.element, charts.gradient_ratio.element, charts.spread.element, charts.flat.element),
        h("h2", {}, "What a linear reader still recovers, by layer and number format"),
        readerNote,
        h("div", { class: "as-two" }, SIDES.map((_, i) => h("div", { class: "as-card" }, readerTitles[i], readers[i]))),
      )),
  );

  // only what is in view is drawn
  const inView = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) inView.add(entry.target);
      else inView.delete(entry.target);
    }
    noteAway();
    draw();
  }, { rootMargin: "100px" });
  for (const part of [...element.querySelectorAll("figure"), ...readers]) watcher.observe(part);

  /** What is out of sight is not computed while a training runs. */
  function noteAway() {
    const seen = (figures) => figures.some((figure) => inView.has(figure));
    const layered = ["signal", "gradient_ratio", "spread", "flat"].map((name) => charts[name].element);
    const away = [
      ...(seen(columns.map((one) => one.plane.element)) ? [] : ["planes"]),
      ...(seen(columns.map((one) => one.hidden.element)) ? [] : ["hidden"]),
      ...(seen([...layered, ...readers]) ? [] : ["layers"]),
    ];
    if (away.join() === settings.away.join()) return;
    settings.away = away;
    if (running && stream) look();
  }

  // ------------------------------------------------ speaking to Python
  function open() {
    broken = false;
    for (const past of pasts) Object.assign(past, new Past());
    sides.fill(null);
    if (stream) stream.close();
    stream = context.open("train", argumentsOf(settings), take, (error) => {
      broken = true;
      setRunning(false);
      busy.hidden = true;
      problem.say(error.message);
    });
  }

  async function tell(word, args = {}) {
    const timer = setTimeout(() => say("Working …"), WAITS);
    element.dataset.rest = "false";
    try {
      const reply = await stream.tell(word, args);
      problem.say();
      setRunning(reply.running || slow > 0);
      return true;
    } catch (error) {
      problem.say(error.message);
      return false;
    } finally {
      clearTimeout(timer);
      if (busy.textContent === "Working …") busy.hidden = true;
    }
  }

  function say(text) {
    busy.textContent = text;
    busy.hidden = false;
  }

  /** Settings that were changed: kept if Python takes them. */
  async function apply(changed, { fresh = false } = {}) {
    const before = { ...settings };
    Object.assign(settings, changed);
    if ("depth" in changed) {
      for (const side of SIDES) {
        const names = settings[side];
        if (names.length > 1) settings[side] = Array.from({ length: changed.depth }, (_, l) => names[Math.min(l, names.length - 1)]);
      }
      settings.layer = changed.depth;
    }
    for (const side of SIDES) if (new Set(settings[side]).size === 1) settings[side] = [settings[side][0]];
    if (broken || fresh) {
      settings.atA = settings.atB = 0;
      settings.pastA = settings.pastB = [];
      problem.say();
      open();
    } else if (!(await tell("change", argumentsOf(settings)))) Object.assign(settings, before);
    keep();
    showControls();
  }

  /** The newest view, one question in flight. */
  let looking = false;
  let lookAgain = false;
  async function look() {
    keep();
    if (looking) {
      lookAgain = true;
      return;
    }
    looking = true;
    const { layer: wanted, mode: axes, unitX: x, unitY: y } = settings;
    await tell("look", { layer: wanted, mode: axes, unitX: x, unitY: y, away: settings.away, ...(settings.point ? { point: settings.point } : {}) });
    looking = false;
    if (lookAgain) {
      lookAgain = false;
      look();
    }
  }

  function pick(where) {
    settings.point = where;
    point = where;
    look();
  }

  function act(word, args = {}) {
    stopSlow();
    tell(word, args);
  }

  function play() {
    stopSlow();
    if (settings.speed.startsWith("slow")) {
      slow = setInterval(slowStep, 1000 / Number(settings.speed.slice(4)));
      setRunning(true);
    } else tell("play", { speed: Number(settings.speed), away: settings.away });
  }

  /** One step of a slow play, unless the page is not seen; it ends where it is to stop. */
  function slowStep() {
    if (!context.shown() || element.dataset.rest !== "true") return; // the last one is not drawn yet
    const [least, most] = [Math.min, Math.max].map((f) => f(...sides.map((side) => side.epoch)));
    if (least < settings.until && most + 1 >= settings.until) {
      stopSlow();
      tell("step").then(() => setRunning(false));
    } else tell("step");
  }

  function toggle() {
    if (running) act("pause");
    else play();
  }

  function stopSlow() {
    clearInterval(slow);
    slow = 0;
  }

  function setRunning(now) {
    if (now === running) return;
    running = now;
    playButton.textContent = running ? "Pause" : "Play";
    element.dataset.running = String(running);
  }

  back.addEventListener("input", () => {
    const stored = storedEpochs();
    act("rewind", { epoch: stored[Math.min(stored.length - 1, Number(back.value))] });
  });

  function storedEpochs() {
    const all = new Set(sides.flatMap((side) => (side && side.stored ? [...side.stored] : [])));
    return [...all].sort((x, y) => x - y);
  }

  // ------------------------------------------------ what Python says
  function take(frame) {
    if (frame.busy) {
      say(frame.at ? `${frame.busy} (${frame.at.map(([at, goal]) => `${at} of ${goal || at}`).join(", ")})` : frame.busy);
      return;
    }
    if (frame.measuring) return;
    if (frame.fidelity) {
      frame.fidelity.forEach((reader, i) => reader.values && (sides[i].fidelity = reader));
      drawReaders();
      return;
    }
    busy.hidden = true;
    if (frame.setting) {
      setting = frame.setting;
      boxes.fill(null);
      showSetting();
    }
    frame.sides.forEach((side, i) => {
      if (side.start === 0 && side.epoch === 0) sides[i] = null;
      pasts[i].take(side);
      sides[i] = { ...sides[i], ...side, now: nowOf(side) };
    });
    point = frame.point;
    if (!slow || frame.state === "finished") setRunning(frame.running || slow > 0);
    if (banner.textContent !== frame.banner) banner.textContent = frame.banner;
    banner.hidden = !frame.banner;
    if (frame.words) {
      verdict.replaceChildren(...frame.words.map((words) => h("p", {}, words)));
      [settings.pastA, settings.pastB] = frame.rates;
      if (!running) context.announce(frame.banner || frame.words[0]);
    }
    [settings.atA, settings.atB] = sides.map((side) => side.epoch);
    if (frame.words || performance.now() - keptAt > KEEPS) keep();
    frames += 1;
    element.dataset.frames = String(frames);
    element.dataset.rest = String(Boolean(frame.words));
    showNumbers();
    draw({ now: true });
  }

  function nowOf(side) {
    const [levels] = side.now.shape;
    const of = (name) => side.now[(levels === 1 ? 0 : 5) + SCORE[name]];
    return Object.fromEntries(Object.keys(SCORE).map((name) => [name, of(name)]));
  }

  function keep() {
    keptAt = performance.now();
    keepSettings(state, settings);
    state.set({ test: show.test ? "1" : null, "points-off": show.points ? null : "1", log: show.log ? "1" : null });
  }

  function change(what) {
    Object.assign(show, what);
    keep();
    draw();
  }

  function showSetting() {
    columns.forEach((one, i) => {
      const style = setting.styles[i];
      const { shape, parameters } = setting.nets[i];
      one.about.replaceChildren(swatch(context, style), ` ${style.label}, ${shape}, ${parameters.toLocaleString("en")} weights${setting.networks > 1 ? `, ${setting.networks} seeds: medians, and the mean of their decisions` : ""}`);
      readerTitles[i].replaceChildren(swatch(context, style), ` ${style.label}`);
      for (const figure of [one.plane, one.hidden]) figure.element.querySelector(".as-title").replaceChildren(swatch(context, style), ` ${style.label}`);
    });
    layer.input.max = String(settings.depth);
    layer.set(Math.min(settings.layer, settings.depth));
    drawLegend();
  }

  function drawLegend() {
    const two = setting.classes === 2;
    const marks = setting.names.map((name, k) => h("span", {}, h("i", { class: two ? (k ? "as-tri" : "as-dot") : "as-patch", style: { background: setting.colours[k] } }), ` class ${name}`));
    const bar = h("span", { class: "as-bar" }, "probability of class 1: 0 ", h("i", { style: { background: `linear-gradient(90deg, ${setting.ramp.join(", ")})` } }), " 1; the line is at 0.5");
    const kept = setting.kept < 0.999 ? h("span", {}, `The plane keeps ${share(setting.kept)} of the data's variance.`) : null;
    legend.replaceChildren(...[...marks, two ? bar : h("span", {}, "the colour is the class that the network says, fuller where it is surer"), kept].filter(Boolean));
  }

  function showNumbers() {
    const done = sides.map((side) => side.epoch);
    showNumber(epochs, Math.max(...done), done[0] === done[1] ? done[0].toLocaleString("en") : done.map((n) => n.toLocaleString("en")).join(" and "));
    columns.forEach((one, i) => {
      const { now, epoch, bias } = sides[i];
      const values = [now.train_loss, now.test_loss, now.train_accuracy, now.test_accuracy, epoch];
      one.outputs.forEach((shown, k) => showNumber(shown, values[k], k === 4 ? epoch.toLocaleString("en") : k > 1 ? share(values[k]) : short(values[k])));
      showNumber(one.bias, bias[0], [...bias].slice(0, 4).map((b) => short(b, 3)).join(", ") + (bias.length > 4 ? ", …" : ""));
    });
    const stored = storedEpochs();
    if (!running) {
      back.max = String(Math.max(0, stored.length - 1));
      const at = stored.findLastIndex((epoch) => epoch <= Math.max(...done));
      if (document.activeElement !== back || stored[Number(back.value)] !== stored[at]) back.value = String(at);
      back.setAttribute("aria-valuetext", `epoch ${stored[at] ?? 0}`);
    }
    for (const [control, value] of [[pickX, point[0]], [pickY, point[1]]]) {
      if (document.activeElement !== control.input) control.set(short(value, 4));
    }
  }

  function draw({ now = false } = {}) {
    if (!setting || sides.some((side) => side === null || !side.plane || !side.layers)) return;
    const { styles } = setting;
    const paint = (one, spec) => (!running || inView.has(one.element)) && one.draw(spec(), { now });
    const known = Math.max(...pasts.map((past) => past.loss.length));
    const at = [...new Set(sides.map((side) => side.epoch))].filter((epoch) => epoch < known);
    const marks = at.map((epoch) => ({ x: epoch, dash: [4, 3] }));
    const options = { log: show.log, marks, epochs: known };
    columns.forEach((one, i) => {
      paint(one.plane, () => planeSpec(sides[i], setting, styles[i], point, show));
      boxes[i] = boxFor(i);
      paint(one.hidden, () => hiddenSpec(sides[i], setting, styles[i], boxes[i], point));
    });
    paint(charts.loss, () => lossSpec(context, pasts, styles, setting, options));
    paint(charts.accuracy, () => accuracySpec(context, pasts, styles, setting, options));
    paint(charts.signal, () => signalSpec(context, sides, styles, settings.layer));
    paint(charts.gradient_ratio, () => layerSpec(context, sides, styles, ["gradient_ratio"], { label: "over the output layer's", log: true, picked: settings.layer, words: "Gradient by layer, over the output layer's" }));
    paint(charts.spread, () => layerSpec(context, sides, styles, ["spread"], { label: "standard deviation", from: 0, log: true, picked: settings.layer, words: "Spread by layer" }));
    paint(charts.flat, () => layerSpec(context, sides, styles, ["dead_fraction", "saturated_fraction"], { label: "share", high: 1.02, picked: settings.layer, words: "Dead units by layer" }));
    columns.forEach((one, i) => one.hidden.say(`spread ${short(sides[i].hidden.spread)}`));
    drawReaders();
  }

  function boxFor(i) {
    const { hidden } = sides[i];
    const key = `${hidden.layer} ${hidden.axes.join(" ")}`;
    const before = boxes[i] && boxes[i].key === key ? boxes[i] : null;
    const made = roomFor(hidden.places, running ? before : null);
    made.key = key;
    return made;
  }

  const shownReaders = [null, null];
  function drawReaders() {
    sides.forEach((side, i) => {
      if (!side || !side.fidelity || !side.fidelity.values || shownReaders[i] === side.fidelity) return;
      shownReaders[i] = side.fidelity;
      readers[i].replaceChildren(fidelityTable(side.fidelity, setting, `fidelity-${SIDES[i]}`));
      const known = side.fidelity.metric === "distance_fidelity";
      const of = side.fidelity.of < setting.networks ? ` (${side.fidelity.of} of ${setting.networks} networks so far)` : "";
      readerNote.textContent = (known
        ? "Held-out R² of a ridge probe from a layer's outputs to the distance from the true boundary, after rounding them to a format: 1 is everything, 0 nothing"
        : "Held-out accuracy of a linear probe on a layer's outputs, after rounding them to a format; the true boundary of these data is not known") + `. Epoch ${side.fidelity.epoch}${of}.`;
    });
  }

  function showControls() {
    controls.show(settings);
    own.forEach((one) => one.show(settings));
    until.set(settings.until);
  }

  const pressed = (event) => {
    const free = !event.target.closest("input, select, textarea, button, a, summary, [contenteditable]");
    if (!show.keys || !free || !context.shown() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!context.page && !element.contains(event.target)) return;
    const does = { " ": toggle, ".": () => act("step"), r: () => act("reset") }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  };
  document.addEventListener("keydown", pressed);

  context.onTheme(() => draw());
  context.ask("options").then((options) => {
    controls = sharedControls(options, settings, apply, { show: { ...show, change } });
    own = SIDES.map((side) => ownControls(side, options, settings, apply));
    const all = h("details", { class: "as-more as-all" }, h("summary", {}, "Data, networks, training"), controls.element);
    all.open = element.clientWidth > 800; // on a phone the networks come first
    left.append(all, hideControls());
    columns.forEach((one, i) => one.head.append(own[i].element));
    open();
  });

  /** For teaching: parts of the page that can be put away; the hash remembers. */
  function hideControls() {
    const parts = [["shared", "data, networks, training", controls.element], ["own", "activation of each network", null], ["transport", "play, step, reset", transport]];
    const hidden = new Set(state.all("hide"));
    const put = () => {
      controls.element.hidden = hidden.has("shared");
      columns.forEach((one) => (one.head.hidden = hidden.has("own")));
      transport.hidden = hidden.has("transport");
      state.set({ hide: [...hidden] });
    };
    hideBox.append(...parts.map(([name, words]) => tick({
      label: words, name: `hide-${name}`, value: hidden.has(name),
      change: (on) => { if (on) hidden.add(name); else hidden.delete(name); put(); },
    }).element));
    if (hidden.size) put();
    return h("div", { class: "as-card" }, hideBox);
  }

  return {
    destroy: () => {
      stopSlow();
      watcher.disconnect();
      document.removeEventListener("keydown", pressed);
      if (stream) stream.close();
    },
  };
});
