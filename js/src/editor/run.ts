// Runs of the workflow: starting and cancelling them, and what the kernel tells about them shown on the nodes.

import type { GraphViewApi } from "../graph";
import type { HostEvent } from "../host";
import type { EditorInfo, ExecutionError, KernelApi, NodeErrors, RunReply } from "./api";
import { filesOf, type Media } from "./media";
import { executionProblem, storedProblem, validationProblems, workflowProblem, type Problem } from "./problems";

export interface RunStatus {
  phase: "idle" | "submitting" | "running" | "done" | "failed" | "cancelled";
  /** Runs waiting or running. */
  queue: number;
  node: string | null;
  nodeTitle: string;
  value: number;
  max: number;
  /** performance.now() of the start and, once over, of the end. */
  started: number;
  ended: number | null;
}

export interface SubmitOptions {
  front?: boolean;
  /** Place in the queue; lower comes first. */
  number?: number;
  targets?: string[];
}

export interface RunPorts {
  api: Pick<KernelApi, "run" | "interrupt" | "clearQueue">;
  view: Pick<GraphViewApi, "setRunning" | "setProgress" | "setOutputs" | "setPreview" | "setError" | "clearErrors" | "setStale" | "describe"
    | "beforeQueue" | "afterQueue" | "browserValues">;
  media: Pick<Media, "forget">;
  flush(): Promise<void>;
  /** Where packs take part in queueing, they do it in place of the kernel's own conversion. */
  submit?(): ((options: SubmitOptions) => Promise<RunReply>) | null;
  onStatus(status: RunStatus): void;
  onProblems(problems: Problem[]): void;
  onFailure(summary: string, detail: string): void;
}

type Data = Record<string, unknown>;

const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));

export class Runs {
  readonly status: RunStatus = { phase: "idle", queue: 0, node: null, nodeTitle: "", value: 0, max: 0, started: 0, ended: null };
  private prompt: string | null = null;
  private problems: Problem[] = [];
  /** Nodes refused by a prompt that runs without them: they stay marked when its run begins. */
  private refused: Problem[] = [];
  private cached = new Set<string>();

  constructor(private readonly ports: RunPorts) {}

  /** What happened before this view came. */
  restore(results: EditorInfo["results"]): void {
    if (!results) return;
    for (const [node, ui] of Object.entries(results.outputs ?? {})) this.ports.view.setOutputs(node, ui);
    this.ports.view.setStale(results.stale ?? []);
    const stored = Object.entries(results.errors ?? {}).map(([node, error]) => storedProblem(node, error, this.titleOf));
    const { run } = results;
    if (run && ["running", "queued"].includes(run.state)) {
      this.begin(run.prompt_id);
      if (run.node) this.executing(run.node, run.prompt_id);
      this.progressState(run.progress ?? {});
    }
    if (stored.length > 0) this.report(stored);
  }

