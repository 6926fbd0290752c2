// ---------------------------------------------------------------- charts on canvas

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const TICK = `400 12px ${FONT}`;
const AXIS = `400 13px ${FONT}`;
const NAME = `600 13px ${FONT}`;
const TOUCHING = 17; // pixels between two labels at the ends of lines

/** A chart: a figure with a title, a canvas that is named with its numbers, and its data.

    chart(context, {title, height, name}) gives {element, canvas, draw(spec), onPoint(f), at(x, y)}.
    spec = {
      x, y: {label, low, high, log, ticks}      log: the numbers given are powers of ten
      lines: [{x, y, colour, dash, width, label, low, high}]       low, high: a band around it
      points: [{x, y, colour, shape, size, outline}]                circle, triangle, cross, ring
      rules: [{x | y, colour, dash, label}]
      heat: {values, rows, columns, box: [x0, x1, y0, y1]}          uint8: 0 … 254; 255 is NaN
      under(canvas2d, place), over(canvas2d, place)                 what else is drawn
      says: "…", table: () => ({columns, rows})
    } */
function chart(context, { title = "", height = 300, name = "chart", note = "", square = false }) {
  const canvas = h("canvas", { role: "img", class: "as-canvas", "data-name": name, "aria-label": title || name });
  const caption = h("figcaption", {}, h("span", { class: "as-title" }, title));
  const notes = h("span", { class: "as-note" }, note);
  if (note) caption.append(notes);
  const element = h("figure", { class: "as-chart", "data-chart": name }, caption, canvas);
  let spec = null;
  let place = null;
  let asked = false;
  const data = dataButton(title || name, () => (spec && spec.table ? spec.table() : null));
  caption.append(data.button);
  element.append(data.box);

  const paint = () => {
    asked = false;
    if (spec === null) return;
    const width = element.clientWidth - 2 * parseFloat(getComputedStyle(element).paddingLeft || 0);
    if (width < 40) return; // it is not shown
    const tall = square ? Math.min(width, height) : height;
    const scale = Math.max(1, devicePixelRatio || 1);
    const [pixels, rows] = [Math.round(width * scale), Math.round(tall * scale)];
    if (canvas.width !== pixels || canvas.height !== rows) {
      canvas.width = pixels;
      canvas.height = rows;
      canvas.style.height = `${tall}px`;
    }
    const g = canvas.getContext("2d");
    g.setTransform(scale, 0, 0, scale, 0, 0);
    place = drawChart(context, g, width, tall, spec);
    if (canvas.getAttribute("aria-label") !== spec.says) {
      canvas.setAttribute("aria-label", spec.says || title);
    }
  };
  const draw = (given = spec, { now = false } = {}) => {
    spec = given;
    data.changed();
    if (now) paint();
    else if (!asked) {
      asked = true;
      requestAnimationFrame(paint);
    }
  };
  new ResizeObserver(() => draw()).observe(element);
  context.onTheme(() => draw());
  return {
    element,
    canvas,
    draw,
    say: (text) => {
      notes.textContent = text;
      if (!notes.isConnected) caption.insertBefore(notes, data.button);
    },
    /** The data coordinates of an event on the canvas, or null before the first drawing. */
    at: (event) => {
      if (place === null) return null;
      const box = canvas.getBoundingClientRect();
      const [px, py] = [event.clientX - box.left, event.clientY - box.top];
      return { x: place.x.value(px), y: place.y.value(py), px, py, place };
    },
    /** Call f(x, y) when the pointer presses or drags on the chart. */
    onPoint: (f) => {
      const tell = (event) => {
        const where = place && event.buttons ? dataPoint(event) : null;
        if (where) f(where.x, where.y, event);
      };
      const dataPoint = (event) => {
        const box = canvas.getBoundingClientRect();
        return {
          x: place.x.value(event.clientX - box.left),
          y: place.y.value(event.clientY - box.top),
        };
      };
      canvas.classList.add("as-drag");
      canvas.addEventListener("pointerdown", (event) => {
        canvas.setPointerCapture(event.pointerId);
        tell(event);
      });
      canvas.addEventListener("pointermove", tell);
    },
  };
}

