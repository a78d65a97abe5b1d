"use strict";
// The graph about one picture: its edges, strongest first, and what is chosen of it.

const scores = data.scores;
const order = scores.map((_, e) => e).sort((a, b) => scores[b] - scores[a] || a - b);
const first = order.map((e) => data.first[e]);
const second = order.map((e) => data.second[e]);
const best = order.length ? scores[order[0]] : 1;
const worst = order.length ? scores[order[order.length - 1]] : 0;
const score = (e) => scores[order[e]]; // edges are numbered from here on, strongest first
const shares = Float64Array.from(order, (_, e) => (score(e) - worst) / (best - worst || 1));
const told = (value) =>
  data.distances ? Number((-value).toPrecision(4)).toString() : value.toFixed(3);

/** Of each picture: its edges and who is at their other end, strongest first. */
const around = data.titles.map(() => []);
order.forEach((_, e) => {
  around[first[e]].push({ e, to: second[e] });
  around[second[e]].push({ e, to: first[e] });
});

let centre = data.centre;
let edgeCount = order.length; // as many of the strongest edges are shown
let depths = reach();
let [hovered, chosen, current, found] = [-1, -1, -1, null];
let [settling, began] = [false, 0]; // whether pictures are moving, and since when
let moves = 0; // how often they have
let following = true; // whether the view shows all of it, until somebody moves the view

/** How many shown edges lead from the centre to each picture; -1 where none do. */
function reach() {
  const away = new Int32Array(count).fill(-1);
  away[centre] = 0;
  const waiting = [centre];
  for (const i of waiting) {
    for (const { e, to } of around[i]) {
      if (e >= edgeCount) break;
      if (away[to] < 0) {
        away[to] = away[i] + 1;
        waiting.push(to);
      }
    }
  }
  return away;
}

const shown = (i) => around[i].filter(({ e }) => e < edgeCount);
const byKeys = () => (view.canvas.matches(":focus-visible") ? current : -1);
const inFocus = () => (hovered >= 0 ? hovered : chosen >= 0 ? chosen : byKeys());
