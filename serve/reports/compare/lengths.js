// The slider over the length of the list: draws the figures that Python put into the page.
"use strict";
(() => {
  const box = document.getElementById("lengths");
  const steps = JSON.parse(document.getElementById("lengths-json").textContent);
  const slider = box.querySelector("input"), plot = box.querySelector(".plot");
  const SVG = "http://www.w3.org/2000/svg", RANKERS = ["chance", "rules", "model"];
  const HEIGHT = 300, LEFT = 42, RIGHT = 12, TOP = 12, BOTTOM = 40;
  let marks = null, x = null, y = null;

  const add = (parent, tag, attributes, text) => {
    const element = parent.appendChild(document.createElementNS(SVG, tag));
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const top = (estimate) => estimate.high ?? estimate.point;

  // 1, 2, 5, 10, ... up to a limit
  const ticks = (limit) => {
    const found = [];
    for (let ten = 1; ten <= limit; ten *= 10) found.push(ten, 2 * ten, 5 * ten);
    return found.filter((each) => each <= limit);
  };

  const draw = () => {
    const width = Math.max(280, plot.clientWidth), first = steps[0].leads;
    const most = Math.max(...steps.map((step) => Math.max(...RANKERS.map((name) => top(step.deals[name])))));
    const last = Math.max(steps[steps.length - 1].leads, first + 1);
    x = (leads) => LEFT + (width - LEFT - RIGHT) * Math.log(leads / first) / Math.log(last / first);
    y = (deals) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * deals / (most || 1);
    plot.replaceChildren();
    const svg = add(plot, "svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, "aria-hidden": "true" });
    const gap = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 1e5, 1e6].find((each) => most / each <= 5) ?? most;
    for (let at = 0; at <= most; at += gap) {
      add(svg, "line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(at), y2: y(at) });
      add(svg, "text", { x: LEFT - 8, y: y(at) + 4, "text-anchor": "end" }, at.toLocaleString("en"));
    }
    let free = 0;
    for (const at of ticks(last).filter((each) => each >= first)) {
      if (x(at) < free) continue;
      free = x(at) + 34;
      add(svg, "text", { x: x(at), y: HEIGHT - BOTTOM + 18, "text-anchor": "middle" }, at.toLocaleString("en"));
    }
    add(svg, "text", { x: (LEFT + width) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, "Leads on each list");
    for (const name of RANKERS) {
      const points = steps.map((step) => [x(step.leads), step.deals[name]]);
      if (points.every(([, deals]) => deals.low !== null)) {
        const upper = points.map(([at, deals]) => `${at},${y(deals.high)}`);
        const lower = points.map(([at, deals]) => `${at},${y(deals.low)}`).reverse();
        add(svg, "polygon", { class: `band ${name}`, points: [...upper, ...lower].join(" ") });
      }
      add(svg, "polyline", { class: `line ${name}`, points: points.map(([at, deals]) => `${at},${y(deals.point)}`).join(" ") });
    }
    marks = add(svg, "g", {});
    show();
  };

  const show = () => {
    const step = steps[Number(slider.value)], at = x(step.leads);
    marks.replaceChildren();
    add(marks, "line", { class: "here", x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM });
    for (const name of RANKERS) {
      add(marks, "circle", { class: `dot ${name}`, cx: at, cy: y(step.deals[name].point), r: 5 });
      box.querySelector(`[data-deals="${name}"]`).textContent = step.written[name];
      box.querySelector(`[data-range="${name}"]`).textContent = step.ranges[name];
    }
    box.querySelector("output").textContent = step.label;
    slider.setAttribute("aria-valuetext", step.label);
    box.querySelector("[aria-live]").textContent = step.sentence;
  };

  box.hidden = false;
  slider.addEventListener("input", show);
  addEventListener("resize", draw);
  draw();
})();
