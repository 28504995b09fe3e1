#!/bin/sh
# Makes sure that a Chromium is there: the browser tests and the demo drive one.
set -eu
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
ask_for_it() {
    echo "The browser tests and the demo need Chromium, and it cannot be installed from here ($1)." >&2
    echo "Install the package 'chromium' and run make again." >&2
    exit 1
}
command -v apt-get >/dev/null 2>&1 || ask_for_it "no apt-get"
as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || ask_for_it "not root and no sudo"
    as_root=sudo
fi
echo "Installing Chromium with apt-get."
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-liberation
