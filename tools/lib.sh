# Shared by ./quickstart and ./test: installing, building, saying what went wrong. Sourced, not run.

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
die() {
    printf '\nerror: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

require_root() {
    [ "$(id -u)" = 0 ] || die "this must run as root (it installs packages and starts a Docker engine)" "run: sudo $0"
}

# The packages named in the given files of packaging/, installed if any is missing.
install_packages() {
    local wanted missing=()
    wanted=$(sed 's/#.*//' "$@" | tr -s ' \n' '\n' | sed '/^$/d')
    for package in $wanted; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    say "installing ${#missing[@]} Debian packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    local log
    log=$(mktemp)
    # A third party's source that does not answer must not keep Debian's packages from being installed.
    apt-get update >"$log" 2>&1 || true
    if ! apt-get install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
        tail -n 15 "$log" >&2
        die "the packages could not be installed" "the lines above are apt's own words; mend that and run this again"
    fi
    rm -f "$log"
}

# Node from Debian, unless there is one that is new enough.
install_node() {
    if command -v node >/dev/null && command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)'; then
        return
    fi
    install_packages packaging/debian-node.txt
}

# build PRESET [targets…]: configures once, then builds with Ninja's own progress line.
build() {
    local preset=$1 log
    shift
    [ "$(df --output=avail -m . | tail -1)" -gt 3000 ] || die "less than 3 GB of disk is free here" "free some and run this again"
    if [ ! -f "build/$preset/build.ninja" ]; then
        say "configuring build/$preset"
        log=$(mktemp)
        cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; die "CMake could not configure the build"; }
        rm -f "$log"
    fi
    say "building (preset $preset; the first time takes some minutes)"
    ninja -C "build/$preset" "$@" || die "the build failed" "the compiler's words are above"
}
