#!/usr/bin/env bash
# Build the documentation as a static site and check every link in it.
#   bash scripts/site.sh            into build/site
#   bash scripts/site.sh FOLDER     into another folder, which it replaces
# PPCLS_LT_SITE_VENV names the environment, .venv-site by default; what it lacks is installed.
set -euo pipefail
mkdir -p "${1:-$(dirname "${BASH_SOURCE[0]}")/../build/site}"
out="$(cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../build/site}" && pwd)"
if [ -n "$(ls -A "$out")" ] && [ ! -f "$out/search/search_index.json" ]; then
    echo "$out holds something else than a site, which would be deleted; name a folder that is empty or not there" >&2
    exit 2
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PPCLS_LT_VENV="${PPCLS_LT_SITE_VENV:-.venv-site}"
source scripts/environment.sh
python="$PPCLS_LT_VENV/bin/python"
[ -x "$python" ] || "$PYTHON" -m venv "$PPCLS_LT_VENV"
"$python" -c "import jieba, latex2mathml, material, mkdocstrings_handlers.python, ziamath" 2>/dev/null ||
    step "what the site needs" -e ".[site]"
NO_MKDOCS_2_WARNING=1 "$python" -m mkdocs build -q -f scripts/website/mkdocs.yml -d "$out"
"$python" scripts/website/check.py "$out"
