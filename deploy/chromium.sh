#!/usr/bin/env bash
# Gets the browser in which the explorer's page is tested: Debian's chromium, where apt may install it.
# Elsewhere it is named, and that test is skipped.
set -euo pipefail

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" > /dev/null; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    echo "explorer: installing Debian's chromium"
    export DEBIAN_FRONTEND=noninteractive
    if { apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core; } > "$log" 2>&1; then
        exit 0
    fi
    tail -n 5 "$log" >&2
fi
echo "explorer: SKIPPED, the page in a browser: chromium is not here (apt-get install chromium, as root)" >&2
