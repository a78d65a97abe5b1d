"use strict";
// The lasso: what is encircled on the map is shown together, and asked for together.

const ASKED = 16; // so many pictures can be asked with at a time
let [isOn, selected] = [false, null]; // the tool; what is encircled, as a Set
let isListed = false; // whether the panel shows them
let drawnWay = []; // of the lasso, while it is drawn

const lasso = {
  encircles: (event) => data.titles && (isOn || event.shiftKey),
  encircle(way, done) {
    drawnWay = done ? [] : way;
    if (done) select(enclosed(way));
    view.draw();
  },
};

/** The pictures that a way, in the canvas's pixels, goes around: even-odd, the nearest first. */
function enclosed(way) {
  const around = new Path2D();
  way.forEach(([x, y], k) => (k ? around.lineTo(x, y) : around.moveTo(x, y)));
  const xs = way.map(([x]) => view.worldX(x));
  const ys = way.map(([, y]) => view.worldY(y));
  const [[left, right], [top, bottom]] = [extent(xs), extent(ys)];
  const inside = [];
  view.pen.save();
  view.pen.setTransform(1, 0, 0, 1, 0, 0);
  within(left, top, right, bottom, (i) => {
    const [x, y] = [view.across(px[i]), view.down(py[i])];
    if (!dimmed(i) && view.pen.isPointInPath(around, x, y, "evenodd")) inside.push(i);
  });
  view.pen.restore();
  const mean = (places) => inside.reduce((sum, i) => sum + places[i], 0) / inside.length;
  const [mx, my] = [mean(px), mean(py)];
  const apart = (i) => Math.hypot(px[i] - mx, py[i] - my);
  return inside.sort((a, b) => apart(a) - apart(b));
}

/** Show what was encircled, those in the middle of it first. */
function select(pictures) {
  loosen();
  if (!pictures.length) {
    closePanel();
    return;
  }
  selected = new Set(pictures);
  chosen = -1;
  const number = pictures.length.toLocaleString("en");
  const heading = pictures.length === 1 ? "1 picture" : `${number} pictures`;
  const query = new URLSearchParams(pictures.slice(0, ASKED).map((i) => ["picture", data.ids[i]]));
  const label =
    pictures.length > ASKED ? `Look-alikes of the middle ${ASKED}` : "Look-alikes of these";
  const rows = element("ul", { className: "many", role: "list" });
  fillPanel(
    element("h2", {}, heading),
    element("div", { className: "acts" }, lead(label, addressOf("/", query), "act")),
    rows,
  );
  extend(rows, pictures);
  isListed = true;
  say(`${heading} in the lasso`);
  view.draw();
}

const TILES = 120;

/** Add some more pictures to those that are shown; the rest waits behind a button. */
function extend(rows, pictures) {
  const from = rows.children.length;
  rows.append(...pictures.slice(from, from + TILES).map(tileOf));
  const left = pictures.length - rows.children.length;
  if (left <= 0) return;
  const more = action(`Show more of the other ${left.toLocaleString("en")}`, () => {
    more.remove();
    extend(rows, pictures);
    rows.children[from + TILES].firstChild.focus();
  });
  rows.after(more);
}

function tileOf(i) {
  const image = element("img", { alt: nameOf(i), loading: "lazy", decoding: "async" });
  image.onerror = () => image.replaceWith(element("span", { className: "blank" }, nameOf(i)));
  image.src = pictureOf(i);
  const button = element("button", { type: "button", title: data.titles[i] }, image);
  button.onclick = () => visit(i);
  button.onmouseenter = () => hover(i, view.across(px[i]), view.down(py[i]));
  button.onmouseleave = () => hover(-1);
  return element("li", {}, button);
}

/** Let go of what was encircled. Gives whether there was any. */
function loosen() {
  const had = selected !== null;
  [selected, isListed] = [null, false];
  view.draw();
  return had;
}

/** The panel has been closed. */
function closed() {
  if (isListed) loosen();
}

function paintLasso() {
  if (drawnWay.length < 2) return;
  const { pen } = view;
  pen.beginPath();
  drawnWay.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
  pen.fillStyle = pen.strokeStyle = colours.accent;
  pen.lineWidth = 2;
  pen.globalAlpha = 0.12;
  pen.fill("evenodd");
  pen.globalAlpha = 1;
  pen.stroke();
}

$("lasso").onclick = () => {
  isOn = !isOn;
  $("lasso").setAttribute("aria-pressed", isOn);
  view.canvas.classList.toggle("lassoing", isOn);
};

function waysFrom(i) {
  isListed = false;
  const back = () => select([...selected]);
  return [
    ...(selected ? [action(`Back to the ${selected.size.toLocaleString("en")}`, back)] : []),
    lead("Look-alikes", addressOf("/", { picture: data.ids[i] }), data.start === null ? "act" : undefined),
    lead("Graph", addressOf("/graph", { picture: data.ids[i], ...starting() })),
    ...pathsOf(i, "/map", {}),
  ];
}
