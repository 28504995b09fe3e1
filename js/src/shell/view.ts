// One view of an editor: greet the kernel, fetch the editor's code, mount it, and take everything down again.

import type { Host, HostEvent, HostTheme } from "../host";
import type { AnyModel } from "./afm";
import { bundleUrl, type EditorModule, evaluateIn, knownBundle } from "./bundle";
import { Connection } from "./connection";
import { isWhole, openDirect, openFrame, type Place } from "./frame";
import { PROTOCOL, type Welcome } from "./messages";
import { pageStore } from "./page-store";
import { report, Signal } from "./signal";
import { Stage } from "./stage";
import { readTheme, watchTheme } from "./theme";

const PATIENCE_MS = 2500;
const WAITING = `Waiting for the kernel …
While a cell runs, the editor appears when that cell is done.
If the kernel was restarted, run this cell again.`;
const STILL = `A picture of the graph. The editor appears as soon as the kernel answers.
If no cell is running, run this cell.`;
const GONE = "The kernel does not answer. Run this cell again to get the editor back.";
const CLOSED = "This editor was closed, or a later run of its cell took its place. Show it again with ed.show().";

/** What the editor asks for first; the questions travel with the hello. */
const FIRST = ["/object_info", "/cn/editors/{editor}", "/cn/editors/{editor}/document", "/settings/comfy_notebook.editor", "/cn/extensions"];

/** A place with the editor's code in it. */
interface Ready {
  hash: string;
  place: Place;
  module: EditorModule;
}

export class View {
  private readonly connection: Connection;
  private readonly stage: Stage;
  private readonly themes = new Signal<HostTheme>();
  private readonly patience: number;
  private readonly unwatch: () => void;
  private theme: HostTheme;
  private place: Place | null = null;
  private unmount: (() => void) | null = null;
  private mounting = 0;
  private prepared: Promise<Ready | null>;
  private readonly early: HostEvent[] = [];
  /** What the kernel said before the editor listened; from then on nothing is kept. */
  private readonly heard: () => HostEvent[];
  private disposed = false;

  constructor(
    private readonly model: AnyModel,
    el: HTMLElement,
  ) {
    this.stage = new Stage(el, Number(model.get("height")) || 560);
    this.theme = readTheme();
    this.paint();
    this.unwatch = watchTheme(() => this.followTheme());
    this.stage.resized.on((height) => this.keepHeight(height));
    this.connection = new Connection(model, FIRST);
    const stopEarly = this.connection.events.on((event) => this.early.push(event));
    this.heard = () => {
      stopEarly();
      return this.early.splice(0);
    };
    this.patience = window.setTimeout(() => this.wait(), PATIENCE_MS);
    this.connection.closed.on(() => this.end(CLOSED));
    this.connection.kernel.on((state) => {
      if (state === "lost" && !this.unmount) this.stage.say(GONE, undefined, this.picture());
    });
    this.prepared = this.prepareKnown().catch(() => null);
    void this.connection.welcome.then((welcome) => this.start(welcome));
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    clearTimeout(this.patience);
    this.unwatch();
    this.takeDown();
    this.connection.dispose();
    this.stage.dispose();
    this.themes.clear();
  }

  private wait(): void {
    const picture = this.picture();
    this.stage.say(picture ? STILL : WAITING, undefined, picture);
  }

  /** What the graph looked like when it was shown. */
  private picture(): string | undefined {
    return String(this.model.get("picture") || "") || undefined;
  }

  private async start(welcome: Welcome): Promise<void> {
    clearTimeout(this.patience);
    if (this.disposed) return;
    if (welcome.protocol !== PROTOCOL) {
      const theirs = `${welcome.protocol}, this page ${PROTOCOL}`;
      return this.stage.say(`The kernel and this page come from different versions of comfy_notebook (the kernel speaks protocol ${theirs}).\nRun the cell again; if that does not help, restart the kernel and reload the page.`);
    }
    this.stage.quiet();
    const run = ++this.mounting;
    try {
      await this.mount(welcome, () => this.disposed || run !== this.mounting);
    } catch (error) {
      if (this.disposed || run !== this.mounting) return;
      report(error);
      this.takeDown();
      const reason = (error as Error)?.message ?? String(error); // of another realm, so no instanceof
      this.stage.say(`The editor could not be started: ${reason}`, () => void this.start(welcome));
    }
  }

