# chart.gp: how many times faster t5g is than other systems, from a file of results.
# gnuplot -e "results='FILE.jsonl'; chart='FILE.svg'" chart.gp, in the folder of this file.
set terminal svg size 900,720 background "white" font "DejaVu Sans,13" noenhanced
set output chart
set datafile separator "\t"
rows = "< awk -v data=1 -f table.awk targets.tsv " . results
stats rows using 2 nooutput
n = STATS_records
set label 1 "t5g beside other systems: times as fast (bar), the least that is wanted (line)" at screen 0.5, 0.97 center
set tmargin 3
set logscale x 2
set xrange [0.5:64]
set xtics 2 format "%gx"
set yrange [n - 0.3:-0.7]
set ytics out nomirror
set grid xtics lc rgb "#dddddd"
set border 3
set lmargin 46
set key off
set arrow from 1, graph 0 to 1, graph 1 nohead lc rgb "#888888"
half = 0.32
greater(a, b) = b == b && b > a ? b : a
plot rows using (0.5):0:(0.5):2:($0 - half):($0 + half):ytic(1) with boxxyerror fs solid 0.9 lc rgb "#2a6f97", \
     rows using 3:($0 - half):(0):(2 * half) with vectors nohead lw 3 lc rgb "#e07a1f", \
     rows using (greater($2, $3)):0:(sprintf("  %.1fx", $2)) with labels left font ",11"
