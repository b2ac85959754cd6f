/* program.c: the name and the common options of the running program. */
#include "cli/program.h"

struct t5g_common t5g_common = {.compute = -1};
static const char *program = "t5g";

void
t5g_program_set_name(const char *name)
{
    program = name;
}

const char *
t5g_program_name(void)
{
    return program;
}
