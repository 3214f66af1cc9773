#!/usr/bin/env bash
# The tests again with Paddle 2.6.2, in an environment of its own; arguments go to pytest.
# Those to which the version of Paddle is all the same are left out: tests/conftest.py names their modules (-m "" runs
# them too). With PADDLE26=paddlepaddle-gpu==2.6.2 it is the GPU build, which computes on the CPU where there is no GPU.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PPCLS_LT_VENV="${PPCLS_LT_VENV26:-.venv-paddle26}" PADDLE="${PADDLE26:-paddlepaddle==2.6.2}"
source scripts/environment.sh
make_environment test "numpy<2"
run_tests -m "not without_paddle and not one_paddle" "$@"
