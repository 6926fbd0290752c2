// What is drawn of a side: the plane with its decision, and a hidden space with the warped grid.

const sheets = new WeakMap(); // canvas of a plane -> {canvas, of}
const UNSURE = [240, 240, 240]; // #F0F0F0, the middle of the ramp

/** The decision over the plane as a picture of one pixel a number; null where there is none. */
function planeSheet(g, plane, setting) {
  const kept = sheets.get(g);
  if (kept && kept.of === plane) return kept;
  const { size, map } = plane;
  const canvas = kept && kept.canvas.width === size ? kept.canvas : h("canvas", { width: size, height: size });
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(size, size);
  const ramp = heatRamp(setting.ramp);
  const fills = setting.colours.map((colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)));
  let missing = 0;
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      const i = row * size + column; // row 0 is the lowest
      const to = 4 * ((size - 1 - row) * size + column);
      const value = map[i];
      if (value === 255) {
        missing += 1;
        continue;
      }
      const share = (0.62 * value) / 254;
      const rgb = plane.class
        ? fills[plane.class[i]].map((full, j) => UNSURE[j] + share * (full - UNSURE[j]))
        : ramp[value];
      [image.data[to], image.data[to + 1], image.data[to + 2]] = rgb;
      image.data[to + 3] = 255;
    }
  }
  pen.putImageData(image, 0, 0);
  const made = { canvas, of: plane, missing };
  sheets.set(g, made);
  return made;
}

/** Draw the plane's colours, the line where the decision turns, and hatching where there is none. */
function paintPlane(g, place, c, plane, setting) {
  const [x0, x1, y0, y1] = setting.extent;
  const [left, right] = [place.x.pixel(x0), place.x.pixel(x1)];
  const [top, bottom] = [place.y.pixel(y1), place.y.pixel(y0)];
  const sheet = planeSheet(g, plane, setting);
  if (sheet.missing) hatch(g, left, top, right - left, bottom - top, c);
  g.imageSmoothingEnabled = !plane.class;
  g.imageSmoothingQuality = "high";
  g.drawImage(sheet.canvas, left, top, right - left, bottom - top);
  if (!plane.class) {
    contour(g, place, { rows: plane.size, columns: plane.size, values: plane.map, box: setting.extent });
    g.strokeStyle = c.boundary;
    g.lineWidth = 1.5;
    g.stroke();
  }
}

/** Points of two classes as circles and triangles, of more as the letters of their names. */
function paintPoints(g, place, c, x, y, setting, { size = 4.2, faint = false } = {}) {
  const at = (i) => [place.x.pixel(x[2 * i]), place.y.pixel(x[2 * i + 1])];
  g.globalAlpha = faint ? 0.75 : 1;
  if (setting.classes === 2) {
    for (let i = 0; i < y.length; i += 1) {
      const [px, py] = at(i);
      const shape = y[i] ? "triangle" : "circle";
      if (Number.isFinite(px) && Number.isFinite(py)) {
        drawMark(g, px, py, shape, size, setting.colours[y[i]], faint ? c.boundary : "#FFFFFF");
      }
    }
  } else {
    g.font = `700 ${faint ? 10 : 12}px ${FONT}`;
    g.textAlign = "center";
    g.textBaseline = "middle";
    g.lineWidth = 2.5;
    for (let i = 0; i < y.length; i += 1) {
      const [px, py] = at(i);
      if (!Number.isFinite(px) || !Number.isFinite(py)) continue;
      const word = setting.names[y[i]].slice(0, 2);
      g.strokeStyle = "#FFFFFF";
      g.strokeText(word, px, py);
      g.fillStyle = "#101418";
      g.fillText(word, px, py);
    }
  }
  g.globalAlpha = 1;
}

/** The picked point: a ring and a cross that stand out on any colour. */
function paintPick(g, px, py) {
  for (const [colour, width] of [["#FFFFFF", 5], ["#101418", 2]]) {
    g.strokeStyle = colour;
    g.lineWidth = width;
    g.beginPath();
    g.arc(px, py, 8, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      g.moveTo(px + 8 * dx, py + 8 * dy);
      g.lineTo(px + 14 * dx, py + 14 * dy);
    }
    g.stroke();
  }
}

