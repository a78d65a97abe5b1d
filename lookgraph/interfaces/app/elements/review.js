const KEYS = [
  ["S", "They show the same"],
  ["D", "They are different"],
  ["K", "Keep the other one instead"],
  ["M", "Move all but the one to keep away"],
  ["U", "Undo what you did last"],
  ["L →", "The next group"],
  ["J ←", "The group before"],
  ["?", "These keys"],
];

/** What this browser calls itself, so that one's own deeds can be told from others'. */
function me() {
  localStorage.lookgraph ??= Math.random().toString(36).slice(2);
  return localStorage.lookgraph;
}

const counted = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

const small = (id, alt = "") =>
  element("img", { src: thumbnail(id, 160), alt, loading: "lazy", decoding: "async" });

class Review {
  constructor(root, tell) {
    this.root = root;
    this.tell = tell;
    this.keys = {};
  }

  /** Something is to be done; until its answer comes, nothing else is. */
  act(wish) {
    if (this.isBusy) return;
    this.isBusy = true;
    this.root.classList.add("busy");
    this.tell({ ...wish, by: me() });
  }

  decide(what, more = {}) {
    const { tier, at, keep, other, cards } = this.data.group;
    this.act({ what, tier, at, keep, other, ids: cards.map((card) => card.id), ...more });
  }

  draw(data) {
    const focus = this.root.getRootNode().activeElement?.dataset.focus;
    const isList = this.root.querySelector(".list")?.scrollTop;
    this.data = data;
    this.isBusy = false;
    this.keys = { "?": () => this.showKeys() };
    this.root.classList.remove("busy");
    this.root.replaceChildren(...this.parts());
    if (isList) this.root.querySelector(".list")?.scrollTo(0, isList);
    this.root.querySelector(".list [aria-current]")?.scrollIntoView({ block: "nearest" });
    if (focus) this.root.querySelector(`[data-focus="${focus}"]`)?.focus();
  }

  parts() {
    const { searching, failed, decided, group, ended } = this.data;
    if (searching !== undefined) return [this.waiting(searching)];
    const parts = [this.head(), this.notes()];
    if (failed) parts.push(this.failed(failed));
    else if (decided) parts.push(this.decided(decided));
    else if (group) parts.push(element("div", { className: "body" }, this.list(), this.review(group)));
    else parts.push(this.ended(ended));
    return parts;
  }

  waiting(share) {
    const done = Math.round(share * 100);
    const track = element("div", {
      className: "track", role: "progressbar", ariaLabel: "Looking for duplicates",
      ariaValueNow: String(done), ariaValueMin: "0", ariaValueMax: "100",
    }, element("span"));
    track.firstChild.style.width = `${Math.max(done, 2)}%`;
    return element("div", { className: "quiet" },
      element("h2", {}, "Looking for duplicates"),
      element("p", {}, "All pictures are compared, and those that are alike looked at closely. " +
        "You can leave this page: it goes on."),
      track, element("p", {}, `${done}%`));
  }

  head() {
    const { tabs, done, total } = this.data;
    const nav = element("nav", { className: "tabs", ariaLabel: "Kinds of duplicates" },
      ...tabs.map(({ title, address, isHere, count }, place) =>
        link(address, { "data-focus": `tab${place}`, ...(isHere ? { "aria-current": "page" } : {}) }, title,
          count === null ? null : element("span", { className: "count" }, count.toLocaleString("en")))));
    if (!total) return element("div", { className: "head" }, nav);
    const track = element("span", { className: "track", ariaHidden: "true" }, element("span"));
    track.firstChild.style.width = `${(done / total) * 100}%`;
    return element("div", { className: "head" }, nav,
      element("p", { className: "progress" }, track,
        `${done.toLocaleString("en")} of ${total.toLocaleString("en")} reviewed`));
  }

