// Panel 5: stored studies, their rows, two of them compared, two columns plotted; the claims.

const PREFERRED_X = ["lr", "depth", "width", "seed"];
const PREFERRED_Y = ["accuracy", "test_accuracy", "test_loss"];
const TYPING = 250; // ms after the last letter of a filter

definePanel("results", (element, context) => {
  const { state } = context;
  const now = {
    show: state.get("show", "studies"), study: state.get("study"), table: state.get("table", "cells"),
    sort: state.get("sort"), desc: state.get("desc") === "1", filter: state.get("filter"),
    x: state.get("x"), y: state.get("y"), logX: state.get("logX") === "1", logY: state.get("logY") === "1",
    ledger: state.get("ledger"), claim: state.get("claim"), verdict: state.get("verdict"),
    list: state.get("list"), listSort: state.get("listSort", "name"), listDesc: state.get("listDesc") === "1",
  };
  const selected = new Set(state.all("sel").slice(0, 2)); // keys of rows
  let known = null; // the reply of list
  let open = null; // the reply of open, its columns made

  const keep = () => state.set({
    show: now.show === "studies" ? null : now.show, study: now.study || null,
    table: now.table === "cells" ? null : now.table, sort: now.sort || null, desc: now.desc ? "1" : null,
    filter: now.filter || null, x: now.x || null, y: now.y || null, logX: now.logX ? "1" : null, logY: now.logY ? "1" : null,
    ledger: now.ledger || null, claim: now.claim || null, verdict: now.verdict || null, sel: [...selected],
    list: now.list || null, listSort: now.listSort === "name" ? null : now.listSort, listDesc: now.listDesc ? "1" : null,
  });

  // ------------------------------------------------ parts
  const problem = complaint();
  const shows = choice({ label: "Show", name: "show", options: [["studies", "Studies"], ["claims", "Claims"]], value: now.show, change: (v) => { now.show = v; keep(); present(); } });
  const listBody = h("tbody", {});
  const listHead = h("tr", {});
  const listFilter = h("input", { type: "text", id: freshId("list-filter"), placeholder: "relu", "data-name": "list-filter", ...OWN_KEYS });
  listFilter.value = now.list;
  listFilter.addEventListener("input", () => { now.list = listFilter.value; keep(); drawList(); });
  const listTable = h("div", { class: "as-scroll", tabindex: "0", role: "region", "aria-label": "Studies" }, h("table", { class: "as-table as-studies", "data-name": "studies" }, h("thead", {}, listHead), listBody));
  const empty = h("div", { class: "as-empty", hidden: true, "data-name": "empty" });
  const listCard = h("section", { class: "as-card as-group" },
    h("div", { class: "as-row as-ends" }, h("h2", {}, "Studies"), button("Look again", load, { class: "as-small" })),
    field("Filter the list", listFilter), listTable, empty);

  const title = h("h2", { "data-name": "title" });
  const kinds = choice({ label: "Rows", name: "table", options: [["cells", "Cells"], ["trials", "Trials"]], value: now.table, change: (v) => { Object.assign(now, { table: v, sort: "", desc: false, x: "", y: "" }); selected.clear(); openStudy(); } });
  const filter = h("input", { type: "text", id: freshId("filter"), placeholder: "relu lr<0.1 accuracy>0.9", autocapitalize: "off", spellcheck: "false", "data-name": "filter", ...OWN_KEYS });
  filter.value = now.filter;
  let typing = 0;
  filter.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => { now.filter = filter.value.trim(); openStudy(); }, TYPING);
  });
  const count = output("count");
  const counted = h("p", { class: "as-note" });
  const same = h("p", { class: "as-note", "data-name": "same" });
  const csv = h("a", { class: "as-button", download: true, "data-name": "csv" }, "Download CSV");
  const png = h("a", { class: "as-button", download: true, "data-name": "png" }, "Download PNG");
  const rows = longTable({
    label: "Rows of the study", name: "rows",
    sorted: (name) => {
      now.desc = now.sort === name ? !now.desc : false;
      now.sort = name;
      openStudy();
    },
    chosen: {
      has: (i) => selected.has(open.keys[i]),
      toggle: (i, on) => {
        const key = open.keys[i];
        if (on) selected.add(key);
        else selected.delete(key);
        if (selected.size > 2) selected.delete([...selected][0]);
        keep();
        rows.again();
        compare();
      },
    },
  });
  const comparing = h("section", { class: "as-card as-group", "aria-label": "Two rows compared", "data-name": "compare" });
  const plot = chart(context, { title: "Two columns", name: "plot", height: 380 });
  const axes = {};
  for (const [axis, words] of [["x", "Across"], ["y", "Up"]]) {
    axes[axis] = menu({ label: words, name: axis, options: [], value: "", change: (v) => { now[axis] = v; keep(); drawPlot(); } });
    const big = `log${axis.toUpperCase()}`;
    axes[big] = tick({ label: `log ${axis}`, name: big, value: now[big], change: (on) => { now[big] = on; keep(); drawPlot(); } });
  }
  const names = h("div", { class: "as-legend" });
  const plotting = h("section", { class: "as-card as-group", "aria-label": "Plot" },
    h("div", { class: "as-plot-controls" }, axes.x.element, axes.y.element, axes.logX.element, axes.logY.element),
    plot.element, names, h("div", { class: "as-row" }, png));
  const opened = h("div", { class: "as-stack" },
    h("section", { class: "as-card as-group", "aria-label": "Rows" },
      h("div", { class: "as-row as-ends" }, title, kinds.element),
      field("Filter: words, or a column with a number", filter),
      counted, rows.element, same,
      h("div", { class: "as-row" }, csv)),
    comparing, plotting);
  opened.hidden = true;

  const claims = h("div", { class: "as-stack", "data-name": "claims" });
  const studies = h("div", { class: "as-stack" }, listCard, opened);
  const waiting = h("p", { class: "as-note", role: "status", hidden: true }, "Reading …");
  element.append(shows.element, problem.element, waiting, studies, claims);

  // ------------------------------------------------ the list
  async function load() {
    try {
      known = await asking("list", {});
    } catch {
      return;
    }
    drawList();
    if (now.study) openStudy();
    present();
  }

  async function asking(question, args) {
    const timer = setTimeout(() => (waiting.hidden = false), 300);
    try {
      const reply = await context.ask(question, args);
      problem.say();
      return reply;
    } catch (error) {
      problem.say(error.message);
      throw error;
    } finally {
      clearTimeout(timer);
      waiting.hidden = true;
    }
  }

  const LIST = [["name", "study"], ["trials", "trials"], ["activations", "activations"], ["changed", "changed"]];
  function drawList() {
    const none = known.studies.length === 0;
    empty.hidden = !none;
    listTable.hidden = none;
    if (none) {
      empty.replaceChildren(
        h("p", {}, `There is no study in the folder ${known.folder} yet. Run one in it, for example`),
        h("p", {}, h("code", {}, known.run)),
        h("p", { class: "as-note" }, "then press Look again. Another folder: actscope serve --studies DIR"));
    }
    const value = (study) => (now.listSort === "activations" ? study.activations.join(", ") : study[now.listSort]);
    const wanted = known.studies
      .filter((study) => [study.name, study.title, ...study.activations, study.error].join(" ").toLowerCase().includes(now.list.toLowerCase()))
      .sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (now.listDesc ? -1 : 1));
    listHead.replaceChildren(...LIST.map(([key, words]) =>
      h("th", { scope: "col", class: key === "trials" ? "as-right" : null, "aria-sort": now.listSort === key ? (now.listDesc ? "descending" : "ascending") : null },
        h("button", { type: "button", class: "as-sort", onclick: () => { now.listDesc = now.listSort === key && !now.listDesc; now.listSort = key; keep(); drawList(); } },
          words, h("span", { "aria-hidden": "true" }, now.listSort === key ? (now.listDesc ? " ↓" : " ↑") : "")))));
    listBody.replaceChildren(...wanted.map(studyRow));
  }

  function studyRow(study) {
    const name = study.name === "." ? study.title : study.name;
    if (study.error) {
      return h("tr", { class: "as-damaged", "data-study": study.name }, h("td", { colspan: 4 }, h("strong", {}, name), h("div", {}, study.error)));
    }
    const harmed = study.damaged.length ? h("div", { class: "as-harm" }, `${study.damaged.length} damaged: ${study.damaged[0]}`) : null;
    return h("tr", { "data-study": study.name, class: study.name === now.study ? "as-current" : null },
      h("th", { scope: "row" }, button(name, () => choose(study.name), { class: "as-link", "data-open": study.name }), harmed),
      h("td", { class: "as-right", "data-value": String(study.trials) }, study.trials.toLocaleString("en") + (study.trials < study.planned ? ` of ${study.planned.toLocaleString("en")}` : "")),
      h("td", {}, study.activations.join(", ")),
      h("td", {}, new Date(1000 * study.changed).toISOString().slice(0, 16).replace("T", " ")));
  }

  function choose(name) {
    Object.assign(now, { study: name, sort: "", desc: false, filter: "", x: "", y: "" });
    filter.value = "";
    selected.clear();
    drawList();
    openStudy();
  }

  // ------------------------------------------------ an open study
  const args = () => ({ study: now.study, table: now.table, sort: now.sort, desc: now.desc, filter: now.filter });
  const fetchRows = context.latest("open", showRows, (error) => { waiting.hidden = true; problem.say(error.message); });
  function openStudy() {
    keep();
    if (!open) waiting.hidden = false;
    fetchRows(args());
  }

  function showRows(reply, asked) {
    waiting.hidden = true;
    problem.say();
    open = { ...reply, columns: reply.columns.map(columnOf) };
    const length = open.keys.length;
    const shown = open.columns.filter((column) => !column.same || length < 2);
    title.textContent = reply.study === "." ? known.folder : reply.study;
    showNumber(count, reply.total, reply.total.toLocaleString("en"));
    const cut = length < reply.total ? `; the first ${length.toLocaleString("en")} are shown, the CSV has all` : "";
    const broken = reply.damaged.length ? `, ${reply.damaged.length} damaged file${reply.damaged.length > 1 ? "s" : ""}` : "";
    counted.replaceChildren(count, ` ${reply.table}${broken}${cut}`);
    rows.show({ columns: shown, rows: length, damaged: reply.damaged, sort: asked.sort, desc: asked.desc });
    const fixed = open.columns.filter((column) => column.same && length > 1).map((column) => `${column.name.replaceAll("_", " ")} ${column.text(0)}`);
    same.textContent = fixed.length ? `The same in all rows: ${fixed.join(", ")}.` : "";
    for (const axis of ["x", "y"]) {
      const names = open.columns.map((column) => column.name);
      const first = (axis === "x" ? PREFERRED_X : PREFERRED_Y).find((name) => names.includes(name) && (axis === "y" || shown.some((c) => c.name === name)));
      if (!names.includes(now[axis])) {
        now[axis] = first || names[0] || "";
        const big = `log${axis.toUpperCase()}`;
        now[big] = now[axis] === "lr"; // rates are chosen by factors
        axes[big].set(now[big]);
      }
      axes[axis].input.replaceChildren(...names.map((name) => h("option", { value: name }, name.replaceAll("_", " "))));
      axes[axis].set(now[axis]);
    }
    opened.hidden = false;
    comparing.hidden = plotting.hidden = length === 0;
    keep();
    drawPlot();
    compare();
  }

  function fileOf(name, more = {}) {
    const query = new URLSearchParams({ ...args(), desc: now.desc ? "1" : "", ...more });
    return `file/results/${name}?${query}`;
  }

  // ------------------------------------------------ two rows
  const fetchPair = context.latest("compare", drawPair, (error) => comparing.replaceChildren(h("h2", {}, "Compare"), h("p", { class: "as-note" }, error.message)));
  function compare() {
    const pair = [...selected];
    if (pair.length === 2) fetchPair({ study: now.study, table: now.table, first: pair[0], second: pair[1] });
    else comparing.replaceChildren(h("h2", {}, "Compare"), h("p", { class: "as-note" }, `Tick two rows to see them side by side${pair.length ? ": one more" : ""}.`));
  }

  function drawPair(reply) {
    const label = (key) => {
      const i = open.keys.indexOf(key);
      const phi = open.columns.find((column) => column.name === "activation");
      return i >= 0 && phi ? phi.text(i) : "a row that the filter hides";
    };
    const [a, b] = [...selected].map(label);
    const value = (v, name) => (typeof v === "number" ? h("td", { class: "as-right", "data-value": String(v), "data-name": name }, short(v)) : h("td", { class: "as-right" }, v ?? "–"));
    const lines = (entries) => entries.map((one) => h("tr", {}, h("th", { scope: "row" }, one.name.replaceAll("_", " ")), value(one.a, `a ${one.name}`), value(one.b, `b ${one.name}`)));
    const head = (words) => h("thead", {}, h("tr", {}, [words, a, b].map((word, i) => h("th", { scope: "col", class: i ? "as-right" : null }, word))));
    comparing.replaceChildren(...[h("h2", {}, "Compare"),
      reply.paired ? h("p", { "data-name": "paired" }, pairWords(reply.paired)) : null,
      h("div", { class: "as-two" },
        h("table", { class: "as-table" }, head("settings that differ"), h("tbody", {}, reply.settings.length ? lines(reply.settings) : h("tr", {}, h("td", { colspan: 3 }, "none but the seed")))),
        h("table", { class: "as-table" }, head("results"), h("tbody", {}, lines(reply.results))))].filter(Boolean));
  }

  function pairWords(paired) {
    if (paired.difference === undefined) return `${paired.pairs} seeds that both have: too few for a test.`;
    const apart = paired.low > 0 || paired.high < 0;
    return `On ${paired.pairs} common seeds the first is ${apart ? "" : "not clearly "}${paired.difference >= 0 ? "better" : "worse"}: test accuracy differs by ${short(100 * paired.difference, 3)} points (95 % interval ${short(100 * paired.low, 3)} to ${short(100 * paired.high, 3)}, p = ${short(paired.p, 2)}).`;
  }

  // ------------------------------------------------ the plot
  function drawPlot() {
    if (!open) return;
    csv.href = fileOf("csv");
    png.href = fileOf("png", { x: now.x, y: now.y, logX: now.logX ? "1" : "", logY: now.logY ? "1" : "" });
    csv.hidden = png.hidden = !context.page;
    const of = (name) => open.columns.find((column) => column.name === name);
    const [x, y] = [of(now.x), of(now.y)];
    if (!x || !y) return;
    const place = (column, log) => {
      const numbers = column.words ? Float64Array.from(column.codes) : column.values;
      return log && !column.words ? Float64Array.from(numbers, (v) => (v > 0 ? Math.log10(v) : NaN)) : numbers;
    };
    const [px, py] = [place(x, now.logX), place(y, now.logY)];
    const limits = (column, numbers, log) => {
      const finite = [...numbers].filter(Number.isFinite);
      const [low, high] = finite.length ? [Math.min(...finite), Math.max(...finite)] : [0, 1];
      const room = column.words ? 0.5 : 0.06 * (high - low) || Math.abs(high) * 0.05 || 0.5;
      return { label: column.name.replaceAll("_", " "), low: low - room, high: high + room, log: log && !column.words, ...(column.words ? { ticks: [] } : {}) };
    };
    const phi = of("activation");
    const groups = new Map();
    for (let i = 0; i < open.keys.length; i += 1) {
      const key = phi ? phi.text(i) : "";
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(i);
    }
    const glyphs = ["●", "■", "▲", "○"];
    names.hidden = groups.size < 2;
    names.replaceChildren(...[...groups.keys()].slice(0, 40).map((name, k) => h("span", {},
      h("b", { "aria-hidden": "true", style: { color: open.styles[name] ? context.pick(open.styles[name]) : "inherit" } }, glyphs[k % 4]), ` ${name}`)));
    const left = [...px].filter((v, i) => !(Number.isFinite(v) && Number.isFinite(py[i]))).length;
    const shapes = ["circle", "square", "triangle", "ring"];
    plot.say(`one point a row${left ? `; ${left} without a number are left out` : ""}`);
    plot.draw({
      x: limits(x, px, now.logX), y: limits(y, py, now.logY),
      points: [...groups].map(([name, members], k) => ({
        x: members.map((i) => px[i]), y: members.map((i) => py[i]), size: 4.5, shape: shapes[k % 4],
        colour: open.styles[name] ? context.pick(open.styles[name]) : context.colours().text,
      })),
      over: (g, at, c) => words(g, at, c, x, y),
      says: `${now.y} against ${now.x} of ${open.keys.length} rows`,
      table: () => ({ columns: ["activation", now.x, now.y], rows: open.keys.map((_, i) => [phi ? phi.text(i) : "", x.words ? x.text(i) : x.values[i], y.words ? y.text(i) : y.values[i]]) }),
    });
  }

  /** The names of columns of words at their axis. */
  function words(g, at, c, x, y) {
    g.font = TICK;
    g.fillStyle = c.muted;
    if (x.words) {
      g.textAlign = "center";
      x.words.forEach((word, k) => g.fillText(shorten(word, 12), at.x.pixel(k), at.box.bottom + 14));
    }
    if (y.words) {
      g.textAlign = "right";
      y.words.forEach((word, k) => g.fillText(shorten(word, 12), at.box.left - 6, at.y.pixel(k)));
    }
  }

  // ------------------------------------------------ the claims
  async function drawClaims() {
    if (!known) return;
    if (!now.ledger && known.ledgers.length) now.ledger = known.ledgers[0].name;
    let reply;
    try {
      reply = await asking("ledger", { ledger: now.ledger });
    } catch {
      return;
    }
    const verdicts = [...new Set(reply.claims.map((one) => one.verdict).filter(Boolean))];
    const shown = reply.claims.filter((one) => !now.verdict || one.verdict === now.verdict);
    const which = menu({ label: "Ledger", name: "ledger", value: now.ledger, options: known.ledgers.map((one) => [one.name, one.name]), change: (v) => { Object.assign(now, { ledger: v, claim: "" }); keep(); drawClaims(); } });
    const only = menu({ label: "Verdict", name: "verdict", value: now.verdict, options: [["", "all"], ...verdicts.map((v) => [v, `${v} (${reply.claims.filter((one) => one.verdict === v).length})`])], change: (v) => { now.verdict = v; keep(); drawClaims(); } });
    const none = known.ledgers.length ? null : h("div", { class: "as-empty", "data-name": "no-ledger" },
      h("p", {}, `No verdicts are kept in ${known.folder} yet. Measure them there with`), h("p", {}, h("code", {}, reply.check)), h("p", { class: "as-note" }, "It takes minutes the first time. The statements are these:"));
    claims.replaceChildren(...[
      none, reply.error ? h("p", { class: "as-complaint" }, reply.error) : null,
      known.ledgers.length ? h("div", { class: "as-card as-plot-controls" }, which.element, only.element) : null,
      h("p", { class: "as-note" }, output("shown-claims", shown.length, String(shown.length)), ` claim${shown.length === 1 ? "" : "s"}`),
      h("div", { class: "as-claims" }, shown.map(claimCard)),
    ].filter(Boolean));
  }

  function claimCard(one) {
    const verdict = one.verdict ? `${one.verdict}${one.under ? ` ${one.under}` : ""}` : "";
    const figure = one.verdict && context.page
      ? h("img", { loading: "lazy", alt: `Figure of the claim ${one.name}: ${one.effect}`, src: `file/results/figure?${new URLSearchParams({ ledger: now.ledger, claim: one.name })}` })
      : null;
    const box = h("details", { class: "as-card as-claim", "data-claim": one.name },
      h("summary", {}, h("span", { class: "as-statement" }, one.statement),
        verdict ? h("span", { class: "as-mark", "data-verdict": one.verdict }, verdict) : null,
        one.effect ? h("span", { class: "as-note", "data-name": `effect ${one.name}`, "data-value": String(one.value) }, one.effect) : null),
      h("div", { class: "as-group" }, [one.says ? h("p", {}, one.says) : null, h("p", { class: "as-note" }, `The rule: ${one.rule}`), h("p", { class: "as-note" }, one.source, " · ", h("code", {}, one.command)), figure].filter(Boolean)));
    box.open = one.name === now.claim;
    box.addEventListener("toggle", () => { if (box.open) now.claim = one.name; else if (now.claim === one.name) now.claim = ""; keep(); });
    return box;
  }

  function present() {
    studies.hidden = now.show !== "studies";
    claims.hidden = now.show !== "claims";
    if (now.show === "claims") drawClaims();
  }

  context.onTheme(() => drawPlot());
  load();
  return {};
});