/** The spec of a side's plane. */
function planeSpec(side, setting, style, point, { test, points }) {
  const [x0, x1, y0, y1] = setting.extent;
  const now = side.now;
  return {
    heat: null,
    x: { label: setting.axes[0], low: x0, high: x1 },
    y: { label: setting.axes[1], low: y0, high: y1 },
    under: (g, place, c) => {
      paintPlane(g, place, c, side.plane, setting);
      const { left, right, top, bottom } = place.box;
      g.canvas.dataset.box = [left, top, right, bottom].join(" "); // pixels of the plane, for who reads them
      if (points) paintPoints(g, place, c, setting.x, setting.y, setting);
      if (test) paintPoints(g, place, c, setting.x_test, setting.y_test, setting, { size: 3.2, faint: true });
      paintPick(g, place.x.pixel(point[0]), place.y.pixel(point[1]));
    },
    says: `Decision of ${style.label} over the plane after ${side.epoch} epochs: ${share(now.test_accuracy)} of the test points right, test loss ${short(now.test_loss)}.`,
    table: () => ({
      columns: ["set", setting.axes[0], setting.axes[1], "class"],
      rows: [["training", setting.x, setting.y], ["test", setting.x_test, setting.y_test]].flatMap(([word, x, y]) =>
        [...y].map((label, i) => [word, x[2 * i], x[2 * i + 1], setting.names[label]])),
    }),
  };
}

/** The spec of a side's hidden space: the input's grid as the layer bends it, and the points. */
function hiddenSpec(side, setting, style, box, point) {
  const { hidden } = side;
  const [lines, length] = hidden.lines.shape;
  const kept = Number.isNaN(hidden.kept) ? "" : `, ${share(hidden.kept)} of the variance`;
  const [first, second] = hidden.axes;
  return {
    x: { label: first === second ? `${first}${kept}` : `${first}${first.startsWith("unit") ? "" : kept}`, low: box[0], high: box[1] },
    y: { label: first === second ? "" : second, low: box[2], high: box[3] },
    under: (g, place, c) => {
      if (!hidden.places.some(Number.isFinite)) hatch(g, place.box.left, place.box.top, place.box.right - place.box.left, place.box.bottom - place.box.top, c);
      g.strokeStyle = c.line;
      g.lineWidth = 0.8;
      g.beginPath();
      for (let k = 0; k < lines; k += 1) {
        let down = false;
        for (let i = 0; i < length; i += 1) {
          const at = 2 * (k * length + i);
          const [px, py] = [place.x.pixel(hidden.lines[at]), place.y.pixel(hidden.lines[at + 1])];
          const good = Number.isFinite(px) && Number.isFinite(py) && Math.abs(px) < 1e5 && Math.abs(py) < 1e5;
          if (good && down) g.lineTo(px, py);
          else if (good) g.moveTo(px, py);
          down = good;
        }
      }
      g.stroke();
      paintPoints(g, place, c, hidden.places, setting.y, setting, { size: 3.8 });
    },
    says: `Layer ${hidden.layer} of ${style.label}: the outputs spread by ${short(hidden.spread)}${kept}.`,
    table: () => ({
      columns: ["point", "class", `${hidden.axes[0]} 1`, `${hidden.axes[1]} 2`],
      rows: [...setting.y].map((label, i) => [i, setting.names[label], hidden.places[2 * i], hidden.places[2 * i + 1]]),
    }),
  };
}

/** The limits that hold all points, with room around; they grow at once and shrink slowly. */
function roomFor(places, before) {
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < places.length; i += 2) {
    if (!Number.isFinite(places[i]) || !Number.isFinite(places[i + 1])) continue;
    x0 = Math.min(x0, places[i]);
    x1 = Math.max(x1, places[i]);
    y0 = Math.min(y0, places[i + 1]);
    y1 = Math.max(y1, places[i + 1]);
  }
  if (!(x0 <= x1)) return before || [-1, 1, -1, 1];
  const half = 0.56 * Math.max(x1 - x0, y1 - y0, 1e-30);
  const [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2];
  const wanted = [cx - half, cx + half, cy - half, cy + half];
  if (!before) return wanted;
  return wanted.map((v, i) => {
    const outward = i % 2 ? v > before[i] : v < before[i];
    return outward ? v : before[i] + 0.15 * (v - before[i]);
  });
}

/** A share as a percentage with three digits. */
function share(value) {
  return Number.isNaN(value) ? "–" : `${short(100 * value, 3)} %`;
}
