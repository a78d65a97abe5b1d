"use strict";
// What people do with the map: point, choose, search, highlight a group.

function at(x, y) {
  if (!data.titles) return -1; // it is not known yet what they are
  for (let k = drawn.length - 1; k >= 0; k--) {
    const [i, side] = drawn[k];
    const [left, top, w, h] = boxOf(i, side).box;
    if (x >= left && x <= left + w && y >= top && y <= top + h) return i;
  }
  const reach = 12 / view.scale;
  const [wx, wy] = [view.worldX(x), view.worldY(y)];
  let [hit, least] = [-1, reach];
  within(wx - reach, wy - reach, wx + reach, wy + reach, (i) => {
    const apart = Math.hypot(px[i] - wx, py[i] - wy);
    if (apart < least && !dimmed(i)) [hit, least] = [i, apart];
  });
  return hit;
}

const tip = element("div", { id: "tip", hidden: true });
$("stage").append(tip);

function hover(i, x, y) {
  tip.hidden = i < 0;
  if (i !== hovered) {
    hovered = i;
    view.canvas.classList.toggle("over", i >= 0);
    if (i >= 0) tip.replaceChildren(...told(i));
    const picture = tip.querySelector("img");
    if (picture) picture.onload = () => placeTip(x, y);
    view.draw();
  }
  if (i >= 0) placeTip(x, y);
}

function placeTip(x, y) {
  const [right, below] = [
    x + 18 + tip.offsetWidth < view.width,
    y + 18 + tip.offsetHeight < view.height,
  ];
  tip.style.left = `${Math.max(0, right ? x + 18 : x - 14 - tip.offsetWidth)}px`;
  tip.style.top = `${Math.max(0, below ? y + 18 : y - 14 - tip.offsetHeight)}px`;
}

/** What a picture is, in short. */
function told(i) {
  const picture =
    data.thumbnails[i] === null
      ? []
      : [element("img", { src: pictureOf(i), alt: "", onerror: (event) => event.target.remove() })];
  const name = element("bdi", {}, data.titles[i]);
  return [
    ...picture,
    name,
    ...(groupOf(i) ? [element("p", {}, element("bdi", {}, groupOf(i)))] : []),
  ];
}

const groupOf = (i) =>
  data.groups[i] === null ? "" : `In ${data.names[data.groups[i]] ?? "a group"}`;

function choose(i) {
  if (i < 0) {
    closePanel();
    if (served) loosen();
    current = -1;
    view.draw();
    return;
  }
  [chosen, current] = [i, i];
  hover(-1);
  const own = data.groups[i];
  const acts =
    own === null || own === group ? [] : [action("Show its group", () => highlight(own))];
  if (served) acts.unshift(...waysFrom(i));
  openPanel(i, acts, ...(groupOf(i) ? [element("p", {}, element("bdi", {}, groupOf(i)))] : []));
  view.show(px[i], py[i]);
  say(`${nameOf(i)} ${groupOf(i)}`);
}

panel.closed = () => {
  chosen = -1;
  if (served) closed();
  view.draw();
};

/** Zoom in on a picture, as far as it needs to be told from those around it. */
function visit(i) {
  choose(i);
  const scale = Math.max(view.scale, Number.isFinite(appears[i]) ? appears[i] : view.whole * 4);
  const framed = view.framing([px[i], py[i], px[i], py[i]], Math.min(scale, view.most));
  view.go(framed);
}

function step(dx, dy) {
  if (!count) return;
  const [x, y] = current < 0 ? [view.x, view.y] : [px[current], py[current]];
  if (current < 0) current = nearest(x, y);
  else {
    for (let reach = WIDE / across; reach < 2 * WIDE; reach *= 2) {
      const places = [];
      within(x - reach, y - reach, x + reach, y + reach, (i) => {
        if (!dimmed(i)) places.push(i);
      });
      const next = nextAmong(places, x, y, dx, dy, (i) => [px[i], py[i]]);
      if (next < 0) continue;
      current = next;
      break;
    }
  }
  if (!panel.hidden) choose(current);
  say(`${nameOf(current)} ${groupOf(current)}`);
  view.show(px[current], py[current]);
}

function nearest(x, y) {
  let [hit, least] = [0, Infinity];
  for (let i = 0; i < count; i++) {
    const apart = Math.hypot(px[i] - x, py[i] - y);
    if (apart < least) [hit, least] = [i, apart];
  }
  return hit;
}

function fit() {
  view.go(view.framing(bounds, view.most));
}

/** Show a group and dim the others; the same one again, or null, shows all. */
function highlight(number) {
  group = number === group ? null : number;
  for (const button of $("legend").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", Number(button.dataset.group) === group && group !== null);
  }
  view.draw();
}

function legendOf(number) {
  const swatch = element("i");
  swatch.style.background = hueOf(number);
  const shown = element(
    "button",
    {
      type: "button",
      "aria-pressed": "false",
      title: data.names[number],
      onclick: () => highlight(number),
    },
    swatch,
    element("bdi", {}, data.names[number]),
    element("span", {}, data.counts[number].toLocaleString("en")),
  );
  shown.dataset.group = number;
  return element("li", {}, shown);
}

const extent = (places) =>
  places.reduce(([a, b], p) => [Math.min(a, p), Math.max(b, p)], [Infinity, -Infinity]);
const [[left, right], [top_, bottom]] = [extent(px), extent(py)];
const margin = Math.max(right - left, bottom - top_, 1) * 0.04;
const bounds = count
  ? [left - margin, top_ - margin, right + margin, bottom + margin]
  : [0, 0, WIDE, WIDE];
view.least = 1e-6;
view.most = 1e6;
Object.assign(view, view.framing(bounds));
view.whole = view.scale;
view.least = view.whole / 2;
view.most = view.whole * 400;
dress(view);
view.now();
root.dataset.painted = Math.round(performance.now());

listen(view, { at, hover, tap: choose, ...(served ? lasso : {}) });
$("legend")
  .querySelector("ul")
  .append(...data.names.slice(0, 60).map((_, number) => legendOf(number)));
$("legend").hidden = !data.names.length;
$("legend").open = view.width > 700;

/** When it is known what the pictures are: find them by name, and find room for thumbnails. */
function begin() {
  keys(view, {
    step,
    fit,
    enter: () => current >= 0 && choose(current),
    escape() {
      if (closePanel() || (served && loosen())) return;
      if (group !== null) highlight(null);
      showList(false);
      current = -1;
      view.draw();
    },
  });
  search((hits) => {
    found = hits;
    view.draw();
  }, visit);

  // All points are on the screen before it is found out where there is room for thumbnails.
  requestAnimationFrame(() =>
    setTimeout(() => {
      appearances(view.whole / 2, view.most);
      const sorted = appears.filter(Number.isFinite).sort();
      roomy = sorted.length ? sorted[Math.floor(0.95 * (sorted.length - 1))] : view.most;
      view.now();
      const asked = data.chosen ? data.ids.indexOf(data.chosen) : -1;
      if (asked >= 0) visit(asked);
      root.dataset.settled = Math.round(performance.now());
    }),
  );
}

/** Ask what they are; the points are on the screen by then. */
async function ask() {
  const answer = await fetch(data.pictures);
  if (answer.status === 409) location.reload();
  else if (!answer.ok) throw new Error(answer.statusText);
  else {
    learn(await answer.json());
    begin();
  }
}

if (data.titles) begin();
else {
  ask().catch(() =>
    fillPanel(
      element("h2", {}, "What these pictures are did not come"),
      element("div", { className: "acts" }, action("Ask again", () => location.reload())),
    ),
  );
}
