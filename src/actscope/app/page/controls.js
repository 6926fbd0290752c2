// ---------------------------------------------------------------- controls

/** A label and what it names; `hint` is a muted line under it. */
function field(label, control, { hint = "", value = null } = {}) {
  control.id = control.id || freshId("control");
  const head = h("div", { class: "as-head" }, h("label", { for: control.id }, label), value);
  const element = h("div", { class: "as-field" }, head, control);
  if (hint) element.append(h("p", { class: "as-hint" }, hint));
  return element;
}

// JupyterLab takes the arrow keys from a focused control unless the control itself says this.
const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

/** A slider with its number beside it: {element, input, value, set(v)}. `change(value)` is called
    while it moves. `at`/`of` turn its position into a number and back, for scales of its own. */
function slider({ label, low, high, step = 1, value, change, hint, text, name, at = null, of = null }) {
  const show = text || ((v) => short(v));
  const number = at || ((position) => position);
  const position = of || ((v) => v);
  const input = h("input", { type: "range", min: low, max: high, step, ...OWN_KEYS });
  const shown = h("output", { class: "as-number", "aria-live": "off", "data-name": name });
  const set = (v) => {
    input.value = String(position(v));
    self.value = v;
    showNumber(shown, v, show(v));
    input.setAttribute("aria-valuetext", show(v));
  };
  const self = { element: field(label, input, { hint, value: shown }), input, value, set };
  input.addEventListener("input", () => {
    self.value = number(Number(input.value));
    showNumber(shown, self.value, show(self.value));
    input.setAttribute("aria-valuetext", show(self.value));
    change(self.value);
  });
  set(value);
  return self;
}

/** A menu: options are [value, label]. */
function menu({ label, options, value, change, hint, name }) {
  const entries = options.map(([v, words]) => h("option", { value: v }, words));
  const input = h("select", { ...OWN_KEYS, "data-name": name }, entries);
  input.value = value;
  input.addEventListener("change", () => change(input.value));
  return { element: field(label, input, { hint }), input, set: (v) => (input.value = v) };
}

/** One of a few, side by side: options are [value, label]. */
function choice({ label, options, value, change, name }) {
  const group = freshId("choice");
  const inputs = options.map(([v, words]) => {
    const input = h("input", { type: "radio", name: group, value: v, ...OWN_KEYS });
    input.checked = v === value;
    input.addEventListener("change", () => change(v));
    return { input, element: h("label", {}, input, h("span", {}, words)) };
  });
  const element = h(
    "fieldset",
    { class: "as-choice", "data-name": name },
    h("legend", {}, label),
    h("div", {}, inputs.map((one) => one.element)),
  );
  const set = (v) => inputs.forEach(({ input }) => (input.checked = input.value === v));
  return { element, set };
}

/** A box to tick. */
function tick({ label, value, change, name }) {
  const input = h("input", { type: "checkbox", ...OWN_KEYS, "data-name": name });
  input.checked = value;
  input.addEventListener("change", () => change(input.checked));
  const element = h("label", { class: "as-tick" }, input, h("span", {}, label));
  return { element, input, set: (v) => (input.checked = v) };
}

/** A number to type: `change` is called with what is a number between low and high. */
function numberField({ label, low, high, step = "any", value, change, hint, name }) {
  const input = h("input", { type: "number", min: low, max: high, step, ...OWN_KEYS, "data-name": name });
  input.value = String(value);
  input.addEventListener("change", () => {
    const v = Number(input.value);
    const good = input.value.trim() !== "" && Number.isFinite(v) && v >= low && v <= high;
    input.setAttribute("aria-invalid", String(!good));
    if (good) change(v);
  });
  return { element: field(label, input, { hint }), input, set: (v) => (input.value = String(v)) };
}

/** A button. */
function button(label, click, attributes = {}) {
  return h("button", { type: "button", ...attributes, onclick: click }, label);
}

/** A sentence that appears when something was refused: {element, say(text)}. */
function complaint() {
  const element = h("p", { class: "as-complaint", role: "alert", hidden: true });
  return {
    element,
    say: (text = "") => {
      element.hidden = !text;
      if (element.textContent !== text) element.textContent = text;
    },
  };
}

/** A list of activations, up to `most`: names of the catalogue or typed expressions.

    `change(names)` is called with a new list; `show(rows)` gives each its colour, dash and label. */
function activationList({ names, most, change, known, label = "Functions", context }) {
  const list = h("ul", { class: "as-functions" });
  const options = h("datalist", { id: freshId("catalogue") });
  options.append(...known.map(({ name, label: words }) => h("option", { value: name }, words)));
  const input = h("input", {
    type: "text",
    id: freshId("add"),
    list: options.id,
    placeholder: "gelu, or x*tanh(log(1+exp(x)))",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    maxlength: "20000",
    "data-name": "add",
    ...OWN_KEYS,
  });
  const problem = complaint();
  const add = h("button", { type: "submit", class: "as-primary" }, "Add");
  const form = h(
    "form",
    { class: "as-add" },
    h("label", { for: input.id }, "Add a name or an expression of x"),
    h("div", { class: "as-row" }, input, add),
    options,
    problem.element,
  );
  let current = [...names];
  const full = () => current.length >= most;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    if (full()) {
      problem.say(`${most} at most: remove one first.`);
      return;
    }
    if (current.includes(text)) {
      problem.say(`${text} is there already.`);
      return;
    }
    problem.say();
    change([...current, text], (why) => {
      problem.say(why);
      if (!why) input.value = "";
    });
  });
  const remove = (i) => {
    change(current.filter((_, k) => k !== i), (why) => problem.say(why));
    input.focus();
  };
  return {
    element: h("section", { class: "as-group", "aria-label": label }, h("h2", {}, label), list, form),
    input,
    complain: problem.say,
    /** Show the list: one {name, label, colour, dark, dash} for each. */
    show: (rows) => {
      current = rows.map((row) => row.name);
      list.replaceChildren(
        ...rows.map((row, i) =>
          h(
            "li",
            { "data-function": row.name },
            swatch(context, row),
            h("span", { class: "as-name", title: row.name }, row.label),
            rows.length > 1
              ? button("×", () => remove(i), { class: "as-remove", "aria-label": `Remove ${row.label}` })
              : null,
          ),
        ),
      );
    },
  };
}

/** A short piece of a series' line, in its colour and dash. */
function swatch(context, style) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", "0 0 28 12");
  svg.setAttribute("class", "as-swatch");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(ns, "path");
  line.setAttribute("d", "M1 6H27");
  line.setAttribute("stroke-width", "3");
  line.setAttribute("stroke-dasharray", (style.dash || []).map((part) => part * 2).join(" "));
  const paint = () => line.setAttribute("stroke", context.pick(style));
  paint();
  context.onTheme(paint);
  svg.append(line);
  return svg;
}
