/* pickle_machine.c: opcodes, and what the globals make; all memory is bounded. */
#include "model/pickle_machine.h"
#include "base/dtype.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    STACK_MAX = 1 << 16,
    MEMO_MAX = 1 << 20,
    ITEMS_MAX = 1 << 21, /* of all tuples together */
    PAIRS_MAX = 1 << 18, /* of all dictionaries together */
    TENSORS_MAX = 65536,
    KEY_MAX = 64,
};

static int T5G_PRINTF(2, 3) fail(struct t5g_pickle *m, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return t5g_err_set(m->e, T5G_EX_DATA, "%s: data.pkl: byte %td: %s", m->file, m->op - m->start,
                       text);
}

/* ---- stack ---- */

static int
push(struct t5g_pickle *m, struct t5g_pickle_value v)
{
    if (m->n_stack == STACK_MAX)
        return fail(m, "more than %d values on the stack", STACK_MAX);
    m->stack = t5g_grow(m->stack, m->n_stack, &m->cap_stack, sizeof *m->stack);
    m->stack[m->n_stack++] = v;
    return 0;
}

static int
pop(struct t5g_pickle *m, struct t5g_pickle_value *v)
{
    if (m->n_stack == 0 || m->stack[m->n_stack - 1].kind == T5G_PICKLE_MARK)
        return fail(m, "nothing on the stack");
    *v = m->stack[--m->n_stack];
    return 0;
}

static int
push_int(struct t5g_pickle *m, int64_t i)
{
    return push(m, (struct t5g_pickle_value){.kind = T5G_PICKLE_INT, .u.i = i});
}

/* The number of values above the topmost mark, -1 with an error if there is none. */
static int64_t
above_mark(struct t5g_pickle *m)
{
    for (size_t i = m->n_stack; i-- > 0;)
        if (m->stack[i].kind == T5G_PICKLE_MARK)
            return (int64_t)(m->n_stack - 1 - i);
    return fail(m, "no mark on the stack");
}

/* The topmost n values of the stack become a tuple. */
static int
make_tuple(struct t5g_pickle *m, size_t n)
{
    struct t5g_pickle_value t = {
        .kind = T5G_PICKLE_TUPLE, .n = (uint32_t)n, .u.i = (int64_t)m->n_items};
    if (n > m->n_stack)
        return fail(m, "nothing on the stack");
    if (n > ITEMS_MAX - m->n_items)
        return fail(m, "more than %d items of tuples", ITEMS_MAX);
    for (size_t i = m->n_stack - n; i < m->n_stack; i++) {
        if (m->stack[i].kind == T5G_PICKLE_MARK)
            return fail(m, "nothing on the stack");
        m->items = t5g_grow(m->items, m->n_items, &m->cap_items, sizeof *m->items);
        m->items[m->n_items++] = m->stack[i];
    }
    m->n_stack -= n;
    return push(m, t);
}

/* ---- what globals make ---- */

static int
make_dict(struct t5g_pickle *m, const struct t5g_pickle_value *v, size_t n)
{
    (void)v;
    if (n != 0)
        return fail(m, "an OrderedDict of arguments");
    return push(m, (struct t5g_pickle_value){.kind = T5G_PICKLE_DICT, .u.i = m->dicts++});
}

/* A tuple of whole numbers to out [8]; their count, or -1 if it is anything else. */
static int
take_numbers(const struct t5g_pickle *m, const struct t5g_pickle_value *t, uint64_t *out)
{
    if (t->kind != T5G_PICKLE_TUPLE || t->n > 8)
        return -1;
    for (size_t i = 0; i < t->n; i++) {
        const struct t5g_pickle_value *v = &m->items[(size_t)t->u.i + i];
        if (v->kind != T5G_PICKLE_INT || v->u.i < 0)
            return -1;
        out[i] = (uint64_t)v->u.i;
    }
    return (int)t->n;
}

