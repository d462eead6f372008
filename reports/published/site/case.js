// A case: one vector on one host, with all there is to tell of it.
"use strict";

(() => {
  const { data, byId, make, sign, address, load, views } = wasicheck;
  const dialog = document.getElementById("case");
  let latest = 0;

  dialog.addEventListener("close", () => {
    if (wasicheck.state.case) wasicheck.go({ case: "" }, { step: true });
  });
  // A click beside the case closes it.
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  views.showCase = async () => {
    const { case: id, host: key } = wasicheck.state;
    const turn = (latest += 1);
    if (!id) {
      if (dialog.open) dialog.close();
      return;
    }
    const vector = byId.get(id);
    const host = data.hosts.findIndex((one) => one.key === key);
    const parts = [load(`cases/${vector.part}`), load("requirements")];
    const focused = dialog.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    if (!dialog.open) {
      dialog.replaceChildren(make("p", { id: "case-title" }, "Loading …"));
      dialog.showModal();
    }
    try {
      const [cases, specification] = await Promise.all(parts);
      if (turn !== latest) return;
      dialog.replaceChildren(...content(vector, host, cases, specification));
      dialog.scrollTop = 0;
      (dialog.querySelector(`[data-key="${focused}"]`) ?? dialog.querySelector(".close")).focus();
    } catch (error) {
      if (turn === latest) dialog.replaceChildren(closing(), make("p", { id: "case-title", class: "nothing" }, error.message));
    }
  };

  function closing() {
    const button = make("button", { type: "button", class: "close", "aria-label": "Close", "data-key": "close" }, "×");
    button.addEventListener("click", () => dialog.close());
    return button;
  }

  function* content(vector, host, cases, specification) {
    const [place, results] = cases.cases[vector.id];
    const { symbol, word, meaning, style } = sign(vector.letters[host]);
    const key = data.hosts[host].key;
    yield closing();
    yield make(
      "header",
      {},
      make("p", { class: "path" }, `${vector.chapter} `, make("a", { href: itemAddress(vector) }, vector.name)),
      make("h2", { id: "case-title" }, vector.title),
      make("p", { class: "path" }, make("code", {}, vector.id), ` · ${place}`),
    );
    yield make(
      "p",
      { class: `banner ${style}` },
      make("b", {}, `${symbol} ${word}`),
      make("span", {}, ` on ${key}. ${meaning}`),
    );
    yield others(vector, host);
    if (results[host] === null) {
      yield make("p", {}, "There is no result: the run of this host does not have the vector.");
      yield asked(vector, specification);
      return;
    }
    const [bodyIndex, seconds, command] = results[host];
    const [, flags, steps, reason, exit, stdout, stderr, known, knownLink, unexpected] = cases.bodies[bodyIndex];
    const all = steps.map((index) => cases.steps[index]);
    if (unexpected) yield make("p", { class: "note" }, unexpected);
    if (known) {
      yield make("p", { class: "note" }, `Known: ${known} `, knownLink ? make("a", { href: knownLink, rel: "noopener" }, "link") : "");
    }
    if (reason) yield section("Why", make("p", { class: "text" }, reason));
    yield asked(vector, specification);
    if (all.length) yield observed(all);
    yield output("Standard output", stdout);
    yield output("Standard error", stderr);
    yield repeat(command);
    yield section(
      "How it was run",
      facts([
        ["host", `${data.hosts[host].name} ${data.hosts[host].version}`],
        ["guest", flags.join(" ")],
        ["run", data.hosts[host].flags.join(" ")],
        ["end", exit],
        ["took", `${seconds} s`],
        ["on", `${data.hosts[host].platform}, ${data.hosts[host].date}`],
        ["vector", place],
      ]),
    );
  }

  const itemAddress = (vector) =>
    address({ view: "spec", case: "", item: vector.name === "in general" ? vector.chapter : `${vector.chapter}#${vector.name}` });

  function section(title, ...children) {
    return make("section", {}, make("h3", {}, title), ...children);
  }

  /** The same case on every host. */
  function others(vector, host) {
    const list = make("ul", { class: "others", "aria-label": "The same case on every host" });
    data.hosts.forEach((other, index) => {
      const { symbol, word, style } = sign(vector.letters[index]);
      const current = index === host;
      const link = make(
        "a",
        { href: address({ host: other.key }), class: style, "aria-current": current ? "true" : null, "data-key": `host-${index}` },
        make("b", {}, symbol),
        make("span", {}, `${other.key} `, make("small", {}, word)),
      );
      list.append(make("li", {}, link));
    });
    return section("On every host", list);
  }

  /** The statements that the vector is about. */
  function asked(vector, specification) {
    const list = make("ul", { class: "statements" });
    for (const number of vector.requirements) list.append(make("li", {}, ...statement(specification, number)));
    return section("What is asked", list);
  }

  function observed(steps) {
    const table = make("table", { class: "steps" });
    table.append(make("thead", {}, make("tr", {}, ...["Step", "Expected", "Observed", "Verdict"].map((text) => make("th", { scope: "col" }, text)))));
    const rows = make("tbody");
    for (const [index, place, text, expected, seen, message, letter, level] of steps) {
      const { symbol, word, style } = sign(letter);
      const row = make(
        "tr",
        { class: "pi".includes(letter) ? null : "told" },
        make("td", {}, make("span", { class: "number" }, `${index + 1}`), make("code", {}, text), make("small", {}, place)),
        make("td", { "data-name": "expected" }, make("code", {}, expected)),
        make("td", { "data-name": "observed" }, make("code", {}, seen), message && message !== seen ? make("small", {}, message) : ""),
        make("td", {}, make("span", { class: style }, make("b", {}, symbol), make("span", {}, word)), make("small", {}, level)),
      );
      rows.append(row);
    }
    table.append(rows);
    return section("Expected and observed", table);
  }

  function output(name, text) {
    return text ? section(name, make("pre", { tabindex: "0" }, text)) : "";
  }

  function repeat(command) {
    const code = make("code", { tabindex: "0" }, command);
    const button = make("button", { type: "button", "data-key": "copy" }, "Copy");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(command);
        button.textContent = "Copied";
      } catch {
        // A page from a file may not write to the clipboard; then the user does it.
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
    });
    return section("Repeat it", make("p", { class: "command" }, code, button), make("p", { class: "muted" }, "Writes a folder for a bug report: the guest as WebAssembly and as text, a script, what was expected and observed."));
  }

  function facts(entries) {
    const list = make("dl", { class: "facts" });
    for (const [name, value] of entries) if (value) list.append(make("dt", {}, name), make("dd", {}, value));
    return list;
  }

  /** A requirement in words: level, statement, provenance, links into the official text. */
  function* statement(specification, number) {
    const [id, level, provenance, text, testable, note, links] = specification.requirements[number];
    if (level) yield make("span", { class: "level", title: data.levels[level] }, level);
    yield make("span", { class: "text" }, text || "A requirement of another catalogue.");
    const source = make("span", { class: "source" }, make("code", {}, id));
    if (provenance) source.append(` · from ${specification.provenances[provenance]}`);
    for (const [name, address] of links) source.append(" · ", make("a", { href: address, rel: "noopener" }, name));
    if (testable === "no") source.append(" · not testable from outside");
    if (note) source.append(make("span", { class: "remark" }, note));
    yield source;
  }

  wasicheck.statement = statement;
})();
