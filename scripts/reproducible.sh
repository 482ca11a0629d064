#!/usr/bin/env bash
# Builds the image twice from the sources as they are here, in folders of different names, with different caches of cargo,
# time zones and masks of files, and compares the two digests. `make reproducible` runs this: it is two builds from nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

places=$(mktemp -d)
trap 'rm -rf "$places"' EXIT
first=$places/a
second=$places/another-place/of-a-longer-name
caches=${CARGO_HOME:-$HOME/.cargo}

# copy DESTINATION: what is or could be committed, and nothing that was built.
copy() {
    mkdir -p "$1"
    git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
        [[ ! -e $file ]] || printf '%s\0' "$file"
    done | tar --null --create --files-from=- | tar --extract --directory="$1"
}

# build PLACE VARIABLE=VALUE...: what is printed last is the reference of the image and its digest.
build() {
    local place=$1
    shift
    env -u CARGO_TARGET_DIR -u RUSTFLAGS -u MAKEFLAGS -u MAKELEVEL "$@" \
        make --directory="$place" --no-print-directory image 2>"$place.log" | tail -n 1
}

# told WHAT PLACE: builds, or tells why that failed.
told() {
    local what=$1 place=$2 start=$SECONDS line
    shift 2
    if ! line=$(build "$place" "$@"); then
        tail -n 30 "$place.log" >&2
        exit 1
    fi
    printf '%s: %s (%s s)\n' "$what" "$line" $((SECONDS - start)) >&2
    printf '%s\n' "${line##* }"
}

# Says which part of two images differs.
explain() {
    local one=$1 other=$2 binary
    binary=target/$(rustc -vV | sed -n 's/^host: //p')/release/sidecarset
    if cmp --silent "$one/$binary" "$other/$binary"; then
        echo "The binaries are the same, so it is the image around them that differs:"
        diff <(tar --list --verbose --file="$one/target/image/sidecarset.tar") \
            <(tar --list --verbose --file="$other/target/image/sidecarset.tar") || true
        return
    fi
    echo "The binaries differ, in $(cmp --verbose "$one/$binary" "$other/$binary" 2>/dev/null | wc -l) bytes. Text that only one has:"
    diff <(strings -n 8 "$one/$binary" | sort -u) <(strings -n 8 "$other/$binary" | sort -u) | head -n 20 || true
    echo "Folders of this machine that the first one names:"
    strings -n 8 "$one/$binary" | grep -F -e "$one" -e "$caches/" | head -n 5 || echo "none"
}

rustc --version
cc --version | head -n 1
copy "$first"
copy "$second"
# The second build gets crates from a cache in another folder, where it unpacks them anew.
mkdir -p "$places/cargo/registry" "$places/cargo/bin"
for part in index cache; do
    [[ ! -d $caches/registry/$part ]] || cp -r "$caches/registry/$part" "$places/cargo/registry/"
done
for settings in config config.toml; do
    [[ ! -f $caches/$settings ]] || cp "$caches/$settings" "$places/cargo/"
done

one=$(umask 022 && told "here" "$first" TZ=UTC LC_ALL=C)
other=$(umask 077 && told "there" "$second" TZ=Asia/Kathmandu LC_ALL=C.UTF-8 CARGO_HOME="$places/cargo")
if [[ $one != "$other" ]]; then
    explain "$first" "$second"
    echo "The image is not reproducible: the digests differ." >&2
    exit 1
fi
echo "The image is reproducible: both have the digest $one."