/* (storage, offset, size, stride, requires_grad, backward_hooks[, metadata]) */
static int
make_tensor(struct t5g_pickle *m, const struct t5g_pickle_value *v, size_t n)
{
    struct t5g_pickle_tensor t = {0};
    if ((n != 6 && n != 7) || v[0].kind != T5G_PICKLE_STORAGE || v[1].kind != T5G_PICKLE_INT ||
        v[1].u.i < 0)
        return fail(m, "a tensor of unexpected arguments");
    int ndim = take_numbers(m, &v[2], t.dims), strides = take_numbers(m, &v[3], t.strides);
    if (ndim < 0 || ndim != strides)
        return fail(m, "a tensor without shape and strides of at most 8 dimensions");
    if (m->n_tensors == TENSORS_MAX)
        return fail(m, "more than %d tensors", TENSORS_MAX);
    t.storage = (size_t)v[0].u.i;
    t.offset = (uint64_t)v[1].u.i;
    t.ndim = (size_t)ndim;
    m->tensors = t5g_grow(m->tensors, m->n_tensors, &m->cap_tensors, sizeof *m->tensors);
    m->tensors[m->n_tensors++] = t;
    return push(
        m, (struct t5g_pickle_value){.kind = T5G_PICKLE_TENSOR, .u.i = (int64_t)m->n_tensors - 1});
}

/* (tensor, requires_grad, backward_hooks) */
static int
make_parameter(struct t5g_pickle *m, const struct t5g_pickle_value *v, size_t n)
{
    if (n != 3 || v[0].kind != T5G_PICKLE_TENSOR)
        return fail(m, "a parameter of unexpected arguments");
    return push(m, v[0]);
}

/* What a pickle may name; everything else in Python is refused. */
static const struct {
    const char *name;
    int (*make)(struct t5g_pickle *m, const struct t5g_pickle_value *v,
                size_t n); /* of arguments v [n] */
    int dtype;             /* of a class of storages */
} globals[] = {
    {"collections.OrderedDict", make_dict, 0},
    {"torch._utils._rebuild_tensor_v2", make_tensor, 0},
    {"torch._utils._rebuild_parameter", make_parameter, 0},
    {"torch.FloatStorage", NULL, T5G_F32},
    {"torch.BFloat16Storage", NULL, T5G_BF16},
    {"torch.HalfStorage", NULL, T5G_F16},
    {"torch.DoubleStorage", NULL, T5G_F64},
    {"torch.LongStorage", NULL, T5G_I64},
    {"torch.IntStorage", NULL, T5G_I32},
    {"torch.ShortStorage", NULL, T5G_I16},
    {"torch.CharStorage", NULL, T5G_I8},
    {"torch.ByteStorage", NULL, T5G_U8},
    {"torch.BoolStorage", NULL, T5G_BOOL},
};

/* ---- opcodes ---- */

static int
do_proto(struct t5g_pickle *m)
{
    if (*m->arg < 2 || *m->arg > 5)
        return fail(m, "pickle protocol %d, expected 2", *m->arg);
    return 0;
}

static int
do_stop(struct t5g_pickle *m)
{
    m->stopped = true;
    return 0;
}

static int
do_mark(struct t5g_pickle *m)
{
    return push(m, (struct t5g_pickle_value){.kind = T5G_PICKLE_MARK});
}

static int
do_none(struct t5g_pickle *m)
{
    return push(m, (struct t5g_pickle_value){.kind = T5G_PICKLE_NONE});
}

static int
do_true(struct t5g_pickle *m)
{
    return push(m, (struct t5g_pickle_value){.kind = T5G_PICKLE_BOOL, .u.i = 1});
}

static int
do_false(struct t5g_pickle *m)
{
    return push(m, (struct t5g_pickle_value){.kind = T5G_PICKLE_BOOL});
}

static int
do_int1(struct t5g_pickle *m)
{
    return push_int(m, *m->arg);
}

static int
do_int2(struct t5g_pickle *m)
{
    return push_int(m, (int64_t)t5g_little(m->arg, 2));
}

static int
do_int4(struct t5g_pickle *m)
{
    return push_int(m, (int32_t)(uint32_t)t5g_little(m->arg, 4));
}

/* A number of up to eight bytes, the last of which has the sign. */
static int
do_long(struct t5g_pickle *m)
{
    size_t n = *m->arg;
    if (n > 8 || n > (size_t)(m->end - m->p))
        return fail(m, "a number of %zu bytes, expected at most 8", n);
    uint64_t v = t5g_little(m->p, n);
    if (n > 0 && n < 8 && (m->p[n - 1] & 0x80) != 0)
        v |= ~(uint64_t)0 << 8 * n;
    m->p += n;
    return push_int(m, (int64_t)v);
}

static int
do_string(struct t5g_pickle *m)
{
    uint32_t n = (uint32_t)t5g_little(m->arg, 4);
    if (n > (size_t)(m->end - m->p))
        return fail(m, "cut off");
    m->p += n;
    return push(m, (struct t5g_pickle_value){.kind = T5G_PICKLE_STRING, .n = n, .u.s = m->p - n});
}

