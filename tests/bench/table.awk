# table.awk: a Markdown table of results beside the targets: awk -f table.awk targets.tsv RESULTS.jsonl
#
# Of every figure the median over the rounds and, in brackets, the best round. A round in which the machine
# gave less than 90 % of what it gave in the best one (probes of arithmetic and of memory, taken before the
# work) does not count; where none is left all count, and the row says "busy". The ratio is that of medians; above
# 1 t5g is ahead. With -v data=1 only the ratios of speed to other systems, for chart.gp: label, ratio, must. With
# -v few=1 a table without targets: the rows that targets.tsv marks, and the one in which t5g is furthest behind or, if it
# is behind in none, least ahead.

function field(line, name,    at, rest) {
    at = index(line, "\"" name "\":")
    if (at == 0) return ""
    rest = substr(line, at + length(name) + 3)
    if (substr(rest, 1, 1) == "\"") { rest = substr(rest, 2); sub(/".*/, "", rest) }
    else sub(/[,}].*/, "", rest)
    return rest
}

function larger_is_better(unit) { return unit ~ /\/s|^x$|^part$/ }

# Medians and bests of the rounds of key, quiet ones if there are any, in med and top.
function collect(key,    i, n, v, j, t, quiet, b) {
    n = 0; used = 0
    for (quiet = 1; quiet >= 0 && n == 0; quiet--)
        for (i = 1; i <= count[key]; i++)
            if (!quiet || calm(key, i)) v[++n] = value[key, i] + 0
    busy = quiet < 0
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    med = (v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2
    top = larger_is_better(unit[key]) ? v[n] : v[1]
    used = n
}

function calm(key, i) { return fma[key, i] >= 0.9 * best_fma && dram[key, i] >= 0.9 * best_dram }

function shown(x, u) {
    if (u == "part") return sprintf("%.1f %%", 100 * x)
    if (u == "x") return sprintf("%.2fx", x)
    return sprintf(x >= 100 ? "%.0f %s" : x >= 10 ? "%.1f %s" : x >= 0.1 ? "%.2f %s" : "%.4f %s", x, u)
}

function met(x, target,    limit) {
    if (target == "-" || target == "") return ""
    limit = target; sub(/^[<>]/, "", limit)
    return target ~ /^</ ? x <= limit + 0 : x >= limit + 0
}

FNR == 1 { file++ }

file == 1 {
    if ($0 ~ /^#/ || NF == 0) next
    rows++
    split($0, f, "\t")
    label[rows] = f[1]; work[rows] = f[2]; ours[rows] = f[3]; system_[rows] = f[4]; variant[rows] = f[5]
    must[rows] = f[6]; stretch[rows] = f[7]; marked[rows] = f[8] == "few"
    next
}

field($0, "machine") != "" { head = $0; next }

{
    key = field($0, "work") "|" field($0, "system") "|" field($0, "variant")
    i = ++count[key]
    value[key, i] = field($0, "value"); unit[key] = field($0, "unit")
    share[key, i] = field($0, "of_peak")
    fma[key, i] = field($0, "fma_gflops") + 0; dram[key, i] = field($0, "dram_gbs") + 0
    if (fma[key, i] > best_fma) best_fma = fma[key, i]
    if (dram[key, i] > best_dram) best_dram = dram[key, i]
}

function few_rows(    r, last) {
    for (r = 1; r <= rows; r++)
        if (speed[r] != "" && (last == "" || speed[r] < speed[last])) last = r
    printf "%s, %s threads, %s. Median of the rounds (best).\n\n", field(head, "machine"), field(head, "threads"),
        substr(field(head, "date"), 1, 10)
    print "| work | t5g | beside | | t5g is |"
    print "|---|---|---|---|---|"
    for (r = 1; r <= rows; r++)
        if (text[r] != "" && (marked[r] || r == last))
            printf "%s %s |\n", text[r], sprintf(speed[r] < 1 ? "**slower: %.2fx**" : "%.1fx as fast", speed[r])
}

function heading() {
    printf "%s, %s cores, %s threads, kernels %s, %s, commit %s, %s; %s.\n\n", field(head, "machine"), field(head, "cores"),
        field(head, "threads"), field(head, "level"), field(head, "compiler"), field(head, "commit"), field(head, "date"),
        field(head, "peers") == "" ? "no other systems" : field(head, "peers")
    printf "Peak in registers %.0f GF/s, memory %.1f GB/s. Median of the rounds (best).\n\n", best_fma, best_dram
    print "| work | t5g | beside | | ratio | must | stretch | |"
    print "|---|---|---|---|---|---|---|---|"
}

END {
    if (!data && !few) heading()
    for (r = 1; r <= rows; r++) {
        key = work[r] "|t5g|" ours[r]
        if (!(key in count)) continue
        collect(key)
        mine = med; note = busy ? " busy" : ""
        u = unit[key]
        cell = shown(med, u) (used > 1 ? " (" shown(top, u) ")" : "")
        if (system_[r] == "-") {
            x = mine; ratio = ""; theirs = ""; beside = variant[r] == "-" ? "" : variant[r]
            if (share[key, 1] != "") {
                x = 0
                for (i = 1; i <= count[key]; i++) if (share[key, i] * 100 > x) x = share[key, i] * 100
                ratio = sprintf("%.0f %%", x)
            }
        } else {
            key = work[r] "|" system_[r] "|" variant[r]
            beside = system_[r] " " variant[r]; sub(/ -$/, "", beside)
            if (!(key in count)) { theirs = "not there"; ratio = ""; x = "" }
            else {
                collect(key)
                if (busy) note = " busy"
                theirs = shown(med, u) (used > 1 ? " (" shown(top, u) ")" : "")
                x = larger_is_better(u) ? mine / med : med / mine
                ratio = sprintf("%.2fx", x)
            }
        }
        verdict = ""
        if (x != "" && must[r] != "-")
            verdict = !met(x, must[r]) ? "missed" : stretch[r] != "-" && met(x, stretch[r]) ? "stretch" : "met"
        goal = must[r]; far = stretch[r]
        if (system_[r] != "-") { if (goal != "-") goal = goal "x"; if (far != "-") far = far "x" }
        if (data) {
            if (ratio ~ /x$/ && unit[key] != "MiB") printf "%s | %s\t%.3f\t%s\n", label[r], beside, x, must[r] == "-" ? "NaN" : must[r]
            continue
        }
        text[r] = sprintf("| %s | %s | %s | %s |", label[r], cell, beside, theirs)
        if (ratio ~ /x$/ && unit[key] != "MiB") speed[r] = x
        if (few) continue
        printf "| %s | %s | %s | %s | %s | %s | %s | %s%s |\n", label[r], cell, beside, theirs, ratio,
            goal == "-" ? "" : goal, far == "-" ? "" : far, verdict, note
    }
    if (few) few_rows()
}
