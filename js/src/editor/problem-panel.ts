// The list of what went wrong: one row a node, a click centres it, details unfold and can be copied.

import { h } from "./dom";
import { icon } from "./icons";
import type { Problem } from "./problems";

export class ProblemPanel {
  private readonly box = h("section", { class: "cn-problems", "aria-label": "Errors", hidden: true });
  private problems: Problem[] = [];

  constructor(
    root: HTMLElement,
    private readonly actions: { show(node: string): void; copied(): void; closed(): void },
  ) {
    root.append(this.box);
  }

  get count(): number {
    return this.problems.length;
  }

  set(problems: Problem[]): void {
    this.problems = problems;
    this.box.hidden = problems.length === 0;
    this.render();
  }

  toggle(): void {
    this.box.hidden = !this.box.hidden || this.problems.length === 0;
  }

  private render(): void {
    const count = this.problems.length;
    this.box.replaceChildren(
      h("header", {}, icon("warning"), h("strong", {}, count === 1 ? "1 problem" : `${count} problems`), h("span", { class: "cn-spacer" }),
        h("button", { class: "cn-icon-button cn-small", title: "Copy all", "aria-label": "Copy all errors", onclick: () => this.copy(this.problems) }, icon("copy")),
        h("button", { class: "cn-icon-button cn-small", title: "Hide", "aria-label": "Hide errors", onclick: () => { this.box.hidden = true; this.actions.closed(); } }, icon("close"))),
      h("ul", {}, ...this.problems.map((problem) => this.row(problem))),
    );
  }

  private row(problem: Problem): HTMLElement {
    const { node } = problem;
    const head = [h("strong", {}, problem.title), node !== null && h("span", { class: "cn-badge" }, `#${node}`)];
    return h("li", {},
      node === null ? h("div", { class: "cn-problem-node" }, ...head)
        : h("button", { class: "cn-problem-node", title: "Show the node", onclick: () => this.actions.show(node) }, ...head),
      h("p", {}, problem.message),
      problem.details !== "" && h("details", {}, h("summary", {}, "Details"),
        h("pre", {}, problem.details),
        h("button", { class: "cn-button cn-small", onclick: () => this.copy([problem]) }, "Copy")));
  }

  private copy(problems: Problem[]): void {
    const text = problems.map(({ title, node, message, details }) => [`${title}${node ? ` (#${node})` : ""}: ${message}`, details].filter(Boolean).join("\n")).join("\n\n");
    void copyText(text).then((done) => done && this.actions.copied());
  }
}

/** The clipboard API is refused in many frames; selecting and copying works there. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = h("textarea", { class: "cn-offscreen", value: text });
    const before = document.activeElement;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    return done;
  }
}