static int
do_tuple(struct t5g_pickle *m)
{
    int64_t n = above_mark(m);
    if (n < 0 || make_tuple(m, (size_t)n) < 0)
        return -1;
    m->stack[m->n_stack - 2] = m->stack[m->n_stack - 1]; /* in place of the mark */
    m->n_stack--;
    return 0;
}

static int
do_tuple0(struct t5g_pickle *m)
{
    return make_tuple(m, 0);
}

static int
do_tuple1(struct t5g_pickle *m)
{
    return make_tuple(m, 1);
}

static int
do_tuple2(struct t5g_pickle *m)
{
    return make_tuple(m, 2);
}

static int
do_tuple3(struct t5g_pickle *m)
{
    return make_tuple(m, 3);
}

static int
do_dict(struct t5g_pickle *m)
{
    return make_dict(m, NULL, 0);
}

static int
set_pair(struct t5g_pickle *m, const struct t5g_pickle_value *dict,
         const struct t5g_pickle_value *pair)
{
    if (dict->kind != T5G_PICKLE_DICT || pair[0].kind != T5G_PICKLE_STRING)
        return fail(m, "an item that is not one of a dictionary by name");
    if (m->n_pairs == PAIRS_MAX)
        return fail(m, "more than %d items of dictionaries", PAIRS_MAX);
    m->pairs = t5g_grow(m->pairs, m->n_pairs, &m->cap_pairs, sizeof *m->pairs);
    m->pairs[m->n_pairs++] = (struct t5g_pickle_pair){dict->u.i, pair[0], pair[1]};
    return 0;
}

static int
do_setitem(struct t5g_pickle *m)
{
    struct t5g_pickle_value pair[2];
    if (pop(m, &pair[1]) < 0 || pop(m, &pair[0]) < 0)
        return -1;
    if (m->n_stack == 0)
        return fail(m, "nothing on the stack");
    return set_pair(m, &m->stack[m->n_stack - 1], pair);
}

static int
do_setitems(struct t5g_pickle *m)
{
    int64_t n = above_mark(m);
    if (n < 0)
        return -1;
    size_t first = m->n_stack - (size_t)n;
    if (first < 2 || n % 2 != 0)
        return fail(m, "items that are not those of a dictionary");
    for (size_t i = first; i < m->n_stack; i += 2)
        if (set_pair(m, &m->stack[first - 2], &m->stack[i]) < 0)
            return -1;
    m->n_stack = first - 1;
    return 0;
}

static int
put_memo(struct t5g_pickle *m, uint64_t at)
{
    if (m->n_stack == 0 || m->stack[m->n_stack - 1].kind == T5G_PICKLE_MARK)
        return fail(m, "nothing on the stack");
    if (at > m->n_memo || at >= MEMO_MAX)
        return fail(m, "memo %llu out of order, or more than %d of them", (unsigned long long)at,
                    MEMO_MAX);
    if (at == m->n_memo) {
        m->memo = t5g_grow(m->memo, m->n_memo, &m->cap_memo, sizeof *m->memo);
        m->n_memo++;
    }
    m->memo[at] = m->stack[m->n_stack - 1];
    return 0;
}

static int
get_memo(struct t5g_pickle *m, uint64_t at)
{
    if (at >= m->n_memo)
        return fail(m, "memo %llu was not set", (unsigned long long)at);
    return push(m, m->memo[at]);
}

static int
do_put1(struct t5g_pickle *m)
{
    return put_memo(m, *m->arg);
}

static int
do_put4(struct t5g_pickle *m)
{
    return put_memo(m, t5g_little(m->arg, 4));
}

static int
do_get1(struct t5g_pickle *m)
{
    return get_memo(m, *m->arg);
}

static int
do_get4(struct t5g_pickle *m)
{
    return get_memo(m, t5g_little(m->arg, 4));
}

