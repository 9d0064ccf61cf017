"use strict";
// The search box. Without this script all filters are simply shown and the box stays hidden.
(() => {
  const find = document.getElementById("find");
  const query = document.getElementById("query");
  const count = document.getElementById("count");
  const entries = [...document.querySelectorAll("[data-filter]")].map((element) => ({
    element,
    layer: element.dataset.layer.toLowerCase(),
    filter: Number(element.dataset.filter),
    words: element.dataset.words.toLowerCase(),
    card: element.classList.contains("filter"),
  }));
  const sections = [...document.querySelectorAll(".layer, #hypotheses")];
  const layers = new Set(entries.map((entry) => entry.layer));
  const total = entries.filter((entry) => entry.card).length;

  // A number is a filter's number, or a word of its own in a meaning. The whole name of a layer means this layer only:
  // "conv1" does not find conv10. Anything else is found inside names and meanings.
  const meets = (entry, term) => {
    if (entry.words.split(/\s+/).includes(term)) return true;
    if (layers.has(term)) return entry.layer === term;
    if (/^\d+$/.test(term)) return entry.filter === Number(term);
    return entry.layer.includes(term) || entry.words.includes(term);
  };

  const show = () => {
    const terms = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const entry of entries) {
      const shown = terms.every((term) => meets(entry, term));
      entry.element.hidden = !shown;
      if (shown && entry.card) found += 1;
    }
    for (const section of sections) {
      section.hidden = !section.querySelector("[data-filter]:not([hidden])");
      const link = document.querySelector(`nav a[href="#${section.id}"]`);
      link.parentElement.hidden = section.hidden;
    }
    const number = (value) => value.toLocaleString("en");
    const filters = `${number(total)} filter${total === 1 ? "" : "s"}`;
    count.textContent = terms.length ? `${number(found)} of ${filters}` : filters;
  };

  // A link to a filter opens its card, also where a search has hidden it.
  const open = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.hidden || target.closest("[hidden]")) {
      query.value = "";
      show();
    }
    if (target.matches("details")) target.open = true;
    target.scrollIntoView();
  };

  query.addEventListener("input", show);
  addEventListener("hashchange", open);
  addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, textarea, select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      query.focus();
    } else if (event.key === "Escape" && event.target === query) {
      query.value = "";
      show();
    }
  });
  find.hidden = false;
  show();
  open();
})();