  /** Queues the workflow `count` times; false when it was not taken. */
  async start({ count = 1, ...options }: SubmitOptions & { count?: number } = {}): Promise<boolean> {
    this.refused = [];
    this.clearProblems();
    this.change({ phase: this.prompt ? "running" : "submitting", started: performance.now(), ended: null });
    try {
      for (let index = 0; index < count; index++) {
        this.ports.view.beforeQueue();
        await this.ports.flush();
        const reply = await this.submit(options);
        this.ports.view.afterQueue();
        if (reply.ok) {
          this.refused = validationProblems(reply.nodeErrors, this.titleOf);
          // The run may have begun, and failed, before the reply came.
          const others = this.problems.filter(({ node }) => !this.refused.some((one) => one.node === node));
          if (this.refused.length > 0) this.report([...this.refused, ...others]);
          continue;
        }
        this.refuse(reply.error, reply.nodeErrors);
        return false;
      }
      return true;
    } catch (error) {
      this.change({ phase: this.prompt ? "running" : "idle" });
      this.ports.onFailure("The workflow was not started", error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  private async submit(options: SubmitOptions): Promise<RunReply> {
    const packs = this.ports.submit?.();
    if (packs) return packs(options);
    const { front, targets } = options;
    const values = await this.ports.view.browserValues();
    return this.ports.api.run({ ...(front && { front }), ...(targets && { targets }), values });
  }

  async cancel(): Promise<void> {
    try {
      await this.ports.api.interrupt(this.prompt ?? undefined);
    } catch (error) {
      this.ports.onFailure("Cancel did not reach the kernel", error instanceof Error ? error.message : String(error));
    }
  }

  /** The kernel is gone, and every run with it. */
  lost(): void {
    if (this.prompt) this.end("cancelled");
    this.change({ queue: 0, ...(this.status.phase === "submitting" && { phase: "idle" as const }) });
  }

  clearProblems(): void {
    this.ports.view.clearErrors();
    this.problems = [];
    this.ports.onProblems([]);
  }

  handle(event: HostEvent): void {
    const data = (event.data ?? {}) as Data;
    switch (event.type) {
      case "status":
        return this.change({ queue: Number(((data.status as Data)?.exec_info as Data | undefined)?.queue_remaining ?? 0) });
      case "execution_start":
        return this.begin(text(data.prompt_id));
      case "execution_cached":
        this.cached = new Set(((data.nodes as unknown[]) ?? []).map(String));
        return;
      case "executing":
        return this.executing(text(data.display_node) ?? text(data.node), text(data.prompt_id));
      case "progress":
        return this.progress(text(data.node), Number(data.value), Number(data.max));
      case "progress_state":
        return this.progressState((data.nodes ?? {}) as Record<string, Data>);
      case "executed":
        return this.executed(data);
      case "b_preview_with_metadata":
        return this.preview(data, event.buffers[0]);
      case "execution_success":
        return this.end(this.problems.length > 0 ? "failed" : "done");
      case "execution_interrupted":
        return this.end("cancelled");
      case "execution_error":
        return this.failed(data as unknown as ExecutionError);
      case "cn.prompt_dropped":
        if (this.prompt === null && this.status.phase === "submitting") this.end("cancelled");
        return;
      case "cn.stale":
        return this.ports.view.setStale(((data.nodes as unknown[]) ?? []).map(String));
    }
  }

  private begin(promptId: string | null): void {
    if (this.prompt === promptId && promptId !== null) return;
    this.prompt = promptId;
    this.cached.clear();
    this.clearProblems();
    if (this.refused.length > 0) this.report(this.refused);
    this.change({ phase: "running", node: null, nodeTitle: "", value: 0, max: 0, started: performance.now(), ended: null });
  }

  private executing(node: string | null, promptId: string | null): void {
    if (node === null) {
      if (promptId === this.prompt) this.end(this.status.phase === "running" ? "done" : this.status.phase);
      return;
    }
    if (promptId) this.begin(promptId);
    this.ports.view.setRunning(node);
    this.change({ phase: "running", node, nodeTitle: this.titleOf(node), value: 0, max: 0 });
  }

  private progress(node: string | null, value: number, max: number): void {
    if (node === null || !(max > 0)) return;
    this.ports.view.setProgress(node, value, max);
    const nodeTitle = node === this.status.node ? this.status.nodeTitle : this.titleOf(node);
    this.change({ node, nodeTitle, value, max });
  }

  private progressState(nodes: Record<string, Data>): void {
    for (const [id, state] of Object.entries(nodes)) {
      if (state.state === "running" && Number(state.max) > 1) this.progress(text(state.display_node_id) ?? id, Number(state.value), Number(state.max));
    }
  }

  private executed(data: Data): void {
    const node = text(data.display_node) ?? text(data.node);
    const output = data.output as Record<string, unknown> | null | undefined;
    if (node === null || !output) return;
    // The same name may hold a new picture; a cached node's files are as they were.
    if (!this.cached.has(String(data.node))) for (const ref of filesOf(output)) this.ports.media.forget(ref);
    this.ports.view.setOutputs(node, output);
  }

  private preview(data: Data, image: ArrayBuffer | undefined): void {
    const node = text(data.display_node_id) ?? text(data.node_id);
    if (node === null || !image) return;
    this.ports.view.setPreview(node, new Blob([image], { type: String(data.image_type ?? "image/jpeg") }));
  }

  private failed(error: ExecutionError): void {
    this.report([...this.problems, executionProblem(error, this.titleOf)]);
    // A blocked output is reported like an error, but the run goes on.
    if (error.exception_type !== "ExecutionBlocked") this.end("failed");
  }

  private refuse(error: Parameters<typeof workflowProblem>[0], nodeErrors: NodeErrors): void {
    const nodes = validationProblems(nodeErrors, this.titleOf);
    this.report(nodes.length > 0 ? nodes : [workflowProblem(error)]);
    this.change(this.prompt ? { phase: "running" } : { phase: "failed", ended: performance.now() });
  }

  private report(problems: Problem[]): void {
    this.problems = problems;
    for (const { node, message, inputs } of problems) if (node !== null) this.ports.view.setError(node, { message, inputs });
    this.ports.onProblems(problems);
  }

  private end(phase: RunStatus["phase"]): void {
    this.ports.view.setRunning(null);
    this.prompt = null;
    this.change({ phase, node: null, nodeTitle: "", value: 0, max: 0, ended: this.status.ended ?? performance.now() });
  }

  private change(part: Partial<RunStatus>): void {
    Object.assign(this.status, part);
    this.ports.onStatus(this.status);
  }

  /** The title on the canvas; for a node inside a subgraph, of the instance that is seen there. */
  private readonly titleOf = (node: string): string => {
    const nodes = this.ports.view.describe();
    const local = node.split(":").at(-1);
    const seen = nodes.find(({ id }) => String(id) === node) ?? (node.includes(":") ? nodes.find(({ id }) => String(id) === node.split(":")[0]) : undefined);
    return seen?.title ?? nodes.find(({ id }) => String(id) === local)?.title ?? "";
  };
}
