#!/bin/sh
# tarball.sh VERSION OUTPUT: the source as OUTPUT, everything in it under t5g-VERSION/. Run by `make dist`. In a clone it
# is what HEAD has; in a tree without git, such as an unpacked tarball, what stands there. The same source gives
# the same bytes.
set -eu
version=$1 out=$2
cd "$(dirname "$0")/../.."
mkdir -p "$(dirname "$out")"
tmp=$(mktemp "$out.XXXXXX")
trap 'rm -f "$tmp"' EXIT
if [ -e .git ] && git rev-parse -q --verify HEAD > /dev/null 2>&1; then
    [ -z "$(git status --porcelain 2> /dev/null)" ] || echo "make dist: what is not committed is left out" >&2
    git archive --format=tar --prefix="t5g-$version/" HEAD > "$tmp"
else
    # The time of the newest file stands for all.
    set -- .ci .clang-format .gitignore LICENSE Makefile README.md cmd common man pipelines tests
    time=${SOURCE_DATE_EPOCH:-$(find "$@" -type f -printf '%T@\n' | sort -n | tail -n 1)}
    tar --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mode=u+rw,go=rX --mtime="@${time%.*}" \
        --exclude=__pycache__ --transform="s,^,t5g-$version/,S" -cf "$tmp" "$@"
fi
gzip -9n < "$tmp" > "$tmp.gz"
chmod 644 "$tmp.gz"
mv "$tmp.gz" "$out"
echo "$out"
