/* faults.c: faults of one object. */
#include "model/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = 1600 }; /* bytes of a message that faults may fill: struct t5g_err has 2048 */

/* Whether it was said already, of another tensor: for what is wrong with all of them. */
static bool
is_there(const struct t5g_faults *f, const char *one)
{
    size_t n = strlen(one);
    for (const char *p = f->text.p; (p = strstr(p, one)) != NULL; p++)
        if ((p == f->text.p || p[-1] == ' ') && (p[n] == '\0' || p[n] == ';'))
            return true;
    return false;
}

void
t5g_faults_add(struct t5g_faults *f, const char *fmt, ...)
{
    char one[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(one, sizeof one, fmt, ap);
    va_end(ap);
    if (f->n > 0 && is_there(f, one))
        return;
    if (f->text.n >= ROOM)
        f->left_out++;
    else
        t5g_buf_printf(&f->text, "%s%s", f->n > 0 ? "; " : "", one);
    f->n++;
}

int
t5g_faults_end(struct t5g_faults *f, const char *name, struct t5g_err *e)
{
    int r = 0;
    if (f->left_out > 0)
        t5g_buf_printf(&f->text, "; and %zu more", f->left_out);
    if (f->n > 0)
        r = t5g_err_set(e, T5G_EX_DATA, "%s: %s", name, f->text.p);
    t5g_buf_free(&f->text);
    *f = (struct t5g_faults){0};
    return r;
}
