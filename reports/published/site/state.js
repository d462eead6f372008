// The data of the page, the address that says what of it is shown, and what all views have in common.
"use strict";

const wasicheck = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const vectors = data.vectors.map(([id, title, item, level, part, letters, differing, only, requirements]) => {
    const [chapter, name] = data.items[item];
    return {
      id, title, level, part, letters, requirements, chapter, name,
      package: packageOf(chapter),
      differing: differing === 1,
      only: only < 0 ? null : data.hosts[only].key,
      words: `${id} ${title} ${chapter} ${name}`.toLowerCase(),
    };
  });
  const byId = new Map(vectors.map((vector) => [vector.id, vector]));
  const FILTERS = ["text", "package", "level", "verdict", "only", "differing"];

  /** `cli` of `wasi:cli/stdout@0.3.0`, `component-model` of what is none of WASI's. */
  function packageOf(chapter) {
    const found = /^wasi:([^/]+)\//.exec(chapter);
    return found ? found[1] : chapter.split(" ")[0];
  }

  // --- the address ---------------------------------------------------------------------------------

  let state = read();

  /** What the address says: the filters, the view, the groups that are open, the case. */
  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    const known = { view: given.get("view") === "spec" ? "spec" : "matrix" };
    for (const name of FILTERS) known[name] = given.get(name) ?? "";
    known.open = new Set((given.get("open") ?? "").split(",").filter(Boolean));
    known.item = given.get("item") ?? "";
    known.case = byId.has(given.get("case")) ? given.get("case") : "";
    known.host = data.hosts.some((host) => host.key === given.get("host")) ? given.get("host") : data.hosts[0]?.key;
    return known;
  }

  /** The address of what is shown, with changes. */
  function address(changes = {}) {
    const next = { ...state, ...changes };
    const words = new URLSearchParams();
    if (next.view === "spec") words.set("view", "spec");
    for (const name of FILTERS) if (next[name]) words.set(name, next[name]);
    if (next.open.size) words.set("open", [...next.open].join(","));
    if (next.item && next.view === "spec") words.set("item", next.item);
    if (next.case) {
      words.set("case", next.case);
      words.set("host", next.host);
    }
    return "#" + words.toString().replaceAll("%3A", ":").replaceAll("%2F", "/").replaceAll("%40", "@").replaceAll("%2C", ",");
  }

  /** Show something else. A step of its own in the history is for what one would go back from. */
  function go(changes, { step = false } = {}) {
    const next = address(changes);
    history[step ? "pushState" : "replaceState"](null, "", next);
    follow();
  }

  /** Show what the address says, and only what is new of it. */
  function follow() {
    const before = state;
    state = read();
    const filtered = FILTERS.some((name) => state[name] !== before[name]);
    const viewed = state.view !== before.view;
    const opened = [...state.open].join() !== [...before.open].join();
    if (filtered || viewed) showFilters();
    if (filtered || viewed || opened || state.item !== before.item) showView(filtered || viewed);
    if (state.case !== before.case || state.host !== before.host) views.showCase();
  }

  // --- filters -------------------------------------------------------------------------------------

  const form = document.getElementById("filters");

  /** Whether a vector is shown; `except` are filters to leave aside. */
  function passes(vector, ...except) {
    const is = (name) => state[name] && !except.includes(name);
    if (is("package") && vector.package !== state.package) return false;
    if (is("level") && vector.level !== state.level) return false;
    if (is("differing") && !vector.differing) return false;
    if (is("only") && vector.only !== state.only) return false;
    if (is("verdict") && !vector.letters.includes(state.verdict)) return false;
    return !is("text") || state.text.toLowerCase().split(/\s+/).every((word) => vector.words.includes(word));
  }

  function isFiltered() {
    return FILTERS.some((name) => state[name]);
  }

  function fillFilters() {
    const fill = (name, entries) => {
      for (const [value, text] of entries) form.elements[name].append(make("option", { value }, text));
    };
    fill("package", data.packages.map((name) => [name, name]));
    fill("level", Object.keys(data.levels).map((name) => [name, name]));
    fill("verdict", Object.entries(data.signs).map(([letter, [symbol, word]]) => [letter, `${symbol} ${word}`]));
    fill("only", data.hosts.map((host) => [host.key, host.key]));
    form.addEventListener("input", () => {
      const given = new FormData(form);
      go(Object.fromEntries(FILTERS.map((name) => [name, given.get(name) ?? ""])));
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    const clear = (event) => {
      event.preventDefault();
      go({ ...Object.fromEntries(FILTERS.map((name) => [name, ""])), open: new Set() });
      form.elements.text.focus();
    };
    form.addEventListener("reset", clear);
    document.getElementById("clear").addEventListener("click", clear);
  }

  function showFilters() {
    for (const name of FILTERS) {
      const field = form.elements[name];
      if (field.type === "checkbox") field.checked = state[name] !== "";
      else if (field.value !== state[name]) field.value = state[name];
    }
  }

  // --- parts that are loaded when they are needed --------------------------------------------------

  const parts = new Map();

  /** A part of the data; a script, because a page from a file may load nothing else. */
  function load(name) {
    if (!parts.has(name)) {
      const entry = {};
      entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
      parts.set(name, entry);
      const script = make("script", { src: `${name}.js` });
      script.addEventListener("error", () => {
        parts.delete(name);
        entry.reject(new Error(`${name}.js cannot be loaded`));
      });
      document.head.append(script);
    }
    return parts.get(name).promise;
  }

  function part(name, content) {
    parts.get(name)?.resolve(content);
  }

  // --- building pages ------------------------------------------------------------------------------

  /** An element. Text is only ever set as text: what hosts print may look like anything. */
  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }

  const sign = (letter) => {
    const [symbol, word, meaning] = data.signs[letter];
    return { symbol, word, meaning, style: `v v-${letter === "." ? "x" : letter}` };
  };

  function count(number, noun) {
    return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
  }

  /** What makes a link one to a case. Its address is of use elsewhere, where nothing is open; here nothing is closed. */
  function caseLink(id, host) {
    return { href: address({ case: id, host, open: new Set() }), "data-case": id, "data-host": host };
  }

  const views = { showTable() {}, showSpecification() {}, showCase() {} };

  /** `anew`: other rows are to be shown, not only opened ones. */
  function showView(anew) {
    const spec = state.view === "spec";
    document.getElementById("matrix").hidden = spec;
    document.getElementById("spec").hidden = !spec;
    for (const [id, view, current] of [["view-matrix", "matrix", !spec], ["view-spec", "spec", spec]]) {
      const link = document.getElementById(id);
      link.setAttribute("href", address({ view, item: "", case: "" }));
      if (current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (spec) views.showSpecification(anew);
    else views.showTable(anew);
  }

  function start() {
    fillFilters();
    showFilters();
    showView(true);
    if (state.case) views.showCase();
    addEventListener("hashchange", follow);
    addEventListener("popstate", follow);
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-case]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      go({ case: link.dataset.case, host: link.dataset.host }, { step: true });
    });
    addEventListener("keydown", (event) => {
      const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "");
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !document.querySelector("dialog[open]")) {
        event.preventDefault();
        form.elements.text.focus();
      }
    });
    document.documentElement.dataset.ready = "yes";
  }

  return {
    data, vectors, byId, address, caseLink, go, passes, isFiltered, load, part, make, sign, count, views, start,
    get state() { return state; },
  };
})();
