#!/bin/sh
# html.sh VERSION FOLDER: the pages of man/ as HTML in FOLDER, with an index. Run by `make html`; needs mandoc. A page
# of ours is linked where another names it; names of foreign pages stay text.
set -eu
version=$1 out=$2
pages=$(cd "$(dirname "$0")/../../man" && pwd)
command -v mandoc > /dev/null || { echo "make html: mandoc is missing; on Debian: apt-get install mandoc" >&2; exit 69; }
rm -rf "$out"
mkdir -p "$out"
cd "$out"

style='<style>
body { max-width: 46em; margin: 2em auto; padding: 0 1em; font-family: sans-serif; line-height: 1.45; }
table { border-collapse: collapse; }
td, th { padding: 0.15em 1em 0.15em 0; text-align: left; vertical-align: top; }
table.head, table.foot { width: 100%; color: #666; }
td.head-vol { text-align: center; }
td.head-rtitle, td.foot-os { text-align: right; }
h1 { font-size: 1.3em; margin: 1.5em 0 0.4em; }
h2 { font-size: 1.1em; margin: 1.2em 0 0.3em; }
a { color: #05a; text-decoration: none; }
a.permalink { color: inherit; }
a:hover { text-decoration: underline; }
pre, code, .Nm, .Fl, .Cm, .Li { font-family: monospace; }
pre { background: #f4f4f4; padding: 0.6em 1em; overflow-x: auto; }
dd { margin: 0 0 0.5em 2em; }
.Bl-compact > dd { margin-bottom: 0; }
</style>'

cp "$pages"/* . # mandoc takes for ours those that stand here
for page in "$pages"/*; do
    mandoc -Thtml -O 'man=%N.%S.html;foreign:%N.%S' "$page" > html
    awk -v style="$style" '
    /<\/head>/ { sub(/<\/head>/, ""); print; print style "\n</head>"; next }
    /<body>/ { sub(/<body>/, ""); print "<body>\n<p><a href=\"index.html\">t5g</a></p>"; if ($0 != "") print; next }
    { while (match($0, /<a class="Xr" href="foreign:[^>]*>[^<]*<\/a>/)) {
          link = substr($0, RSTART, RLENGTH)
          rest = substr($0, RSTART + RLENGTH)
          gsub(/<[^>]*>/, "", link)
          $0 = substr($0, 1, RSTART - 1) link rest
      }
      print }' html > "${page##*/}.html"
done
for page in "$pages"/*; do rm "${page##*/}"; done
rm html

# rows SECTION: of each page its name, and what it is about as its NAME says.
rows() {
    for page in "$pages"/*."$1"; do
        page=${page##*/}
        name=${page%.*} section=${page##*.}
        about=$(sed -n 's/^\.Nd //p' "$pages/$page" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g')
        printf '<tr><td><a href="%s.html">%s(%s)</a></td><td>%s</td></tr>\n' "$page" "$name" "$section" "$about"
    done
}
{
    printf '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n<title>t5g %s</title>\n%s\n</head>\n' \
        "$version" "$style"
    printf '<body>\n<h1>t5g %s</h1>\n' "$version"
    for section in 7:Introduction 1:Programs '5:Files and formats'; do
        printf '<h2>%s</h2>\n<table>\n' "${section#*:}"
        rows "${section%%:*}"
        printf '</table>\n'
    done
    printf '</body>\n</html>\n'
} > index.html
echo "$out/index.html"
