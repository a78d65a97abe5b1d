// A quiet page: what is missing, and the one thing to do about it.

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  const begin = () => setTriggerValue("begin", Date.now());
  root.replaceChildren(
    element("span", { className: "mark", "aria-hidden": "true" }, element("i"), element("i")),
    element("h1", {}, data.title),
    element("p", {}, data.words),
    ...(data.act ? [element("button", { type: "button", className: "main", onclick: begin }, data.act)] : []),
  );
}
