/* columns.c: answers as a table of tab-separated values. */
#include "stage/columns.h"

#include <string.h>

/* A column, or a sequence of the current document. */
struct cell {
    char *prompt; /* NULL: none */
    uint64_t rank;
    struct t5g_buf text; /* of a sequence */
    size_t column;       /* of a sequence, once it is found */
};

struct cells {
    struct cell *v; /* [cap], n of them used; their memory is reused */
    size_t n, cap;
};

struct t5g_columns {
    struct cells columns, row;
    bool known;          /* columns are known */
    bool own_prompts;    /* one column, for each document's own prompt */
    struct t5g_buf own;  /* the document's own prompt */
    bool has_own;        /* it has one */
    struct t5g_buf wait; /* cells of failed documents before the heading, a newline after each */
};

struct t5g_columns *
t5g_columns_open(void)
{
    return t5g_alloc(1, sizeof(struct t5g_columns));
}

static void
clear(struct cells *c)
{
    for (size_t i = 0; i < c->n; i++) {
        t5g_free(c->v[i].prompt);
        t5g_buf_free(&c->v[i].text);
    }
    c->n = 0;
}

void
t5g_columns_close(struct t5g_columns *c)
{
    if (c == NULL)
        return;
    clear(&c->columns);
    clear(&c->row);
    t5g_free(c->columns.v);
    t5g_free(c->row.v);
    t5g_buf_free(&c->own);
    t5g_buf_free(&c->wait);
    t5g_free(c);
}

void
t5g_columns_begin(struct t5g_columns *c)
{
    clear(&c->row);
    c->own.n = 0;
    c->has_own = false;
}

void
t5g_columns_own(struct t5g_columns *c, const char *own, size_t n)
{
    c->own.n = 0;
    t5g_buf_add(&c->own, own, n);
    c->has_own = true;
}

static struct cell *
append(struct cells *c, const char *prompt, uint64_t rank)
{
    c->v = t5g_grow(c->v, c->n, &c->cap, sizeof *c->v);
    struct cell *x = &c->v[c->n++];
    *x = (struct cell){.prompt = prompt != NULL ? t5g_strdup(prompt) : NULL, .rank = rank};
    return x;
}

void
t5g_columns_add(struct t5g_columns *c, const char *prompt, uint64_t rank, const char *text,
                size_t n)
{
    t5g_buf_add(&append(&c->row, prompt, rank)->text, text, n);
}

/* A cell: tab, newline, carriage return, NUL and backslash as \t, \n, \r, \0 and \\. */
static void
put_cell(struct t5g_buf *out, const char *s, size_t n)
{
    static const char from[] = "\t\n\r\\", to[] = "tnr\\";
    for (size_t i = 0; i < n; i++) {
        const char *k = s[i] != '\0' ? strchr(from, s[i]) : NULL;
        if (k == NULL && s[i] != '\0') {
            t5g_buf_addc(out, s[i]);
            continue;
        }
        t5g_buf_addc(out, '\\');
        t5g_buf_addc(out, k != NULL ? to[k - from] : '0');
    }
}

static void
put_heading(const struct t5g_columns *c, struct t5g_buf *out)
{
    t5g_buf_adds(out, "id");
    for (size_t i = 0; i < c->columns.n; i++) {
        const struct cell *x = &c->columns.v[i];
        bool named = !c->own_prompts && x->prompt != NULL;
        bool probability = x->rank == T5G_COLUMN_PROBABILITY;
        bool score = !probability && (x->rank & T5G_COLUMN_SCORE) != 0;
        uint64_t rank = probability ? 0 : x->rank & ~T5G_COLUMN_SCORE;
        const char *number = probability ? "probability" : score ? "score" : NULL;
        const char *name = named ? x->prompt : number != NULL ? number : "text";
        t5g_buf_addc(out, '\t');
        put_cell(out, name, strlen(name));
        if (rank > 0)
            t5g_buf_printf(out, "#%llu", (unsigned long long)rank);
        if (named && number != NULL)
            t5g_buf_printf(out, "#%s", number);
    }
    t5g_buf_addc(out, '\n');
}