/** A button that shows numbers as a table, and hands them out as CSV. */
function dataButton(title, table) {
  const box = h("div", { class: "as-data", hidden: true });
  const button = h(
    "button",
    { type: "button", class: "as-small", "aria-expanded": "false", "aria-label": `Data of ${title}` },
    "Data",
  );
  const fill = () => {
    const found = table();
    box.replaceChildren();
    if (!found) {
      box.append(h("p", { class: "as-note" }, "No numbers yet."));
      return;
    }
    const csv = [found.columns, ...found.rows].map((row) => row.map(csvCell).join(",")).join("\n");
    const save = () => saveFile(`${fileName(title)}.csv`, `${csv}\n`, "text/csv");
    const rows = found.rows.slice(0, 200);
    const more = found.rows.length - rows.length;
    box.append(
      h("button", { type: "button", class: "as-small", onclick: save }, "Download CSV"),
      h("div", { class: "as-scroll", tabindex: "0", role: "region", "aria-label": `Data of ${title}` },
        dataTable(found.columns, rows)),
    );
    if (more > 0) box.append(h("p", { class: "as-note" }, `${more} more rows are in the CSV.`));
  };
  button.addEventListener("click", () => {
    box.hidden = !box.hidden;
    button.setAttribute("aria-expanded", String(!box.hidden));
    if (!box.hidden) fill();
  });
  let stale = 0;
  const changed = () => {
    if (box.hidden || stale) return;
    stale = setTimeout(() => {
      stale = 0;
      if (!box.hidden) fill();
    }, 300);
  };
  return { button, box, changed };
}

/** A table of numbers and words. */
function dataTable(columns, rows) {
  const cell = (value) =>
    typeof value === "number"
      ? h("td", { class: "as-right", "data-value": String(value) }, short(value, 6))
      : h("td", {}, value ?? "–");
  return h(
    "table",
    { class: "as-table" },
    h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell)))),
  );
}

function csvCell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function fileName(text) {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "data";
}

