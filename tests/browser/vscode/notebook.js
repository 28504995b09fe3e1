// Runs cells in a real kernel and shows widgets with the manager that VS Code's Jupyter extension uses.

import { activate } from "/ipywidgets.js";

const never = { connect() {}, disconnect() {} };
const uuid = () => crypto.randomUUID();

/** The part of JupyterLab's kernel connection that the widget manager touches, over Jupyter's kernel channels. */
class Kernel {
  id = "kernel";
  clientId = uuid();
  username = "person";
  handleComms = true;
  status = "idle";
  statusChanged = never;
  connectionStatusChanged = never;
  targets = {};
  comms = new Map();
  waiting = new Map();

  constructor(address) {
    this.socket = new WebSocket(`${address}/channels?session_id=${this.clientId}`);
    this.socket.binaryType = "arraybuffer";
    this.opened = new Promise((resolve, reject) => Object.assign(this.socket, { onopen: resolve, onerror: reject }));
    let order = Promise.resolve();
    this.socket.onmessage = ({ data }) => {
      const message = decode(data);
      order = order.then(() => this.take(message)).catch((error) => console.error(error));
    };
  }

  async take(message) {
    const type = message.header.msg_type;
    const future = this.waiting.get(message.parent_header?.msg_id);
    if (type === "comm_open") {
      const comm = this.createComm(message.content.target_name, message.content.comm_id);
      await this.targets[message.content.target_name]?.(comm, message);
    } else if (type === "comm_msg") await this.comms.get(message.content.comm_id)?.onMsg?.(message);
    else if (type === "comm_close") {
      const comm = this.comms.get(message.content.comm_id);
      this.comms.delete(message.content.comm_id);
      await comm?.onClose?.(message);
    }
    if (message.channel === "iopub") future?.onIOPub?.(message);
    if (type.endsWith("_reply")) {
      future?.onReply?.(message);
      future?.resolve(message);
    }
  }

  request(type, content, channel = "shell", buffers = []) {
    const header = { msg_id: uuid(), msg_type: type, session: this.clientId, username: this.username, version: "5.3", date: new Date().toISOString() };
    const future = { msg: { header } };
    future.done = new Promise((resolve) => (future.resolve = resolve));
    this.waiting.set(header.msg_id, future);
    this.socket.send(encode({ header, parent_header: {}, metadata: {}, content, channel }, buffers));
    return future;
  }

  execute(code, onIOPub) {
    const future = this.request("execute_request", { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: true, stop_on_error: true });
    future.onIOPub = onIOPub;
    return future.done;
  }

  requestCommInfo(content) {
    return this.request("comm_info_request", content).done;
  }

  registerCommTarget(name, callback) {
    this.targets[name] = callback;
  }

  removeCommTarget(name) {
    delete this.targets[name];
  }

  hasComm(id) {
    return this.comms.has(id);
  }

  createComm(targetName, commId = uuid()) {
    const message = (type, extra, buffers) => this.request(type, { comm_id: commId, ...extra }, "shell", buffers);
    const comm = {
      commId,
      targetName,
      open: (data, metadata, buffers) => message("comm_open", { target_name: targetName, data: data ?? {} }, buffers),
      send: (data, metadata, buffers) => message("comm_msg", { data }, buffers),
      close: (data, metadata, buffers) => message("comm_close", { data: data ?? {} }, buffers),
      dispose() {},
    };
    this.comms.set(commId, comm);
    return comm;
  }
}

function encode(message, buffers) {
  if (!buffers?.length) return JSON.stringify(message);
  const parts = [new TextEncoder().encode(JSON.stringify(message))];
  for (const one of buffers) parts.push(ArrayBuffer.isView(one) ? new Uint8Array(one.buffer, one.byteOffset, one.byteLength) : new Uint8Array(one));
  const frame = new Uint8Array(4 * (parts.length + 1) + parts.reduce((sum, part) => sum + part.length, 0));
  const view = new DataView(frame.buffer);
  view.setUint32(0, parts.length);
  let at = 4 * (parts.length + 1);
  parts.forEach((part, index) => {
    view.setUint32(4 * (index + 1), at);
    frame.set(part, at);
    at += part.length;
  });
  return frame.buffer;
}

function decode(data) {
  if (typeof data === "string") return { ...JSON.parse(data), buffers: [] };
  const view = new DataView(data);
  const count = view.getUint32(0);
  const offsets = Array.from({ length: count }, (_, index) => view.getUint32(4 * (index + 1)));
  const parts = offsets.map((start, index) => new DataView(data, start, (offsets[index + 1] ?? data.byteLength) - start));
  return { ...JSON.parse(new TextDecoder().decode(parts[0])), buffers: parts.slice(1) };
}

activate();
window.vscIPyWidgets8.load();
define("anywidget-path", [], () => ({}));
requirejs.config({ paths: { anywidget: "/anywidget" } });
const outputs = document.getElementById("outputs");
const scripts = { widgetsRegisteredInRequireJs: new Set(), loadWidgetScript: async () => {}, successHandler() {}, errorHandler: (...problem) => console.error(...problem) };
const kernel = new Kernel(window.kernelAddress);
const manager = new window.vscIPyWidgets.WidgetManager(kernel, outputs, scripts, () => {});
await kernel.opened;

async function show(modelId, node) {
  const model = await manager.get_model(modelId);
  await manager.display_view(null, await manager.create_view(model), { node });
}

/** Run a cell; its widgets appear in an output of its own (or in `output`, replacing what an earlier run showed). */
window.runCell = async (code, output) => {
  const node = output ?? outputs.appendChild(document.createElement("div"));
  node.replaceChildren();
  const texts = [];
  const reply = await kernel.execute(code, ({ header, content }) => {
    const widget = content.data?.["application/vnd.jupyter.widget-view+json"];
    if (widget) void show(widget.model_id, node).catch((error) => texts.push(String(error)));
    else if (header.msg_type === "stream") texts.push(content.text);
    else if (content.data) texts.push(content.data["text/plain"]);
    else if (header.msg_type === "error") texts.push(content.traceback.join("\n"));
  });
  return { status: reply.content.status, text: texts.join("") };
};
document.body.dataset.ready = "yes";
