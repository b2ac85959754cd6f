# completion.awk: from the option tables, as --help prints them, to completion for a shell.
# awk -v shell=bash|zsh|fish -v program=PATH/t5g-encode -f completion.awk < /dev/null
#
# An argument completes by the name that the table gives it: A|B to A and B, DIR and FILE and IMAGE
# to such, MODEL to directories and *.t5g, any other to nothing. Operands complete by the synopsis.

#
# A command is a program, or "PROGRAM VERB", or "t5g frame ls": verbs[c] are the names of those that c has,
# command[1], command[2], ... are all of them, each before its verbs.

BEGIN {
    name = program
    sub(/.*\//, "", name)
    read_command(name, program, "")
    if (shell == "bash") bash()
    else if (shell == "zsh") zsh()
    else if (shell == "fish") fish()
    else fail("shell " shell " is none of bash, zsh, fish")
}

function fail(message) {
    print "completion.awk: " message > "/dev/stderr"
    exit 1
}

function read_command(c, run, above,    verb, v, n) {
    command[++commands] = c
    if (c ~ / help$/) { # the names of its neighbours
        verbs[c] = verbs[above]
        about_verbs(c, above)
        leaf[c] = 1
        return
    }
    read_help(c, run)
    n = split(verbs[c], verb)
    for (v = 1; v <= n; v++)
        read_command(c " " verb[v], run " " verb[v], c)
}

function about_verbs(c, above,    verb, v, n) {
    n = split(verbs[c], verb)
    for (v = 1; v <= n; v++) about[c, verb[v]] = about[above, verb[v]]
}

# The help of a command: count[c] options with letter, long, arg, maybe, help, and what
# its operands are; the names of its verbs.
function read_help(c, run,    line, n, left, rest, word, split_here) {
    run = run " --help"
    n = 0
    while ((run | getline line) > 0) {
        if (line == "Example:") break
        if (line ~ /^usage: /) operands[c] = kind_of_operands(line)
        else if (n == 0 && line ~ /^  [a-z][a-z-]* /) {
            word = line
            sub(/^  /, "", word)
            rest = word
            sub(/ .*/, "", word)
            sub(/^[a-z-]* */, "", rest)
            verbs[c] = verbs[c] (verbs[c] != "" ? " " : "") word
            about[c, word] = rest
        } else if (line ~ /^  -/) {
            n++
            split_here = match(substr(line, 3), /  +/)
            left = split_here > 0 ? substr(line, 3, RSTART - 1) : substr(line, 3)
            help[c, n] = split_here > 0 ? substr(line, 2 + RSTART + RLENGTH) : ""
            take_left(c, n, left)
        } else if (n > 0 && help[c, n] == "" && line ~ /^   +/) {
            sub(/^ +/, "", line)
            help[c, n] = line
        }
    }
    close(run)
    if (n == 0 && verbs[c] == "") fail(run ": no options")
    if (verbs[c] != "") { # these have no table
        help[c, ++n] = "print a list of verbs and exit"
        take_left(c, n, "-h, --help")
        help[c, ++n] = "print the version and exit"
        take_left(c, n, "--version")
    }
    count[c] = n
}

# "-o, --output FILE", "-n N", "--cache[=DIR|off]".
function take_left(c, n, left,    word, m, i) {
    maybe[c, n] = left ~ /\[=/
    gsub(/\[=|\]/, " ", left)
    m = split(left, word, /[ ,]+/)
    for (i = 1; i <= m; i++)
        if (word[i] ~ /^--/) long[c, n] = substr(word[i], 3)
        else if (word[i] ~ /^-/) letter[c, n] = substr(word[i], 2)
        else if (word[i] != "") arg[c, n] = word[i]
}

# The options of c, in one line.
function all_options(c,    n, s) {
    for (n = 1; n <= count[c]; n++) s = s (n > 1 ? " " : "") options_of(c, n)
    return s
}

function kind_of_operands(usage) {
    if (usage ~ /\[MODEL\]/) return "model"
    if (usage ~ /\[DIR\]/) return "dir"
    return "file"
}

# file, dir, model, none, or words to choose from; "DIR|off" is a dir, and a word.
function kind(a) {
    if (a ~ /^DIR/) return "dir"
    if (a == "MODEL") return "model"
    if (a == "FILE" || a == "IMAGE" || a == "PREFIX") return "file"
    return index(a, "|") > 0 ? "words" : "none"
}

function words(a) {
    gsub(/\|/, " ", a)
    gsub(/[A-Z]+/, "", a)
    gsub(/^ +| +$/, "", a)
    return a
}

function options_of(c, n,    s) {
    s = letter[c, n] != "" ? "-" letter[c, n] : ""
    return s (s != "" && long[c, n] != "" ? " " : "") (long[c, n] != "" ? "--" long[c, n] : "")
}

function identifier(s) {
    gsub(/[^A-Za-z0-9]/, "_", s)
    return s
}

# As it stands within single quotes, and with them.
function inner(s) {
    gsub(/'/, "'\\''", s)
    return s
}

function quoted(s) {
    return "'" inner(s) "'"
}

# --- bash: one function for each command that has no verbs, on two helpers -----------------------

function bash(    f, i, c) {
    f = identifier(name)
    print "# bash completion for " name ", made from its option tables."
    print "_" f "_paths() { # directories, or files too, of which with a suffix"
    print "    mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"; [ \"$1\" = dir ] || compgen -f ${2:+-X \"!*$2\"} -- \"$cur\")"
    print "    mapfile -t COMPREPLY < <(printf '%s\\n' \"${COMPREPLY[@]}\" | sed '/^$/d' | sort -u)"
    print "    compopt -o filenames 2> /dev/null"
    print "}"
    print "_" f "_words() { # of which one is begun"
    print "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")"
    print "}"
    for (i = 1; i <= commands; i++)
        if (verbs[command[i]] == "") bash_one(command[i], f)
    print "_" f "_main() {"
    print "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} joined= i at=0 command=" name
    print "    COMPREPLY=()"
    print "    if [ \"$cur\" = = ]; then cur= joined=1"
    print "    elif [ \"$prev\" = = ]; then prev=${COMP_WORDS[COMP_CWORD-2]} joined=1; fi"
    if (commands > 1) {
        print "    while ((++at < COMP_CWORD)); do"
        print "        case \"$command ${COMP_WORDS[at]}\" in"
        for (i = 2; i <= commands; i++) printf("%s%s", i > 2 ? " | " : "        ", quoted(command[i]))
        print ") command=\"$command ${COMP_WORDS[at]}\" ;;"
        print "        *) break ;;"
        print "        esac"
        print "    done"
    }
    print "    case $command in"
    for (i = 1; i <= commands; i++) {
        c = command[i]
        if (verbs[c] != "")
            print "    " quoted(c) ") ((at != COMP_CWORD)) || _" f "_words " quoted(verbs[c] (count[c] > 0 ? " " all_options(c) : "")) " ;;"
        else
            print "    " quoted(c) ") _" identifier(c) " ;;"
    }
    print "    esac"
    print "}"
    print "complete -F _" f "_main " name
}

function bash_one(c, base,    n, k) {
    print "_" identifier(c) "() {"
    print "    for ((i = at + 1; i < COMP_CWORD; i++)); do"
    print "        [ \"${COMP_WORDS[i]}\" != -- ] || { _" base "_paths " bash_paths(operands[c]) "; return; }"
    print "    done"
    print "    case $joined$prev in"
    for (n = 1; n <= count[c]; n++) {
        if (arg[c, n] == "") continue
        k = kind(arg[c, n])
        printf "    %s) ", bash_pattern(c, n)
        if (k == "words") print "_" base "_words " quoted(words(arg[c, n])) "; return ;;"
        else if (k == "none") print "return ;;"
        else if (words(arg[c, n]) != "")
            print "_" base "_paths " k "; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W " quoted(words(arg[c, n])) " -- \"$cur\"); return ;;"
        else print "_" base "_paths " bash_paths(k) "; return ;;"
    }
    print "    esac"
    print "    case $cur in"
    print "    -*) _" base "_words " quoted(all_options(c)) " ;;"
    print "    *) _" base "_paths " bash_paths(operands[c]) " ;;"
    print "    esac"
    print "}"
}

# An argument that may be left out stands after "=" only.
function bash_pattern(c, n,    s) {
    s = options_of(c, n)
    if (maybe[c, n]) return "1" s
    sub(/ /, " | ", s)
    return s (long[c, n] != "" ? " | 1--" long[c, n] : "")
}

function bash_paths(k) {
    return k == "dir" ? "dir" : k == "model" ? "file .t5g" : "file"
}

# --- zsh ----------------------------------------------------------------------------------------

function zsh() {
    print "#compdef " name
    print "# zsh completion for " name ", made from its option tables."
    if (verbs[name] != "") print "local curcontext=$curcontext state line"
    zsh_command(name, "")
}

function zsh_command(c, indent,    verb, v, n) {
    if (verbs[c] == "") {
        zsh_arguments(c, indent)
        return
    }
    n = split(verbs[c], verb)
    print indent "_arguments -C \\"
    for (v = 1; v <= count[c]; v++) print indent "    " zsh_option(c, v) " \\"
    printf "%s", indent "    '1:verb:(("
    for (v = 1; v <= n; v++) printf("%s%s\\:\"%s\"", (v > 1 ? " " : ""), verb[v], inner(zsh_text(about[c, verb[v]])))
    if (c in leaf) {
        print "))'"
        return
    }
    print "))' '*::argument:->arguments'"
    print indent "[[ $state = arguments ]] && case $words[1] in"
    for (v = 1; v <= n; v++) {
        print indent verb[v] ")"
        zsh_command(c " " verb[v], indent "    ")
        print indent "    ;;"
    }
    print indent "esac"
}

function zsh_arguments(c, indent,    n) {
    print indent "_arguments -s -S : \\"
    for (n = 1; n <= count[c]; n++) print indent "    " zsh_option(c, n) " \\"
    print indent "    " quoted("*:" operands[c] ":" zsh_action(operands[c], ""))
}

function zsh_option(c, n,    a, names, before, after) {
    a = arg[c, n]
    before = help[c, n] ~ /repeatable/ ? "*" : long[c, n] ~ /^(help|version)$/ ? "(- *)" : ""
    after = "[" zsh_text(help[c, n]) "]"
    if (a != "") after = after (maybe[c, n] ? "::" : ":") zsh_text(a) ":" zsh_action(kind(a), words(a))
    if (letter[c, n] != "" && long[c, n] != "")
        return (before == "" ? quoted("(" options_of(c, n) ")") : quoted(before)) "{-" letter[c, n] (a != "" ? "+" : "") \
            ",--" long[c, n] (a != "" ? "=" : "") "}" quoted(after)
    return quoted(before options_of(c, n) (a == "" ? "" : maybe[c, n] ? "=-" : long[c, n] != "" ? "=" : "+") after)
}

function zsh_action(k, list) {
    if (k == "words") return "(" list ")"
    if (k == "model") return "_files -g \"*.t5g\""
    if (k == "dir") return list != "" ? "_alternative \"word\\:word\\:(" list ")\" \"dir\\:folder\\:_files -/\"" : "_files -/"
    return k == "file" ? "_files" : " "
}

function zsh_text(s) {
    gsub(/\\/, "\\\\", s)
    gsub(/\[/, "\\[", s)
    gsub(/\]/, "\\]", s)
    gsub(/:/, "\\:", s)
    gsub(/"/, "", s)
    return s
}

# --- fish ---------------------------------------------------------------------------------------

# Helpers: what stands before the word under the cursor, and the word without "--option=".
function fish(    f, i, c, v, n, verb, words_of) {
    f = "__" identifier(name)
    print "# fish completion for " name ", made from its option tables."
    print "function " f "_directories"
    print "    __fish_complete_directories (commandline -ct | string replace -r -- '^--?[^=]*=' '')"
    print "end"
    print "function " f "_models # directories and packed models"
    print "    __fish_complete_path (commandline -ct | string replace -r -- '^--?[^=]*=' '') | string match -r '.*(?:/|\\.t5g)(?=\\t|$)'"
    print "end"
    if (verbs[name] == "") {
        fish_one(name, "")
        return
    }
    print "function " f "_in # WORD ...: the command begins with these"
    print "    set -l words (commandline -opc)"
    print "    set -l last (math (count $argv) + 1)"
    print "    test (count $words) -ge $last -a \"$words[2..$last]\" = \"$argv\""
    print "end"
    print "function " f "_at # [WORD ...]: the command is these so far"
    print "    set -l words (commandline -opc)"
    print "    test \"$words[2..]\" = \"$argv\""
    print "end"
    for (i = 1; i <= commands; i++) {
        c = command[i]
        words_of = substr(c, length(name) + 1)
        if (verbs[c] == "") {
            fish_one(c, " -n " fish_quoted(f "_in" words_of))
            continue
        }
        n = split(verbs[c], verb)
        print "complete -c " name " -f -n " fish_quoted(c in leaf ? f "_in" words_of : f "_at" words_of)
        for (v = 1; v <= n; v++)
            print "complete -c " name " -n " fish_quoted(f "_at" words_of) " -a " verb[v] " -d " fish_quoted(about[c, verb[v]])
        if (count[c] > 0) fish_options(c, " -n " fish_quoted(f "_at" words_of))
    }
}

function fish_one(c, condition) {
    if (operands[c] != "file")
        print "complete -c " name condition " -f -a " fish_quoted(fish_paths(operands[c]))
    fish_options(c, condition)
}

function fish_options(c, condition,    n, k, s) {
    for (n = 1; n <= count[c]; n++) {
        s = "complete -c " name condition
        if (letter[c, n] != "") s = s " -s " letter[c, n]
        if (long[c, n] != "") s = s " -l " long[c, n]
        k = arg[c, n] != "" ? kind(arg[c, n]) : ""
        if (maybe[c, n]) s = s " -f -a " fish_quoted(words(arg[c, n]) " " fish_paths(k))
        else if (k == "words") s = s " -x -a " fish_quoted(words(arg[c, n]))
        else if (k == "dir" || k == "model") s = s " -x -a " fish_quoted(fish_paths(k))
        else if (k == "file") s = s " -r -F"
        else if (k == "none") s = s " -x"
        print s " -d " fish_quoted(help[c, n])
    }
}

function fish_paths(k,    f) {
    f = "__" identifier(name)
    return k == "model" ? "(" f "_models)" : "(" f "_directories)"
}

function fish_quoted(s) {
    gsub(/\\/, "\\\\", s)
    gsub(/'/, "\\'", s)
    return "'" s "'"
}
