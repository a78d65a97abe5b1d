// The search screen: the question beside its answer. The address bar holds what is asked.

class Search {
  constructor(root) {
    this.panel = element("aside", { className: "panel", "aria-label": "The question" });
    this.results = element("section", { className: "results", "aria-label": "The answer" });
    this.over = element("div", { className: "over", hidden: true }, "Drop pictures to ask with them");
    this.root = root;
    root.replaceChildren(this.panel, this.results, this.over);
    this.asking = new Asking(this.panel, this.over);
    this.tiles = new Tiles(this.results);
  }

  show(data) {
    if (data.at !== this.at) {
      [this.at, this.search] = [data.at, location.search];
      this.root.classList.remove("going");
    }
    this.asking.show(data.question, (least) => this.tiles.limit(least));
    this.tiles.show(data);
    this.tiles.limit(data.question.least);
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root");
  if (!root.search) {
    root.search = new Search(root);
    const stop = root.search.asking.listen();
    const going = () => root.classList.toggle("going", root.search.search !== location.search);
    addEventListener("popstate", going);
    root.search.leave = () => {
      stop();
      removeEventListener("popstate", going);
      root.search = null;
    };
  }
  root.search.show(data);
  return root.search.leave; // which is called when the screen is left, and not for new data
}
