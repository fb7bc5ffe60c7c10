// SPDX-License-Identifier: MIT
// Does to flame.svg, which the page holds as an object, what a person would do, and writes what a
// person would see, a line each, for tests/unit/tool_flame.c to compare.
"use strict";
window.addEventListener("load", function () {
  const svg = document.getElementById("flame").contentDocument;
  const view = svg.defaultView;
  const lines = [];
  const say = function (text) { lines.push(text); };
  const frames = Array.from(svg.getElementsByClassName("f"));
  const label = function (frame) { return frame.getAttribute("data-n"); };
  const frame = function (name, which) {
    return frames.filter(function (one) { return label(one) === name; })[which || 0];
  };
  const share = function (one) { // of the width of the graph, in per cent
    if (view.getComputedStyle(one).display === "none") return "hidden";
    const all = svg.documentElement;
    const width = Number(one.getElementsByTagName("rect")[0].getAttribute("width"));
    return (100 * width / (all.getAttribute("data-width") - 2 * all.getAttribute("data-margin"))).toFixed(1);
  };
  const shares = function () {
    return frames.map(function (one) { return label(one) + "=" + share(one); }).join(" ");
  };
  const geometry = function () {
    return frames.map(function (one) {
      const rect = one.getElementsByTagName("rect")[0];
      return ["x", "y", "width", "height"].map(function (name) { return rect.getAttribute(name); }).join();
    }).join(";");
  };
  // A click goes to what stands at that place of the screen.
  const click = function (element) {
    const box = element.getBoundingClientRect();
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    const hit = svg.elementFromPoint(x, y);
    hit.dispatchEvent(new view.MouseEvent("click", { bubbles: true, clientX: x, clientY: y, view: view }));
    return hit;
  };
  const key = function (element, name) {
    element.dispatchEvent(new view.KeyboardEvent("keydown", { bubbles: true, cancelable: true, key: name }));
  };
  const text = function (id) { return svg.getElementById(id).textContent; };
  const reset = svg.getElementById("reset");
  const search = svg.getElementById("search");
  const type = function (pattern) {
    search.value = pattern;
    search.dispatchEvent(new view.Event("input", { bubbles: true }));
    say("search " + pattern + ": " + text("matched") + "; " + frames.filter(function (one) {
      return view.getComputedStyle(one.getElementsByTagName("rect")[0]).fill === "rgb(192, 79, 224)";
    }).map(label).join(" "));
  };
  const begin = geometry();

  try {
    say("start " + shares());
    say("reset " + view.getComputedStyle(reset).visibility);
    say("clicked " + label(click(frame("b").getElementsByTagName("rect")[0]).closest(".f")));
    say("zoomed " + shares());
    say("above " + frames.filter(function (one) {
      return one.classList.contains("above") && share(one) !== "hidden";
    }).map(label).join(" "));
    say("reset " + view.getComputedStyle(reset).visibility);
    type("inner"); // while zoomed: the share is that of the whole
    click(reset);
    say("after reset " + (geometry() === begin ? "as at the start" : shares()));
    say("reset " + view.getComputedStyle(reset).visibility);
    type("INNER|^a$");
    type("(");
    type("nothing like it");
    type("");
    frame("a").focus();
    say("details " + text("details"));
    key(frame("a"), "Enter");
    say("entered " + share(frame("a")) + " " + share(frame("b")));
    type("a");
    key(svg.documentElement, "Escape");
    say("escaped " + (geometry() === begin ? "as at the start" : shares()) + " [" + search.value + "] [" + text("matched") + "]");
    key(svg.documentElement, "/");
    say("focus " + (svg.activeElement === search ? "search" : "elsewhere"));
    say("fetched " + view.performance.getEntriesByType("resource").length);
  } catch (error) {
    say("error " + error);
  }
  document.getElementById("out").textContent = "\n" + lines.join("\n") + "\nend\n";
});
