// The playground's controls: what both sides share, and what each has for itself.

const SIDES = ["a", "b"];
const STARTS = {
  data: "moons", points: 400, dataSeed: 42, classes: 2, depth: 2, width: 8, seed: 42, many: false,
  draws: "published", lr: 0.05, optimiser: "sgd", batch: 64, decay: 0, until: 800,
  a: ["relu"], b: ["sigmoid"], initA: "article", initB: "article",
  normA: false, normB: false, residualA: false, residualB: false,
  layer: 2, mode: "pca", unitX: 1, unitY: 2, speed: "1", atA: 800, atB: 800,
};
const SPEEDS = [
  ["slow2", "2 epochs a second"], ["slow10", "10 epochs a second"], ["1", "1 epoch a frame"],
  ["2", "2 epochs a frame"], ["5", "5 epochs a frame"], ["10", "10 epochs a frame"],
  ["50", "50 epochs a frame"], ["200", "200 epochs a frame"],
];
const TABLE_KEY = "actscope-table";

/** The settings in the hash, with what it does not say as it is at the start. */
function readSettings(state) {
  const found = {};
  for (const [key, start] of Object.entries(STARTS)) {
    const text = state.get(key, null);
    if (Array.isArray(start)) found[key] = state.all(key).length ? state.all(key) : [...start];
    else if (text === null || text === "") found[key] = start;
    else if (typeof start === "number") found[key] = state.number(key, start);
    else if (typeof start === "boolean") found[key] = text === "1";
    else found[key] = text;
  }
  found.noise = state.number("noise", null);
  found.point = state.get("point") ? state.get("point").split(",").map(Number) : null;
  for (const key of ["pastA", "pastB"]) found[key] = state.all(key);
  found.away = []; // what is out of sight
  return found;
}

/** Keep settings in the hash: those that are not as they are at the start. */
function keepSettings(state, settings) {
  const kept = {};
  for (const [key, start] of Object.entries(STARTS)) {
    const value = settings[key];
    const same = Array.isArray(start) ? value.join("\n") === start.join("\n") : value === start;
    kept[key] = same ? null : value === true ? "1" : value;
  }
  kept.noise = settings.noise;
  kept.point = settings.point ? settings.point.map((v) => short(v, 4)).join(",") : null;
  for (const key of ["pastA", "pastB"]) kept[key] = settings[key].length > 1 ? settings[key] : null;
  state.set(kept);
}

/** What Python is asked with. */
function argumentsOf(settings) {
  const { noise, point, speed, ...rest } = settings;
  const args = { ...rest, speed: speed.startsWith("slow") ? 1 : Number(speed) };
  if (noise !== null) args.noise = noise;
  if (point) args.point = point;
  if (settings.data === "table") args.table = keptTable();
  return args;
}

function keptTable() {
  try {
    return sessionStorage.getItem(TABLE_KEY) || "";
  } catch {
    return "";
  }
}

/** A slider that counts when it is let go: what it changes takes a fresh start. */
function settingSlider(options, apply) {
  const made = slider({ ...options, change: () => {} });
  made.input.addEventListener("change", () => apply(made.value));
  return made;
}

