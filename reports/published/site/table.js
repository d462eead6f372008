// The matrix: packages, interfaces, functions and vectors as rows that open, hosts as columns.
"use strict";

(() => {
  const { data, vectors, make, sign, count, caseLink, views } = wasicheck;
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const FAILED = "ftc";
  /** Filtered vectors that are few enough to be shown without opening anything. */
  const AT_ONCE = 60;

  let groups = [];
  let shownAtOnce = false;

  // --- groups --------------------------------------------------------------------------------------

  /** The tree of what passes the filters: packages, interfaces, functions, each with its vectors and their tallies. */
  function tree() {
    const root = new Map();
    const enter = (among, id, name, level) => {
      if (!among.has(id)) {
        among.set(id, { id, name, level, inner: new Map(), vectors: [], tallies: data.hosts.map(() => ({})), size: 0 });
      }
      return among.get(id);
    };
    for (const vector of vectors) {
      if (!wasicheck.passes(vector)) continue;
      const top = enter(root, vector.package, vector.package === "component-model" ? vector.package : `wasi:${vector.package}`, 1);
      const middle = enter(top.inner, vector.chapter, vector.chapter, 2);
      const leaf = enter(middle.inner, `${vector.chapter}#${vector.name}`, vector.name, 3);
      leaf.vectors.push(vector);
      for (const group of [top, middle, leaf]) {
        group.size += 1;
        for (let host = 0; host < data.hosts.length; host += 1) {
          const letter = vector.letters[host];
          group.tallies[host][letter] = (group.tallies[host][letter] ?? 0) + 1;
        }
      }
    }
    const order = new Map(data.packages.map((name, index) => [name, index]));
    return [...root.values()].sort((a, b) => order.get(a.id) - order.get(b.id));
  }

  function total(groups) {
    const tallies = data.hosts.map(() => ({}));
    for (const group of groups) {
      group.tallies.forEach((tally, host) => {
        for (const [letter, number] of Object.entries(tally)) tallies[host][letter] = (tallies[host][letter] ?? 0) + number;
      });
    }
    return tallies;
  }

  /** What a group has on a host: the worst of it as a sign with a number, a bar of all of it, a sentence to read out. */
  function tallyCell(tally, size) {
    const sum = (letters) => [...letters].reduce((all, letter) => all + (tally[letter] ?? 0), 0);
    const failed = sum(FAILED);
    const passed = sum("pi");
    let shown;
    if (failed) shown = ["f", failed];
    else if (tally.n) shown = ["n", tally.n];
    else if (passed === size) shown = ["p", ""];
    else if (passed) shown = ["p", passed];
    else shown = ["u", "s", "e", "."].filter((letter) => tally[letter]).map((letter) => [letter, tally[letter]])[0] ?? [".", ""];
    const { symbol, style } = sign(shown[0]);
    const parts = Object.keys(data.signs).filter((letter) => tally[letter]);
    const words = parts.map((letter) => `${tally[letter]} ${sign(letter).word}`).join(", ");
    const bar = make("span", { class: "bar", "aria-hidden": "true" });
    for (const [name, number] of [["good", passed], ["weak", tally.n], ["bad", failed], ["none", sum("use.")]]) {
      if (number) bar.append(make("i", { class: `bar-${name}`, style: `flex-grow:${number}` }));
    }
    const cell = make("td", { role: "gridcell", tabindex: "-1", title: words });
    cell.append(
      make("span", { class: style, "aria-hidden": "true" }, make("b", {}, symbol), shown[1] === "" ? "" : ` ${shown[1]}`),
      bar,
      make("span", { class: "read" }, words),
    );
    return cell;
  }

  // --- rows ----------------------------------------------------------------------------------------

  function groupRow(group) {
    const open = isOpen(group);
    const button = make(
      "button",
      { type: "button", tabindex: "-1", class: "toggle" },
      make("span", { class: "arrow", "aria-hidden": "true" }, "›"),
      make("span", { class: "name" }, ...breakable(group.name)),
      make("span", { class: "size", "aria-label": count(group.size, "vector") }, group.size.toLocaleString("en")),
    );
    const attributes = { role: "row", "aria-level": group.level, "aria-expanded": String(open), class: `group level-${group.level}` };
    const row = make("tr", attributes, make("th", { scope: "row", role: "rowheader" }, button));
    for (const tally of group.tallies) row.append(tallyCell(tally, group.size));
    row.group = group;
    return row;
  }

  function vectorRow(vector) {
    const worst = [..."etcfun"].find((letter) => vector.letters.includes(letter));
    const first = worst ? vector.letters.indexOf(worst) : 0;
    const head = make(
      "a",
      { ...caseLink(vector.id, data.hosts[first].key), tabindex: "-1", class: "vector" },
      make("code", {}, vector.id),
      make("span", { class: "title" }, vector.title),
    );
    const row = make("tr", { role: "row", "aria-level": 4, class: "level-4" });
    row.append(make("th", { scope: "row", role: "rowheader" }, head, make("span", { class: "level" }, vector.level)));
    data.hosts.forEach((host, index) => {
      const { symbol, word, style } = sign(vector.letters[index]);
      const cell = make("td", { role: "gridcell" });
      if (vector.letters[index] === ".") {
        cell.tabIndex = -1;
        cell.append(make("span", { class: style, title: word }, make("b", {}, symbol), make("span", { class: "read" }, word)));
      } else {
        const label = `${word}: ${vector.id} on ${host.key}`;
        cell.append(make("a", { ...caseLink(vector.id, host.key), class: style, tabindex: "-1", "aria-label": label, title: label }, make("b", {}, symbol), make("span", {}, word)));
      }
      row.append(cell);
    });
    row.vector = vector;
    return row;
  }

  /** A name that may be broken before its parts. */
  function breakable(name) {
    return name.split(/(?<=[/@:])/).flatMap((word, index) => (index ? [document.createElement("wbr"), word] : [word]));
  }

  function isOpen(group) {
    return wasicheck.state.open.has(group.id) || (wasicheck.isFiltered() && shownAtOnce);
  }

  /** The rows of a group that is open. */
  function* innerRows(group) {
    if (!isOpen(group)) return;
    for (const inner of group.inner.values()) yield* groupRows(inner);
    for (const vector of group.vectors) yield vectorRow(vector);
  }

  function* groupRows(group) {
    yield groupRow(group);
    yield* innerRows(group);
  }

  // --- the table -----------------------------------------------------------------------------------

  function showHead() {
    const names = make("tr", { role: "row" }, make("th", { scope: "col", rowspan: 2, role: "columnheader", class: "corner" }, "Vectors"));
    const versions = make("tr", { role: "row" });
    for (let index = 0; index < data.hosts.length; ) {
      const name = data.hosts[index].name;
      let span = 1;
      while (data.hosts[index + span]?.name === name) span += 1;
      names.append(make("th", { scope: "colgroup", colspan: span, role: "columnheader", class: "name" }, make("span", {}, name)));
      for (const host of data.hosts.slice(index, index + span)) {
        const flags = host.key.includes(" ") ? host.key.slice(host.key.indexOf(" ") + 1) : "";
        versions.append(make("th", { scope: "col", role: "columnheader", title: host.key }, host.version || host.key, flags ? make("small", {}, flags) : ""));
      }
      index += span;
    }
    table.tHead.replaceChildren(names, versions);
  }

  function showTable(anew) {
    if (anew) {
      groups = tree();
      const size = groups.reduce((all, group) => all + group.size, 0);
      shownAtOnce = size <= AT_ONCE;
      const all = { name: wasicheck.isFiltered() ? "All that are shown" : "All", size };
      document.getElementById("count").value = `${count(size, "vector")}${size === vectors.length ? "" : ` of ${vectors.length.toLocaleString("en")}`}`;
      document.getElementById("nothing").hidden = size > 0;
      document.getElementById("scroll").hidden = size === 0;
      const sum = make("tr", { role: "row", "aria-level": 1, class: "all" });
      sum.append(make("th", { scope: "row", role: "rowheader", tabindex: "-1" }, make("span", { class: "name" }, all.name), make("span", { class: "size" }, size.toLocaleString("en"))));
      for (const tally of total(groups)) sum.append(tallyCell(tally, size));
      const rows = [sum];
      for (const group of groups) rows.push(...groupRows(group));
      body.replaceChildren(...rows);
      settle();
      return;
    }
    // Only what opened or closed is new.
    for (const row of [...body.rows]) {
      if (!row.group || !row.isConnected) continue;
      const open = isOpen(row.group);
      if (open === (row.getAttribute("aria-expanded") === "true")) continue;
      row.setAttribute("aria-expanded", String(open));
      if (open) row.after(...innerRows(row.group));
      else while (row.nextSibling && level(row.nextSibling) > level(row)) row.nextSibling.remove();
    }
    settle();
  }

  const level = (row) => Number(row.getAttribute("aria-level"));

  function toggle(row) {
    const open = new Set(wasicheck.state.open);
    if (row.getAttribute("aria-expanded") === "true") {
      open.delete(row.group.id);
      if (shownAtOnce && wasicheck.isFiltered()) {
        // What the filters opened is from now on opened by hand.
        for (const other of body.querySelectorAll("tr[aria-expanded=true]")) if (other !== row) open.add(other.group.id);
        shownAtOnce = false;
      }
    } else open.add(row.group.id);
    // The groups that the filters opened are no longer open by the filters: so the table looks for itself.
    wasicheck.go({ open });
    showTable(false);
  }

  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row?.group) toggle(row);
  });

  // --- keys: one stop of the tab key, arrows within ------------------------------------------------

  const target = (cell) => cell.querySelector("a, button") ?? cell;

  /** Make one cell the stop of the tab key. */
  function settle(cell) {
    const current = body.querySelector('[tabindex="0"]');
    if (!cell && current) return;
    current?.setAttribute("tabindex", "-1");
    const stop = cell ?? body.rows[1]?.cells[0] ?? body.rows[0]?.cells[0];
    if (stop) target(stop).tabIndex = 0;
  }

  function move(cell) {
    if (!cell) return;
    settle(cell);
    target(cell).focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  table.addEventListener("focusin", (event) => settle(event.target.closest("td, tbody th") ?? undefined));

  body.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td, th");
    const row = cell.parentElement;
    const column = cell.cellIndex;
    const expanded = row.getAttribute("aria-expanded");
    if (event.altKey || event.metaKey || (event.ctrlKey && !["Home", "End"].includes(event.key))) return;
    switch (event.key) {
      case "ArrowDown": move(row.nextSibling?.cells[column]); break;
      case "ArrowUp": move(row.previousSibling?.cells[column]); break;
      case "ArrowRight":
        if (column === 0 && expanded === "false") toggle(row);
        else move(row.cells[column + 1]);
        break;
      case "ArrowLeft":
        if (column > 0) move(row.cells[column - 1]);
        else if (expanded === "true") toggle(row);
        else {
          let above = row.previousSibling;
          while (above && level(above) >= level(row)) above = above.previousSibling;
          move(above?.cells[0]);
        }
        break;
      case "Home": move((event.ctrlKey ? body.rows[0] : row).cells[0]); break;
      case "End": move((event.ctrlKey ? body.lastElementChild : row).cells[data.hosts.length]); break;
      case "Enter":
      case " ":
        if (event.target !== cell || !row.group) return;
        toggle(row);
        break;
      default: return;
    }
    event.preventDefault();
  });

  showHead();
  views.showTable = showTable;
})();
