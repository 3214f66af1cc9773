#!/usr/bin/env bash
# Install the test extras, check the style and run the tests, one process a core; arguments go to pytest.
#   bash scripts/test.sh                                   everything
#   bash scripts/test.sh -m "not slow"                     after a quick edit
#   bash scripts/test.sh -n 0 tests/test_losses.py -k IB   one file, in one process
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh
make_environment test
"$PPCLS_LT_VENV/bin/python" -m ruff check .
"$PPCLS_LT_VENV/bin/python" -m ruff format --check .
if "$PPCLS_LT_VENV/bin/python" -c "import mypy" 2>/dev/null; then
    "$PPCLS_LT_VENV/bin/python" -m mypy
else
    echo "types are not checked: mypy needs Python 3.10"
fi
run_tests "$@"
