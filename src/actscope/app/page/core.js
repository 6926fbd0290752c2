// The explorer's one module, joined from parts by bundle.py: this one speaks to Python, keeps the
// state and builds elements. Nothing here computes: numbers come from Python, pages only draw.

const builders = new Map(); // panel name -> build(element, context)

/** A panel's part calls this once: `build(element, context)` may return {destroy(), state(query)}. */
function definePanel(name, build) {
  builders.set(name, build);
}

// ---------------------------------------------------------------- elements

let lastId = 0;

/** An id that no other instance on the page has. */
function freshId(word = "part") {
  lastId += 1;
  return `actscope-${word}-${lastId}`;
}

/** An element: h("p", {class: "as-note", onclick: f}, "text", child). null and false are left out. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== false));
  return element;
}

/** A number with so many significant digits, as Python's %.4g prints it; NaN and null as a dash. */
function short(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const [mantissa, power] = value.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= digits) {
    const bare = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
    const places = String(Math.abs(exponent)).padStart(2, "0");
    return `${bare}e${exponent < 0 ? "-" : "+"}${places}`;
  }
  const fixed = value.toFixed(Math.max(0, digits - 1 - exponent));
  return fixed.includes(".") ? fixed.replace(/\.?0+$/, "") : fixed;
}

/** Show a number in an element: short for people, in full in data-value for who reads it out. */
function showNumber(element, value, text = short(value)) {
  const full = value === null || value === undefined ? "" : String(value);
  if (element.textContent !== text) element.textContent = text;
  if (element.dataset.value !== full) element.dataset.value = full;
  return element;
}

/** An output that shows one number, named for tests and scripts: output("loss"). */
function output(name, value, text) {
  const element = h("output", { "data-name": name, "aria-live": "off", class: "as-number" });
  return value === undefined ? element : showNumber(element, value, text);
}

// ---------------------------------------------------------------- frames

const ARRAYS = { u1: Uint8Array, i4: Int32Array, f4: Float32Array, f8: Float64Array };

/** What wire.py's encode was given; arrays are typed arrays with a `shape`. */
function unframe(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = new TextDecoder().decode(new Uint8Array(buffer, 4, length));
  return JSON.parse(head, (key, value) => {
    if (value === null || typeof value !== "object") return value;
    if ("$" in value) return Number(value.$);
    if ("@" in value) {
      const [kind, shape, offset] = value["@"];
      const count = shape.reduce((a, b) => a * b, 1);
      const array = new ARRAYS[kind](buffer, 4 + length + offset, count);
      array.shape = shape;
      return array;
    }
    return value;
  });
}

// ---------------------------------------------------------------- asking

const LONGEST = 2_000_000; // characters of a command, as session.py has it
const CALM = 250; // ms between drawings where the user asks for reduced motion

/** Asks Python. `link.transport` has send(text), and calls link.take(buffer) with every frame. */
class Link {
  constructor(counted) {
    this.transport = null;
    this.counted = counted; // told how many questions are open
    this.waiting = new Map(); // id -> {resolve, reject}
    this.streams = new Map(); // id -> stream
    this.last = 0;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
  }

  /** A question: link.ask("activation.read", {x: 1}) resolves to the reply, or rejects with the
      sentence that says why not. One that was lost with its connection never settles. */
  ask(name, args = {}) {
    return this.command({ ask: name, args });
  }

