// The answer: hits as tiles, each a link to what looks like it.

class Tiles {
  constructor(section) {
    this.way = element("nav", { className: "way", "aria-label": "The way here" });
    this.told = element("p", { className: "told", role: "status" });
    this.notes = element("div", { className: "notes" });
    this.list = element("ol", { className: "tiles" });
    this.end = element("div", { className: "end" });
    this.card = element("dialog", { className: "card", "aria-label": "A picture" });
    this.card.onclick = (event) => event.target === this.card && this.card.close();
    this.held = new Map(); // tiles by what they show, so that what stays is not drawn anew
    this.list.onkeydown = (event) => this.step(event);
    section.append(this.way, this.told, this.notes, this.list, this.end, this.card);
  }

  show(data) {
    this.data = data;
    this.showWay(data.question);
    this.notes.replaceChildren(
      ...(data.notes ?? []).map((note) => element("p", {}, note)),
      ...(data.error ? [element("p", { className: "wrong", role: "alert" }, data.error)] : []),
    );
    const before = this.held;
    this.held = new Map();
    this.list.replaceChildren(
      ...data.tiles.map((tile) => {
        const key = JSON.stringify([tile, data.walk, data.add]);
        const made = before.get(key) ?? this.tile(tile, data);
        this.held.set(key, made);
        return made;
      }),
    );
    this.list.classList.toggle("ranked", Boolean(data.isRanked));
    this.end.replaceChildren(
      ...(data.more ? [link(data.more, { className: "more" }, "Show more")] : []),
    );
    if (this.card.open) this.card.close();
    const asked = data.question.pictures.map(({ id }) => id).join();
    if (this.asked !== undefined && this.asked !== asked) toTop(this.list);
    this.asked = asked;
  }

  showWay({ way, pictures }) {
    this.way.hidden = !way.length;
    const now = pictures[0];
    this.way.replaceChildren(
      ...way.flatMap(({ id, name, address }) => [
        link(
          address,
          { title: `Back to ${name}`, "aria-label": `Back to ${name}` },
          element("img", { src: thumbnail(id, 160), alt: "" }),
        ),
        element("span", { "aria-hidden": "true" }, "›"),
      ]),
      ...(now && way.length
        ? [element("img", { className: "now", src: thumbnail(now.id, 160), alt: `Now: ${now.name}` })]
        : []),
    );
  }

  /** Show only what scores so much; null for all. */
  limit(least) {
    let shown = 0;
    this.data.tiles.forEach((tile, place) => {
      const hidden = least !== null && tile.score !== undefined && tile.score < least;
      this.list.children[place].hidden = hidden;
      if (!hidden) shown += 1;
    });
    const of = this.data.tiles.length;
    this.told.textContent =
      least === null || shown === of ? this.data.told ?? "" : `${shown} of ${of} score ${least.toFixed(2)} or more`;
  }

  tile(tile, { walk, add }) {
    const image = element("img", {
      src: thumbnail(tile.id, 320),
      alt: "",
      loading: "lazy",
      decoding: "async",
    });
    image.onerror = () => image.replaceWith(element("span", { className: "gone" }, "No longer there"));
    const words = [
      element("span", { className: "name" }, element("bdi", {}, tile.name)),
      element("span", { className: "folder" }, element("bdi", {}, tile.folder)),
    ];
    return element(
      "li",
      { className: tile.isAsked ? "tile asked" : "tile" },
      link(
        walk + tile.id,
        { className: "open", title: `More like ${tile.name}` },
        element("span", { className: "picture" }, image),
        tile.rank ? element("span", { className: "rank" }, `${tile.rank}`) : null,
        tile.isAsked ? element("span", { className: "badge" }, "asked") : null,
        element("span", { className: "about" }, tile.rank ? this.score(tile) : null, ...words),
      ),
      element(
        "div",
        { className: "acts" },
        add && !tile.isAsked
          ? link(add + tile.id, { "aria-label": `Ask with ${tile.name} too`, title: "Ask with this one too" }, "+")
          : null,
        element(
          "button",
          { type: "button", "aria-label": `About ${tile.name}`, title: "About this picture", onclick: () => this.open(tile) },
          "⋯",
        ),
      ),
    );
  }

  score({ told, share, moved }) {
    const bar = element("span", { className: "bar" }, element("span"));
    bar.firstChild.style.width = `${clamp(share ?? 0, 0, 1) * 100}%`;
    const way = moved > 0 ? `▲ ${moved}` : moved < 0 ? `▼ ${-moved}` : "";
    const words = `The graph moves it ${moved > 0 ? "up" : "down"} by ${Math.abs(moved)}`;
    return element(
      "span",
      { className: "score" },
      told,
      share === null ? null : bar,
      way
        ? element("span", { className: moved > 0 ? "up" : "down", title: words }, way, element("span", { className: "unseen" }, words))
        : null,
    );
  }

  /** All about a picture. */
  open(tile) {
    const path = tile.folder ? `${tile.folder}/${tile.name}` : tile.name;
    const facts = [
      ["Path", path],
      ...tile.copies.map((copy) => ["Same bytes", copy]),
      ["Picture", tile.details],
      ...(tile.rank ? [["Score", tile.told]] : []),
      ...(tile.rankScore ? [["By the graph", tile.rankScore.toFixed(3)]] : []),
    ];
    const copied = element("button", { type: "button" }, "Copy the path");
    copied.onclick = async () => {
      await navigator.clipboard.writeText(path);
      copied.textContent = "Copied";
    };
    this.card.replaceChildren(
      element("button", { type: "button", className: "close", "aria-label": "Close", onclick: () => this.card.close() }, "✕"),
      element("img", { src: thumbnail(tile.id, 640), alt: tile.name }),
      element("h2", {}, element("bdi", {}, tile.name)),
      element(
        "dl",
        {},
        ...facts.flatMap(([title, value]) => [element("dt", {}, title), element("dd", {}, element("bdi", {}, value))]),
      ),
      element(
        "div",
        { className: "ways" },
        link(this.data.walk + tile.id, { className: "main" }, "More like this"),
        link(placeOf("/graph", tile.id), {}, "Around it"),
        tile.folder ? link(changed({ under: tile.folder }), {}, "Only this folder") : null,
        copied,
      ),
    );
    this.card.showModal();
  }

  /** Arrow keys go from tile to tile. */
  step(event) {
    const from = event.target.closest("li");
    const arrows = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
    if (!from || !(event.key in arrows)) return;
    const all = [...this.list.children].filter((one) => !one.hidden);
    const across = all.filter((one) => one.offsetTop === all[0].offsetTop).length;
    const [dx, dy] = arrows[event.key];
    const next = all[all.indexOf(from) + dx + dy * across];
    if (!next) return;
    event.preventDefault();
    next.querySelector(".open").focus();
  }
}
