# completion.awk: from the option tables, as --help prints them, to completion for a shell.
# awk -v shell=bash|zsh|fish -v program=PATH/t5g-encode -f completion.awk < /dev/null
#
# An argument completes by the name that the table gives it: A|B to A and B, DIR and FILE and IMAGE
# to such, MODEL to directories and *.t5g, any other to nothing. Operands complete by the synopsis.

BEGIN {
    name = program
    sub(/.*\//, "", name)
    read_help(name, program)
    split(verb_list, verb)
    for (v = 1; v in verb; v++)
        read_help(name " " verb[v], program " " verb[v])
    if (shell == "bash") bash()
    else if (shell == "zsh") zsh()
    else if (shell == "fish") fish()
    else fail("shell " shell " is none of bash, zsh, fish")
}

function fail(message) {
    print "completion.awk: " message > "/dev/stderr"
    exit 1
}

# The help of a program or a verb: count[c] options with letter, long, arg, maybe, help, and what
# its operands are; of a program with verbs their names.
function read_help(c, command,    line, n, left, rest, word, m, split_here) {
    command = command " --help"
    n = 0
    while ((command | getline line) > 0) {
        if (line == "Example:") break
        if (line ~ /^usage: /) operands[c] = kind_of_operands(line)
        else if (c == name && line ~ /^  [a-z][a-z-]* /) {
            word = line
            sub(/^  /, "", word)
            rest = word
            sub(/ .*/, "", word)
            sub(/^[a-z-]* */, "", rest)
            verb_list = verb_list " " word
            about[word] = rest
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
    close(command)
    count[c] = n
    if (n == 0 && verb_list == "") fail(command ": no options")
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

# --- bash: one function for each program and verb, on two helpers -------------------------------

function bash(    f) {
    f = identifier(name)
    print "# bash completion for " name ", made from its option tables."
    print "_" f "_paths() { # directories, or files too, of which with a suffix"
    print "    mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"; [ \"$1\" = dir ] || compgen -f ${2:+-X \"!*$2\"} -- \"$cur\")"
    print "    mapfile -t COMPREPLY < <(printf '%s\\n' \"${COMPREPLY[@]}\" | sed '/^$/d' | sort -u)"
    print "    compopt -o filenames 2> /dev/null"
    print "}"
    bash_one(name, f, f)
    for (v = 1; v in verb; v++) bash_one(name " " verb[v], f "_" identifier(verb[v]), f)
    print "_" f "_main() {"
    print "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} joined= i"
    print "    COMPREPLY=()"
    print "    if [ \"$cur\" = = ]; then cur= joined=1"
    print "    elif [ \"$prev\" = = ]; then prev=${COMP_WORDS[COMP_CWORD-2]} joined=1; fi"
    if (verb_list != "") {
        print "    if [ \"$COMP_CWORD\" = 1 ]; then"
        print "        mapfile -t COMPREPLY < <(compgen -W " quoted(substr(verb_list, 2) " --help --version") " -- \"$cur\")"
        print "        return"
        print "    fi"
        print "    case ${COMP_WORDS[1]} in"
        for (v = 1; v in verb; v++)
            if (count[name " " verb[v]] > 0) print "    " verb[v] ") _" f "_" identifier(verb[v]) " ;;"
        print "    esac"
    } else
        print "    _" f
    print "}"
    print "complete -F _" f "_main " name
}

function bash_one(c, f, base,    n, all, k) {
    if (count[c] == 0) return
    print "_" f "() {"
    print "    for ((i = 1; i < COMP_CWORD; i++)); do"
    print "        [ \"${COMP_WORDS[i]}\" != -- ] || { _" base "_paths " bash_paths(operands[c]) "; return; }"
    print "    done"
    print "    case $joined$prev in"
    for (n = 1; n <= count[c]; n++) {
        all = all (n > 1 ? " " : "") options_of(c, n)
        if (arg[c, n] == "") continue
        k = kind(arg[c, n])
        printf "    %s) ", bash_pattern(c, n)
        if (k == "words") print "mapfile -t COMPREPLY < <(compgen -W " quoted(words(arg[c, n])) " -- \"$cur\"); return ;;"
        else if (k == "none") print "return ;;"
        else if (words(arg[c, n]) != "")
            print "_" base "_paths " k "; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W " quoted(words(arg[c, n])) " -- \"$cur\"); return ;;"
        else print "_" base "_paths " bash_paths(k) "; return ;;"
    }
    print "    esac"
    print "    case $cur in"
    print "    -*) mapfile -t COMPREPLY < <(compgen -W " quoted(all) " -- \"$cur\") ;;"
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

function zsh(    c) {
    print "#compdef " name
    print "# zsh completion for " name ", made from its option tables."
    if (verb_list == "") {
        zsh_arguments(name, "")
        return
    }
    print "local curcontext=$curcontext state line"
    print "_arguments -C '(- *)'{-h,--help}'[print a list of verbs and exit]' '(- *)--version[print the version and exit]' \\"
    printf "    '1:verb:(("
    for (v = 1; v in verb; v++) printf("%s%s\\:\"%s\"", (v > 1 ? " " : ""), verb[v], inner(zsh_text(about[verb[v]])))
    print "))' '*::argument:->arguments'"
    print "[[ $state = arguments ]] || return"
    print "case $words[1] in"
    for (v = 1; v in verb; v++) {
        print verb[v] ")"
        zsh_arguments(name " " verb[v], "    ")
        print "    ;;"
    }
    print "esac"
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
    if (k == "dir") return list != "" ? "_alternative \"word:word:(" list ")\" \"dir:folder:_files -/\"" : "_files -/"
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

function fish(    f) {
    print "# fish completion for " name ", made from its option tables."
    if (verb_list == "") {
        fish_one(name, "")
        return
    }
    print "complete -c " name " -f -n __fish_use_subcommand -s h -l help -d 'print a list of verbs and exit'"
    for (v = 1; v in verb; v++) {
        print "complete -c " name " -f -n __fish_use_subcommand -a " verb[v] " -d " fish_quoted(about[verb[v]])
        fish_one(name " " verb[v], " -n " fish_quoted("__fish_seen_subcommand_from " verb[v]))
    }
}

function fish_one(c, condition,    n, k, s) {
    if (operands[c] != "file")
        print "complete -c " name condition " -f -a " fish_quoted(fish_paths(operands[c]))
    for (n = 1; n <= count[c]; n++) {
        s = "complete -c " name condition
        if (letter[c, n] != "") s = s " -s " letter[c, n]
        if (long[c, n] != "") s = s " -l " long[c, n]
        k = arg[c, n] != "" ? kind(arg[c, n]) : ""
        if (maybe[c, n]) s = s " -a " fish_quoted(words(arg[c, n]) " " fish_paths(k))
        else if (k == "words") s = s " -x -a " fish_quoted(words(arg[c, n]))
        else if (k == "dir" || k == "model") s = s " -x -a " fish_quoted(fish_paths(k))
        else if (k == "file") s = s " -r -F"
        else if (k == "none") s = s " -x"
        print s " -d " fish_quoted(help[c, n])
    }
}

function fish_paths(k) {
    return k == "model" ? "(__fish_complete_directories; __fish_complete_suffix .t5g)" : "(__fish_complete_directories)"
}

function fish_quoted(s) {
    gsub(/\\/, "\\\\", s)
    gsub(/'/, "\\'", s)
    return "'" s "'"
}