/** Hand a file to the user. */
function saveFile(name, content, kind) {
  const url = URL.createObjectURL(new Blob([content], { type: kind }));
  const link = h("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// ---------------------------------------------------------------- drawing

/** Draw a chart's spec; returns its axes, so that pixels become numbers again. */
function drawChart(context, g, width, height, spec) {
  const c = context.colours();
  g.clearRect(0, 0, width, height);
  g.font = NAME;
  const narrow = width < 480;
  const named = (spec.lines || []).filter((line) => line.label);
  const words = named.map((line) => shorten(line.label, narrow ? 12 : 24));
  const room = words.length ? Math.max(...words.map((word) => g.measureText(word).width)) + 34 : 14;
  g.font = TICK;
  const yTicks = ticksOf(spec.y, height - 60, 34);
  const plain = inNumbers(spec.y, yTicks);
  const wide = (tick) => (plain ? g.measureText(short(10 ** tick, 2)).width : tickWidth(g, tick, spec.y));
  const left = Math.max(...yTicks.map(wide), 10) + 34;
  const box = { left, right: width - room, top: 12, bottom: height - 46 };
  const place = {
    box,
    x: axisMap(spec.x, box.left, box.right),
    y: axisMap(spec.y, box.bottom, box.top),
  };
  if (spec.heat) drawHeat(context, g, place, spec.heat);
  drawAxes(g, c, place, spec, yTicks);
  g.save();
  g.beginPath();
  g.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  g.clip();
  if (spec.under) spec.under(g, place, c);
  for (const rule of spec.rules || []) drawRule(g, c, place, rule);
  for (const line of spec.lines || []) drawLine(g, place, line);
  g.restore();
  for (const set of spec.points || []) drawPoints(g, c, place, set);
  if (spec.over) spec.over(g, place, c);
  nameLines(g, c, place, named, words);
  return place;
}

/** From numbers to pixels and back; a number below a log axis is at its floor. */
function axisMap(axis, from, to) {
  const span = axis.high - axis.low || 1;
  return {
    axis,
    pixel: (v) => {
      const shown = v === -Infinity ? axis.low : v;
      return from + ((shown - axis.low) / span) * (to - from);
    },
    value: (p) =>
      Math.min(axis.high, Math.max(axis.low, axis.low + ((p - from) / (to - from)) * span)),
  };
}

/** Round places for ticks: 1, 2 or 5 times a power of ten apart, whole powers on a log axis. */
function ticksOf(axis, pixels, each) {
  if (axis.ticks) return axis.ticks;
  const span = axis.high - axis.low;
  if (!(span > 0)) return [axis.low];
  if (axis.log && span < 2) return partsOfPowers(axis, span < 0.7);
  const least = (span * each) / Math.max(pixels, each);
  const power = 10 ** Math.floor(Math.log10(least));
  let step = [1, 2, 5, 10].map((m) => m * power).find((m) => m >= least * 0.999);
  if (axis.log || axis.whole) step = Math.max(1, Math.round(step));
  const ticks = [];
  const first = Math.ceil(axis.low / step - 1e-9);
  for (let i = first; i * step <= axis.high + 1e-9 * span; i += 1) ticks.push(i * step);
  return ticks.map((tick) => Number(tick.toPrecision(12)));
}

/** Ticks between powers of ten, for a log axis that sees less than two of them. */
function partsOfPowers(axis, fine) {
  const parts = fine ? [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9] : [1, 2, 5];
  const ticks = [];
  for (let power = Math.floor(axis.low); power <= axis.high; power += 1) {
    for (const part of parts) ticks.push(power + Math.log10(part));
  }
  return ticks.filter((tick) => tick >= axis.low - 1e-9 && tick <= axis.high + 1e-9);
}

function tickText(tick) {
  return short(tick, 6).replace("-", "−");
}

/** Where a log axis has ticks between powers of ten, all of them are written as numbers. */
function inNumbers(axis, ticks) {
  return axis.log && ticks.some((tick) => !Number.isInteger(tick));
}

function tickWidth(g, tick, axis) {
  if (!axis.log) return g.measureText(tickText(tick)).width;
  return g.measureText("10").width + g.measureText(tickText(tick)).width * 0.85;
}

/** A power of ten, its exponent raised; drawn so that it ends, or is centred, at x. */
function drawPower(g, tick, x, y, align) {
  const exponent = tickText(tick);
  const base = g.measureText("10").width;
  const raised = g.measureText(exponent).width * 0.85;
  const start = align === "right" ? x - base - raised : x - (base + raised) / 2;
  g.textAlign = "left";
  g.fillText("10", start, y);
  g.save();
  g.font = TICK.replace("12px", "10.5px");
  g.fillText(exponent, start + base, y - 5);
  g.restore();
}

function drawAxes(g, c, place, spec, yTicks) {
  const { box } = place;
  g.lineWidth = 1;
  g.textBaseline = "middle";
  g.font = TICK;
  const line = (x0, y0, x1, y1, colour) => {
    g.strokeStyle = colour;
    g.beginPath();
    g.moveTo(Math.round(x0) + 0.5, Math.round(y0) + 0.5);
    g.lineTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
    g.stroke();
  };
  for (const tick of yTicks) {
    const y = place.y.pixel(tick);
    if (!spec.heat) line(box.left, y, box.right, y, tick === 0 && !spec.y.log ? c.line : c.grid);
    g.fillStyle = c.muted;
    if (spec.y.log && !inNumbers(spec.y, yTicks)) drawPower(g, tick, box.left - 8, y, "right");
    else {
      g.textAlign = "right";
      g.fillText(spec.y.log ? short(10 ** tick, 2) : tickText(tick), box.left - 8, y);
    }
  }
  const xTicks = ticksOf(spec.x, box.right - box.left, spec.x.log ? 60 : 64);
  for (const tick of xTicks) {
    const x = place.x.pixel(tick);
    if (!spec.heat) line(x, box.top, x, box.bottom, tick === 0 && !spec.x.log && spec.x.low < 0 ? c.line : c.grid);
    g.fillStyle = c.muted;
    if (spec.x.log && !inNumbers(spec.x, xTicks)) drawPower(g, tick, x, box.bottom + 15, "centre");
    else {
      g.textAlign = "center";
      g.fillText(spec.x.log ? short(10 ** tick, 2) : tickText(tick), x, box.bottom + 14);
    }
  }
  line(box.left, box.bottom, box.right, box.bottom, c.line);
  line(box.left, box.top, box.left, box.bottom, c.line);
  g.font = AXIS;
  g.fillStyle = c.muted;
  g.textAlign = "center";
  g.fillText(spec.x.label || "", (box.left + box.right) / 2, box.bottom + 35);
  if (spec.y.label) {
    g.save();
    g.translate(11, (box.top + box.bottom) / 2);
    g.rotate(-Math.PI / 2);
    g.fillText(spec.y.label, 0, 0);
    g.restore();
  }
}

function drawRule(g, c, place, rule) {
  const { box } = place;
  g.strokeStyle = rule.colour || c.muted;
  g.lineWidth = rule.width || 1;
  g.setLineDash(rule.dash || []);
  g.beginPath();
  if (rule.x !== undefined) {
    const x = place.x.pixel(rule.x);
    g.moveTo(x, box.top);
    g.lineTo(x, box.bottom);
  } else {
    const y = place.y.pixel(rule.y);
    g.moveTo(box.left, y);
    g.lineTo(box.right, y);
  }
  g.stroke();
  g.setLineDash([]);
  if (rule.label) {
    g.font = TICK;
    g.fillStyle = rule.colour || c.muted;
    g.textAlign = "left";
    const x = rule.x === undefined ? box.left + 6 : place.x.pixel(rule.x) + 5;
    const y = rule.y === undefined ? box.top + 9 : place.y.pixel(rule.y) - 9;
    g.fillText(rule.label, x, y);
  }
}

/** A line, broken where there is no number; its band, if it has one, under it. */
function drawLine(g, place, line) {
  const { x, y } = line;
  if (line.low && line.high) {
    g.fillStyle = line.colour;
    g.globalAlpha = 0.18;
    g.beginPath();
    for (let i = 0; i < x.length; i += 1) g.lineTo(place.x.pixel(x[i]), place.y.pixel(line.high[i]));
    for (let i = x.length - 1; i >= 0; i -= 1) g.lineTo(place.x.pixel(x[i]), place.y.pixel(line.low[i]));
    g.fill();
    g.globalAlpha = 1;
  }
  const width = line.width || 2;
  g.strokeStyle = line.colour;
  g.lineWidth = width;
  g.lineJoin = "round";
  g.setLineDash((line.dash || []).map((part) => part * width));
  g.beginPath();
  let down = false;
  for (let i = 0; i < y.length; i += 1) {
    const [px, py] = [place.x.pixel(x[i]), place.y.pixel(y[i])];
    if (!Number.isFinite(px) || Number.isNaN(py)) down = false;
    else {
      const near = Math.min(1e5, Math.max(-1e5, py));
      if (down) g.lineTo(px, near);
      else g.moveTo(px, near);
      down = true;
    }
  }
  g.stroke();
  g.setLineDash([]);
}

/** One mark: circle, triangle, cross, ring or square. */
function drawMark(g, x, y, shape, size, colour, outline) {
  g.beginPath();
  if (shape === "triangle") {
    g.moveTo(x, y - size * 1.15);
    g.lineTo(x + size * 1.05, y + size * 0.75);
    g.lineTo(x - size * 1.05, y + size * 0.75);
    g.closePath();
  } else if (shape === "square") g.rect(x - size, y - size, 2 * size, 2 * size);
  else if (shape === "cross") {
    g.moveTo(x - size, y - size);
    g.lineTo(x + size, y + size);
    g.moveTo(x - size, y + size);
    g.lineTo(x + size, y - size);
    g.strokeStyle = colour;
    g.lineWidth = 2;
    g.stroke();
    return;
  } else g.arc(x, y, size, 0, 2 * Math.PI);
  g.fillStyle = shape === "ring" ? outline : colour;
  g.fill();
  g.lineWidth = shape === "ring" ? 2 : 1.2;
  g.strokeStyle = shape === "ring" ? colour : outline;
  g.stroke();
}

function drawPoints(g, c, place, set) {
  for (let i = 0; i < set.x.length; i += 1) {
    const [x, y] = [place.x.pixel(set.x[i]), place.y.pixel(set.y[i])];
    if (Number.isFinite(x) && Number.isFinite(y)) {
      drawMark(g, x, y, set.shape || "circle", set.size || 4, set.colour, set.outline || c.panel);
    }
  }
}

/** Write the name of each line beside its end, moved apart where they would touch. */
function nameLines(g, c, place, lines, words) {
  const { box } = place;
  const ends = lines.map((line) => {
    let i = line.y.length - 1;
    while (i > 0 && Number.isNaN(line.y[i])) i -= 1;
    const y = Math.min(box.bottom, Math.max(box.top, place.y.pixel(line.y[i])));
    return { y: Number.isNaN(y) ? box.bottom : y, x: place.x.pixel(line.x[i]) };
  });
  const heights = spreadApart(ends.map((end) => end.y), TOUCHING, box.top + 6, box.bottom - 2);
  g.textAlign = "left";
  g.textBaseline = "middle";
  lines.forEach((line, i) => {
    if (ends[i].x > box.right - 30) {
      g.strokeStyle = c.line;
      g.lineWidth = 1;
      g.beginPath();
      g.moveTo(Math.min(ends[i].x, box.right) + 2, ends[i].y);
      g.lineTo(box.right + 8, heights[i]);
      g.stroke();
    }
    g.strokeStyle = line.colour;
    g.lineWidth = 2.5;
    g.setLineDash((line.dash || []).map((part) => part * 1.6));
    g.beginPath();
    g.moveTo(box.right + 8, heights[i]);
    g.lineTo(box.right + 24, heights[i]);
    g.stroke();
    g.setLineDash([]);
    g.font = NAME;
    g.fillStyle = line.colour;
    g.fillText(words[i], box.right + 28, heights[i]);
  });
}

/** Places moved apart until neighbours are `gap` from each other, kept between low and high. */
function spreadApart(places, gap, low, high) {
  const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b]);
  const moved = [...places];
  for (let round = 0; round < 60; round += 1) {
    let still = true;
    for (let k = 1; k < order.length; k += 1) {
      const [a, b] = [order[k - 1], order[k]];
      const lack = gap - (moved[b] - moved[a]);
      if (lack > 0.01) {
        moved[a] -= lack / 2;
        moved[b] += lack / 2;
        still = false;
      }
    }
    if (order.length) {
      const under = low - moved[order[0]];
      if (under > 0) moved[order[0]] += under;
      const over = moved[order.at(-1)] - high;
      if (over > 0) moved[order.at(-1)] -= over;
    }
    if (still) break;
  }
  return moved;
}