static void
put_empty(const struct t5g_columns *c, const char *id, size_t n, struct t5g_buf *out)
{
    t5g_buf_add(out, id, n);
    for (size_t i = 0; i < c->columns.n; i++)
        t5g_buf_addc(out, '\t');
    t5g_buf_addc(out, '\n');
}

/* Append the heading, and the rows that waited for it. */
static void
put_waiting(struct t5g_columns *c, struct t5g_buf *out)
{
    put_heading(c, out);
    for (size_t at = 0; at < c->wait.n;) {
        const char *id = c->wait.p + at;
        size_t n = (size_t)((const char *)memchr(id, '\n', c->wait.n - at) - id);
        put_empty(c, id, n, out);
        at += n + 1;
    }
    c->wait.n = 0;
    c->known = true;
}

/* Whether all sequences answer the document's own prompt, or none. */
static bool
own_only(const struct t5g_columns *c)
{
    for (size_t i = 0; i < c->row.n; i++) {
        const char *p = c->row.v[i].prompt;
        if (p != NULL && !(c->has_own && strlen(p) == c->own.n &&
                           (c->own.n == 0 || memcmp(p, c->own.p, c->own.n) == 0)))
            return false;
    }
    return true;
}

static bool
same_prompt(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Whether x fits the column. The k-th sequence of a prompt and rank belongs to their k-th
 * column. */
static bool
fits(const struct t5g_columns *c, const struct cell *column, const struct cell *x)
{
    return column->rank == x->rank && (c->own_prompts || same_prompt(column->prompt, x->prompt));
}

static int
find_column(const struct t5g_columns *c, size_t at, bool *in_order, struct t5g_err *e)
{
    struct cell *x = &c->row.v[at];
    size_t before = 0;
    x->column = at;
    *in_order = *in_order && at < c->columns.n && fits(c, &c->columns.v[at], x);
    if (*in_order) /* the usual case */
        return 0;
    for (size_t i = 0; i < at; i++)
        before += fits(c, &c->row.v[i], x);
    for (size_t i = 0; i < c->columns.n; i++)
        if (fits(c, &c->columns.v[i], x) && before-- == 0) {
            x->column = i;
            return 0;
        }
    return t5g_err_set(e, T5G_EX_DATA,
                       "an answer to '%.100s', rank %llu, has no column: columns are what the "
                       "first document was asked",
                       x->prompt != NULL ? x->prompt : "", (unsigned long long)x->rank);
}

int
t5g_columns_row(struct t5g_columns *c, const char *id, size_t n, struct t5g_buf *out,
                struct t5g_err *e)
{
    bool in_order = true;
    if (!c->known) {
        c->own_prompts = own_only(c);
        for (size_t i = 0; i < c->row.n; i++)
            append(&c->columns, c->row.v[i].prompt, c->row.v[i].rank);
    }
    for (size_t i = 0; i < c->row.n; i++)
        if (find_column(c, i, &in_order, e) < 0)
            return -1;
    if (!c->known)
        put_waiting(c, out);
    const struct t5g_buf **cells = t5g_alloc(c->columns.n, sizeof *cells);
    for (size_t i = 0; i < c->row.n; i++)
        cells[c->row.v[i].column] = &c->row.v[i].text;
    put_cell(out, id, n);
    for (size_t k = 0; k < c->columns.n; k++) {
        t5g_buf_addc(out, '\t');
        if (cells[k] != NULL)
            put_cell(out, cells[k]->p, cells[k]->n);
    }
    t5g_buf_addc(out, '\n');
    t5g_free(cells);
    return 0;
}

void
t5g_columns_failed(struct t5g_columns *c, const char *id, size_t n, struct t5g_buf *out)
{
    struct t5g_buf cell = {0};
    put_cell(&cell, id, n);
    if (c->known) {
        put_empty(c, cell.p, cell.n, out);
    } else {
        t5g_buf_add(&c->wait, cell.p, cell.n);
        t5g_buf_addc(&c->wait, '\n');
    }
    t5g_buf_free(&cell);
}

void
t5g_columns_end(struct t5g_columns *c, struct t5g_buf *out)
{
    if (!c->known)
        put_waiting(c, out);
}
