// What the library holds, and bringing it up to date.

const number = (value) => value.toLocaleString("en");

function size(bytes) {
  for (const unit of ["bytes", "kB", "MB", "GB"]) {
    if (bytes < 1000 || unit === "GB") return `${bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)} ${unit}`;
    bytes /= 1000;
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  const fact = (value, name) => element("div", { className: "fact" }, element("b", {}, value), element("span", {}, name));
  const which = element(
    "select",
    { "aria-label": "Which network" },
    element("option", { value: "all" }, "with the networks that it has"),
    ...data.models.map(({ name, summary, isReady }) =>
      element("option", { value: name, title: summary, disabled: !isReady }, `also with ${name}${isReady ? "" : ": lookgraph models fetch"}`),
    ),
  );
  const index = element(
    "button",
    { type: "button", className: "main", disabled: data.isBusy, onclick: () => setTriggerValue("index", which.value) },
    "Bring it up to date",
  );
  root.replaceChildren(
    element("h1", {}, element("bdi", {}, data.root)),
    element("p", { className: "quiet" }, element("bdi", {}, data.place)),
    element(
      "div",
      { className: "facts" },
      fact(number(data.pictures), "pictures"),
      fact(number(data.files), "files"),
      fact(number(data.skipped), "left out"),
      fact(size(data.bytes), "on the disk"),
    ),
    element("div", { className: "index" }, index, which),
    ...(data.last?.told
      ? [element("p", { className: data.last.isWrong ? "wrong" : "quiet", role: "status" }, data.last.told)]
      : []),
    element("h2", {}, data.spaces.length === 1 ? "Network" : "Networks"),
    element("div", { className: "spaces" }, ...data.spaces.map((space) => shown(space, data.isBusy, setTriggerValue))),
    ...(data.left.length ? left(data) : []),
  );
}

function shown(space, isBusy, setTriggerValue) {
  const { graph } = space;
  const make = (label) =>
    element("button", { type: "button", disabled: isBusy, onclick: () => setTriggerValue("graph", space.name) }, label);
  const behind = graph?.behind ? `, ${number(graph.behind)} pictures behind` : "";
  return element(
    "section",
    {},
    element("h3", {}, link(`/?model=${encodeURIComponent(space.name)}`, { title: "Search with it" }, space.name)),
    element("p", {}, `${number(space.pictures)} embeddings of ${number(space.dimension)} numbers, compared by ${space.metric}`),
    element("p", {}, `Searched ${space.searched}`),
    element("p", {}, graph ? graph.fault ?? `Graph of ${number(graph.edges)} edges${behind}` : "No graph yet"),
    !graph ? make("Make the graph") : graph.behind || graph.fault ? make("Bring the graph up to date") : null,
  );
}

function left({ left, skipped }) {
  const rows = left.map(({ path, reason }) =>
    element("tr", {}, element("td", {}, element("bdi", {}, path)), element("td", {}, reason)),
  );
  const more = skipped - left.length;
  return [
    element("h2", {}, "Left out"),
    element(
      "div",
      { className: "left", tabIndex: 0, role: "region", "aria-label": "Files that were left out" },
      element("table", {}, element("thead", {}, element("tr", {}, element("th", {}, "File"), element("th", {}, "Why"))), element("tbody", {}, ...rows)),
    ),
    ...(more > 0 ? [element("p", { className: "quiet" }, `… and ${number(more)} more: lookgraph status --skipped`)] : []),
  ];
}