/** What both sides share: data, shape, training. `apply({key: value})` takes what was changed. */
function sharedControls(options, settings, apply, { show }) {
  const lawOf = (name) => options.data.find((one) => one.name === name);
  const data = menu({
    label: "Data", name: "data", value: settings.data,
    options: options.data.map((one) => [one.name, one.label]),
    change: (name) => { look(name); if (name !== "table" || keptTable()) apply({ data: name, noise: null, point: null }); },
  });
  const noise = settingSlider({ label: "Noise", name: "noise", low: 0, high: 1, step: 0.01, value: settings.noise ?? lawOf(settings.data).noise ?? 0 }, (v) => apply({ noise: v, point: null }));
  const classes = settingSlider({ label: "Classes", name: "classes", low: 2, high: 8, value: settings.classes }, (v) => apply({ classes: v, point: null }));
  const points = settingSlider({ label: "Points, a quarter held back for testing", name: "points", low: 40, high: options.points, step: 20, value: settings.points }, (v) => apply({ points: v, point: null }));
  const dataSeed = numberField({ label: "Seed of the data", name: "dataSeed", low: 0, high: 2 ** 32 - 1, step: 1, value: settings.dataSeed, change: (v) => apply({ dataSeed: v, point: null }) });
  const file = h("input", { type: "file", accept: ".csv,text/csv", id: freshId("file"), "data-name": "file", ...OWN_KEYS });
  const fileProblem = complaint();
  const upload = h("div", { class: "as-field" },
    h("label", { for: file.id }, "CSV file"), file,
    h("p", { class: "as-hint" }, `Columns of numbers, the class in the last; 20 to ${options.rows.toLocaleString("en")} rows, 2 to ${options.classes} classes. It stays on this machine.`),
    fileProblem.element);
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    if (chosen.size > options.characters) {
      fileProblem.say(`${chosen.name} has ${chosen.size.toLocaleString("en")} bytes: expected at most ${options.characters.toLocaleString("en")}.`);
      return;
    }
    fileProblem.say();
    try {
      sessionStorage.setItem(TABLE_KEY, await chosen.text());
    } catch (error) {
      fileProblem.say(`This browser keeps no file of that size (${error.message}).`);
      return;
    }
    apply({ data: "table", noise: null, point: null }, { fresh: true });
  });
  const test = tick({ label: "Show test points", name: "test", value: show.test, change: (on) => show.change({ test: on }) });
  const training = tick({ label: "Show training points", name: "training-points", value: show.points, change: (on) => show.change({ points: on }) });
  function look(name) {
    const law = lawOf(name);
    noise.element.hidden = law.noise === null || law.noise === undefined;
    noise.input.max = String(Math.max(1, 2 * (law.noise || 0)));
    classes.element.hidden = name !== "blobs";
    upload.hidden = name !== "table";
    points.element.hidden = dataSeed.element.hidden = name === "table";
  }

  const depth = settingSlider({ label: "Hidden layers", name: "depth", low: 1, high: options.depth, value: settings.depth }, (v) => apply({ depth: v }));
  const width = settingSlider({ label: "Units in each", name: "width", low: 1, high: options.width, value: settings.width }, (v) => apply({ width: v }));
  const seed = numberField({ label: "Seed of weights and order", name: "seed", low: 0, high: 2 ** 32 - 65, step: 1, value: settings.seed, change: (v) => apply({ seed: v }) });
  const many = tick({ label: `Train ${options.many} seeds: bands instead of lines`, name: "many", value: settings.many, change: (on) => apply({ many: on }) });

  const lr = settingSlider({ label: "Learning rate", name: "lr", low: -5, high: 1, step: 0.05, value: settings.lr, at: (p) => Number((10 ** p).toPrecision(3)), of: (v) => Math.log10(v || 1e-5) }, (v) => { lrField.set(v); apply({ lr: v }); });
  const lrField = numberField({ label: "Any learning rate", name: "lr-typed", low: 0, high: 1e9, value: settings.lr, change: (v) => { lr.set(v); apply({ lr: v }); } });
  const optimiser = menu({ label: "Optimiser", name: "optimiser", value: settings.optimiser, options: options.optimisers.map((name) => [name, { sgd: "SGD", momentum: "SGD with momentum", adam: "Adam", adamw: "AdamW" }[name] || name]), change: (v) => apply({ optimiser: v }) });
  const batch = numberField({ label: "Batch", name: "batch", low: 1, high: options.points, step: 1, value: settings.batch, change: (v) => apply({ batch: v }) });
  const decay = numberField({ label: "Weight decay", name: "decay", low: 0, high: 10, value: settings.decay, change: (v) => apply({ decay: v }) });
  const draws = menu({ label: "Random numbers", name: "draws", value: settings.draws, options: [["published", "the article's"], ["actscope", "actscope's"]], change: (v) => apply({ draws: v }), hint: "The article's are for two moons, its own init and one seed; anything else has actscope's." });
  look(settings.data);

  const group = (title, ...parts) => h("section", { class: "as-group", "aria-label": title }, h("h2", {}, title), ...parts);
  const more = h("details", { class: "as-more" }, h("summary", {}, "More"), h("div", { class: "as-group" }, batch.element, decay.element, draws.element));
  return {
    element: h("div", { class: "as-controls", "data-name": "shared" },
      group("Data", data.element, upload, noise.element, classes.element, points.element, dataSeed.element, training.element, test.element),
      group("Networks", depth.element, width.element, seed.element, many.element),
      group("Training", lr.element, lrField.element, optimiser.element, more)),
    complain: fileProblem.say,
    show: (now) => {
      const law = lawOf(now.data);
      look(now.data);
      for (const [control, value] of [[data, now.data], [noise, now.noise ?? law.noise ?? 0], [classes, now.classes], [points, now.points], [dataSeed, now.dataSeed], [depth, now.depth], [width, now.width], [seed, now.seed], [many, now.many], [lr, now.lr], [lrField, now.lr], [optimiser, now.optimiser], [batch, now.batch], [decay, now.decay], [draws, now.draws]]) control.set(value);
    },
  };
}

