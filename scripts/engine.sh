# Shared by the scripts that build images: one set of verbs for buildah, podman and docker.
# POSIX sh; source it from the repository's root. ENGINE chooses; else the first that works.

engine_works() {
    case $1 in
    docker) docker info >/dev/null 2>&1 ;; # the client is often there without its daemon
    *) "$1" info >/dev/null 2>&1 ;;
    esac
}

# engine_found: ENGINE=buildah, podman or docker; no words where none works.
engine_found() {
    for candidate in ${ENGINE:-buildah podman docker}; do
        if command -v "$candidate" >/dev/null && engine_works "$candidate"; then
            ENGINE=$candidate
            return 0
        fi
    done
    return 1
}

# need PART...: stop unless this machine has what the parts take (engine, base, wheel), and say all that
# it lacks at once, with one line to copy. The part wheel takes scripts/lib.sh as well.
need() {
    lacking='' packages=''
    for part in "$@"; do "need_$part"; done
    if [ -z "$lacking" ]; then return 0; fi
    {
        printf 'error: images cannot be built here yet:%s\n' "$lacking"
        if [ -n "$packages" ]; then echo "  -> $(as_root)apt-get install$packages"; fi
    } >&2
    exit 1
}

# lack WHY [PACKAGE...]: note what is missing, and Debian's packages that bring it.
lack() {
    lacking="$lacking
  $1"
    shift
    for package in "$@"; do packages="$packages $package"; done
}

as_root() { if [ "$(id -u)" != 0 ]; then printf 'sudo '; fi; }

# An engine that is installed and does not work is told in its own words: no package mends that.
need_engine() {
    if engine_found; then return 0; fi
    broken=
    for candidate in ${ENGINE:-buildah podman docker}; do
        if ! command -v "$candidate" >/dev/null; then continue; fi
        broken="$broken; $candidate is here and says: $("$candidate" info 2>&1 | tail -n 1)"
    done
    lack "no program that builds images works (tried: ${ENGINE:-buildah podman docker})$broken"
    if command -v "${ENGINE:-buildah}" >/dev/null; then return 0; fi
    case ${ENGINE:-buildah} in
    docker) packages="$packages docker.io" ;;
    *) packages="$packages ${ENGINE:-buildah}" ;;
    esac
}

need_base() {
    if command -v mmdebstrap >/dev/null; then return 0; fi
    lack "no mmdebstrap, which makes the base image where no registry gives one (BASE names another)" mmdebstrap
}

need_wheel() {
    if ! (find_python) >/dev/null 2>&1; then
        lack "no Python ${PYTHON_VERSIONS:-3.11 to 3.14} that runs" python3 python3-venv
    elif ! uv_fits uv && ! uv_fits "$PWD/$TOOLS/uv/bin/uv" && ! (find_python && pip_fits "$PYTHON"); then
        lack "neither uv nor a pip that could install it" python3-venv
    fi
    if [ -z "$(authorities)" ]; then lack "no list of certificate authorities" ca-certificates; fi
}

pip_fits() { "$1" -c 'import ensurepip' 2>/dev/null || "$1" -m pip --version >/dev/null 2>&1; }

# authorities: the file of this machine's certificate authorities; nothing where there is none.
authorities() {
    for file in "${PIP_CERT:-}" "${SSL_CERT_FILE:-}" "${REQUESTS_CA_BUNDLE:-}" /etc/ssl/certs/ca-certificates.crt; do
        if [ -f "$file" ]; then
            echo "$file"
            return 0
        fi
    done
}

# image_label NAME LABEL: nothing where there is no such image or label.
image_label() {
    case $ENGINE in
    buildah) field="{{index .OCIv1.Config.Labels \"$2\"}}" ;;
    *) field="{{index .Config.Labels \"$2\"}}" ;;
    esac
    "$ENGINE" inspect --type image --format "$field" "$1" 2>/dev/null || true
}

image_exists() { "$ENGINE" inspect --type image "$1" >/dev/null 2>&1; }

# build_image FOLDER NAME ARGUMENT...: build FOLDER/Containerfile; layers are kept for the next time.
# The network is the machine's own, because a mirror may listen there alone. Buildah works in a
# chroot, which needs no container to be had (BUILDAH_ISOLATION=oci asks for one).
build_image() {
    folder=$1
    name=$2
    shift 2
    case $ENGINE in
    buildah) set -- bud --isolation "${BUILDAH_ISOLATION:-chroot}" --layers "$@" ;;
    podman) set -- build --layers "$@" ;;
    docker) set -- build "$@" ;;
    esac
    "$ENGINE" "$@" --network=host --file "$folder/Containerfile" --tag "$name" "$folder"
}
