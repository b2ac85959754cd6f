/* fuzz_json_schema.c: any text as a JSON Schema; from what is one, a text is made and read. */
#include "generate/json_schema.h"
#include "generate/states.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct t5g_err e = {0};
    struct t5g_states s;
    struct t5g_automaton *a = t5g_json_schema_parse((const char *)data, size, "s", &e);
    if (a == NULL) {
        if (e.code != T5G_EX_DATA || e.msg[0] == '\0')
            abort();
        return 0;
    }
    t5g_states_open(&s, a);
    uint32_t state = s.start;
    for (size_t i = 0; i < 60 && state >= T5G_STATES_FIRST; i++) {
        uint32_t to = T5G_STATE_DEAD;
        (void)t5g_states_like(&s, state, 48);
        for (unsigned b = 0; b < 256 && to == T5G_STATE_DEAD; b++)
            to = t5g_states_step(&s, state, (uint8_t)(b + (i < size ? data[i] : 0)));
        if (to == T5G_STATE_DEAD && !s.state[state].ends)
            abort(); /* a dead end */
        state = to;
    }
    t5g_states_close(&s);
    t5g_automaton_close(a);
    return 0;
}