/* Two lines, module and name. */
static int
do_global(struct t5g_pickle *m)
{
    char name[128];
    const unsigned char *line[3] = {m->p, NULL, NULL};
    for (int i = 0; i < 2; i++) {
        const unsigned char *end = memchr(line[i], '\n', (size_t)(m->end - line[i]));
        if (end == NULL)
            return fail(m, "cut off");
        line[i + 1] = end + 1;
    }
    int module = (int)(line[1] - line[0] - 1), rest = (int)(line[2] - line[1] - 1);
    m->p = line[2];
    snprintf(name, sizeof name, "%.*s.%.*s", module, (const char *)line[0], rest,
             (const char *)line[1]);
    for (size_t i = 0; i < T5G_LEN(globals) && strlen(name) == (size_t)(module + 1 + rest); i++)
        if (strcmp(globals[i].name, name) == 0)
            return push(m, (struct t5g_pickle_value){.kind = T5G_PICKLE_GLOBAL, .u.i = (int64_t)i});
    return fail(m,
                "the global '%s' is not one of those that make tensors: a pickle is a program, "
                "and this one is not run",
                name);
}

static int
do_reduce(struct t5g_pickle *m)
{
    struct t5g_pickle_value args, global;
    if (pop(m, &args) < 0 || pop(m, &global) < 0)
        return -1;
    if (global.kind != T5G_PICKLE_GLOBAL || args.kind != T5G_PICKLE_TUPLE ||
        globals[global.u.i].make == NULL)
        return fail(m, "a call of something that is not a function");
    /* The values are no longer on the stack; those of the tuple stay where they are. */
    return globals[global.u.i].make(m, args.n > 0 ? m->items + args.u.i : NULL, args.n);
}

/* ('storage', class, key, location, numel) */
static int
do_storage(struct t5g_pickle *m)
{
    struct t5g_pickle_value t;
    if (pop(m, &t) < 0)
        return -1;
    const struct t5g_pickle_value *v =
        t.kind == T5G_PICKLE_TUPLE && t.n == 5 ? m->items + t.u.i : NULL;
    if (v == NULL || v[0].kind != T5G_PICKLE_STRING || v[0].n != 7 ||
        memcmp(v[0].u.s, "storage", 7) != 0 || v[1].kind != T5G_PICKLE_GLOBAL ||
        globals[v[1].u.i].dtype == 0 || v[2].kind != T5G_PICKLE_STRING || v[2].n == 0 ||
        v[2].n > KEY_MAX || v[3].kind != T5G_PICKLE_STRING || v[4].kind != T5G_PICKLE_INT ||
        v[4].u.i < 0)
        return fail(m, "a persistent id that is not a storage's");
    if (m->n_storages == TENSORS_MAX)
        return fail(m, "more than %d storages", TENSORS_MAX);
    m->storages = t5g_grow(m->storages, m->n_storages, &m->cap_storages, sizeof *m->storages);
    m->storages[m->n_storages++] =
        (struct t5g_pickle_storage){v[2].u.s, v[2].n, globals[v[1].u.i].dtype, (uint64_t)v[4].u.i};
    return push(m, (struct t5g_pickle_value){.kind = T5G_PICKLE_STORAGE,
                                             .u.i = (int64_t)m->n_storages - 1});
}

/* The attributes of a dictionary, such as _metadata of a state_dict: not used. */
static int
do_build(struct t5g_pickle *m)
{
    struct t5g_pickle_value state;
    if (pop(m, &state) < 0)
        return -1;
    if (m->n_stack == 0 || m->stack[m->n_stack - 1].kind != T5G_PICKLE_DICT ||
        state.kind != T5G_PICKLE_DICT)
        return fail(m, "attributes of something that is not a dictionary");
    return 0;
}