function shorten(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

// ---------------------------------------------------------------- heat maps

const NOT_A_NUMBER = 255; // of a uint8 heat map, whose numbers go from 0 to 254

/** The colour ramp of a heat map as 255 rgb triples. */
function heatRamp(stops) {
  const rgb = stops.map((colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)));
  return Array.from({ length: 255 }, (_, i) => {
    const t = (i / 254) * (rgb.length - 1);
    const k = Math.min(rgb.length - 2, Math.floor(t));
    return [0, 1, 2].map((j) => Math.round(rgb[k][j] + (t - k) * (rgb[k + 1][j] - rgb[k][j])));
  });
}

const heatSheets = new WeakMap();

/** A heat map in its box, smoothed; where there is no number it is hatched grey. */
function drawHeat(context, g, place, heat) {
  const { rows, columns, values, box } = heat;
  let sheet = heatSheets.get(g);
  if (!sheet || sheet.width !== columns || sheet.height !== rows) {
    sheet = h("canvas", { width: columns, height: rows });
    heatSheets.set(g, sheet);
  }
  const pen = sheet.getContext("2d");
  const image = pen.createImageData(columns, rows);
  const ramp = context.heatRamp();
  let missing = 0;
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const value = values[row * columns + column]; // row 0 is the lowest y
      const to = 4 * ((rows - 1 - row) * columns + column);
      if (value === NOT_A_NUMBER) missing += 1;
      else {
        const [red, green, blue] = ramp[value];
        image.data[to] = red;
        image.data[to + 1] = green;
        image.data[to + 2] = blue;
        image.data[to + 3] = 255;
      }
    }
  }
  pen.putImageData(image, 0, 0);
  const [x0, x1] = [place.x.pixel(box[0]), place.x.pixel(box[1])];
  const [y0, y1] = [place.y.pixel(box[3]), place.y.pixel(box[2])];
  if (missing) hatch(g, x0, y0, x1 - x0, y1 - y0, context.colours());
  g.imageSmoothingEnabled = true;
  g.imageSmoothingQuality = "high";
  g.drawImage(sheet, x0, y0, x1 - x0, y1 - y0);
}

