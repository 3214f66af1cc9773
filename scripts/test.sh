#!/usr/bin/env bash
# Install the test extras, check the style and run the tests; arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh
make_environment test
"$PPCLS_LT_VENV/bin/python" -m ruff check .
"$PPCLS_LT_VENV/bin/python" -m ruff format --check .
exec "$PPCLS_LT_VENV/bin/python" -m pytest "$@"
