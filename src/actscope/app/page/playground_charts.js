// The playground's charts over the epochs and over the layers, for both sides in one.

const SCORE = { train_loss: 0, train_accuracy: 1, test_loss: 2, test_accuracy: 3, loss: 4 };

/** Middle, low and high of levels (1 | 3, n): a line, or a line with its band. */
function band(values, from = 0, pick = (v) => v) {
  const [count, length] = values.shape;
  const row = (k) => Array.from(values.subarray(k * length + from, (k + 1) * length), pick);
  return count === 1 ? { y: row(0) } : { y: row(1), low: row(0), high: row(2) };
}

/** What the page knows of a side's past: losses of every epoch, scores of some. */
class Past {
  constructor() {
    this.loss = [];
    this.low = [];
    this.high = [];
    this.epochs = [];
    this.scores = [];
  }

  take(side) {
    const { y, low, high } = band(side.loss);
    this.loss.length = side.start;
    this.loss.push(...y);
    this.low.length = this.high.length = low ? side.start : 0;
    if (low) {
      this.low.push(...low);
      this.high.push(...high);
    }
    const kept = this.epochs.filter((epoch) => epoch <= side.scored_after).length;
    this.epochs.length = this.scores.length = kept;
    const [count, levels] = side.scores.shape;
    for (let i = 0; i < count; i += 1) {
      const at = (level, which) => side.scores[(i * levels + level) * 4 + which];
      this.epochs.push(side.scored[i]);
      this.scores.push(Array.from({ length: levels }, (_, l) => [0, 1, 2, 3].map((which) => at(l, which))));
    }
  }

  /** A score over the epochs: {x, y[, low, high]}. */
  curve(which) {
    const levels = this.scores.length ? this.scores[0].length : 1;
    const row = (level) => this.scores.map((one) => one[level][which]);
    return levels === 1 ? { x: this.epochs, y: row(0) } : { x: this.epochs, y: row(1), low: row(0), high: row(2) };
  }
}

