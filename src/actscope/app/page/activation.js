// Panel 1: values and slopes of up to five functions, read off anywhere.

const DEFAULTS = ["sigmoid", "relu", "tanh"];
const SNAP = 6; // pixels within which x jumps to a kink
const SLOPE_DASHES = [[2.6, 1.4], [1, 1.2], [4, 1.2, 1, 1.2], [1.8, 0.9], [6, 1.5]];

definePanel("activation", (element, context) => {
  const { state } = context;
  let names = state.all("f").length ? state.all("f") : DEFAULTS;
  let x = state.number("x", 0);
  let span = state.number("span", 5);
  let curves = null;

  const keep = () => state.set({ f: names, x: short(x, 8), span: span === 5 ? null : span });
  const read = context.latest("read", (reply) => showReadings(reply), (error) => list.complain(error.message));
  const ask = () => {
    keep();
    read({ f: names, x });
  };

  const xSlider = slider({ label: "x", low: -span, high: span, step: 0.01, value: x, name: "x", change: moveTo });
  const xField = h("input", { type: "number", step: "any", "data-name": "x-typed", ...OWN_KEYS });
  xField.addEventListener("change", () => {
    const typed = Number(xField.value);
    if (xField.value.trim() !== "" && Math.abs(typed) <= 1e6) moveTo(typed);
  });
  const spanMenu = menu({
    label: "Range of x",
    options: [2, 5, 10, 20, 50].map((v) => [String(v), `−${v} to ${v}`]),
    value: String(span),
    name: "span",
    change: (v) => {
      span = Number(v);
      if (Math.abs(x) > span) x = Math.sign(x) * span;
      refresh();
    },
  });

  const list = activationList({
    context,
    names,
    most: 5,
    known: [],
    change: async (wanted, answered) => {
      try {
        const reply = await context.ask("curves", { f: wanted, span });
        names = wanted;
        take(reply);
        answered("");
      } catch (error) {
        answered(error.message); // the old curves stay
      }
    },
  });
  context.ask("catalogue").then(({ known }) => {
    const options = list.element.querySelector("datalist");
    options.append(...known.map(({ name, label }) => h("option", { value: name }, label)));
  });

  const values = chart(context, { title: "Value f(x)", name: "values", height: 320 });
  const slopes = chart(context, { title: "Slope f′(x)", name: "slopes", height: 320 });
  const table = h("tbody", {});
  const facts = h("tbody", {});

  element.append(
    h("div", { class: "as-columns" },
      h("div", { class: "as-controls" },
        list.element,
        h("section", { class: "as-group", "aria-label": "Where" }, h("h2", {}, "Where"), xSlider.element, field("x, typed", xField), spanMenu.element),
      ),
      h("div", { class: "as-stack" },
        h("div", { class: "as-card as-scroll as-plain", tabindex: "0", role: "region", "aria-label": "Readings" },
          h("table", { class: "as-table as-readout" },
            h("thead", {}, h("tr", {}, ["function", "value", "slope"].map((word, i) => h("th", { scope: "col", class: i ? "as-right" : null }, word)))),
            table)),
        h("div", { class: "as-two" }, values.element, slopes.element),
        h("div", { class: "as-card" }, h("h2", {}, "What the records say"),
          h("div", { class: "as-scroll as-plain", tabindex: "0", role: "region", "aria-label": "What the records say" },
            h("table", { class: "as-table as-facts" },
              h("thead", {}, h("tr", {}, ["function", "formula", "range", "zero-centred", "kinks", "gain", "χ₁ uncentred", "χ₁ centred"].map((w) => h("th", { scope: "col" }, w)))),
              facts))),
      ),
    ),
  );

  function moveTo(value) {
    x = Math.min(1e6, Math.max(-1e6, value));
    if (Math.abs(x) <= span) xSlider.set(x);
    xField.value = short(x, 8);
    ask();
  }

  /** A place on the chart as an x: on a kink if it is near one, else as round as a pixel is wide. */
  function drag(at, _, event) {
    const { box } = values.at(event).place;
    const pixel = (2 * span) / (box.right - box.left);
    const kinks = curves.functions.flatMap((one) => [...one.kinks]);
    const near = kinks.find((kink) => Math.abs(kink - at) < SNAP * pixel);
    const step = 10 ** Math.floor(Math.log10(pixel));
    moveTo(near === undefined ? Number((Math.round(at / step) * step).toFixed(6)) : near);
  }
  values.onPoint(drag);
  slopes.onPoint(drag);

  async function refresh() {
    try {
      take(await context.ask("curves", { f: names, span }));
    } catch (error) {
      list.complain(error.message);
    }
  }

  function take(reply) {
    curves = reply;
    list.show(reply.functions);
    xSlider.input.min = String(-span);
    xSlider.input.max = String(span);
    if (Math.abs(x) <= span) xSlider.set(x);
    xField.value = short(x, 8);
    facts.replaceChildren(...reply.functions.map(factRow));
    ask();
  }

  function factRow(one) {
    const p = one.properties;
    const number = (name) => h("td", { class: "as-right" }, output(`${name} ${one.name}`, p[name]));
    return h("tr", { title: p.why || null },
      h("th", { scope: "row" }, one.label), h("td", {}, h("code", {}, p.formula)), h("td", {}, p.range),
      h("td", {}, p.zero_centred ? "yes" : "no"), h("td", {}, p.kinks), number("gain"), number("chi_1"), number("chi_1_centred"));
  }

  function showReadings(reply) {
    if (reply.readings.length !== curves.functions.length) return;
    table.replaceChildren(...reply.readings.map((row, i) => {
      const style = curves.functions[i];
      const used = output(`slope ${row.name}`, row.slope);
      const slope = row.left === null ? used : [
        output(`slope ${row.name} left`, row.left), " left · ", output(`slope ${row.name} right`, row.right), " right ",
        h("span", { class: "as-hint" }, "(training uses ", used, ")"),
      ];
      return h("tr", { "data-row": row.name },
        h("th", { scope: "row" }, swatch(context, style), " ", style.label),
        h("td", { class: "as-right" }, output(`value ${row.name}`, row.value)),
        h("td", { class: "as-right" }, slope));
    }));
    drawCurves(reply);
  }

  function drawCurves(reply) {
    const dots = reply.readings.map((row, i) => ({ ...row, style: curves.functions[i] }));
    for (const [panel, key, dashed] of [[values, "value", false], [slopes, "slope", true]]) {
      panel.draw({
        x: { label: "x", low: -span, high: span },
        y: limits(curves.functions.map((one) => one[key]), span, key === "value" ? "f(x)" : "f′(x)"),
        lines: curves.functions.map((one, i) => ({
          x: one.x, y: one[key], colour: context.pick(one), width: 2.2, label: one.label,
          dash: dashed ? SLOPE_DASHES[i] : one.dash,
        })),
        rules: Math.abs(reply.x) <= span ? [{ x: reply.x }] : [],
        points: [...(dashed ? [] : kinkRings()), ...dots.map((dot) => marks(dot, key, reply.x)).flat()],
        says: `${panel === values ? "Values" : "Slopes"} at x = ${short(reply.x)}: ` + dots.map((dot) => `${dot.style.label} ${short(dot[key])}`).join(", "),
        table: () => tableOf(key),
      });
    }
  }

  /** Where the value or its slope jumps, the curve carries a ring. */
  function kinkRings() {
    return curves.functions.map((one) => ({ x: one.kinks, y: one.at_kinks, colour: context.pick(one), shape: "ring", size: 3.5 }));
  }

  /** The reading on a curve; at a kink both slopes, as rings, because neither is the slope there. */
  function marks(dot, key, at) {
    const colour = context.pick(dot.style);
    if (key === "slope" && dot.left !== null) return [{ x: [at, at], y: [dot.left, dot.right], colour, shape: "ring", size: 4.5 }];
    return [{ x: [at], y: [dot[key]], colour, size: 5 }];
  }

  function tableOf(key) {
    return { columns: ["function", "x", key], rows: curves.functions.flatMap((one) => [...one.x].map((at, i) => [one.label, at, one[key][i]])) };
  }

  function limits(rows, most, label) {
    let [low, high] = [Infinity, -Infinity];
    for (const row of rows) for (const v of row) if (Number.isFinite(v)) {
      low = Math.min(low, Math.max(v, -most));
      high = Math.max(high, Math.min(v, most));
    }
    if (!(low <= high)) [low, high] = [0, 1];
    const margin = 0.07 * (high - low) || 0.5;
    return { label, low: low - margin, high: high + margin };
  }

  refresh();
});
