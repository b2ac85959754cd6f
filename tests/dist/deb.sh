#!/bin/sh
# deb.sh VERSION BUILD FOLDER: a Debian package of what `make install` puts in place, made of build/BUILD, as
# FOLDER/t5g_VERSION_ARCH.deb. Run by `make deb`; needs dpkg-dev, not root. The same build gives the same bytes.
# DEBFULLNAME and DEBEMAIL name the maintainer; SOURCE_DATE_EPOCH is the time (default: that of the last commit).
set -eu
version=$1 build=$2 out=$3
cd "$(dirname "$0")/../.."
for tool in dpkg-shlibdeps dpkg-deb "${STRIP:-strip}"; do
    command -v "$tool" > /dev/null ||
        { echo "make deb: $tool is missing; on Debian: apt-get install dpkg-dev binutils" >&2; exit 69; }
done
umask 022
maintainer="${DEBFULLNAME:-t5g authors} <${DEBEMAIL:-t5g@example.org}>"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || stat -c %Y common/base/base.h)}
export SOURCE_DATE_EPOCH
arch=$(dpkg --print-architecture)
mkdir -p "$out"
work=$(cd "$out" && pwd)/deb
root=$work/debian/t5g doc=$work/debian/t5g/usr/share/doc/t5g
rm -rf "$work"
mkdir -p "$root/DEBIAN" "$doc" "$work/debian/loaded/DEBIAN"

${MAKE:-make} -s V="$build" DESTDIR="$root" PREFIX=/usr install > /dev/null
rm "$root/usr/share/t5g/installed"
mv "$root/usr/share/zsh/site-functions" "$root/usr/share/zsh/vendor-completions" # Debian's place for packages
find "$root/usr/bin" -type f ! -name t5g ! -name t5g-ask -exec "${STRIP:-strip}" --strip-unneeded -R .comment -R .note {} +
find "$root/usr/share/man" -type f -exec gzip -9n {} +
find "$root/usr/share/man" -type l | while read -r f; do
    ln -s "$(readlink "$f").gz" "$f.gz"
    rm "$f"
done

cat > "$doc/copyright" << END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: t5g

Files: *
Copyright: $(sed -n 's/^Copyright (c) //p' LICENSE)
License: Expat
$(sed '1,/^Copyright/d; 1,/./{/^$/d}' LICENSE | sed 's/^$/./; s/^/ /' | sed '1{/^ \.$/d}')
END
gzip -9n > "$doc/changelog.gz" << END
t5g ($version) unstable; urgency=medium

  * Built from the source tree$(git log -1 --format=', commit %h' 2> /dev/null).

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
END

# What the programs are linked with, and what they load when they meet a packed file (common/archive/library.h), for
# which a library linked with those stands: they start and run without, so that these are recommended only.
printf 'Source: t5g\n\nPackage: t5g\nArchitecture: any\n' > "$work/debian/control"
echo 'int t5g;' | ${CC:-cc} -shared -nostdlib -x c -o "$work/debian/loaded/loaded.so" - -Wl,--no-as-needed -larchive -lz
find "$root/usr/bin" -type f ! -name t5g ! -name t5g-ask > "$work/programs"
(cd "$work" && xargs dpkg-shlibdeps --warnings=0 -O -dDepends < programs &&
    dpkg-shlibdeps --warnings=0 -O -dRecommends debian/loaded/loaded.so) > "$work/substvars"
cat > "$root/DEBIAN/control" << END
Package: t5g
Version: $version
Architecture: $arch
Maintainer: $maintainer
Installed-Size: $(du -k -s --apparent-size "$root/usr" | cut -f 1)
Depends: $(sed -n 's/^shlibs:Depends=//p' "$work/substvars")
Recommends: $(sed -n 's/^shlibs:Recommends=//p' "$work/substvars")
Suggests: make, parallel, slurm-client
Section: science
Priority: optional
Description: run the encoder-decoder T5Gemma 2 from a shell
 Small programs that do one step each and hand documents to the next one
 through a pipe: text to token ids, pictures to features, ids to encoder
 outputs, encoder outputs and prompts to answers. An encoder output is a file:
 a document is encoded once, kept, and asked many times.
 .
 A small model that knows descriptions of packages comes with the programs.
END
(cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) > "$root/DEBIAN/md5sums"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group --build "$root" "$out/t5g_${version}_$arch.deb" > "$work/log" || { cat "$work/log" >&2; exit 1; }
rm -r "$work"
echo "$out/t5g_${version}_$arch.deb"
