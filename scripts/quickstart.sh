#!/usr/bin/env bash
# Install everything, train plain cross entropy and one long-tail recipe on real
# long-tailed data on the CPU, evaluate both, and print what the tail gained.
# Options: those of scripts/quickstart.py, e.g. --data fashion-mnist.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh
make_environment
exec "$PPCLS_LT_VENV/bin/python" scripts/quickstart.py "$@"
