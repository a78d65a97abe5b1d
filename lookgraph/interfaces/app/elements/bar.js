// The bar above all screens: where one is, and where one can go.

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root");
  root.replaceChildren(
    element(
      "nav",
      { "aria-label": "Screens" },
      link(data.home, { className: "brand", "aria-label": "Lookgraph, to the beginning" }, mark(), "Lookgraph"),
      ...data.screens.map(({ title, address, isHere }) =>
        link(address, isHere ? { "aria-current": "page" } : {}, title),
      ),
    ),
  );
  root.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

/** Two pictures and the edge between them. */
function mark() {
  const made = element("span", { className: "mark", "aria-hidden": "true" });
  made.append(element("i"), element("i"));
  return made;
}
