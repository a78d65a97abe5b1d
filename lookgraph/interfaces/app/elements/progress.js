// How far something is.

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root");
  const bar = element("progress", { "aria-label": data.title });
  if (data.total) Object.assign(bar, { max: data.total, value: data.done });
  root.replaceChildren(
    element("h2", {}, data.title),
    bar,
    element("p", { role: "status" }, data.told),
    element("p", { className: "aside" }, "You can leave this page: it goes on."),
  );
}
