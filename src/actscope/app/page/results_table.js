// A table of thousands of rows of which only those in sight are in the page.

const ROW = 36; // pixels of a row; results.css says the same
const SPARE = 8; // rows above and below what is in sight

/** {element, show({columns, rows, cell, damaged, sort, desc}), top()}; `sorted(name)` is told a head's press. */
function longTable({ label, name, sorted, chosen }) {
  const head = h("thead", {});
  const body = h("tbody", {});
  const table = h("table", { class: "as-table as-long", "data-name": name, "aria-label": label }, head, body);
  const box = h("div", { class: "as-scroll as-tall", tabindex: "0", role: "region", "aria-label": label }, table);
  let now = null;
  let from = -1;
  let to = -1;

  function fill() {
    if (!now) return;
    const count = now.damaged.length + now.rows;
    const first = Math.max(0, Math.floor(box.scrollTop / ROW) - SPARE);
    const last = Math.min(count, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + SPARE);
    if (first === from && last === to) return;
    [from, to] = [first, last];
    const wide = now.columns.length + 1;
    const space = (rows) => h("tr", { "aria-hidden": "true", class: "as-space" }, h("td", { colspan: wide, style: { height: `${rows * ROW}px` } }));
    body.replaceChildren(
      ...(first > 0 ? [space(first)] : []),
      ...Array.from({ length: last - first }, (_, k) => row(first + k, wide)),
      ...(last < count ? [space(count - last)] : []),
    );
  }

  function row(i, wide) {
    if (i < now.damaged.length) {
      const { file, reason } = now.damaged[i];
      return h("tr", { class: "as-damaged", "aria-rowindex": i + 2 }, h("td", { colspan: wide, title: file }, `${file.slice(0, 8)}….parquet: ${reason}; its trials are missing here`));
    }
    const at = i - now.damaged.length;
    const box = h("input", { type: "checkbox", "aria-label": `Compare row ${at + 1}`, ...OWN_KEYS });
    box.checked = chosen.has(at);
    box.addEventListener("change", () => chosen.toggle(at, box.checked));
    return h("tr", { "aria-rowindex": i + 2, "data-row": at }, h("td", {}, h("label", { class: "as-check" }, box)), now.columns.map((column) => column.cell(at)));
  }

  box.addEventListener("scroll", fill, { passive: true });
  new ResizeObserver(fill).observe(box);
  return {
    element: box,
    show: (given) => {
      now = given;
      from = to = -1;
      table.setAttribute("aria-rowcount", String(given.rows + given.damaged.length + 1));
      head.replaceChildren(h("tr", {}, h("th", { scope: "col" }, "compare"), given.columns.map((column) =>
        h("th", { scope: "col", class: column.words ? null : "as-right", "aria-sort": given.sort === column.name ? (given.desc ? "descending" : "ascending") : null },
          h("button", { type: "button", class: "as-sort", "data-sort": column.name, onclick: () => sorted(column.name) },
            column.name.replaceAll("_", " "), h("span", { "aria-hidden": "true" }, given.sort === column.name ? (given.desc ? " ↓" : " ↑") : ""))))));
      fill();
    },
    again: () => {
      from = to = -1;
      fill();
    },
    top: () => (box.scrollTop = 0),
  };
}

/** A column of a reply: what to show in a row, as text and as an element. */
function columnOf(column) {
  const { name, words, codes, values, flag } = column;
  const text = (i) => {
    if (words) return codes[i] < 0 ? "–" : words[codes[i]];
    if (flag) return Number.isNaN(values[i]) ? "–" : values[i] ? "yes" : "no";
    return short(values[i]);
  };
  const cell = (i) => (words || flag
    ? h("td", { "data-column": name, title: text(i).length > 24 ? text(i) : null }, text(i))
    : h("td", { class: "as-right", "data-column": name, "data-value": String(values[i]) }, text(i)));
  return { name, words, values, codes, flag, same: column.same, text, cell };
}
