// One view's end of the comm: hello and welcome, requests, events, and whether the kernel still lives.

import type { HostEvent, HostRequest, KernelState } from "../host";
import type { AnyModel } from "./afm";
import { Exchange } from "./exchange";
import { type Bytes, bytesOf, type FromKernel, PROTOCOL, type Welcome } from "./messages";
import { Signal } from "./signal";

/** A request the kernel has not noticed for this long means that a cell is running. */
const BUSY_MS = 1500;
/** The kernel's pulse comes every 10 s; counted in ticks of a second, not on the clock, so that sleep does not count. */
const LOST_TICKS = 25;
const HELLO_TICKS = 5;

export class Connection {
  readonly view = Math.random().toString(36).slice(2) + Date.now().toString(36);
  readonly events = new Signal<HostEvent>();
  readonly kernel = new Signal<KernelState>();
  readonly closed = new Signal<void>();
  readonly welcome: Promise<Welcome>;
  state: KernelState = "connected";
  private greet!: (welcome: Welcome) => void;
  private greeted = false;
  private count = 0;
  private silent = 0;
  private readonly exchanges = new Map<string, Exchange>();
  /** Questions that travel with the hello, by path; each is answered once. */
  private readonly asked = new Map<string, Exchange>();
  private readonly timer = setInterval(() => this.tick(), 1000);
  private readonly onMessage = (content: FromKernel, parts: DataView[]) => this.receive(content, (parts ?? []).map(bytesOf));
  private readonly onDeath = () => this.setState("lost");

  /** `asks`: paths that the editor will want first; `{editor}` stands for its id. */
  constructor(
    private readonly model: AnyModel,
    asks: string[] = [],
  ) {
    this.welcome = new Promise((resolve) => (this.greet = resolve));
    for (const path of asks) {
      const exchange = this.open(path, { timeout: 0 });
      exchange.response.catch(() => undefined); // whoever asks hears of it
      this.asked.set(path, exchange);
    }
    model.on("msg:custom", this.onMessage);
    // Jupyter's own signs that the kernel restarted or that the kernel's side closed the comm.
    model.on("comm_live_update", this.onDeath);
    model.on("comm:close", this.onDeath);
    this.hello();
  }

  async request(path: string, options: HostRequest = {}): Promise<Response> {
    if (this.state === "lost") throw new TypeError("The kernel does not answer. Run the cell again.");
    const early = options.body == null && !options.headers && this.asked.get(path);
    if (early) {
      this.asked.delete(path);
      return early.response;
    }
    const exchange = this.open(path, options);
    void exchange.start();
    return exchange.response;
  }

  private open(path: string, options: HostRequest): Exchange {
    const rid = `${this.view}:${++this.count}`;
    const exchange = new Exchange(rid, path, options, (content, part) => this.send(content, part));
    this.exchanges.set(rid, exchange);
    exchange.onEnd = () => {
      this.exchanges.delete(rid);
      if (this.state !== "lost") this.update();
    };
    return exchange;
  }

  dispose(): void {
    clearInterval(this.timer);
    for (const exchange of [...this.exchanges.values()]) exchange.cancel(new DOMException("The view is gone.", "AbortError"));
    this.send({ kind: "bye", view: this.view });
    this.model.off("msg:custom", this.onMessage);
    this.model.off("comm_live_update", this.onDeath);
    this.model.off("comm:close", this.onDeath);
    for (const signal of [this.events, this.kernel, this.closed]) signal.clear();
  }

  private hello(): void {
    const asks = Object.fromEntries([...this.asked].map(([path, { rid }]) => [rid, path]));
    this.send({ kind: "hello", view: this.view, protocol: PROTOCOL, ...(!this.greeted && { asks }) });
  }

  private send(content: object, part?: Bytes): void {
    try {
      this.model.send(content, undefined, part ? [part] : []);
    } catch {
      this.setState("lost"); // the comm is closed
    }
  }

  private receive(content: FromKernel, parts: Bytes[]): void {
    this.silent = 0;
    if ("rid" in content) this.answer(content, parts[0]);
    else if (content.kind === "welcome" && content.view === this.view) {
      if (!this.greeted) this.nameAsked(content.editor);
      this.greeted = true;
      this.greet(content);
    } else if (content.kind === "events") this.deliver(content.events, parts);
    else if (content.kind === "closed") this.closed.emit();
    this.update();
  }

  /** From now on the questions are known by the paths that the editor asks for. */
  private nameAsked(editor: string): void {
    for (const [path, exchange] of [...this.asked]) {
      this.asked.delete(path);
      this.asked.set(path.replace("{editor}", encodeURIComponent(editor)), exchange);
    }
  }

  private answer(content: Extract<FromKernel, { rid: string }>, part?: Bytes): void {
    const exchange = this.exchanges.get(content.rid); // other views' answers pass here too
    if (!exchange) return;
    if (content.kind === "head") exchange.head(content, part);
    else if (content.kind === "data") exchange.data(content.seq, content.last, part);
    else if (content.kind === "ack") exchange.ack(content.seq);
    else exchange.fail(new TypeError(content.message));
  }

  private deliver(events: { type: string; data: unknown; buffers: number }[], parts: Bytes[]): void {
    let at = 0;
    for (const { type, data, buffers } of events) {
      const own = parts.slice(at, (at += buffers)).map((part) => part.slice().buffer);
      this.events.emit({ type, data, buffers: own });
    }
  }

  private tick(): void {
    this.silent++;
    if (!this.greeted && this.silent % HELLO_TICKS === 0) this.hello();
    for (const exchange of [...this.exchanges.values()]) {
      if (exchange.timeout && this.silent * 1000 >= exchange.timeout) exchange.cancel(new DOMException("The kernel did not answer in time.", "TimeoutError"));
    }
    if (this.greeted && this.silent >= LOST_TICKS) this.setState("lost");
    else if (this.state !== "lost") this.update();
  }

  /** Alive; but does it take messages, or is a cell running? */
  private update(): void {
    const late = Date.now() - BUSY_MS;
    this.setState([...this.exchanges.values()].some((one) => !one.heard && one.started < late) ? "busy" : "connected");
  }

  private setState(state: KernelState): void {
    if (state === this.state) return;
    const back = this.state === "lost";
    this.state = state;
    if (state === "lost") {
      this.asked.clear();
      for (const exchange of [...this.exchanges.values()]) exchange.fail(new TypeError("The kernel is gone. Run the cell again."));
    } else if (back) this.hello();
    this.kernel.emit(state);
  }
}
