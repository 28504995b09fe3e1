// The page about custom node packs: what loaded and what it cost, what failed, why, and the line that mends it.

import { h } from "./dom";
import { icon } from "./icons";
import type { PackProblem, PackProblems } from "./pack-problems";
import { copyText } from "./problem-panel";
import type { SettingsPage } from "./settings-dialog";

/** One entry of `GET /cn/packs`. */
export interface PackReport {
  name: string;
  status: "loaded" | "importing" | "failed";
  line: string;
  seconds: number;
  nodes: string[];
  refused: Record<string, string>;
  notes: string[];
  has_web: boolean;
  problem: string | null;
  remedy: string | null;
}

interface Ports {
  fetch(): Promise<PackReport[]>;
  problems: PackProblems;
  copied(): void;
}

const ORDER = { failed: 0, importing: 1, loaded: 2 };

export function packsPage(ports: Ports): SettingsPage {
  return { id: "packs", title: "Custom node packs", render: () => render(ports) };
}

function render(ports: Ports): HTMLElement {
  const box = h("div", { class: "cn-packs", "aria-live": "polite" }, h("p", { class: "cn-packs-sum" }, "Asking the kernel…"));
  const fill = async () => {
    try {
      const reports = await ports.fetch();
      box.replaceChildren(...contents(reports, ports, fill));
    } catch (error) {
      box.replaceChildren(h("div", { class: "cn-empty" }, h("strong", {}, "The packs could not be listed"), h("span", {}, error instanceof Error ? error.message : String(error)),
        h("button", { class: "cn-button cn-small", type: "button", onclick: () => void fill() }, "Try again")));
    }
  };
  void fill();
  return box;
}

function contents(reports: PackReport[], ports: Ports, again: () => Promise<void>): HTMLElement[] {
  const problems = ports.problems.all;
  const known = new Set(reports.map(({ name }) => name));
  const others = problems.filter(({ pack }) => pack === null || !known.has(pack));
  if (reports.length === 0 && problems.length === 0) {
    return [h("div", { class: "cn-empty" }, h("strong", {}, "No packs"), h("span", {}, "Packs are folders in custom_nodes beside the notebook. cn.load_pack(…) loads one from anywhere."))];
  }
  const sorted = [...reports].sort((a, b) => ORDER[a.status] - ORDER[b.status] || b.seconds - a.seconds);
  return [
    h("div", { class: "cn-packs-head" }, h("p", { class: "cn-packs-sum" }, summary(reports)), h("span", { class: "cn-spacer" }),
      h("button", { class: "cn-button cn-small", type: "button", onclick: () => void again() }, "Refresh")),
    h("ul", { class: "cn-packs-list" }, ...sorted.map((report) => row(report, problems.filter(({ pack }) => pack === report.name), ports))),
    ...(others.length > 0 ? [h("section", { class: "cn-packs-js" }, h("h4", {}, "Errors of packs in the editor"), h("ul", {}, ...others.map(problemRow)))] : []),
  ];
}

function summary(reports: PackReport[]): string {
  const count = (status: PackReport["status"]) => reports.filter((report) => report.status === status).length;
  const seconds = reports.reduce((sum, report) => sum + report.seconds, 0);
  const parts = [`${count("loaded")} loaded in ${seconds.toFixed(1)} s`];
  if (count("importing")) parts.push(`${count("importing")} still importing`);
  if (count("failed")) parts.push(`${count("failed")} failed`);
  return parts.join(", ");
}

function row(report: PackReport, problems: PackProblem[], ports: Ports): HTMLElement {
  const symbol = report.status === "failed" ? icon("warning") : report.status === "importing" ? h("span", { class: "cn-dot cn-dot-running" }) : icon("check");
  const parts = report.status === "loaded" ? [`${report.nodes.length} node${report.nodes.length === 1 ? "" : "s"}`, report.has_web && "JavaScript"].filter(Boolean).join(", ") : "";
  return h("li", { class: `cn-setting cn-pack cn-pack-${report.status}`, "data-id": report.name },
    h("div", { class: "cn-pack-head" }, symbol, h("strong", { title: report.name }, report.name), h("span", { class: "cn-pack-parts" }, parts),
      h("span", { class: "cn-spacer" }), h("span", { class: "cn-number", title: "What its import cost" }, `${report.seconds.toFixed(2)} s`)),
    report.status === "importing" && h("p", {}, "Still importing. Its nodes appear when it is done."),
    report.status === "failed" && h("p", {}, report.problem ?? report.line),
    report.remedy && remedy(report.remedy, ports),
    ...report.notes.map((note) => h("p", { class: "cn-pack-note" }, note)),
    refused(report.refused),
    problems.length > 0 && h("ul", {}, ...problems.map(problemRow)));
}

function remedy(line: string, ports: Ports): HTMLElement {
  const copy = h("button", { class: "cn-icon-button cn-small", type: "button", title: "Copy", "aria-label": `Copy ${line}`, onclick: () => void copyText(line).then((done) => done && ports.copied()) }, icon("copy"));
  return h("div", { class: "cn-pack-remedy" }, h("code", {}, line), copy);
}

function refused(nodes: Record<string, string>): HTMLElement | false {
  const names = Object.keys(nodes);
  return names.length > 0 && h("details", {}, h("summary", {}, `${names.length} node${names.length === 1 ? "" : "s"} cannot be used`),
    h("ul", {}, ...names.map((name) => h("li", {}, h("strong", {}, name), " ", nodes[name] ?? ""))));
}

function problemRow({ source, message, details, count }: PackProblem): HTMLElement {
  return h("li", { class: "cn-setting cn-pack-problem" }, h("p", {}, h("strong", {}, source), " ", message, count > 1 && h("span", { class: "cn-badge" }, `${count} times`)),
    details !== "" && h("details", {}, h("summary", {}, "Details"), h("pre", {}, details)));
}