  private async fetchBundle(hash: string): Promise<string> {
    const response = await this.connection.request(`/cn/bundle/${hash}.js`, { timeout: 0 });
    if (!response.ok) throw new Error(`the kernel answered ${response.status} for its code; is the installation complete?`);
    return response.text();
  }

  private async mount(welcome: Welcome, outdated: () => boolean): Promise<void> {
    const early = await this.prepared;
    this.prepared = Promise.resolve(null);
    if (outdated()) return;
    const fits = early?.hash === welcome.bundle && isWhole(early.place);
    const ready = fits ? early : await this.prepare(welcome.bundle, outdated);
    if (!ready || outdated()) return;
    const { place, module } = ready;
    const unmount = await module.mount(place.root, this.host(welcome.editor));
    if (outdated()) return attempt(unmount);
    this.unmount = unmount;
    this.stage.quiet();
    const revive = () => this.revive(welcome, place);
    place.element.onload = revive;
    // Reloaded from inside, the frame would load the notebook's own page: the new document is replaced before it comes.
    if (place.element !== place.root) place.window.addEventListener("pagehide", () => setTimeout(revive));
  }

  /** A page that has shown an editor has its code: the frame is made ready while the kernel is being asked. */
  private async prepareKnown(): Promise<Ready | null> {
    const known = await knownBundle();
    return known && this.prepare(known.hash, () => this.disposed, known.url);
  }

  private async prepare(hash: string, outdated: () => boolean, known?: string): Promise<Ready | null> {
    const url = known ?? (await bundleUrl(hash, () => this.fetchBundle(hash)));
    while (!this.stage.box.isConnected && !outdated()) await new Promise((resolve) => setTimeout(resolve, 20)); // a frame exists only in the page
    if (outdated()) return null;
    this.takeDown();
    const place = (this.place = openFrame(this.stage.box) ?? openDirect(this.stage.box));
    this.paint();
    const module = await evaluateIn(place.window, url);
    return { hash, place, module };
  }

  /** Moving a cell in the page reloads its frames: an empty document comes back, so build the editor anew. */
  private revive(welcome: Welcome, place: Place): void {
    if (!this.disposed && this.place === place && !isWhole(place)) void this.start(welcome);
  }

  private host(editorId: string): Host {
    const { connection, stage } = this;
    const theme = () => this.theme;
    return {
      editorId,
      viewId: connection.view,
      request: (path, options) => connection.request(path, options),
      onEvent: (listener) => {
        for (const event of this.heard()) listener(event);
        return connection.events.on(listener);
      },
      get kernel() {
        return connection.state;
      },
      onKernel: (listener) => connection.kernel.on(listener),
      get theme() {
        return theme();
      },
      onTheme: (listener) => this.themes.on(listener),
      setFullSize: (on) => stage.setFullSize(on),
      onFullSize: (listener) => stage.fullSize.on(listener),
      setHeight: (pixels) => stage.setHeight(pixels),
      page: pageStore,
    };
  }

  private followTheme(): void {
    const theme = readTheme();
    if (JSON.stringify(theme) === JSON.stringify(this.theme)) return;
    this.theme = theme;
    this.paint();
    this.themes.emit(theme);
  }

  private paint(): void {
    const { dark, variables } = this.theme;
    this.stage.setColors(variables["--host-bg"], variables["--host-fg"], dark);
    const html = this.place?.root.ownerDocument === document ? this.place.root : this.place?.root.ownerDocument.documentElement;
    if (!html) return;
    html.dataset.theme = dark ? "dark" : "light";
    html.style.colorScheme = html.dataset.theme;
    for (const [name, value] of Object.entries(variables)) html.style.setProperty(name, value);
  }

  private keepHeight(height: number): void {
    try {
      this.model.set("height", height);
      this.model.save_changes();
    } catch {
      // without a kernel the height lasts as long as the view
    }
  }

  private end(message: string): void {
    this.mounting++;
    this.takeDown();
    this.stage.setFullSize(false);
    this.stage.setHeight(0);
    this.stage.say(message);
  }

  /** The notebook may have detached everything already; whatever fails now must not keep the rest alive. */
  private takeDown(): void {
    const { place, unmount } = this;
    this.place = this.unmount = null;
    if (unmount) attempt(unmount);
    if (!place) return;
    place.element.onload = null;
    place.element.remove();
  }
}

function attempt(action: () => void): void {
  try {
    action();
  } catch (error) {
    report(error);
  }
}
