// The panel that asks: pictures, words, how to rank, and which pictures may answer.

/** This address with some names set anew; null or "" takes one out. */
function changed(values) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    query.delete(name);
    for (const one of [value].flat()) if (one !== null && one !== "") query.append(name, one);
  }
  query.delete("k");
  return `${location.pathname}?${query}`;
}

class Asking {
  constructor(panel, over) {
    this.over = over;
    this.pictures = element("div", { className: "pictures" });
    this.told = element("p", { className: "wrong", role: "alert" });
    this.file = element("input", {
      type: "file",
      accept: "image/*",
      multiple: true,
      className: "unseen",
      tabIndex: -1,
      "aria-hidden": "true",
      onchange: () => this.send([...this.file.files]),
    });
    this.choose = element("button", {
      type: "button",
      className: "choose",
      onclick: () => this.file.click(),
    });
    this.refine = element("div");
    const folds = matchMedia("(max-width: 52rem)").matches;
    const refine = element("details", { className: "refine", open: !folds });
    refine.append(element("summary", {}, "Refine"), this.refine);
    panel.append(this.pictures, this.choose, this.file, this.told, refine);
  }

  show(question, limited) {
    this.question = question;
    this.limited = limited;
    this.told.textContent = "";
    this.showPictures(question);
    this.choose.replaceChildren(
      element("b", {}, question.pictures.length ? "Ask with another" : "Choose a picture"),
      element("span", {}, "or drop or paste some anywhere"),
    );
    this.choose.classList.toggle("large", !question.pictures.length);
    this.showRefine(question);
  }

  // Pictures

  showPictures({ pictures, crop, clear }) {
    const state = JSON.stringify([pictures, crop]);
    if (state === this.shown) return;
    this.shown = state;
    const single = pictures.length === 1 && pictures[0].width > 0;
    this.pictures.className = `pictures${pictures.length > 1 ? " several" : ""}`;
    this.pictures.replaceChildren(
      ...pictures.map((picture) =>
        element(
          "figure",
          {},
          single ? cropper(picture, crop) : this.small(picture),
          element(
            "figcaption",
            {},
            element("bdi", { title: picture.name }, picture.name),
            picture.isOurs || !picture.width ? null : element("span", {}, "sent by you"),
          ),
          link(
            pictures.length > 1 ? this.without(picture.id) : clear,
            { className: "away", "aria-label": `Take ${picture.name} out of the question` },
            "✕",
          ),
        ),
      ),
    );
  }

  small(picture) {
    if (!picture.width) return element("div", { className: "gone" }, "No longer here");
    return element("img", { src: thumbnail(picture.id, 320), alt: picture.name });
  }

  without(id) {
    const query = new URLSearchParams(location.search);
    const left = query.getAll("picture").filter((one) => one !== id);
    return changed({ picture: left, crop: null });
  }

  // Words, ranking, threshold and filters

  showRefine(question) {
    const open = this.refine.querySelector("details")?.open;
    const active = this.refine.getRootNode().activeElement?.name;
    this.refine.replaceChildren(
      ...(question.takesText ? [this.words(question)] : []),
      this.ranking(question),
      this.threshold(question),
      this.filters(question, open),
    );
    if (active) this.refine.querySelector(`[name="${active}"]`)?.focus({ preventScroll: true });
  }

  words({ texts }) {
    const box = element("input", {
      type: "search",
      name: "text",
      value: texts.join(" "),
      placeholder: "Or say it in words",
      "aria-label": "What pictures should show, in words",
    });
    return element(
      "form",
      {
        className: "words",
        onsubmit: (event) => {
          event.preventDefault();
          go(changed({ text: box.value.trim() }));
        },
      },
      box,
    );
  }

  ranking({ rank, hasGraph }) {
    const choice = (value, title, words, disabled = false) =>
      element(
        "label",
        { title: words },
        element("input", {
          type: "radio",
          name: "rank",
          value,
          disabled,
          checked: (hasGraph ? rank : "cosine") === value,
          onchange: () => go(changed({ rank: value === "graph" ? null : value })),
        }),
        element("span", {}, title),
      );
    return element(
      "fieldset",
      { className: "switch" },
      element("legend", {}, "Ranked by"),
      choice(
        "graph",
        "Graph",
        hasGraph
          ? "How like the question they and their neighbours are"
          : "The library has no graph yet: the screen Graph makes one",
        !hasGraph,
      ),
      choice("cosine", "Cosine", "How like the question they are by themselves"),
    );
  }