/** Limits around numbers that are finite. */
function spanOf(rows, { least = null, most = null, margin = 0.05 } = {}) {
  let [low, high] = [Infinity, -Infinity];
  for (const row of rows) for (const v of row) if (Number.isFinite(v)) {
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  if (!(low <= high)) [low, high] = [0, 1];
  const room = margin * (high - low) || 0.5 * margin * Math.abs(high) || 0.5;
  return { low: least ?? low - room, high: most ?? high + room };
}

const log10 = (v) => (v > 0 ? Math.log10(v) : v === 0 ? -Infinity : NaN);
const logged = ({ x, y, low, high }) => ({ x, y: y.map(log10), low: low && low.map(log10), high: high && high.map(log10) });

/** Limits of a log axis: whole powers of ten around what is there, exact zeros at the floor. */
function powersOf(rows) {
  const { low, high } = spanOf(rows, { margin: 0 });
  const floor = Math.floor(low - 1e-9);
  const zero = rows.some((row) => row.some((v) => v === -Infinity));
  return { low: zero ? floor - 1 : floor, high: Math.max(Math.ceil(high + 1e-9), floor + 1), log: true };
}

/** Every line of a side: solid first, then dashed. */
function sideLine(context, style, curve, { dashed = false, label = null } = {}) {
  return {
    ...curve, colour: context.pick(style), label,
    dash: dashed ? [1.2, 1.6] : style.dash, width: dashed ? 1.7 : 2.2,
  };
}

/** Loss over the epochs: the running loss, and dashed that of the test set. */
function lossSpec(context, pasts, styles, setting, { log, marks, epochs }) {
  const lines = pasts.flatMap((past, i) => {
    const run = { x: past.loss.map((_, k) => k + 1), y: past.loss };
    if (past.low.length) Object.assign(run, { low: past.low, high: past.high });
    return [
      sideLine(context, styles[i], past.curve(SCORE.test_loss), { dashed: true }),
      sideLine(context, styles[i], run, { label: styles[i].label }),
    ].map((line) => (log ? { ...line, ...logged(line) } : line));
  });
  const calm = pasts.some((past) => past.loss.at(-1) <= 4 * setting.guess);
  const worst = calm ? 4 * setting.guess : Infinity; // a divergence does not push the other side out of sight
  const rows = lines.flatMap((line) => [line.y, line.high || []]);
  const y = log ? powersOf(rows) : spanOf(rows.map((row) => row.filter((v) => v <= worst)), { least: 0 });
  return {
    x: { label: "epoch", low: 0, high: Math.max(10, epochs), whole: true },
    y: { ...y, label: "loss" },
    lines,
    rules: marks,
    says: `Loss over ${epochs} epochs: ` + pasts.map((past, i) => `${styles[i].label} ${short(past.loss.at(-1) ?? NaN)}`).join(", "),
    table: () => ({
      columns: ["network", "epoch", "running loss"],
      rows: pasts.flatMap((past, i) => past.loss.map((v, k) => [styles[i].label, k + 1, v])),
    }),
  };
}

/** Accuracy over the epochs: of the test set, and dashed of the training set. */
function accuracySpec(context, pasts, styles, setting, { marks, epochs }) {
  const lines = pasts.flatMap((past, i) => [
    sideLine(context, styles[i], past.curve(SCORE.train_accuracy), { dashed: true }),
    sideLine(context, styles[i], past.curve(SCORE.test_accuracy), { label: styles[i].label }),
  ]);
  const rows = lines.flatMap((line) => [line.y, line.low || []]);
  const y = spanOf([...rows, [setting.linear]], { most: 1.01 });
  return {
    x: { label: "epoch", low: 0, high: Math.max(10, epochs), whole: true },
    y: { low: Math.max(0, y.low), high: 1.01, label: "accuracy" },
    lines,
    rules: [...marks, { y: setting.linear, dash: [2, 3] }],
    says: "Accuracy: " + pasts.map((past, i) => `${styles[i].label} ${share(past.curve(SCORE.test_accuracy).y.at(-1) ?? NaN)} of the test points`).join(", "),
    table: () => ({
      columns: ["network", "epoch", "train loss", "train accuracy", "test loss", "test accuracy"],
      rows: pasts.flatMap((past, i) => past.epochs.map((epoch, k) => [styles[i].label, epoch, ...past.scores[k][past.scores[k].length === 1 ? 0 : 1]])),
    }),
  };
}

/** Whole numbers up to a depth, thinned where there are many. */
function layerTicks(from, to) {
  const each = to - from > 12 ? 2 : 1;
  return Array.from({ length: Math.floor((to - from) / each) + 1 }, (_, i) => from + i * each);
}

/** Numbers by layer for both sides; `rows` are names of the metrics, the first one solid. */
function layerSpec(context, sides, styles, rows, { label, from = 1, log = false, high = null, picked, words }) {
  const depth = Math.max(...sides.map((side) => side.layers.spread.shape[1] - 1));
  const lines = sides.flatMap((side, i) => rows.map((name, k) => {
    const values = side.layers[name];
    const curve = { x: Array.from({ length: values.shape[1] - from }, (_, l) => l + from), ...band(values, from) };
    return sideLine(context, styles[i], log ? logged(curve) : curve, { dashed: k > 0, label: k ? null : styles[i].label });
  }));
  const all = lines.flatMap((line) => [line.y, line.low || [], line.high || []]);
  const y = log ? powersOf(all) : { low: 0, high: high ?? spanOf(all).high };
  const zeros = lines.flatMap((line) => line.y.flatMap((v, k) => (v === -Infinity ? [[line.x[k], line.colour]] : [])));
  return {
    x: { label: "layer", low: from - 0.15, high: depth + 0.15, ticks: layerTicks(from, depth) },
    y: { ...y, label },
    lines,
    rules: picked >= from ? [{ x: picked, dash: [4, 3] }] : [],
    points: [
      ...lines.filter((line) => line.label).map((line) => ({ x: line.x, y: line.y.map((v) => (v === -Infinity ? NaN : v)), colour: line.colour, size: 3.6 })),
      ...zeros.map(([at, colour]) => ({ x: [at], y: [-Infinity], colour, size: 5, shape: "cross" })),
    ],
    says: `${words}: ` + sides.map((side, i) => `${styles[i].label} ${band(side.layers[rows[0]], from).y.map((v) => short(v, 3)).join(", ")}`).join("; "),
    table: () => ({
      columns: ["network", "layer", ...rows.map((name) => name.replaceAll("_", " "))],
      rows: sides.flatMap((side, i) => Array.from({ length: side.layers[rows[0]].shape[1] - from }, (_, l) => [styles[i].label, l + from, ...rows.map((name) => band(side.layers[name], from).y[l])])),
    }),
  };
}

/** The signal of the picked point at every stage, z and h of each layer. */
function signalSpec(context, sides, styles, picked) {
  const longest = sides.reduce((a, b) => (a.signal.stages.length >= b.signal.stages.length ? a : b)).signal.stages;
  const lines = sides.map((side, i) => {
    const values = side.signal.magnitude;
    return sideLine(context, styles[i], logged({ x: Array.from({ length: values.shape[1] }, (_, k) => k), ...band(values) }), { label: styles[i].label });
  });
  const each = longest.length > 14 ? Math.ceil(longest.length / 12) : 1;
  return {
    x: { label: "", low: -0.15, high: longest.length - 0.85, ticks: [] },
    y: { ...powersOf(lines.flatMap((line) => [line.y, line.low || [], line.high || []])), label: "mean |signal|" },
    lines,
    rules: 2 * picked < longest.length - 1 ? [{ x: 2 * picked, dash: [4, 3] }] : [],
    points: lines.map((line) => ({ x: line.x, y: line.y, colour: line.colour, size: 3.6 })),
    over: (g, place, c) => {
      g.font = TICK;
      g.fillStyle = c.muted;
      g.textAlign = "center";
      longest.forEach((name, k) => {
        if (k % each === 0 || k === longest.length - 1) g.fillText(name, place.x.pixel(k), place.box.bottom + 15);
      });
    },
    says: `Mean magnitude of the point's signal at every stage, ${longest[2 * picked] || "logit"} marked: ` + sides.map((side, i) => `${styles[i].label} ${band(side.signal.magnitude).y.map((v) => short(v, 3)).join(", ")}`).join("; "),
    table: () => ({
      columns: ["network", "stage", "mean |signal|"],
      rows: sides.flatMap((side, i) => side.signal.stages.map((stage, k) => [styles[i].label, stage, band(side.signal.magnitude).y[k]])),
    }),
  };
}

/** What a linear reader recovers, formats by layers, as a table whose cells are shaded. */
function fidelityTable(reader, setting, label) {
  const { values } = reader;
  const [formats, levels, layers] = values.shape;
  const head = Array.from({ length: layers }, (_, l) => h("th", { scope: "col", class: "as-right" }, l ? String(l) : "input"));
  const rows = Array.from({ length: formats }, (_, f) =>
    h("tr", {}, h("th", { scope: "row" }, setting.formats[f].replace("_", " ")),
      Array.from({ length: layers }, (_, l) => {
        const value = values[(f * levels + (levels === 1 ? 0 : 1)) * layers + l];
        const cell = h("td", { class: "as-right as-shaded", "data-value": String(value), "data-name": `${label} ${setting.formats[f]} ${l}` },
          Number.isNaN(value) ? "–" : value.toFixed(2).replace(/^-(?=0\.00$)/, "").replace("-", "−"));
        cell.style.setProperty("--as-share", `${Math.round(55 * Math.min(1, Math.max(0, value || 0)))}%`);
        return cell;
      })));
  return h("table", { class: "as-table as-fidelity" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "format"), head)), h("tbody", {}, rows));
}