  notes() {
    const { said, fault, isBehind, unseen } = this.data;
    const notes = [];
    if (fault) notes.push(element("p", { className: "note fault", role: "alert" }, fault));
    if (isBehind) notes.push(element("p", { className: "note" },
      "Pictures were added to the library since.", this.again()));
    else if (unseen) notes.push(element("p", { className: "note" },
      `${counted(unseen, "picture")} could not be looked at: gone or changed since indexed.`));
    return element("div", {}, ...notes,
      element("p", { className: "unseen", role: "status" }, said ? `${said}.` : ""));
  }

  again() {
    return element("button", { className: "plain", onclick: () => this.act({ what: "again" }) }, "Look again");
  }

  list() {
    const { before, shown, after } = this.data.list;
    const item = ({ number, address, isHere, ids, name, files }) => element("li", {},
      link(address, { "data-focus": `group${number}`, ...(isHere ? { "aria-current": "true" } : {}) },
        element("span", { className: "two" }, ...ids.map((id) => small(id))),
        element("span", { className: "words" },
          element("span", { className: "name", title: name }, name),
          element("span", { className: "files" }, counted(files, "file")))));
    const more = (count, word) =>
      count ? element("li", { className: "more" }, `${count.toLocaleString("en")} ${word}`) : null;
    return element("nav", { className: "groups", ariaLabel: "Groups to review" },
      element("ol", { className: "list" }, more(before, "before"), ...shown.map(item), more(after, "more")));
  }

  review(group) {
    const [keep, other] = group.cards;
    return element("section", { ariaLabel: `Group ${group.number}` },
      group.others.length > 1 ? this.strip(group.others) : null,
      element("div", { className: "pair" },
        this.card(keep, "Keep", true),
        this.card(other, group.isSame ? "Other · said to be the same" : "Other", false)),
      this.why(group), this.facts(group.facts), this.bar(group), this.where());
  }

  strip(others) {
    return element("div", { className: "strip" }, counted(others.length, "other") + ":",
      ...others.map(({ address, isHere, isSame, id, name }, place) =>
        link(address, { title: name, "data-focus": `other${place}`, ...(isHere ? { "aria-current": "true" } : {}) },
          small(id, name), isSame ? element("span", { className: "said" }, "same") : null)));
  }

  card({ id, name, folder, isLink }, badge, isKept) {
    return element("figure", { className: isKept ? "card keep" : "card" },
      element("span", { className: "badge" }, badge),
      link(placeOf("/", id), { className: "picture", title: "More like this", "data-focus": isKept ? "kept" : "other" },
        element("img", { src: thumbnail(id, 640), alt: `${badge}: ${name}` })),
      element("figcaption", {},
        element("span", { className: "name", title: name }, name),
        element("span", { className: "folder", title: folder }, folder + (isLink ? " · a link" : ""))));
  }

  why({ why, whyNot, common }) {
    const reason = why
      ? element("span", {}, "Kept for ", element("b", {}, why))
      : element("span", {}, "Your choice; the other one has ", element("b", {}, whyNot));
    return element("p", { className: "why" }, reason, element("span", {}, common));
  }

  facts(facts) {
    const cell = (shown, isBetter) => element("td", {},
      element("span", { className: isBetter ? "better" : "" }, shown),
      isBetter ? element("span", { className: "unseen" }, " better") : null);
    return element("table", { className: "facts" },
      element("caption", { className: "unseen" }, "What differs"),
      element("thead", {}, element("tr", {}, ...["What", "Keep", "Other"].map((title) =>
        element("th", { scope: "col" }, element("span", { className: "unseen" }, title))))),
      element("tbody", {}, ...facts.map(({ name, shown, better, differs }) =>
        element("tr", { className: differs ? "differs" : "" },
          element("th", { scope: "row" }, name),
          ...shown.map((one, place) => cell(one, better[place]))))));
  }

