// Groups as rows of small pictures; or one of them.

const groupsDrawn = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root");
  const view = `${data.all} ${data.group}`;
  const kept = groupsDrawn.get(root) === view ? root.getRootNode().activeElement?.dataset.focus : null;
  groupsDrawn.set(root, view);
  root.replaceChildren(head(data), ...(data.group ? one(data) : all(data)));
  if (kept) root.querySelector(`[data-focus="${kept}"]`)?.focus();
}

const current = (isHere) => (isHere ? { "aria-current": "true" } : {});

const pictures = (count) => `${count.toLocaleString("en")} picture${count === 1 ? "" : "s"}`;

function head({ chips, ways, told, threshold, isCosine, at }) {
  const chip = ({ label, address, isHere, title }, place) =>
    link(address, { className: "chip", title, "data-focus": `chip${place}`, ...current(isHere) }, label);
  const way = ({ label, address, isHere, title }, place) =>
    link(address, { title, "data-focus": `way${place}`, ...current(isHere) }, label);
  return element("div", { className: "head" },
    element("nav", { className: "choices", ariaLabel: "Suggested thresholds" }, ...chips.map(chip)),
    chooser(threshold, isCosine, at),
    ways.length ? element("nav", { className: "ways", ariaLabel: "What is a group" }, ...ways.map(way)) : null,
    element("p", { className: "told", role: "status" }, told));
}

/** The threshold, by a slider where scores are cosines, and as a number. */
function chooser(threshold, isCosine, at) {
  const to = (value) => {
    if (value !== "" && Number.isFinite(Number(value))) go(at + Number(value));
  };
  const shown = Number(threshold.toFixed(4));
  const number = element("input", {
    type: "number", step: isCosine ? "0.001" : "any", value: shown, ariaLabel: "Threshold",
    "data-focus": "number", onchange: () => to(number.value),
  });
  if (isCosine) Object.assign(number, { min: "-1", max: "1" });
  const range = isCosine ? element("input", {
    type: "range", min: "0.2", max: "1", step: "0.005", value: shown, ariaLabel: "Threshold, as a slider",
    "data-focus": "range", oninput: () => (number.value = range.value), onchange: () => to(range.value),
  }) : null;
  return element("div", { className: "threshold" }, "Threshold", range, number);
}

const weakest = ({ size, weakest }) => `${pictures(size)}, the weakest at ${weakest}`;

const graphOf = ({ pictures: [first] }) => placeOf("/graph", first.id);

function all({ groups, more }) {
  if (!groups.length) {
    return [element("p", { className: "none" }, "At this threshold no two pictures hang together. Choose a lower one.")];
  }
  const row = (group) => element("li", { className: "group" },
    element("div", { className: "title" },
      element("h2", { title: group.folder }, link(group.address, { "data-focus": `group${group.number}` }, group.name)),
      element("span", { className: "facts" }, weakest(group)),
      link(graphOf(group), { className: "graph", ariaLabel: `${group.name} on the graph` }, "on the graph")),
    element("div", { className: "strip" }, ...strip(group)));
  return [element("ol", {}, ...groups.map(row)), showMore(more, "groups")];
}

function strip({ pictures: shown, size, address, name }) {
  const shots = shown.map(({ id, path, score }) =>
    link(placeOf("/", id), { className: "picture", title: `${path}\n${score}` }, image(id, path, 160)));
  const all = link(address, { className: "rest", ariaLabel: `All ${size} of ${name}` }, `All ${size.toLocaleString("en")}`);
  return [element("div", { className: "shots" }, ...shots), ...(size > 3 ? [all] : [])];
}

const image = (id, alt, side) =>
  element("img", { src: thumbnail(id, side), alt, loading: "lazy", decoding: "async" });

function one({ groups: [group], more, all: back, group: number }) {
  const up = link(back, { className: "back", "data-focus": "back" }, "‹ All groups");
  if (!group) return [up, element("p", { className: "none" }, "There are not so many groups at this threshold.")];
  const picture = ({ id, path, score }, place) => element("li", {},
    link(placeOf("/", id), { className: "picture", title: path }, image(id, path, 320),
      element("span", { className: "words" }, element("span", {}, path.split("/").at(-1)),
        element("span", {}, place ? score : "centre"))));
  return [
    element("div", { className: "way" }, up,
      element("h2", {}, `${number}. ${group.name}`),
      element("span", { className: "facts" }, weakest(group)),
      link(graphOf(group), { className: "graph" }, "on the graph")),
    element("ol", { className: "one" }, ...group.pictures.map(picture)),
    showMore(more, "pictures"),
  ];
}

function showMore(more, what) {
  if (!more) return "";
  return element("div", { className: "end" },
    link(more.address, { className: "more", "data-focus": "more" }, `Show more: ${more.count.toLocaleString("en")} ${what} left`));
}
