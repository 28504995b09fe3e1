// Hosts anywidget modules as anywidget 0.11 does in JupyterLab: one model per comm, its module imported from a blob, the
// 2-second rule, messages in order after `initialize`, binary parts as DataViews, cleanup after the DOM is gone.

const models = new Map();
const waiting = new Map();
const socket = new WebSocket(`ws://${location.host || "127.0.0.1"}/ws`);
socket.binaryType = "arraybuffer";
socket.onmessage = ({ data }) => take(...unpack(data));

function pack(json, buffers = []) {
  const parts = [new TextEncoder().encode(JSON.stringify(json)), ...buffers.map((one) => (ArrayBuffer.isView(one) ? new Uint8Array(one.buffer, one.byteOffset, one.byteLength) : new Uint8Array(one)))];
  const head = 4 * (parts.length + 1);
  const frame = new Uint8Array(head + parts.reduce((sum, part) => sum + part.length, 0));
  const view = new DataView(frame.buffer);
  view.setUint32(0, parts.length);
  let at = head;
  parts.forEach((part, index) => {
    view.setUint32(4 * (index + 1), part.length);
    frame.set(part, at);
    at += part.length;
  });
  return frame;
}

function unpack(buffer) {
  const view = new DataView(buffer);
  const count = view.getUint32(0);
  let at = 4 * (count + 1);
  const parts = [];
  for (let index = 1; index <= count; index++) {
    const length = view.getUint32(4 * index);
    parts.push(new DataView(buffer, at, length));
    at += length;
  }
  return [JSON.parse(new TextDecoder().decode(parts[0])), parts.slice(1)];
}

function take(message, buffers) {
  const model = models.get(message.comm_id);
  if (message.type === "state") waiting.get(message.comm_id)?.(message);
  else if (message.type === "restart") for (const one of models.values()) one.emit("comm_live_update");
  else if (message.type === "close") model?.close();
  else if (message.type === "msg") model?.receive(message.data, buffers);
}

// Colab's comms hand their messages over one after the other, as an async iterator, with plain ArrayBuffers.
const iterated = new URLSearchParams(location.search).get("variant") === "colab";

class Messages {
  items = [];
  wake = () => {};

  push(item) {
    this.items.push(item);
    this.wake();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      while (this.items.length > 0) yield this.items.shift();
      await new Promise((resolve) => (this.wake = resolve));
    }
  }
}

class Model {
  constructor(id, state) {
    this.id = id;
    this.state = state;
    this.listeners = [];
    this.controller = new AbortController();
    this.views = new Set();
    this.ready = Promise.race([
      this.load(),
      new Promise((_, reject) => setTimeout(() => reject(new Error("Failed to initialize model.")), 2000)),
    ]);
    this.ready.catch((error) => console.error(error));
    if (iterated) void this.listen((this.messages = new Messages()));
  }

  async listen(messages) {
    for await (const { data, buffers } of messages) await this.handle(data, buffers);
  }

  receive(data, buffers) {
    if (!this.messages) return this.handle(data, buffers);
    this.messages.push({ data, buffers: buffers.map((part) => part.buffer.slice(part.byteOffset, part.byteOffset + part.byteLength)) });
  }

  async load() {
    const url = URL.createObjectURL(new Blob([this.state._esm], { type: "text/javascript" }));
    const module = await import(url);
    URL.revokeObjectURL(url);
    this.widget = typeof module.default === "function" ? await module.default() : module.default;
    await this.widget.initialize?.({ model: this.proxy(this), signal: this.controller.signal });
  }

  async handle(data, buffers) {
    await this.ready; // rejected for ever after 2 s: the model is deaf
    if (data.method === "custom") this.emit("msg:custom", data.content, buffers);
    else if (data.method === "update" || data.method === "echo_update") {
      for (const [name, value] of Object.entries(data.state)) {
        this.state[name] = value;
        this.emit(`change:${name}`);
      }
      this.emit("change");
    }
  }

  proxy(context) {
    const pending = {};
    return {
      get: (name) => this.state[name],
      set: (name, value) => {
        this.state[name] = pending[name] = value;
        this.emit(`change:${name}`);
      },
      save_changes: () => {
        this.post({ method: "update", state: { ...pending }, buffer_paths: [] });
        for (const name of Object.keys(pending)) delete pending[name];
      },
      send: (content, callbacks, buffers) => this.post({ method: "custom", content }, buffers),
      on: (name, callback) => this.listeners.push({ name, callback, context }),
      off: (name, callback) => {
        this.listeners = this.listeners.filter((one) => !((name == null || one.name === name) && (callback == null || one.callback === callback) && one.context === context));
      },
      widget_manager: {},
    };
  }

  post(data, buffers) {
    if (socket.readyState === WebSocket.OPEN) socket.send(pack({ type: "msg", comm_id: this.id, data }, buffers ?? []));
  }

  emit(name, ...args) {
    for (const one of [...this.listeners]) if (one.name === name) one.callback(...args);
  }

  async display(el) {
    await this.ready;
    const view = { controller: new AbortController(), el };
    this.views.add(view);
    const signal = AbortSignal.any([this.controller.signal, view.controller.signal]);
    const cleanup = await this.widget.render({ model: this.proxy(view), el, signal });
    view.remove = () => {
      el.remove(); // JupyterLab detaches first
      view.controller.abort();
      this.views.delete(view);
      this.listeners = this.listeners.filter((one) => one.context !== view);
      Promise.resolve().then(cleanup).catch((error) => console.warn("cleanup failed", error));
    };
    return view;
  }

  close() {
    for (const view of [...this.views]) view.remove();
    this.controller.abort();
    this.listeners = [];
    models.delete(this.id);
  }
}

function modelState(id) {
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    socket.send(pack({ type: "state", comm_id: id }));
  });
}

/** Show the widget `id` in `target`; a page has one model for all its views, created from the kernel's state. */
async function display(id, target = document.body) {
  if (!models.has(id)) {
    const { state } = await modelState(id);
    if (!state) throw new Error(`no widget ${id}`);
    if (!models.has(id)) models.set(id, new Model(id, state));
  }
  const el = document.createElement("div");
  target.append(el);
  return models.get(id).display(el);
}

window.notebook = { models, display };
await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
for (const output of document.querySelectorAll(".output")) display(output.dataset.model, output).catch((error) => console.error(error));
