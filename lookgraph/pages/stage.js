// What the pages with a canvas share: the data, colours, the panel for one picture, the search and
// the list.

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const count = (data.titles ?? data.x).length;
const served = "model" in data; // whether the app shows this; if not, it is a file

/** Take in what the pictures are. */
function learn(told) {
  Object.assign(data, told);
  if (served) data.thumbnails = data.ids.slice(); // null where it turns out that there is none
}
if (data.titles) learn({});

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const root = document.documentElement;
root.classList.add("live");

/** The file's name, without its folders. */
const nameOf = (i) => data.titles[i].slice(data.titles[i].lastIndexOf("/") + 1) || data.titles[i];
const folderOf = (i) => data.titles[i].slice(0, Math.max(0, data.titles[i].lastIndexOf("/")));
const pictureOf = (i, side = 160) =>
  served ? shownAt(data.ids[i], side) : `data:image/jpeg;base64,${data.thumbnails[i]}`;

// Okabe and Ito's seven, their yellow darker, and five more that simulated protanopia, deuteranopia
// and tritanopia (Machado 2009) leave far from those and from each other.
const HUES = [
  "#0072b2",
  "#e69f00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#d55e00",
  "#8a5cf0",
  "#ddcc44",
  "#993311",
  "#774466",
  "#9fb37a",
  "#005599",
];
const hueOf = (group) => (group === null ? null : HUES[group % HUES.length]);

/** The page's colours as they are now, for the canvas. */
const colours = {};
function readColours() {
  const style = getComputedStyle(root);
  for (const name of ["page", "card", "ground", "ink", "quiet", "line", "accent"]) {
    colours[name] = style.getPropertyValue(`--${name}`).trim();
  }
}

// The panel

const panel = $("panel");
const list = $("list");

/** Show a picture in the panel, with further elements below. */
function openPanel(i, actions, ...more) {
  const none = element("div", { className: "gone" }, "No preview");
  const large =
    data.thumbnails[i] === null
      ? none
      : element("img", { className: "large", src: pictureOf(i, 320), alt: nameOf(i) });
  large.onerror = () => large.replaceWith(none);
  const acts = element("div", { className: "acts" });
  if (!served && data.addresses[i] !== null) {
    acts.append(element("a", { className: "act", href: data.addresses[i] }, "Open the picture"));
  }
  acts.append(...actions);
  fillPanel(
    large,
    element("h2", {}, element("bdi", {}, nameOf(i))),
    ...[folderOf(i), data.details[i]]
      .filter(Boolean)
      .map((line) => element("p", {}, element("bdi", {}, line))),
    acts,
    ...more,
  );
}

function fillPanel(...parts) {
  panel.replaceChildren(
    element(
      "button",
      { className: "close", type: "button", "aria-label": "Close", onclick: () => closePanel() },
      "✕",
    ),
    ...parts,
  );
  showList(false);
  panel.hidden = false;
  panel.scrollTop = 0;
}

/** Hide the panel; the page that uses it is told through `panel.closed`. */
function closePanel() {
  if (panel.hidden) return false;
  const had = panel.contains(document.activeElement);
  panel.hidden = true;
  panel.closed?.();
  if (had) $("canvas").focus({ preventScroll: true });
  return true;
}

const action = (label, act) =>
  element("button", { className: "act", type: "button", onclick: act }, label);

const say = (text) => {
  $("told").textContent = text;
};

// The list and the search

const LISTED = 200;
let listed = []; // the pictures in the list: all, or those that were found

/** A picture in a list, with a line at its end. */
function row(i, act, end = "", more = {}) {
  const picture =
    data.thumbnails[i] === null
      ? element("span", { className: "blank" })
      : element("img", { alt: "", loading: "lazy", decoding: "async", src: pictureOf(i) });
  return element(
    "li",
    {},
    element(
      "button",
      { type: "button", title: data.titles[i], onclick: act, ...more },
      picture,
      element("bdi", {}, nameOf(i)),
      element("span", {}, end),
    ),
  );
}

/** Add some more pictures to the list; the rest waits behind a button. */
function extendList() {
  const rows = list.querySelector("ul");
  list.querySelector(":scope > button")?.remove();
  const from = rows.children.length;
  rows.append(...listed.slice(from, from + LISTED).map((i) => row(i, () => list.chosen(i))));
  const left = listed.length - rows.children.length;
  if (left <= 0) return;
  list.append(
    action(`Show more of the other ${left.toLocaleString("en")}`, () => {
      extendList();
      rows.children[from + LISTED].firstChild.focus();
    }),
  );
}

function fillList(pictures) {
  listed = pictures;
  list.querySelector("ul").replaceChildren();
  if (!list.hidden) extendList();
}

function showList(shown) {
  list.hidden = !shown;
  $("listing").setAttribute("aria-expanded", shown);
  if (!shown) return;
  closePanel();
  fillList(listed);
}

$("listing").onclick = () => showList(list.hidden);

/**
 * The search box and the list. `changed(found)` is told the pictures whose paths hold all words, as
 * a Set, or null for no search; `chosen(i)` which of them is chosen.
 */
function search(changed, chosen) {
  const box = $("search");
  const lower = data.titles.map((title) => title.toLowerCase());
  const all = data.titles.map((_, i) => i);
  const number = (value) => value.toLocaleString("en");
  let at = -1;
  list.chosen = chosen;
  listed = all;
  box.oninput = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    fillList(all.filter((i) => words.every((word) => lower[i].includes(word))));
    at = -1;
    $("found").textContent = words.length ? `${number(listed.length)} found` : "";
    changed(words.length ? new Set(listed) : null);
  };
  box.onkeydown = (event) => {
    if (event.key === "Escape" && box.value) {
      box.value = "";
      box.oninput();
      event.stopPropagation();
    }
    if (event.key !== "Enter" || !listed.length || !box.value.trim()) return;
    at = (at + (event.shiftKey ? listed.length - 1 : 1)) % listed.length;
    $("found").textContent = `${number(at + 1)} of ${number(listed.length)}`;
    chosen(listed[at]);
  };
  if (box.value || !list.hidden) box.oninput(); // somebody was faster
}

/** Keep the colours right when the theme changes, and on paper. */
function dress(view) {
  const renew = () => {
    readColours();
    view.now();
  };
  readColours();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", renew);
  addEventListener("beforeprint", () => {
    root.classList.add("paper");
    renew();
  });
  addEventListener("afterprint", () => {
    root.classList.remove("paper");
    renew();
  });
}
