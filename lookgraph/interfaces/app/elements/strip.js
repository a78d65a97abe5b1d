// Pictures in a row: a path with the scores between them, or some to begin with.

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root");
  const { heading, note, acts, steps, isPath } = data;
  root.replaceChildren(
    element(
      "section",
      { className: "strip" },
      element("h1", {}, heading),
      element("p", { className: "note" }, note),
      acts.length ? element("nav", { className: "acts" }, ...acts.map((act, at) => actOf(act, isPath && !at))) : null,
      element(
        "ol",
        { className: isPath ? "" : "many", role: "list" },
        ...steps.flatMap((step) => (step.score ? [scoreOf(step), tileOf(step)] : [tileOf(step)])),
      ),
    ),
  );
}

const actOf = ({ label, address }, isFirst) =>
  link(address, { className: isFirst ? "first" : "" }, label);

function scoreOf({ score, isWeakest }) {
  const weakest = element("small", {}, "weakest");
  return element(
    "li",
    { className: isWeakest ? "score weakest" : "score" },
    element("span", {}, score, ...(isWeakest ? [element("br"), weakest] : [])),
  );
}

function tileOf({ id, name, told, address }) {
  const image = element("img", { alt: "", loading: "lazy", decoding: "async" });
  image.onerror = () => image.replaceWith(element("span", { className: "none" }, "No preview"));
  image.src = thumbnail(id, 320);
  const words = element(
    "span",
    { className: "words" },
    element("bdi", {}, name),
    element("span", { className: "told" }, told),
  );
  return element("li", {}, link(address, { className: "tile", title: name }, image, words));
}
