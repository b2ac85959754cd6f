#!/usr/bin/env bats
# t5g-frame heatmap: drawings of attention.
load common

# make_answers OPTION...: a.t5g, an answer with attention.
make_answers() {
    printf 'The quick <b>brown</b> fox & "friends"\n\tjump\001 over ]]> \342\200\256it' > doc.txt
    t5g-tokenize doc.txt | t5g-encode -o enc.t5g
    t5g-decode -n 6 --min-new-tokens 6 --attention layers "$@" enc.t5g -o a.t5g
}

# picture FILE: p.t5g, the same for a document with a picture.
picture() {
    t5g-tokenize -i "$1" -e '<start_of_image> what is it' | t5g-vision | t5g-encode |
        t5g-decode -n 4 --min-new-tokens 4 --attention mean -o p.t5g
}

# well_formed FILE: XML of SVG elements that refer to nothing outside and do nothing.
well_formed() {
    python3 - "$1" <<'END'
import sys, xml.etree.ElementTree as xml
root = xml.parse(sys.argv[1]).getroot()
assert root.tag == "{http://www.w3.org/2000/svg}svg"
for x in root.iter():
    assert x.tag.split("}")[1] in {"svg", "g", "rect", "text", "title", "image"}, x.tag
    for k, v in x.attrib.items():
        assert not k.startswith("on") and "url(" not in v, (k, v)
        assert "href" not in k or v.startswith("data:image/"), (k, v[:40])
END
}

# cells FILE: of the table, "column line weight" of every cell as the drawing says.
cells() {
    python3 - "$1" <<'END'
import sys, xml.etree.ElementTree as xml
s = "{http://www.w3.org/2000/svg}"
table = next(g for g in xml.parse(sys.argv[1]).getroot() if g.get("class") == "table")
texts = [t for t in table.findall(s + "text")]
lines = [t for t in texts if t.get("text-anchor") == "end"]
rects = [r for r in table.findall(s + "rect") if r.find(s + "title") is not None]
x0, y0 = 236, min(float(t.get("y")) for t in lines) - 13
for r in rects:
    print(round((float(r.get("x")) - x0) / 18), round((float(r.get("y")) - y0) / 18), r.find(s + "title").text.split()[-1])
END
}

@test "a table: every weight is where it belongs, to four digits" {
    make_answers
    t5g-frame heatmap -o mean.svg a.t5g
    t5g-frame heatmap --layer 2 -o two.svg a.t5g
    t5g-frame export --jsonl a.t5g > a.jsonl
    for name in mean two; do
        well_formed $name.svg
        cells $name.svg > cells
        python3 - $name <<'END'
import json, sys
frame = next(f for f in json.load(open("a.jsonl"))["frames"] if f["name"] == "decode.attention")
n, layers, rows = frame["shape"]
w = lambda t, l, r: frame["data"][(t * layers + l) * rows + r]
seen = {tuple(map(int, line.split()[:2])): float(line.split()[2]) for line in open("cells")}
most = 0
for t in range(n):
    for r in range(rows):
        want = w(t, 1, r) if sys.argv[1] == "two" else sum(w(t, l, r) for l in range(layers)) / layers
        assert abs(seen.get((t, r), 0) - want) < 1e-3, (t, r, want)
        most = max(most, want)
assert abs(max(seen.values()) - most) < 1e-4 and len(seen) > n * rows / 2
END
    done
    status_is 1 cmp -s mean.svg two.svg
}

@test "texts of tokens: no mark-up, no control characters, white space is visible" {
    make_answers
    t5g-frame heatmap -o a.svg a.t5g
    well_formed a.svg
    for sign in '&lt;b&gt;' '&amp;' '&quot;' '↵' '⇥' '\\x01' '\\xe2\\x80\\xae' '␣'; do
        grep -q -- "$sign" a.svg || { echo "no $sign"; false; }
    done
    status_is 1 env LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" a.svg
    # Ids and prompts are as foreign as texts.
    printf '{"id":"<script>alert(1)</script>\\u0007","text":"a"}\n' | t5g-tokenize --jsonl | t5g-encode |
        t5g-decode -n 2 -p '"><image href="http://x"/>' --attention mean | t5g-frame heatmap -o b.svg
    well_formed b.svg
    grep -q '&lt;script&gt;alert(1)&lt;/script&gt;\\x07' b.svg
}

