"use strict";
// What people do with the graph: point, choose, drag, cut it at a threshold.

function at(x, y) {
  const [wx, wy] = [view.worldX(x), view.worldY(y)];
  const slack = 3 / view.scale;
  let [hit, least] = [-1, Infinity];
  for (let i = 0; i < count; i++) {
    const [dx, dy] = [Math.abs(layout.x[i] - wx), Math.abs(layout.y[i] - wy)];
    const half = layout.sides[i] / 2 + slack;
    if (dx <= half && dy <= half && dx + dy < least) [hit, least] = [i, dx + dy];
  }
  return hit;
}

function hover(i) {
  if (i === hovered) return;
  hovered = i;
  view.canvas.classList.toggle("over", i >= 0);
  view.draw();
}

/** Show a picture's panel, and the picture itself where it is hidden. */
function choose(i) {
  if (i < 0) {
    closePanel();
    current = -1;
    view.draw();
    return;
  }
  [chosen, current, hovered] = [i, i, -1];
  const neighbours = shown(i);
  const heading = neighbours.length === 1 ? "1 neighbour" : `${neighbours.length} neighbours`;
  openPanel(
    i,
    served ? waysFrom(i) : i === centre ? [] : [action("Centre on this", () => recentre(i))],
    element("h3", {}, heading),
    element("ul", { role: "list" }, ...neighbours.map(neighbour)),
  );
  view.show(layout.x[i], layout.y[i]);
  say(`${nameOf(i)}, ${heading}`);
}

const neighbour = ({ e, to }) =>
  row(to, () => choose(to), told(score(e)), {
    onmouseenter: () => hover(to),
    onmouseleave: () => hover(-1),
  });

panel.closed = () => {
  chosen = -1;
  view.draw();
};

/** Make another picture the centre: what is around it comes nearer. */
function recentre(i) {
  centre = i;
  cut();
  const [x, y] = [layout.x[i], layout.y[i]];
  for (let k = 0; k < count; k++) {
    layout.x[k] -= x;
    layout.y[k] -= y;
  }
  view.x -= x;
  view.y -= y;
  layout.centre = i;
  layout.setDepths(depths);
  layout.warm(0.8);
  choose(i);
  view.go({ x: 0, y: 0 });
  settle();
}

/** Whether edges are hidden. The slider's steps are rounded: at its start every edge is shown. */
function isCut() {
  return Number($("threshold").value) > Number($("threshold").min);
}

/** Hide the edges below the threshold, and tell what is left. */
function cut() {
  const limit = Number($("threshold").value);
  edgeCount = scores.length;
  if (isCut()) {
    while (edgeCount && score(edgeCount - 1) < limit) edgeCount -= 1;
  }
  depths = reach();
  const reached = depths.reduce((sum, depth) => sum + (depth >= 0), 0);
  $("limit").textContent = told(limit);
  $("threshold").setAttribute(
    "aria-valuetext",
    `${told(limit)}: ${edgeCount} edges, ${reached} of ${count} pictures hang together with the centre`,
  );
  view.draw();
}

function step(dx, dy) {
  if (current < 0) current = centre;
  else {
    const places = shown(current).map(({ to }) => to);
    const next = nextAmong(places, layout.x[current], layout.y[current], dx, dy, (i) => [
      layout.x[i],
      layout.y[i],
    ]);
    if (next < 0) return;
    const { e } = around[current].find(({ to }) => to === next);
    say(`${nameOf(next)}, ${told(score(e))}, ${shown(next).length} neighbours`);
    current = next;
  }
  hovered = -1;
  if (!panel.hidden) choose(current);
  view.show(layout.x[current], layout.y[current]);
}

function fit() {
  view.go(view.framing(layout.bounds(), 3));
}

/** Let the layout come to rest: as much in each frame as leaves it fluent, or all at once. */
function settle() {
  if (settling) return;
  [settling, began] = [true, performance.now()];
  if (calm.matches) settleOn();
  else requestAnimationFrame(settleOn);
}

function settleOn() {
  const until = calm.matches ? Infinity : performance.now() + 11;
  do layout.step();
  while (!layout.settled && performance.now() < until);
  moves += 1;
  if (following) frameAll();
  settling = !layout.settled;
  if (settling) requestAnimationFrame(settleOn);
  else root.dataset.settled = Math.round(performance.now() - began);
  view.draw();
}

const frameAll = () => Object.assign(view, view.framing(layout.bounds(), 3));

listen(view, {
  at,
  hover,
  tap(i, x, y) {
    if (!served || !again(i, x, y)) choose(i);
  },
  drag(i, x, y) {
    layout.pinned = i;
    [layout.x[i], layout.y[i]] = [view.worldX(x), view.worldY(y)];
    if (calm.matches) {
      moves += 1;
      view.draw();
      return;
    }
    layout.warm(0.3);
    settle();
  },
  drop() {
    layout.pinned = -1;
  },
});
for (const event of ["pointerdown", "wheel", "keydown"]) {
  document.addEventListener(
    event,
    () => {
      following = false;
    },
    { passive: true },
  );
}
keys(view, {
  step,
  fit,
  enter() {
    const i = current >= 0 ? current : centre;
    if (served && i === chosen) walkTo(i);
    else choose(i);
  },
  escape() {
    if (closePanel()) return;
    showList(false);
    current = -1;
    view.draw();
  },
});
view.canvas.addEventListener("focus", () => {
  if (current < 0 && view.canvas.matches(":focus-visible")) current = centre;
  view.draw();
});
view.canvas.addEventListener("blur", () => view.draw());
search((hits) => {
  found = hits;
  view.draw();
}, choose);

const slider = $("threshold");
const span = best - worst || 1e-3;
const grain = 10 ** (Math.floor(Math.log10(span)) - 2);
slider.min = Math.floor(worst / grain) * grain;
slider.max = Math.ceil(best / grain) * grain;
slider.step = grain;
slider.value = slider.min;
if (served) keepCut(slider);
slider.disabled = !order.length;
slider.oninput = cut;
slider.setAttribute("aria-label", "Weakest edge that is shown");
view.least = 0.02;
view.most = 6;
view.resized = () => {
  if (following) frameAll();
};
dress(view);
cut();
frameAll();
settle();
