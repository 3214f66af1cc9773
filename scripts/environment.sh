# Sourced by the other scripts: makes or reuses a virtual environment that can train.
# PYTHON chooses the interpreter, PPCLS_LT_VENV the environment's folder,
# PADDLE and PADDLECLAS other versions of the two.
PYTHON="${PYTHON:-python3}"
PPCLS_LT_VENV="${PPCLS_LT_VENV:-.venv}"
PADDLE="${PADDLE:-paddlepaddle==3.3.1}"
PADDLECLAS="${PADDLECLAS:-paddleclas==2.4.2}"

# Run pip install with the arguments behind the first, which names the step; show that it lives, and how long it took.
step() {
    local name="$1" started=$SECONDS ticker status=0
    shift
    printf '%s ' "$name"
    (while sleep 5; do printf '.'; done) &
    ticker=$!
    "$PPCLS_LT_VENV/bin/python" -m pip install -q --disable-pip-version-check --no-compile "$@" || status=$?
    kill "$ticker" 2>/dev/null
    wait "$ticker" 2>/dev/null || true
    printf ' %s after %s s\n' "$([ "$status" = 0 ] && echo done || echo failed)" "$((SECONDS - started))"
    return "$status"
}

make_environment() {  # arguments: an extra of this package or "", then further packages
    local extra="${1:-}" base wanted stamp="$PPCLS_LT_VENV/ppcls-lt-installed"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || {
        echo "ppcls-lt needs Python 3.9 or newer; set PYTHON to one" >&2
        return 1
    }
    [ -x "$PPCLS_LT_VENV/bin/python" ] || "$PYTHON" -m venv "$PPCLS_LT_VENV" || {
        echo "could not make a virtual environment (on Debian and Ubuntu: apt-get install python3-venv)" >&2
        return 1
    }
    base="$PADDLE $PADDLECLAS $(cat setup.py pyproject.toml scripts/requirements-host.txt | cksum)"
    wanted="with: $*"
    if [ -f "$stamp" ] && [ "$(head -n 1 "$stamp")" = "$base" ] && grep -qxF "$wanted" "$stamp"; then
        return 0
    fi
    echo "installing into $PPCLS_LT_VENV: $PADDLE, $PADDLECLAS and what they need; a dot every 5 seconds"
    step "1 of 2: $PADDLE, this package and what they need (some 500 MB)" \
        "$PADDLE" -r scripts/requirements-host.txt -e ".${extra:+[$extra]}" "${@:2}" || return 1
    # Its own requirements pin an OpenCV that newer Pythons cannot build.
    step "2 of 2: $PADDLECLAS" --no-deps "$PADDLECLAS" || return 1
    # What a training imports is compiled, not all of Paddle, for which pip needs three times as long. If it cannot be
    # imported, whatever uses it says so.
    env -u PYTHONDONTWRITEBYTECODE "$PPCLS_LT_VENV/bin/python" -c \
        "import ppcls_lt; ppcls_lt.register(); from ppcls_lt import host; host.load()" >/dev/null 2>&1 || true
    [ -f "$stamp" ] && [ "$(head -n 1 "$stamp")" = "$base" ] || echo "$base" > "$stamp"
    echo "$wanted" >> "$stamp"
}

# Run pytest with the arguments, in as many processes as there are cores, with one thread each: threads of two that share
# the cores wait for one another. A test module stays in one process.
run_tests() {
    export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
    # Hundreds of short command lines: compiled once, whatever the machine's setting.
    unset PYTHONDONTWRITEBYTECODE
    "$PPCLS_LT_VENV/bin/python" -m pytest -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder "$@"
}