@test "which document, answer, layer, head and token" {
    make_answers -p kind: -p a
    t5g-tokenize -e two | t5g-encode | t5g-decode -n 3 --attention heads > b.t5g
    cat a.t5g b.t5g > all.t5g
    t5g-frame heatmap all.t5g | grep -q 'doc.txt, prompt: kind:'
    t5g-frame heatmap --answer 2 all.t5g | grep -q 'doc.txt, prompt: a<'
    t5g-frame heatmap --document e1 --layer 3 --head 4 --token 2 all.t5g > c.svg
    grep -q '>e1<' c.svg
    grep -q 'layer 3, head 4, token 2 of' c.svg
    [ "$(cells c.svg | cut -d' ' -f1 | sort -u)" = 0 ]
    check() {
        status_is 65 t5g-frame heatmap -o out "${@:2}" all.t5g
        err_has "$1"
        [ ! -e out ]
    }
    check 'no decode.attention of that document and answer' --document e2
    check 'no decode.attention of that document and answer' --answer 3 --document doc.txt
    check 'doc.txt: decode.attention: no layer 7, there are 6' --layer 7
    check 'doc.txt: decode.attention: means over all heads (t5g-decode --attention heads' --head 1
    check 'doc.txt: decode.attention: no token 7, there are 6' --token 7
    t5g-decode -n 2 enc.t5g -o all.t5g
    check 'run t5g-decode --attention'
    status_is 64 t5g-frame heatmap --layer 0 all.t5g
}

@test "long documents and answers: bounded, nothing hidden" {
    for _ in {1..300}; do printf 'one more line '; done > long.txt
    t5g-tokenize long.txt | t5g-encode | t5g-decode -n 40 --min-new-tokens 40 --attention mean > a.t5g
    t5g-frame heatmap --max-tokens 20 -o a.svg a.t5g
    well_formed a.svg
    [ "$(grep -c 'text-anchor="end"' a.svg)" -le 20 ]
    [ "$(grep -c 'rotate(-60)' a.svg)" = 20 ]
    grep -q 'first 20 of 40 tokens' a.svg
    t5g-frame heatmap -o all.svg a.t5g
    [ "$(stat -c %s all.svg)" -lt 4000000 ]
    # The largest weight of a column is the same, however many tokens share a line.
    largest() { cells "$1" | awk '$1 == 3 && $3 > m { m = $3 } END { print m }'; }
    [ "$(largest a.svg)" = "$(largest all.svg)" ]
}

@test "pictures: a grid of their rows, over the file if it is there" {
    picture "$T5G_TESTS/data/pictures/adam7.png"
    t5g-frame heatmap -o p.svg p.t5g
    well_formed p.svg
    grep -q '\[picture 1\]' p.svg
    status_is 1 grep -q '<image' p.svg
    [ "$(sed -n '/class="picture"/,/<\/g>/p' p.svg | grep -c '</title></rect>')" = 4 ] # mm_tokens_per_image
    t5g-frame heatmap -i "$T5G_TESTS/data/pictures/adam7.png" -o q.svg p.t5g
    well_formed q.svg
    sed -n 's/.*base64,\([^"]*\)".*/\1/p' q.svg | base64 -d | cmp - "$T5G_TESTS/data/pictures/adam7.png"
    # The same from a stream that still has it.
    python3 - <<'END'
import subprocess, json
document = json.loads(subprocess.check_output(["t5g-frame", "export", "--jsonl", "p.t5g"]))
import os
data = open(os.environ["T5G_TESTS"] + "/data/pictures/adam7.png", "rb").read()
document["frames"].insert(1, {"name": "image.bytes", "dtype": "u8", "shape": [len(data)], "data": list(data)})
print(json.dumps(document), file=open("p.jsonl", "w"))
END
    t5g-frame import --jsonl p.jsonl | t5g-frame heatmap | cmp - q.svg
    # A file that browsers do not show, and as many as there are pictures.
    echo text > text
    t5g-frame heatmap -i text p.t5g | cmp - p.svg
    status_is 64 t5g-frame heatmap -i text -i text -o out p.t5g
    err_has '--image: 2 files, the document has 1 pictures'
    status_is 66 t5g-frame heatmap -i nowhere -o out p.t5g
    err_has 'nowhere'
    [ ! -e out ]
}

