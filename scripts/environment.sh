# Sourced by the other scripts: makes or reuses a virtual environment that can train.
# PYTHON chooses the interpreter, PPCLS_LT_VENV the environment's folder,
# PADDLE and PADDLECLAS other versions of the two.
PYTHON="${PYTHON:-python3}"
PPCLS_LT_VENV="${PPCLS_LT_VENV:-.venv}"
PADDLE="${PADDLE:-paddlepaddle==3.3.1}"
PADDLECLAS="${PADDLECLAS:-paddleclas==2.4.2}"

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
    base="$PADDLE $PADDLECLAS $(cat setup.py scripts/requirements-host.txt | cksum)"
    wanted="with: $*"
    if [ -f "$stamp" ] && [ "$(head -n 1 "$stamp")" = "$base" ] && grep -qxF "$wanted" "$stamp"; then
        return 0
    fi
    echo "installing into $PPCLS_LT_VENV: $PADDLE, $PADDLECLAS and what they need"
    "$PPCLS_LT_VENV/bin/python" -m pip install -q --disable-pip-version-check \
        "$PADDLE" -r scripts/requirements-host.txt -e ".${extra:+[$extra]}" "${@:2}"
    # Its own requirements pin an OpenCV that newer Pythons cannot build.
    "$PPCLS_LT_VENV/bin/python" -m pip install -q --disable-pip-version-check --no-deps "$PADDLECLAS"
    [ -f "$stamp" ] && [ "$(head -n 1 "$stamp")" = "$base" ] || echo "$base" > "$stamp"
    echo "$wanted" >> "$stamp"
}
