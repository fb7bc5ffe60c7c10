// SPDX-License-Identifier: MIT
// Zoom (click, Enter; Escape or "reset zoom" goes back), search (the field, or "/"), and details
// on hover. At the start it changes nothing: flame.c has placed every frame where place() would.
"use strict";
(function () {
  const svg = document.documentElement;
  const number = function (element, name) { return Number(element.getAttribute("data-" + name)); };
  const width = number(svg, "width"), margin = number(svg, "margin");
  const character = number(svg, "character"), inset = number(svg, "inset");
  const total = number(svg, "total");
  const details = document.getElementById("details");
  const matched = document.getElementById("matched");
  const reset = document.getElementById("reset");
  const search = document.getElementById("search");
  const frames = Array.from(document.getElementsByClassName("f")).map(function (group) {
    return {
      group: group,
      rect: group.getElementsByTagName("rect")[0],
      text: group.getElementsByTagName("text")[0],
      title: group.getElementsByTagName("title")[0].textContent,
      name: group.getAttribute("data-n"),
      start: number(group, "x"), ticks: number(group, "w"), depth: number(group, "d")
    };
  });
  let zoomed = frames[0];

  function fit(name, pixels) {
    const room = Math.floor((pixels - 2 * inset) / character);
    if (room >= name.length) return name;
    return room >= 3 ? name.slice(0, room - 2) + ".." : "";
  }

  function place(frame, left, right) {
    const scale = (width - 2 * margin) / (right - left);
    const from = Math.max(frame.start, left), to = Math.min(frame.start + frame.ticks, right);
    const hidden = to <= from;
    frame.group.style.display = hidden ? "none" : "";
    if (hidden) return;
    const x = margin + (from - left) * scale, pixels = (to - from) * scale;
    frame.rect.setAttribute("x", x.toFixed(2));
    frame.rect.setAttribute("width", pixels.toFixed(2));
    frame.text.setAttribute("x", (x + inset).toFixed(2));
    frame.text.textContent = fit(frame.name, pixels);
  }

  function zoom(target) {
    zoomed = target;
    for (const frame of frames) {
      place(frame, target.start, target.start + target.ticks);
      frame.group.classList.toggle("above", frame.depth < target.depth);
    }
    reset.setAttribute("visibility", target === frames[0] ? "hidden" : "visible");
  }

  // Ticks under at least one matching frame: nested matches count once.
  function covered(hits) {
    let sum = 0, end = -1;
    hits.sort(function (a, b) { return a.start - b.start || b.ticks - a.ticks; });
    for (const hit of hits)
      if (hit.start >= end) {
        sum += hit.ticks;
        end = hit.start + hit.ticks;
      }
    return sum;
  }

  function find(pattern) {
    let expression = null;
    try {
      expression = pattern === "" ? null : new RegExp(pattern, "i");
    } catch (error) {
      matched.textContent = "not a regular expression";
      return;
    }
    const hits = frames.filter(function (frame) {
      const hit = expression !== null && frame.depth > 0 && expression.test(frame.name);
      frame.group.classList.toggle("hit", hit);
      return hit;
    });
    const percent = total > 0 ? 100 * covered(hits) / total : 0;
    matched.textContent = expression === null ? "" : "matched: " + percent.toFixed(2) + "%";
  }

  for (const frame of frames) {
    const show = function () { details.textContent = frame.title; };
    const hide = function () { details.textContent = ""; };
    frame.group.addEventListener("click", function () { zoom(frame); });
    frame.group.addEventListener("keydown", function (event) {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        zoom(frame);
      }
    });
    frame.group.addEventListener("mouseenter", show);
    frame.group.addEventListener("mouseleave", hide);
    frame.group.addEventListener("focus", show);
    frame.group.addEventListener("blur", hide);
  }
  reset.addEventListener("click", function () { zoom(frames[0]); });
  reset.addEventListener("keydown", function (event) {
    if (event.key === "Enter" || event.key === " ") zoom(frames[0]);
  });
  search.addEventListener("input", function () { find(search.value); });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      search.value = "";
      find("");
      zoom(frames[0]);
    } else if (event.key === "/" && event.target !== search) {
      event.preventDefault();
      search.focus();
    }
  });
  zoom(zoomed);
})();