  threshold({ least }) {
    const value = least ?? 0;
    const number = element("output", {}, least === null ? "any" : value.toFixed(2));
    const slider = element("input", {
      type: "range",
      name: "least",
      min: 0,
      max: 1,
      step: 0.01,
      "aria-label": "The least score of a hit",
      oninput: () => {
        const now = Number(slider.value);
        number.textContent = now ? now.toFixed(2) : "any";
        this.limited(now || null);
      },
      onchange: () => go(changed({ min: Number(slider.value) || null })),
    });
    slider.value = value;
    return element(
      "label",
      { className: "least" },
      element("span", {}, "Score at least"),
      slider,
      number,
    );
  }

  filters(question, open) {
    const set = ["under", "name", "from", "to", "side"].filter((name) => question[name]);
    const field = (name, title, type, more = {}) =>
      element(
        "label",
        {},
        element("span", {}, title),
        element("input", {
          type,
          name,
          value: question[name] || "",
          onchange: (event) => go(changed({ [name]: event.target.value.trim() })),
          ...more,
        }),
      );
    const models = element(
      "select",
      { name: "model", onchange: (event) => go(changed({ model: event.target.value })) },
      ...question.models.map((name) => element("option", { value: name }, name)),
    );
    models.value = question.model;
    return element(
      "details",
      { className: "filters", open: open ?? set.length > 0 },
      element("summary", {}, "Filters", set.length ? element("b", {}, `${set.length}`) : null),
      field("under", "In the folder", "text", { placeholder: "any" }),
      field("name", "Name", "text", { placeholder: "such as *.png" }),
      field("from", "Taken from", "date"),
      field("to", "Taken to", "date"),
      field("side", "Shorter side", "number", { min: 0, placeholder: "any", step: 100 }),
      question.models.length > 1
        ? element("label", {}, element("span", {}, "Network"), models)
        : null,
      set.length
        ? link(changed(Object.fromEntries(set.map((name) => [name, null]))), { className: "clear" }, "Clear filters")
        : null,
    );
  }

  // Pictures that come from outside

  /** Take what is dropped or pasted anywhere on the page; gives what stops that. */
  listen() {
    const stop = new AbortController();
    const on = (name, act) => addEventListener(name, act, { signal: stop.signal });
    const files = (held) => [...(held?.files ?? [])].filter((file) => !file.type || file.type.startsWith("image/"));
    const brings = (event) => event.dataTransfer?.types.includes("Files");
    on("dragover", (event) => {
      if (!brings(event)) return;
      event.preventDefault();
      this.over.hidden = false;
    });
    on("dragleave", (event) => {
      if (!event.relatedTarget) this.over.hidden = true;
    });
    on("drop", (event) => {
      if (!brings(event)) return;
      event.preventDefault();
      this.over.hidden = true;
      this.send(files(event.dataTransfer));
    });
    on("paste", (event) => {
      const found = files(event.clipboardData);
      if (!found.length) return;
      event.preventDefault();
      this.send(found);
    });
    return () => stop.abort();
  }

  /** Send pictures and ask with them, beside those that are asked with if there are any. */
  async send(files) {
    if (!files.length) return;
    this.choose.setAttribute("aria-busy", "true");
    this.told.textContent = "";
    const answers = await Promise.all(files.slice(0, this.question.most).map(sent));
    this.choose.removeAttribute("aria-busy");
    this.file.value = "";
    const wrong = answers.find(({ error }) => error);
    if (wrong) this.told.textContent = wrong.error;
    const ids = answers.filter(({ id }) => id).map(({ id }) => id);
    if (!ids.length) return;
    const now = this.question.pictures.filter(({ width }) => width).map(({ id }) => id);
    const all = [...new Set([...now, ...ids])].slice(-this.question.most);
    go(changed({ picture: files.length === 1 && now.length === 1 ? ids : all, crop: null, way: null }));
  }
}

async function sent(file) {
  try {
    const name = encodeURIComponent(file.name ?? "");
    const answer = await fetch(`/shown?name=${name}`, { method: "POST", body: file });
    if (answer.status === 413) return { error: `${file.name} is too large.` };
    const { id, error } = await answer.json();
    return { id, error: error && `${file.name}: ${error}` };
  } catch {
    return { error: `${file.name} did not arrive. Is Lookgraph still running?` };
  }
}