  /** A button, and the key that does the same. */
  button(key, words, run, { isMain = false, keys = [], title = "" } = {}) {
    for (const one of [key, ...keys]) if (run) this.keys[one.toLowerCase()] = run;
    return element("button", {
      className: isMain ? "act main" : "act", disabled: !run, onclick: run, title,
      "data-focus": `key${key}`, "aria-keyshortcuts": key,
    }, element("kbd", { ariaHidden: "true" }, key), words);
  }

  bar(group) {
    const { canJudge, isSame, others } = group;
    const bytes = "They have the very same bytes: nothing has to be said of them";
    const judge = (what) => (canJudge ? () => this.decide(what) : null);
    const to = (address) => (address ? () => go(address) : null);
    const away = others.length > 1 ? `Move ${others.length} away` : "Move away";
    return element("div", { className: "bar" },
        this.button("S", "Same", isSame ? null : judge("same"), { isMain: canJudge && !isSame, title: canJudge ? "" : bytes }),
        this.button("D", "Different", judge("different"), { title: canJudge ? "" : bytes }),
        this.button("K", "Keep other", () => go(group.instead)),
        this.button("M", away, () => this.move(), { isMain: !canJudge }),
        this.undoing(),
        element("span", { className: "gap" }),
        this.button("J", "Before", to(group.back), { keys: ["ArrowLeft"] }),
        this.button("L", "Next", to(group.then), { keys: ["ArrowRight"] }),
        this.button("?", element("span", { className: "unseen" }, "Keys"), () => this.showKeys()));
  }

  undoing() {
    const deed = this.data.deeds.find(({ by }) => by === me());
    return this.button("U", "Undo", deed ? () => this.act({ what: "undo", number: deed.number }) : null,
      { title: deed ? deed.words : "Nothing to undo" });
  }

  where() {
    const deed = this.data.deeds.find(({ by }) => by === me());
    return element("p", { className: "where" },
      element("span", {}, `Moved files go to ${this.data.folder}`),
      element("button", { className: "plain", "data-focus": "folder", onclick: () => this.askFolder((folder) => this.act({ what: "folder", folder })) }, "Change"),
      element("span", {}, "Nothing is ever deleted."),
      deed ? element("span", {}, `Last: ${deed.words}.`) : null);
  }

  move() {
    if (this.data.isFolderChosen) this.decide("move");
    else this.askFolder((folder) => this.decide("move", { folder }));
  }

  /** Where files are to be moved to, before the first of them is. */
  askFolder(then) {
    const field = element("input", { value: this.data.folder, spellcheck: false, autocomplete: "off" });
    const dialog = this.dialog("Move files away",
      element("p", {}, "They keep their paths there, beside a list of them, and can be moved back one by one or " +
        "all together. The folder must lie outside of the library's. Nothing is deleted."),
      element("label", {}, "Folder", field),
      element("div", { className: "ways" },
        element("button", { className: "act", type: "button", onclick: () => dialog.close() }, "Cancel"),
        element("button", { className: "act main" }, "Use this folder")));
    dialog.querySelector("form").onsubmit = () => {
      if (field.value.trim()) then(field.value.trim());
    };
  }

  showKeys() {
    const dialog = this.dialog("Keys",
      element("dl", {}, ...KEYS.flatMap(([keys, words]) => [
        element("dt", {}, ...keys.split(" ").flatMap((key) => [element("kbd", {}, key), " "])),
        element("dd", {}, words)])),
      element("div", { className: "ways" }, element("button", { className: "act" }, "Close")));
    dialog.querySelector("button").focus();
  }

  dialog(title, ...children) {
    const name = element("h2", { id: "title" }, title);
    const dialog = element("dialog", { "aria-labelledby": "title", onclose: () => dialog.remove() },
      element("form", { method: "dialog" }, name, ...children));
    this.root.append(dialog);
    dialog.showModal();
    return dialog;
  }

  failed(words) {
    return element("div", { className: "quiet" }, element("h2", {}, "That did not work"),
      element("p", {}, words), this.again());
  }