@test "grouped rows, and documents without their ids" {
    t5g-tokenize -e 'hello world' | t5g-encode --group 3 | t5g-decode -n 4 --attention mean > a.t5g
    t5g-frame heatmap -o a.svg a.t5g
    [ "$(grep -c 'text-anchor="end"' a.svg)" = 3 ]
    t5g-frame export --jsonl a.t5g | sed 's/{"name":"input.ids"[^}]*},//' | t5g-frame import --jsonl | t5g-frame heatmap > b.svg
    grep -q '>#3<' b.svg
}

@test "damaged attention: 65, by name" {
    ids='{"name":"decode.ids","dtype":"i32","shape":[1],"data":[5]}'
    for frame in '"dtype":"f32","shape":[1,2],"meta":{"axes":["token","layer"]},"data":[0,0]' \
        '"dtype":"f32","shape":[2,1],"meta":{"axes":["token","row"]},"data":[0,0]' \
        '"dtype":"f32","shape":[1,2],"data":[0,0]' \
        '"dtype":"f32","shape":[1,2],"meta":{"axes":["token","row","row"]},"data":[0,0]' \
        '"dtype":"i32","shape":[1,2],"meta":{"axes":["token","row"]},"data":[0,0]' \
        '"dtype":"f32","shape":[1,2],"meta":{"axes":["token","row"]},"data":[0,2]' \
        '"dtype":"f32","shape":[1,2],"meta":{"axes":["token","row"]},"data":[0,-1]' \
        '"dtype":"f32","shape":[1,0],"meta":{"axes":["token","row"]},"data":[]'; do
        printf '{"id":"d","frames":[%s,{"name":"decode.attention",%s}]}\n' "$ids" "$frame" | t5g-frame import --jsonl -o d.t5g
        status_is 65 t5g-frame heatmap -o out d.t5g
        err_has 'd: decode.attention: '
    done
}

@test "a browser shows it" {
    browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip "no chromium"
    make_answers
    t5g-frame heatmap -o a.svg a.t5g
    HOME=$PWD timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" \
        --dump-dom "file://$PWD/a.svg" > dom 2> /dev/null
    grep -q '<g class="table">' dom
    grep -q 'mean of all layers' dom
    status_is 1 grep -qi 'parsererror\|error on line' dom
}

@test "a stream that is cut behind the answer is no whole one" {
    printf 'one\ntwo\n' | t5g-tokenize -l - | t5g-encode | t5g-decode -n 3 --attention mean -o a.t5g
    status_is 0 t5g-frame heatmap -o a.svg a.t5g
    head -c -200 a.t5g > cut.t5g
    status_is 76 t5g-frame heatmap -o cut.svg cut.t5g
    [ ! -e cut.svg ]
    # A frame of the next document that is damaged.
    python3 -c 'data = bytearray(open("a.t5g", "rb").read()); data[-300] ^= 1; open("bad.t5g", "wb").write(data)'
    status_is 65 t5g-frame heatmap --answer 1 -o bad.svg bad.t5g
    [ ! -e bad.svg ]
}
