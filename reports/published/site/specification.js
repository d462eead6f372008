// The annotated specification: every item of the WIT with its requirements, and how the hosts do on each.
"use strict";

(() => {
  const { data, vectors, make, sign, count, address, caseLink, load, views } = wasicheck;
  const place = document.getElementById("spec");
  /** Worst first. */
  const ORDER = "etcfunis.p";
  let turn = 0;
  let shownItem = "";

  const citing = new Map();
  for (const vector of vectors) {
    for (const number of vector.requirements) {
      if (!citing.has(number)) citing.set(number, []);
      citing.get(number).push(vector);
    }
  }

  views.showSpecification = async (anew) => {
    const own = (turn += 1);
    if (!anew && wasicheck.state.item === shownItem) return;
    if (!place.firstChild) place.append(make("p", { class: "nothing" }, "Loading …"));
    try {
      const specification = await load("requirements");
      if (own !== turn) return;
      show(specification);
    } catch (error) {
      if (own === turn) place.replaceChildren(make("p", { class: "nothing" }, error.message));
    }
  };

  function show(specification) {
    const { state } = wasicheck;
    shownItem = state.item;
    const packages = new Map();
    let shown = 0;
    for (const chapter of specification.chapters) {
      if (state.package && chapter.package !== state.package) continue;
      const items = chapter.items
        .map(([id, name, signature, unstable, numbers]) => ({ id, name, signature, unstable, numbers: numbers.filter((n) => passes(specification, n)) }))
        .filter((item) => item.numbers.length || !wasicheck.isFiltered() || item.id === state.item);
      if (!items.length) continue;
      const size = items.reduce((all, item) => all + item.numbers.length, 0);
      shown += size;
      if (!packages.has(chapter.package)) packages.set(chapter.package, []);
      packages.get(chapter.package).push({ ...chapter, items, size });
    }
    const few = wasicheck.isFiltered() && shown <= 40;
    const sections = [];
    for (const [name, chapters] of packages) {
      const wasi = chapters[0].id.startsWith("wasi:");
      const inner = chapters.map((chapter) => chapterDetails(specification, chapter, few));
      sections.push(make("section", { class: "package" }, make("h2", {}, wasi ? `wasi:${name}` : name), ...inner));
    }
    document.getElementById("count").value = count(shown, "requirement");
    place.replaceChildren(...(sections.length ? sections : [make("p", { class: "nothing" }, "No requirement is like that.")]));
    const current = state.item && [...place.querySelectorAll("[data-item]")].find((one) => one.dataset.item === state.item);
    if (current) current.scrollIntoView({ block: "start" });
  }

  /** Whether a requirement passes the filters: its own words and level, and some vector of it the rest. */
  function passes(specification, number) {
    const { state } = wasicheck;
    const [id, level, , text] = specification.requirements[number];
    if (state.level && level !== state.level) return false;
    if (state.text) {
      const words = `${id} ${text}`.toLowerCase();
      if (!state.text.toLowerCase().split(/\s+/).every((word) => words.includes(word))) return false;
    }
    if (!state.differing && !state.only && !state.verdict) return true;
    return (citing.get(number) ?? []).some((vector) => wasicheck.passes(vector, "text", "level", "package"));
  }

  /** A chapter; its items are made when it is opened. */
  function chapterDetails(specification, chapter, few) {
    const { item } = wasicheck.state;
    const head = make("summary", {}, make("code", {}, chapter.id), make("span", { class: "size" }, count(chapter.size, "requirement")));
    const details = make("details", { class: "chapter" }, head);
    const fill = () => {
      if (details.children.length > 1) return;
      for (const one of chapter.items) details.append(itemArticle(specification, one));
    };
    details.addEventListener("toggle", () => details.open && fill());
    if (few || (item && chapter.items.some((one) => one.id === item))) {
      details.open = true;
      fill();
    }
    return details;
  }

  function itemArticle(specification, item) {
    const link = make("a", { class: "anchor", href: address({ view: "spec", item: item.id, case: "" }), title: "Address of this item" }, item.name);
    const article = make("article", { class: "item", "data-item": item.id }, make("h3", {}, link, item.unstable ? make("span", { class: "level" }, "unstable") : ""));
    if (item.signature) article.append(make("pre", { class: "wit", tabindex: "0" }, make("code", {}, item.signature)));
    if (!item.numbers.length) article.append(make("p", { class: "muted" }, "No requirement of its own."));
    const list = make("ul", { class: "statements" });
    for (const number of item.numbers) {
      const about = citing.get(number) ?? [];
      const entry = make("li", {}, ...wasicheck.statement(specification, number));
      entry.append(about.length ? results(about) : make("p", { class: "muted" }, specification.requirements[number][4] === "no" ? "" : "No vector of these runs is about it."));
      list.append(entry);
    }
    if (item.numbers.length) article.append(list);
    return article;
  }

  /** How the hosts do on the vectors of a requirement: the worst on each host, and the vectors below. */
  function results(about) {
    const strip = make("ul", { class: "others small" });
    data.hosts.forEach((host, index) => {
      const letters = about.map((vector) => vector.letters[index]);
      const worst = [...ORDER].find((letter) => letters.includes(letter));
      const { symbol, word, style } = sign(worst);
      const number = letters.filter((letter) => letter === worst).length;
      const vector = about[letters.indexOf(worst)];
      const words = `${host.key}: ${number} of ${letters.length} ${word}`;
      strip.append(make("li", {}, make("a", { ...caseLink(vector.id, host.key), class: style, title: words }, make("b", {}, symbol), make("span", {}, host.key, number < letters.length ? make("small", {}, ` ${number} of ${letters.length}`) : "", make("span", { class: "read" }, ` ${word}`)))));
    });
    const names = make("p", { class: "vectors" });
    for (const vector of about) names.append(make("a", { ...caseLink(vector.id, data.hosts[0].key), title: vector.title }, vector.id), " ");
    return make("div", { class: "results" }, strip, make("details", {}, make("summary", {}, count(about.length, "vector")), names));
  }
})();
