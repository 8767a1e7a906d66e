# Shared by the scripts that build images: one set of verbs for buildah, podman and docker.
# POSIX sh; source it from the repository's root. ENGINE chooses; else the first that works.

engine_works() {
    case $1 in
    docker) docker info >/dev/null 2>&1 ;; # the client is often there without its daemon
    *) "$1" info >/dev/null 2>&1 ;;
    esac
}

# find_engine: ENGINE=buildah, podman or docker.
find_engine() {
    tried=${ENGINE:-buildah podman docker}
    for candidate in $tried; do
        if command -v "$candidate" >/dev/null && engine_works "$candidate"; then
            ENGINE=$candidate
            return 0
        fi
    done
    echo "error: no program that builds images works here (tried: $tried)." >&2
    echo "  -> apt-get install buildah, or start docker's daemon; ENGINE=podman chooses one." >&2
    exit 1
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
