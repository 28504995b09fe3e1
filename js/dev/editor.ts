// Shows one editor of a listening server: editor.html?editor=<id>&theme=light

import { mount } from "../src/editor";
import { DevHost } from "./host";

const query = new URLSearchParams(location.search);
const box = document.getElementById("editor") as HTMLElement;
const host = new DevHost(query.get("editor") ?? "", query.get("theme") !== "light", box);
const unmount = await mount(box, host);
Object.assign(window, { host, unmount });