  command(body) {
    const id = ++this.last;
    const text = JSON.stringify({ id, ...body });
    if (text.length > LONGEST) {
      const words = `${text.length} characters are too many to send: expected at most ${LONGEST}.`;
      return Promise.reject(new Error(words));
    }
    this.transport.send(text);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.counted(this.waiting.size);
    });
  }

  /** A function that asks with the newest arguments, one question in flight at a time. */
  latest(name, done, failed = () => {}) {
    let busy = false;
    let next = null;
    const go = async (args) => {
      busy = true;
      try {
        const reply = await this.ask(name, args);
        done(reply, args);
      } catch (error) {
        failed(error, args);
      }
      busy = false;
      if (next !== null) {
        const newest = next;
        next = null;
        go(newest);
      }
    };
    return (args) => {
      if (busy) next = args;
      else go(args);
    };
  }

  /** A stream: `draw(frame)` is called once an animation frame at most, and only then does Python
      get the frame's credit back, so a page that is not seen lets a training rest. */
  open(name, args, draw, failed = () => {}) {
    const id = ++this.last;
    const stream = { frames: [], draw, failed, asked: false, drawnAt: -Infinity };
    this.streams.set(id, stream);
    this.waiting.set(id, { resolve: () => {}, reject: failed });
    this.transport.send(JSON.stringify({ id, open: name, args }));
    return {
      tell: (word, more = {}) => this.command({ to: id, tell: word, args: more }),
      close: () => {
        if (this.streams.delete(id)) this.transport.send(JSON.stringify({ id: 0, close: id }));
      },
    };
  }

  take(buffer) {
    const { id, reply, error } = unframe(buffer);
    const asked = this.waiting.get(id);
    if (asked) {
      this.waiting.delete(id);
      if (error === undefined) asked.resolve(reply);
      else asked.reject(new Error(error));
      queueMicrotask(() => queueMicrotask(() => this.counted(this.waiting.size)));
      return;
    }
    const stream = this.streams.get(id);
    if (!stream) return;
    if (error !== undefined) stream.failed(new Error(error));
    else {
      stream.frames.push(reply);
      this.schedule(id, stream);
    }
  }

  schedule(id, stream) {
    if (stream.asked) return;
    stream.asked = true;
    const step = (now) => {
      if (!this.streams.has(id)) return;
      if (this.calm.matches && now - stream.drawnAt < CALM) {
        requestAnimationFrame(step);
        return;
      }
      stream.asked = false;
      stream.drawnAt = now;
      stream.draw(stream.frames.shift());
      this.transport.send(JSON.stringify({ id: 0, credit: id }));
      if (stream.frames.length) this.schedule(id, stream);
    };
    requestAnimationFrame(step);
  }

  /** Forget all that was asked: the connection it was asked on is gone. */
  forget() {
    this.waiting.clear();
    this.streams.clear();
  }
}

/** A WebSocket that comes back by itself, after 0.5 s at first and 8 s at most. */
function socketTransport(url, { opened, closed, taken }) {
  let socket = null;
  let pause = 500;
  let timer = 0;
  const connect = () => {
    clearTimeout(timer);
    socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      pause = 500;
      opened();
    };
    socket.onmessage = (event) => taken(event.data);
    socket.onclose = (event) => {
      closed(event.reason, pause);
      timer = setTimeout(connect, pause);
      pause = Math.min(2 * pause, 8000);
    };
  };
  connect();
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    retry: () => {
      if (socket.readyState === WebSocket.CLOSED) connect();
    },
  };
}

// ---------------------------------------------------------------- state

/** A panel's settings, which are what stands behind "?" in the hash of its tab. */
class State {
  constructor(query, changed) {
    this.params = new URLSearchParams(query);
    this.changed = changed;
  }

  get(key, fallback = "") {
    return this.params.get(key) ?? fallback;
  }

  number(key, fallback) {
    const text = this.params.get(key);
    const value = text === null || text.trim() === "" ? NaN : Number(text);
    return Number.isFinite(value) ? value : fallback;
  }

  all(key) {
    return this.params.getAll(key);
  }

  /** Keep settings: {x: 1, f: ["relu", "tanh"]}; null forgets one. */
  set(settings) {
    for (const [key, value] of Object.entries(settings)) {
      this.params.delete(key);
      const values = Array.isArray(value) ? value : [value];
      for (const one of values) if (one !== null && one !== undefined) this.params.append(key, one);
    }
    this.changed(this.query);
  }

  get query() {
    return this.params.toString();
  }
}
