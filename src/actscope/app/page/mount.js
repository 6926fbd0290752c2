// ---------------------------------------------------------------- the explorer on a page

const WRITES = 250; // ms between two writes of the address

/** Build the explorer in an element.

    Options: transport(events) makes the carrier of messages; page: whether it has tabs and the
    URL's hash to itself; state: "panel?query" to start with; kept(state): called when it changes. */
function mount(root, { transport, page, state, kept = () => {} }) {
  root.classList.add("actscope");
  let [current, query] = split(state);
  let facts = null;
  const queries = new Map(); // panel -> what it keeps behind "?"
  const built = new Map(); // panel -> {section, destroy}
  const listeners = new Map(); // panel -> Set of what wants to know of another theme
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let theme = page ? remembered("actscope-theme") : notebookTheme();
  let ramp = null;

  const banner = h("div", { class: "as-banner", role: "alert", hidden: true });
  const status = h("div", { class: "as-hidden", role: "status", "aria-live": "polite" });
  const tabs = h("nav", { class: "as-tabs", "aria-label": "Panels" });
  const toggle = h("button", { type: "button", class: "as-small", onclick: () => setTheme(isDark() ? "light" : "dark") });
  const main = h(page ? "main" : "div", { class: "as-main", id: freshId("main") });
  const skip = page ? h("a", { class: "as-skip", href: `#${main.id}`, onclick: jump }, "Skip to the panel") : null;
  const head = h("header", { class: "as-top" }, page ? h("p", { class: "as-brand" }, "actscope ", h("span", {}, "explorer")) : null, tabs, toggle);
  root.replaceChildren(...[skip, head, banner, main, status].filter(Boolean));

  const isDark = () => (theme ? theme === "dark" : dark.matches);
  function setTheme(next) {
    theme = next;
    if (page) remember("actscope-theme", next);
    themed();
  }
  function themed() {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    if (page && theme) document.documentElement.dataset.theme = theme;
    toggle.textContent = isDark() ? "Light view" : "Dark view";
    for (const set of listeners.values()) for (const f of set) f();
  }
  dark.addEventListener("change", themed);

  function jump(event) {
    event.preventDefault();
    const first = main.querySelector("section:not([hidden]) h1");
    if (first) first.focus();
  }

  const busy = { questions: 0, address: 0, written: -Infinity };
  const tellBusy = () => (root.dataset.asking = String(busy.questions + (busy.address ? 1 : 0)));
  const link = new Link((open) => {
    busy.questions = open;
    tellBusy();
  });

  /** Write the settings into the address; browsers take no more than a few writes a second. */
  function writeAddress() {
    if (busy.address) return;
    const write = () => {
      busy.address = 0;
      busy.written = performance.now();
      history.replaceState(null, "", address(current));
      tellBusy();
    };
    const wait = busy.written + WRITES - performance.now();
    if (wait <= 0) write();
    else busy.address = setTimeout(write, wait);
    tellBusy();
  }
  link.transport = transport({
    opened: async () => {
      link.forget();
      const told = await link.ask("hello");
      facts = told;
      banner.hidden = true;
      for (const name of [...built.keys()]) tearDown(name);
      drawTabs();
      const name = current || facts.panels[0].name;
      show(name, queries.get(name) ?? query);
    },
    closed: (reason, pause) => {
      link.forget();
      const words = reason || "The connection to actscope is lost. Is `actscope serve` still running?";
      banner.replaceChildren(
        h("span", {}, `${words} Trying again in ${short(pause / 1000)} s; your settings are kept.`),
        button("Try now", () => link.transport.retry(), { class: "as-small" }),
      );
      banner.hidden = false;
    },
    taken: (buffer) => link.take(buffer),
  });

  function drawTabs() {
    if (!page) return;
    tabs.replaceChildren(
      ...facts.panels.map(({ name, label }) =>
        h("a", { href: address(name), "data-tab": name, "aria-current": name === current ? "page" : null }, label),
      ),
    );
  }
  function address(name) {
    const kept = queries.get(name);
    return kept ? `#${name}?${kept}` : `#${name}`;
  }

  /** Show a panel, built anew if its settings are other than the ones it has. */
  function show(name, wanted) {
    if (!facts.panels.some((panel) => panel.name === name)) name = facts.panels[0].name;
    if (wanted !== null && built.has(name) && wanted !== queries.get(name)) tearDown(name);
    if (wanted !== null) queries.set(name, wanted);
    current = name;
    for (const [other, { section }] of built) section.hidden = other !== name;
    if (!built.has(name)) build(name);
    drawTabs();
    const { label } = facts.panels.find((panel) => panel.name === name);
    if (page) document.title = `${label} · actscope explorer`;
    for (const f of listeners.get(name)) f();
    kept(address(name).slice(1));
  }

  function build(name) {
    const about = facts.panels.find((panel) => panel.name === name);
    const title = h("h1", { tabindex: "-1" }, about.label);
    const body = h("div", { class: "as-panel", "data-panel": name });
    const section = h("section", { "aria-label": about.label }, title, h("p", { class: "as-lead" }, about.lead), body);
    main.append(section);
    listeners.set(name, new Set());
    const part = builders.get(name)(body, contextOf(name));
    built.set(name, { section, destroy: (part && part.destroy) || (() => {}) });
  }

  function tearDown(name) {
    const { section, destroy } = built.get(name);
    destroy();
    section.remove();
    built.delete(name);
    listeners.delete(name);
  }

  /** What a panel has of the explorer. */
  function contextOf(name) {
    const own = listeners.get(name);
    const state = new State(queries.get(name) || "", (text) => {
      queries.set(name, text);
      if (name !== current) return;
      if (page) writeAddress();
      const tab = tabs.querySelector(`[data-tab="${name}"]`);
      if (tab) tab.setAttribute("href", address(name));
      kept(address(name).slice(1));
    });
    return {
      state,
      page,
      ask: (question, args) => link.ask(`${name}.${question}`, args),
      latest: (question, done, failed) => link.latest(`${name}.${question}`, done, failed),
      open: (stream, args, draw, failed) => link.open(`${name}.${stream}`, args, draw, failed),
      /** Call f when the colours change, and when the panel is shown again. */
      onTheme: (f) => own.add(f),
      isDark,
      /** The named colours of the present view. */
      colours: () => {
        const view = isDark() ? "dark" : "light";
        const named = Object.entries(facts.colours).map(([k, v]) => [k, v[view] ?? v]);
        return Object.fromEntries(named);
      },
      /** A series' colour in the present view. */
      pick: (style) => (isDark() ? style.dark : style.colour),
      heatRamp: () => (ramp = ramp || heatRamp(facts.colours.heat)),
      /** Say one sentence to who listens instead of looking. */
      announce: (text) => (status.textContent = text),
      shown: () => current === name && !document.hidden,
    };
  }

  if (page) {
    addEventListener("hashchange", () => {
      clearTimeout(busy.address); // what was to be written is of another place
      busy.address = 0;
      tellBusy();
      const [name, wanted] = split(location.hash.slice(1));
      if (facts) show(name || current, wanted);
      else [current, query] = [name, wanted];
    });
  }
  themed();
  return { destroy: () => { for (const name of [...built.keys()]) tearDown(name); } };
}

