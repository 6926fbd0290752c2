// Panel 2: the product of slopes by layer, beside the gradient of a real untrained network.

const START = ["sigmoid", "relu", "tanh"];
const FINE = 60; // depths up to here one by one, then by tens

definePanel("depth", (element, context) => {
  const { state } = context;
  let names = state.all("f").length ? state.all("f") : START;
  const setting = {
    depth: Math.min(600, Math.max(1, Math.round(state.number("depth", 10)))),
    mode: state.get("mode") === "normal" ? "normal" : "x",
    x: state.number("x", 0),
    mean: state.number("mean", 0),
    std: state.number("std", 1),
    init: state.get("init", "article"),
    width: state.number("width", 16),
  };
  let slopes = null;
  let network = null;

  const keep = () => {
    const { depth, mode, x, mean, std, init, width } = setting;
    const random = mode === "normal";
    state.set({ f: names, depth, mode: random ? mode : null, x: random ? null : short(x, 6),
      mean: random ? short(mean, 6) : null, std: random ? short(std, 6) : null, init, width });
  };
  const failed = (error) => list.complain(error.message);
  const askSlopes = context.latest("products", (reply) => { slopes = reply; show(); }, failed);
  const askNetwork = context.latest("measured", (reply) => { network = reply; show(); }, failed);
  const args = () => ({ f: names, ...setting });
  const ask = ({ net = true } = {}) => {
    keep();
    askSlopes(args());
    if (net) askNetwork(args());
  };

  const list = activationList({
    context, names, most: 5, known: [],
    change: async (wanted, answered) => {
      try {
        await context.ask("products", { ...args(), f: wanted });
        names = wanted;
        ask();
        answered("");
      } catch (error) {
        answered(error.message);
      }
    },
  });
  context.ask("catalogue").then(({ known }) =>
    list.element.querySelector("datalist").append(...known.map((one) => h("option", { value: one.name }, one.label))));

  const depthSlider = slider({
    label: "Depth", name: "depth", low: 1, high: FINE + 54, step: 1, value: setting.depth,
    at: (p) => (p <= FINE ? p : FINE + 10 * (p - FINE)),
    of: (depth) => (depth <= FINE ? depth : FINE + Math.round((depth - FINE) / 10)),
    text: (depth) => (depth === 1 ? "1 layer" : `${depth} layers`),
    change: (depth) => { setting.depth = depth; depthField.set(depth); ask(); },
  });
  const depthField = numberField({
    label: "Any depth, 1 to 600", name: "depth-typed", low: 1, high: 600, step: 1, value: setting.depth,
    change: (depth) => { setting.depth = Math.round(depth); depthSlider.set(setting.depth); ask(); },
  });
  const about = (key, label, low, high, step, hint) => slider({
    label, low, high, step, value: setting[key], name: key, hint,
    change: (v) => { setting[key] = v; ask({ net: false }); },
  });
  const xSlider = about("x", "x, in every layer", -6, 6, 0.05);
  const meanSlider = about("mean", "Mean of x", -4, 4, 0.05);
  const stdSlider = about("std", "Standard deviation of x", 0.05, 4, 0.05);
  const modes = choice({
    label: "The slope is taken at", name: "mode", options: [["x", "one x"], ["normal", "normal x"]],
    value: setting.mode,
    change: (mode) => { setting.mode = mode; showMode(); ask({ net: false }); },
  });
  const where = h("div", { class: "as-group" });
  function showMode() {
    where.replaceChildren(...(setting.mode === "x" ? [xSlider.element] : [meanSlider.element, stdSlider.element]));
  }
  const nets = h("div", { class: "as-group" });
  context.ask("inits").then((told) => {
    const initMenu = menu({
      label: "Init", name: "init", value: setting.init,
      options: told.inits.map(({ name, label }) => [name, label]),
      change: (init) => { setting.init = init; hint(told); ask(); },
    });
    const widthMenu = menu({
      label: "Width", name: "width", value: String(setting.width),
      options: told.widths.map((w) => [String(w), `${w} units`]),
      change: (w) => { setting.width = Number(w); ask(); },
    });
    nets.append(initMenu.element, summary, widthMenu.element);
    hint(told);
  });
  const summary = h("p", { class: "as-hint" });
  const hint = (told) => {
    const rule = told.inits.find(({ name }) => name === setting.init);
    summary.textContent = rule ? rule.about : "";
  };

  const left = chart(context, { title: "Product of slopes", name: "products", height: 340 });
  const right = chart(context, { title: "Measured gradient", name: "measured", height: 340 });
  const rows = h("tbody", {});
  const heads = ["function", "slope of a layer", "product of all", "measured first / last"];
  const group = (title, ...parts) => h("section", { class: "as-group", "aria-label": title }, h("h2", {}, title), parts);
  element.append(
    h("div", { class: "as-columns" },
      h("div", { class: "as-controls" }, list.element,
        group("Depth", depthSlider.element, depthField.element),
        group("Slopes", modes.element, where),
        group("Network", nets)),
      h("div", { class: "as-stack" },
        h("div", { class: "as-two" }, left.element, right.element),
        h("div", { class: "as-card" },
          h("div", { class: "as-scroll as-plain", tabindex: "0", role: "region", "aria-label": "Numbers" },
            h("table", { class: "as-table as-readout" },
              h("thead", {}, h("tr", {}, heads.map((word, i) => h("th", { scope: "col", class: i ? "as-right" : null }, word)))), rows)),
          h("p", { class: "as-note" }, "Measured: the Euclidean norm of the loss gradient in the first layer's weights over the output layer's; median of three untrained networks on two moons, the band is the smallest and the largest. A cross at the floor is an exact 0, whatever the depth.")))));
  showMode();
  ask();

  /** A power of ten that may be too small for a number. */
  function powerText(value, power) {
    if (power === -Infinity) return "0 exactly";
    if (Number.isNaN(power) || Math.abs(power) < 300) return short(value);
    return `10^${power.toFixed(1)}`;
  }
  function powerOutput(name, row) {
    const shown = output(name, row.value, powerText(row.value, row.power));
    shown.dataset.log10 = String(row.power);
    return shown;
  }

  function show() {
    if (slopes === null) return;
    list.show(slopes.functions);
    const found = network && network.depth === slopes.depth ? network.functions : [];
    const mine = (one) => found.find((row) => row.name === one.name && !row.error);
    const why = (one) => found.find((row) => row.name === one.name && row.error);
    const tall = axis(slopes.functions, found.filter((row) => !row.error));
    const x = { label: "activations passed on the way down", low: 0, high: slopes.depth, whole: true };
    const lines = slopes.functions.flatMap((one) => {
      const style = { colour: context.pick(one), dash: one.dash, width: 2.2 };
      const layers = steps(slopes.depth);
      if (!one.left) return [{ ...style, x: layers, y: one.log10, label: one.label }];
      return [["left", "x < kink"], ["right", "x > kink"]].map(([side, words]) => (
        { ...style, x: layers, y: one[side].log10, label: `${one.label}, ${side}`, words, dash: side === "left" ? [1.5, 1.5] : one.dash }));
    });
    left.draw({
      x, y: { ...tall, label: "product, from the last layer down" }, lines, over: zeros(lines),
      says: `Product of slopes over ${slopes.depth} layers: ` + slopes.functions.map((one) => `${one.label} ${one.left ? sides(one) : powerText(one.value, one.power)}`).join(", "),
      table: () => ({ columns: ["function", "layers", "log10 of the product"], rows: lines.flatMap((line) => [...line.x].map((l, i) => [line.label, l, line.y[i]])) }),
    });
    const nets = slopes.functions.filter(mine).map((one) => ({
      colour: context.pick(one), dash: one.dash, width: 2.2, label: one.label,
      x: steps(slopes.depth), y: mine(one).median, low: mine(one).low, high: mine(one).high,
    }));
    right.draw({
      x, y: { ...tall, label: "gradient norm / output layer's" }, lines: nets, over: zeros(nets),
      says: `Measured gradient of the first layer over the last, ${slopes.depth} layers: ` + slopes.functions.filter(mine).map((one) => `${one.label} ${powerText(mine(one).value, mine(one).power)}`).join(", "),
      table: () => ({ columns: ["function", "activations passed", "log10 of the ratio, median", "smallest", "largest"], rows: nets.flatMap((line) => [...line.x].map((l, i) => [line.label, l, line.y[i], line.low[i], line.high[i]])) }),
    });
    rows.replaceChildren(...slopes.functions.map((one) => h("tr", { "data-row": one.name },
      h("th", { scope: "row" }, swatch(context, one), " ", one.label),
      h("td", { class: "as-right" }, one.left
        ? [output(`slope ${one.name} left`, one.left.slope), " left · ", output(`slope ${one.name} right`, one.right.slope), " right"]
        : output(`slope ${one.name}`, one.slope)),
      h("td", { class: "as-right" }, one.left
        ? [powerOutput(`product ${one.name} left`, one.left), " left · ", powerOutput(`product ${one.name} right`, one.right), " right"]
        : powerOutput(`product ${one.name}`, one), paths(one)),
      h("td", { class: "as-right" }, mine(one) ? powerOutput(`measured ${one.name}`, mine(one)) : why(one) ? h("span", { class: "as-hint", title: why(one).error }, why(one).error) : "…"))));
  }

  function paths(one) {
    const share = one.zero_share;
    if (setting.mode === "x" || share === 0) return null;
    return h("span", { class: "as-hint" }, ` ${short(100 * share, 4)} % of paths exactly 0`);
  }
  function sides(one) {
    return `${powerText(one.left.value, one.left.power)} left, ${powerText(one.right.value, one.right.power)} right`;
  }
  function steps(depth) {
    return Float64Array.from({ length: depth + 1 }, (_, i) => i);
  }

  /** Both charts have the same powers of ten; an exact 0 has its floor one step below them. */
  function axis(ones, nets) {
    let [low, high] = [-1, 0];
    let zero = false;
    const look = (v) => {
      if (v === -Infinity) zero = true;
      else if (Number.isFinite(v)) [low, high] = [Math.min(low, v), Math.max(high, v)];
    };
    for (const one of ones) for (const row of one.left ? [one.left, one.right] : [one]) row.log10.forEach(look);
    for (const net of nets) for (const line of [net.median, net.low, net.high]) line.forEach(look);
    const room = 0.05 * (high - low);
    return { low: low - (zero ? 3 * room : room), high: high + room, log: true };
  }

  /** Mark what is exactly 0 with a cross at the floor. */
  function zeros(lines) {
    return (g, place) => {
      for (const line of lines) {
        const first = line.y.findIndex((v) => v === -Infinity);
        if (first < 0) continue;
        const y = place.box.bottom - 5;
        const step = Math.max(1, Math.ceil((line.y.length - first) / 8));
        for (let i = first; i < line.y.length; i += step) drawMark(g, place.x.pixel(line.x[i]), y, "cross", 4, line.colour);
      }
    };
  }
});
