# Shared by the scripts here: find or install uv, find a Python that really runs, and make the
# environment from the locks. POSIX sh; source it from the repository's root.
# Sets UV and PYTHON. Reads PYTHON (to choose one) and VENV (default .venv).
VENV=${VENV:-.venv}
case $VENV in /*) ;; *) VENV=$PWD/$VENV ;; esac

# uv must never fetch a Python: a closed network could not, and the choice below is on purpose.
export UV_PYTHON_DOWNLOADS=never
# Packages stay usable when the cache is on another file system, without a warning per install.
export UV_LINK_MODE="${UV_LINK_MODE:-copy}"
# uv reads neither pip's certificate bundle nor its registries: hand both on, where they are set.
if [ -z "${SSL_CERT_FILE:-}" ] && [ -n "${PIP_CERT:-}" ]; then export SSL_CERT_FILE="$PIP_CERT"; fi
# Nor does npm read either: a Node.js trusts its own list, and what this names.
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -n "${SSL_CERT_FILE:-}" ]; then
    export NODE_EXTRA_CA_CERTS="$SSL_CERT_FILE"
fi
if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ] && [ -n "${PIP_INDEX_URL:-}" ]; then
    export UV_DEFAULT_INDEX="$PIP_INDEX_URL"
fi
if [ -z "${UV_INDEX:-}${UV_EXTRA_INDEX_URL:-}" ] && [ -n "${PIP_EXTRA_INDEX_URL:-}" ]; then
    export UV_INDEX="$PIP_EXTRA_INDEX_URL"
fi
TOOLS=.tools

# python_fits COMMAND: does it run, as 3.11 to 3.14, with the modules a virtual environment needs?
# A pyenv shim is on PATH for every version ever installed and fails when run, so only running tells.
python_fits() {
    "$1" -c 'import ssl, sys, sqlite3, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
        >/dev/null 2>&1
}

# Candidates for one version, in order: names on PATH, then where pyenv, uv and vendors put them.
python_candidates() {
    version=$1
    old_ifs=$IFS
    IFS=:
    for folder in $PATH; do
        [ -x "$folder/python$version" ] && echo "$folder/python$version"
    done
    IFS=$old_ifs
    pyenv=${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}
    for candidate in \
        "$pyenv"/versions/"$version"*/bin/python"$version" \
        "${HOME:-/nonexistent}"/.local/share/uv/python/cpython-"$version"*/bin/python"$version" \
        /usr/bin/python"$version" /usr/local/bin/python"$version" \
        /opt/*/bin/python"$version" /opt/homebrew/bin/python"$version"; do
        [ -x "$candidate" ] && echo "$candidate"
    done
    return 0
}

# find_python: PYTHON=the newest Python up to 3.13 (the images' one) that runs; 3.14 last.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        python_fits "$PYTHON" && return 0
        echo "error: PYTHON=$PYTHON does not run as Python 3.11 to 3.14." >&2
        echo "  -> give the path of one that does, or leave PYTHON unset to have it looked for." >&2
        exit 1
    fi
    tried=
    for version in ${PYTHON_VERSIONS:-3.13 3.12 3.11 3.14 3}; do
        for candidate in $(python_candidates "$version"); do
            if python_fits "$candidate"; then
                # The interpreter itself, not a shim or a link in somebody's virtual environment.
                PYTHON=$("$candidate" -c 'import sys; print(sys._base_executable or sys.executable)')
                return 0
            fi
            tried="$tried $candidate"
        done
    done
    echo "error: no Python ${PYTHON_VERSIONS:-3.11 to 3.14} that runs was found." >&2
    echo "  tried:${tried:- nothing of that name on PATH, in pyenv, /usr/bin, /usr/local/bin or /opt}" >&2
    echo "  -> install one (Debian: apt-get install python3 python3-venv) or set PYTHON=/path/to/python3." >&2
    exit 1
}

# uv_fits COMMAND: does it run, and is it new enough (0.6) for the options used here?
uv_fits() {
    "$1" --version 2>/dev/null |
        awk '{ split($2, part, "."); fits = part[1] > 0 || part[2] >= 6 } END { exit !fits }'
}

# find_uv: UV=the uv on PATH, or one that pip installs into a private environment.
find_uv() {
    UV=uv
    uv_fits "$UV" && return 0
    UV=$PWD/$TOOLS/uv/bin/uv
    uv_fits "$UV" && return 0
    find_python
    echo "setup: installing uv with pip into $TOOLS/uv"
    rm -rf "$TOOLS/uv"
    mkdir -p "$TOOLS"
    install_uv >"$TOOLS/uv.log" 2>&1 || {
        cat "$TOOLS/uv.log" >&2
        echo "error: uv could not be installed with pip." >&2
        echo "  -> install uv yourself and put it on PATH, or make pip reach a package registry." >&2
        exit 1
    }
}

# Debian's Python has no ensurepip unless python3-venv is installed: then any pip will do.
install_uv() {
    if "$PYTHON" -m venv "$TOOLS/uv"; then
        "$TOOLS/uv/bin/python" -m pip install --disable-pip-version-check uv
    else
        rm -rf "$TOOLS/uv"
        "$PYTHON" -m pip install --disable-pip-version-check --target "$TOOLS/uv" uv
    fi
}

# checksum FILE...: one line that changes with any of the files.
checksum() { cat "$@" | cksum | tr ' ' '-'; }

# ensure_environment SET: VENV holds requirements/SET.txt and this package, editable.
# A stamp per set says what was installed, so a second run does nothing; nothing is ever
# uninstalled, so `make up` and `make test` share one environment.
ensure_environment() {
    set_name=$1
    stamp=$VENV/.installed-$set_name
    wanted=$(checksum "requirements/$set_name.txt" pyproject.toml)
    if [ -x "$VENV/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return 0; fi
    find_uv
    if ! { [ -x "$VENV/bin/python" ] && python_fits "$VENV/bin/python"; }; then
        find_python
        echo "setup: $VENV with $("$PYTHON" --version) ($PYTHON)"
        "$UV" venv --quiet --clear --python "$PYTHON" "$VENV"
    fi
    echo "setup: requirements/$set_name.txt into $VENV"
    "$UV" pip install --quiet --python "$VENV/bin/python" --compile-bytecode --require-hashes \
        --only-binary :all: --requirements "requirements/$set_name.txt"
    if [ "$set_name" != node ]; then
        # The build backend is in the lock, so that the build takes nothing unpinned.
        "$UV" pip install --quiet --python "$VENV/bin/python" --no-deps --no-build-isolation --editable .
    fi
    echo "$wanted" >"$stamp"
}
