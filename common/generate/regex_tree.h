/* regex_tree.h: a parsed regular expression, for its files. */
#ifndef T5G_REGEX_TREE_H
#define T5G_REGEX_TREE_H

#include "generate/regex.h"

enum t5g_regex_kind { T5G_RE_CHAR, T5G_RE_CAT, T5G_RE_ALT, T5G_RE_REPEAT };

/* Children of T5G_RE_CAT are linked from the last to the first. */
struct t5g_regex_node {
    enum t5g_regex_kind kind;
    struct t5g_charset set; /* T5G_RE_CHAR */
    struct t5g_regex_node *child,
        *other; /* T5G_RE_CAT, T5G_RE_ALT: children, linked by `other`; T5G_RE_REPEAT: child */
    uint32_t min, max;
    bool may_be_empty;
    bool begins, ends;           /* branches outside of groups: with ^, $ */
    struct t5g_regex_node *made; /* of all nodes, to free them */
};

struct t5g_regex {
    struct t5g_regex_node *made, *top;
};

#endif
