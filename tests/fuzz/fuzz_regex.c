/*
 * fuzz_regex.c: the part before a NUL as a regular expression, the part behind it as a text that is
 * read byte by byte: what is left of it can always be completed.
 */
#include "generate/regex.h"
#include "generate/states.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *cut = size > 0 ? memchr(data, 0, size) : NULL;
    size_t n = cut != NULL ? (size_t)(cut - data) : size;
    struct t5g_err e = {0};
    struct t5g_states s;
    struct t5g_regex *r = t5g_regex_parse((const char *)data, n, T5G_EX_USAGE, &e);
    if (r == NULL) {
        if (e.code != T5G_EX_USAGE || e.msg[0] == '\0')
            abort();
        return 0;
    }
    struct t5g_automaton *a = t5g_automaton_open();
    uint32_t plain = t5g_regex_node(a, r, T5G_NODE_RETURN);
    uint32_t json = t5g_regex_json_node(a, r, T5G_NODE_RETURN);
    t5g_regex_free(r);
    if (t5g_automaton_finish(a, n % 2 == 0 ? plain : json, &e) == 0) {
        t5g_states_open(&s, a);
        uint32_t state = s.start;
        for (size_t i = n + 1; i < t5g_min(size, n + 100) && state >= T5G_STATES_FIRST; i++) {
            (void)t5g_states_like(&s, state, 48);
            state = t5g_states_step(&s, state, data[i]);
        }
        /* A state that is not dead has an end, or leads to one. */
        bool leads = state < T5G_STATES_FIRST || s.state[state].ends;
        for (unsigned b = 0; b < 256 && !leads; b++)
            leads = t5g_states_step(&s, state, (uint8_t)b) != T5G_STATE_DEAD;
        if (!leads)
            abort();
        t5g_states_close(&s);
    }
    t5g_automaton_close(a);
    return 0;
}