/** Hatched grey: there is no number here. */
function hatch(g, x, y, width, height, c) {
  g.save();
  g.beginPath();
  g.rect(x, y, width, height);
  g.clip();
  g.fillStyle = c.nothing;
  g.fillRect(x, y, width, height);
  g.strokeStyle = c.muted;
  g.lineWidth = 1;
  g.beginPath();
  for (let i = -height; i < width; i += 8) {
    g.moveTo(x + i, y + height);
    g.lineTo(x + i + height, y);
  }
  g.stroke();
  g.restore();
}

/** The line on which a uint8 heat map crosses `level`, as pieces of a path on `g`. */
function contour(g, place, heat, level = 127) {
  const { rows, columns, values, box } = heat;
  const stepX = (box[1] - box[0]) / columns;
  const stepY = (box[3] - box[2]) / rows;
  const px = (column) => place.x.pixel(box[0] + (column + 0.5) * stepX);
  const py = (row) => place.y.pixel(box[2] + (row + 0.5) * stepY);
  g.beginPath();
  for (let r = 0; r + 1 < rows; r += 1) {
    for (let c = 0; c + 1 < columns; c += 1) {
      const i = r * columns + c;
      const [a, b, d, e] = [values[i], values[i + 1], values[i + columns + 1], values[i + columns]];
      if (Math.max(a, b, d, e) === NOT_A_NUMBER) continue;
      const cut = [];
      const edge = (from, to, x0, y0, x1, y1) => {
        if (from > level === to > level) return;
        const t = (level + 0.5 - from) / (to - from);
        cut.push([px(x0 + t * (x1 - x0)), py(y0 + t * (y1 - y0))]);
      };
      edge(a, b, c, r, c + 1, r);
      edge(b, d, c + 1, r, c + 1, r + 1);
      edge(d, e, c + 1, r + 1, c, r + 1);
      edge(e, a, c, r + 1, c, r);
      for (let k = 0; k + 1 < cut.length; k += 2) {
        g.moveTo(...cut[k]);
        g.lineTo(...cut[k + 1]);
      }
    }
  }
}