/** What one side has for itself: activation, one for each layer, init, norm, residual. */
function ownControls(side, options, settings, apply) {
  const big = side.toUpperCase();
  const known = options.activations.map((one) => [one.name, one.label]);
  const choices = (names) => [...known, ...[...new Set(names)].filter((n) => !known.some(([k]) => k === n)).map((n) => [n, n])];
  const phi = h("select", { id: freshId("phi"), "data-name": `phi-${side}`, ...OWN_KEYS });
  const typed = h("input", { type: "text", id: freshId("typed"), placeholder: "x*sigmoid(1.7*x)", maxlength: 20000, autocapitalize: "off", spellcheck: "false", "data-name": `typed-${side}`, "aria-label": `Network ${big}: an expression of x`, ...OWN_KEYS });
  const problem = complaint();
  const layers = h("div", { class: "as-layers" });
  const fill = (select, names, value, extra) => {
    select.replaceChildren(...[...extra, ...choices(names)].map(([v, words]) => h("option", { value: v }, words)));
    select.value = value;
  };
  phi.addEventListener("change", () => {
    typed.hidden = phi.value !== "?";
    if (phi.value === "?") typed.focus();
    else if (phi.value !== "*") apply({ [side]: [phi.value] });
  });
  typed.addEventListener("change", () => typed.value.trim() && apply({ [side]: [typed.value.trim()] }));
  const init = menu({ label: "Init", name: `init-${side}`, value: settings[`init${big}`], options: options.inits.map((one) => [one.name, one.label]), change: (v) => apply({ [`init${big}`]: v }) });
  const norm = tick({ label: "Layer norm", name: `norm-${side}`, value: settings[`norm${big}`], change: (on) => apply({ [`norm${big}`]: on }) });
  const residual = tick({ label: "Residual", name: `residual-${side}`, value: settings[`residual${big}`], change: (on) => apply({ [`residual${big}`]: on }) });
  const show = (now) => {
    const names = now[side].length === 1 ? Array(now.depth).fill(now[side][0]) : now[side];
    const mixed = new Set(names).size > 1;
    fill(phi, names, mixed ? "*" : names[0], [...(mixed ? [["*", "one for each layer"]] : []), ["?", "an expression of x …"]]);
    typed.hidden = true;
    layers.replaceChildren(...names.map((name, l) => {
      const select = h("select", { "aria-label": `Network ${big}, layer ${l + 1}`, "data-name": `phi-${side}-${l + 1}`, ...OWN_KEYS });
      fill(select, names, name, []);
      select.addEventListener("change", () => apply({ [side]: names.map((n, k) => (k === l ? select.value : n)) }));
      return h("label", { class: "as-layer" }, h("span", {}, `Layer ${l + 1}`), select);
    }));
    init.set(now[`init${big}`]);
    norm.set(now[`norm${big}`]);
    residual.set(now[`residual${big}`]);
  };
  show(settings);
  return {
    element: h("div", { class: "as-own" },
      h("div", { class: "as-field" }, h("div", { class: "as-head" }, h("label", { for: phi.id }, `Network ${big}: activation`)), phi, typed, problem.element),
      h("details", { class: "as-more" }, h("summary", {}, "Layer by layer, init, norm, residual"),
        h("div", { class: "as-group" }, layers, init.element, h("div", { class: "as-row" }, norm.element, residual.element)))),
    show,
    complain: problem.say,
  };
}