/** "depth?x=0" as ["depth", "x=0"]. */
function split(state) {
  const at = state.indexOf("?");
  return at < 0 ? [state, ""] : [state.slice(0, at), state.slice(at + 1)];
}

function remembered(key) {
  try {
    return localStorage.getItem(key) || "";
  } catch {
    return "";
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // a page without storage forgets
  }
}

/** The theme of the notebook around us, if it says. */
function notebookTheme() {
  const light = document.body.dataset.jpThemeLight;
  if (light !== undefined) return light === "true" ? "light" : "dark";
  if (document.documentElement.classList.contains("dark")) return "dark";
  return "";
}

/** What anywidget calls: the same explorer, its messages carried by the notebook's kernel. */
function render({ model, el }) {
  const root = h("div", {});
  el.append(root);
  const view = freshId("view") + Math.random().toString(36).slice(2);
  let heard = () => {};
  let saving = 0;
  const mounted = mount(root, {
    page: false,
    state: model.get("state"),
    transport: (events) => {
      heard = (message, buffers) => {
        if (message.view !== view) return;
        const { buffer, byteOffset = 0, byteLength } = buffers[0];
        events.taken((buffer || buffers[0]).slice(byteOffset, byteOffset + byteLength));
      };
      model.on("msg:custom", heard);
      queueMicrotask(events.opened);
      return { send: (text) => model.send({ view, text }), retry: () => {} };
    },
    kept: (state) => {
      clearTimeout(saving);
      saving = setTimeout(() => {
        model.set("state", state);
        model.save_changes();
      }, 300);
    },
  });
  return () => {
    clearTimeout(saving);
    model.send({ view, gone: true });
    model.off("msg:custom", heard);
    mounted.destroy();
  };
}

const place = document.querySelector("[data-actscope-page]");
if (place) {
  const url = new URL("socket", location.href.replace(/[?#].*$/, ""));
  url.protocol = url.protocol.replace("http", "ws");
  mount(place, {
    page: true,
    state: location.hash.slice(1),
    transport: (events) => socketTransport(url.href, events),
  });
}

export default { render };