/* Every opcode by its byte: what follows it in fixed length, and what it does; NULL: refused. */
static const struct {
    const char *name;
    int (*run)(struct t5g_pickle *m);
    size_t size;
} opcodes[256] = {
    [0x80] = {"PROTO", do_proto, 1},
    ['.'] = {"STOP", do_stop, 0},
    ['('] = {"MARK", do_mark, 0},
    ['N'] = {"NONE", do_none, 0},
    [0x88] = {"NEWTRUE", do_true, 0},
    [0x89] = {"NEWFALSE", do_false, 0},
    ['K'] = {"BININT1", do_int1, 1},
    ['M'] = {"BININT2", do_int2, 2},
    ['J'] = {"BININT", do_int4, 4},
    [0x8a] = {"LONG1", do_long, 1},
    ['X'] = {"BINUNICODE", do_string, 4},
    [')'] = {"EMPTY_TUPLE", do_tuple0, 0},
    [0x85] = {"TUPLE1", do_tuple1, 0},
    [0x86] = {"TUPLE2", do_tuple2, 0},
    [0x87] = {"TUPLE3", do_tuple3, 0},
    ['t'] = {"TUPLE", do_tuple, 0},
    ['}'] = {"EMPTY_DICT", do_dict, 0},
    ['s'] = {"SETITEM", do_setitem, 0},
    ['u'] = {"SETITEMS", do_setitems, 0},
    ['q'] = {"BINPUT", do_put1, 1},
    ['r'] = {"LONG_BINPUT", do_put4, 4},
    ['h'] = {"BINGET", do_get1, 1},
    ['j'] = {"LONG_BINGET", do_get4, 4},
    ['c'] = {"GLOBAL", do_global, 0},
    ['R'] = {"REDUCE", do_reduce, 0},
    ['Q'] = {"BINPERSID", do_storage, 0},
    ['b'] = {"BUILD", do_build, 0},
    ['I'] = {"INT", NULL, 0},
    ['L'] = {"LONG", NULL, 0},
    [0x8b] = {"LONG4", NULL, 0},
    ['S'] = {"STRING", NULL, 0},
    ['T'] = {"BINSTRING", NULL, 0},
    ['U'] = {"SHORT_BINSTRING", NULL, 0},
    ['B'] = {"BINBYTES", NULL, 0},
    ['C'] = {"SHORT_BINBYTES", NULL, 0},
    [0x8e] = {"BINBYTES8", NULL, 0},
    [0x96] = {"BYTEARRAY8", NULL, 0},
    [0x97] = {"NEXT_BUFFER", NULL, 0},
    [0x98] = {"READONLY_BUFFER", NULL, 0},
    ['V'] = {"UNICODE", NULL, 0},
    [0x8c] = {"SHORT_BINUNICODE", NULL, 0},
    [0x8d] = {"BINUNICODE8", NULL, 0},
    ['F'] = {"FLOAT", NULL, 0},
    ['G'] = {"BINFLOAT", NULL, 0},
    [']'] = {"EMPTY_LIST", NULL, 0},
    ['a'] = {"APPEND", NULL, 0},
    ['e'] = {"APPENDS", NULL, 0},
    ['l'] = {"LIST", NULL, 0},
    ['d'] = {"DICT", NULL, 0},
    [0x8f] = {"EMPTY_SET", NULL, 0},
    [0x90] = {"ADDITEMS", NULL, 0},
    [0x91] = {"FROZENSET", NULL, 0},
    ['0'] = {"POP", NULL, 0},
    ['1'] = {"POP_MARK", NULL, 0},
    ['2'] = {"DUP", NULL, 0},
    ['g'] = {"GET", NULL, 0},
    ['p'] = {"PUT", NULL, 0},
    [0x94] = {"MEMOIZE", NULL, 0},
    [0x82] = {"EXT1", NULL, 0},
    [0x83] = {"EXT2", NULL, 0},
    [0x84] = {"EXT4", NULL, 0},
    [0x93] = {"STACK_GLOBAL", NULL, 0},
    ['i'] = {"INST", NULL, 0},
    ['o'] = {"OBJ", NULL, 0},
    [0x81] = {"NEWOBJ", NULL, 0},
    [0x92] = {"NEWOBJ_EX", NULL, 0},
    [0x95] = {"FRAME", NULL, 0},
    ['P'] = {"PERSID", NULL, 0},
};

int
t5g_pickle_run(struct t5g_pickle *m)
{
    while (!m->stopped) {
        m->op = m->p;
        if (m->p == m->end)
            return fail(m, "cut off");
        unsigned char code = *m->p++;
        if (opcodes[code].name == NULL)
            return fail(m, "0x%02x is not an opcode", code);
        if (opcodes[code].run == NULL)
            return fail(m, "the opcode %s is not one of those that make tensors",
                        opcodes[code].name);
        if (opcodes[code].size > (size_t)(m->end - m->p))
            return fail(m, "cut off");
        m->arg = m->p;
        m->p += opcodes[code].size;
        if (opcodes[code].run(m) < 0)
            return -1;
    }
    if (m->p != m->end)
        return fail(m, "%td bytes behind the end", m->end - m->p);
    if (m->n_stack != 1 || m->stack[0].kind != T5G_PICKLE_DICT)
        return fail(m, "not a dictionary of tensors, expected a state_dict");
    m->root = m->stack[0].u.i;
    return 0;
}

void
t5g_pickle_free(struct t5g_pickle *m)
{
    t5g_free(m->stack);
    t5g_free(m->memo);
    t5g_free(m->items);
    t5g_free(m->storages);
    t5g_free(m->tensors);
    t5g_free(m->pairs);
}