  ended({ first, same, different, moved }) {
    const { done, total } = this.data;
    const title = first ? "This group is done with"
      : total ? `All ${counted(total, "group")} reviewed` : "Nothing is there more than once";
    const sums = [
      same ? `${counted(same, "pair")} said to be the same` : null,
      different ? `${counted(different, "pair")} said to be different` : null,
      moved ? `${counted(moved, "file")} moved to ${this.data.folder}` : null,
    ].filter(Boolean);
    const decided = this.data.tabs.at(-1).address;
    const next = this.data.tabs.find(({ count, isHere }) => count && !isHere);
    return element("div", { className: "quiet" },
      element("h2", {}, title),
      sums.length ? element("p", {}, `So far: ${sums.join(", ")}.`) : null,
      element("div", { className: "ways" },
        first ? link(first, { className: "act main" }, "The next one") : null,
        !first && next ? link(next.address, { className: "act main" }, `On to: ${next.title} (${next.count})`) : null,
        this.undoing(),
        sums.length ? link(decided, { className: "act" }, "What was decided") : null,
        element("button", { className: "act", onclick: () => this.act({ what: "again" }) }, "Look again")));
  }

  decided({ verdicts, moves, same, different, moved }) {
    if (!verdicts.length && !moves.length) {
      return element("div", { className: "quiet" }, element("h2", {}, "Nothing is decided yet"),
        element("p", {}, "What you say of pairs of pictures, and what you move away, is listed here and can be taken back."));
    }
    const gone = "a picture that is not here now";
    const verdict = ({ kind, said, ids, names }, place) => element("li", { className: "row" },
      element("span", { className: "two" }, ...ids.map((id, at) => (names[at] === null ? null : small(id, "")))),
      element("span", { className: "kind" }, kind === "same" ? "Same" : "Different"),
      element("span", { className: "words" }, `${names[0] ?? gone} · ${names[1] ?? gone}`,
        element("span", { className: "when" }, said)),
      element("button", { className: "act", "data-focus": `verdict${place}`, onclick: () => this.act({ what: "withdraw", ids }) }, "Take back"));
    const move = ({ manifest, paths, count, kept }, place) => element("li", { className: "row moved" },
      element("span", { className: "words" }, paths.join(", ") + (count > paths.length ? ` and ${count - paths.length} more` : ""),
        element("span", { className: "when" }, `kept: ${kept.join(", ")}`)),
      element("button", { className: "act", "data-focus": `move${place}`, onclick: () => this.act({ what: "back", manifest }) }, "Move back"));
    return element("div", { className: "rows" },
      moves.length ? element("h3", {}, `${counted(moved, "file")} moved to ${this.data.folder}`) : null,
      moves.length ? element("ul", { className: "rows" }, ...moves.map(move)) : null,
      verdicts.length ? element("h3", {}, `${counted(same, "pair")} said to be the same, ${different.toLocaleString("en")} to be different`) : null,
      verdicts.length ? element("ul", { className: "rows" }, ...verdicts.map(verdict)) : null);
  }

  /** A key counts wherever nobody writes. */
  press(event) {
    const target = event.composedPath()[0];
    if (event.ctrlKey || event.metaKey || event.altKey || this.root.querySelector("dialog")) return;
    if (target.matches?.("input, textarea, select, [contenteditable]")) return;
    const run = this.keys[event.key.toLowerCase()];
    if (!run || event.repeat) return;
    event.preventDefault();
    event.stopPropagation();
    run();
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  root.review ??= new Review(root, (wish) => setTriggerValue("did", wish));
  root.review.draw(data);
  root.listening?.abort();
  const listening = (root.listening = new AbortController());
  // A component that Streamlit has taken away must not hear what is meant for the next one.
  const heard = (event) => (root.isConnected ? root.review.press(event) : listening.abort());
  document.addEventListener("keydown", heard, { signal: listening.signal, capture: true });
  return () => listening.abort();
}
