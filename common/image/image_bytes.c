/*
 * image_bytes.c: the picture is passed to the child through shared memory, and its answer is not
 * trusted: sizes must be in range, and a message becomes printable ASCII.
 */
#include "image/image_bytes.h"
#include "base/mem.h"
#include "image/resize.h"

#include <string.h>
#include <sys/mman.h>

#define ARENA_MAX ((size_t)3 << 30) /* the system allocates only pages that are touched */
#define ARENA_MIN ((size_t)64 << 20)

/* Written by the parent: n. Written by the child: the rest. */
struct answer {
    size_t n;
    int code; /* 0, or an exit status and msg */
    char msg[512];
    size_t views, w, h, damaged;
};

struct t5g_image_reader {
    struct t5g_image_reader_options o;
    struct t5g_sandbox *sandbox;
    struct t5g_arena arena; /* the children's: each starts with it empty */
    struct answer *answer;  /* shared, like the following */
    unsigned char *file;    /* [T5G_PICTURE_FILE_MAX] */
    uint8_t *views;         /* [1 + max_crops, size, size, 3] */
};

int
t5g_image_prepare(const struct t5g_image_reader_options *o, unsigned char *file, size_t n,
                  struct t5g_arena *a, uint8_t *out, struct t5g_views *v, struct t5g_err *e)
{
    struct t5g_picture p;
    uint8_t *rgb;
    if (t5g_picture_check(&p, file, n, e) < 0)
        return -1;
    p.alpha = o->alpha;
    if (t5g_picture_decode(&p, file, n, a, &rgb, e) < 0)
        return -1;
    size_t w = p.w, h = p.h, cw = 0, ch = 0, view = o->size * o->size * 3;
    if (o->exif && t5g_picture_orient(p.orientation, a, &rgb, &w, &h, e) < 0)
        return -1;
    size_t crops = o->pan_and_scan ? t5g_crops(&o->crops, w, h, &cw, &ch) : 0;
    *v = (struct t5g_views){1 + crops, w, h, p.damaged, out};
    if (t5g_resize(out, o->size, rgb, w, h, w * 3, a, e) < 0)
        return -1;
    for (size_t i = 0; i < crops; i++) {
        size_t x = w >= h ? i * cw : 0, y = w >= h ? 0 : i * ch;
        if (x >= w || y >= h)
            return t5g_err_set(e, T5G_EX_DATA, "%zu x %zu pixels: too few for %zu crops", w, h,
                               crops);
        if (t5g_resize(out + (1 + i) * view, o->size, rgb + (y * w + x) * 3, t5g_min(cw, w - x),
                       t5g_min(ch, h - y), w * 3, a, e) < 0)
            return -1;
    }
    return 0;
}

/* Clear the parent's data on the stack: the child reads untrusted files. */
static void __attribute__((noinline)) clear_stack(void)
{
    unsigned char below[128 << 10];
    explicit_bzero(below, sizeof below);
}

/* In the child, which can make no system calls: memory is the arena, e is on the stack. */
static void
job(void *arg)
{
    struct t5g_image_reader *r = arg;
    struct answer *answer = r->answer;
    struct t5g_views v;
    struct t5g_err e = {0};
    clear_stack();
    if (t5g_image_prepare(&r->o, r->file, answer->n, &r->arena, r->views, &v, &e) < 0) {
        answer->code = e.code;
        memcpy(answer->msg, e.msg, sizeof answer->msg); /* the parent terminates it */
        return;
    }
    answer->views = v.n;
    answer->w = v.w;
    answer->h = v.h;
    answer->damaged = v.damaged;
    answer->code = 0;
}

static void *
map(size_t size, int shared)
{
    void *p =
        mmap(NULL, size, PROT_READ | PROT_WRITE, shared | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static size_t
views_size(const struct t5g_image_reader *r)
{
    return (1 + r->o.crops.max_crops) * r->o.size * r->o.size * 3;
}

struct t5g_image_reader *
t5g_image_reader_open(const struct t5g_image_reader_options *o, struct t5g_err *e)
{
    struct t5g_image_reader *r = t5g_alloc(1, sizeof *r);
    r->o = *o;
    if (!o->pan_and_scan)
        r->o.crops.max_crops = 0;
    for (r->arena.size = ARENA_MAX; r->arena.size >= ARENA_MIN; r->arena.size /= 2)
        if ((r->arena.p = map(r->arena.size, MAP_PRIVATE)) != NULL)
            break;
    r->answer = map(sizeof *r->answer, MAP_SHARED);
    r->file = map(T5G_PICTURE_FILE_MAX, MAP_SHARED);
    r->views = map(views_size(r), MAP_SHARED);
    if (r->arena.p == NULL || r->answer == NULL || r->file == NULL || r->views == NULL)
        t5g_err_sys(e, T5G_EX_OS, "cannot set memory aside to decode pictures");
    else
        r->sandbox = t5g_sandbox_open(o->sandbox, job, r, o->cpu_seconds, e);
    if (r->sandbox == NULL) {
        t5g_image_reader_close(r);
        return NULL;
    }
    munmap(r->arena.p, r->arena.size); /* the children keep their mapping */
    r->arena.p = NULL;
    return r;
}

static void
unmap(void *p, size_t size)
{
    if (p != NULL)
        munmap(p, size);
}

void
t5g_image_reader_close(struct t5g_image_reader *r)
{
    if (r == NULL)
        return;
    t5g_sandbox_close(r->sandbox);
    unmap(r->arena.p, r->arena.size);
    unmap(r->answer, sizeof *r->answer);
    unmap(r->file, T5G_PICTURE_FILE_MAX);
    unmap(r->views, views_size(r));
    t5g_free(r);
}

bool
t5g_image_reader_strict(const struct t5g_image_reader *r)
{
    return t5g_sandbox_strict(r->sandbox);
}

int
t5g_image_read(struct t5g_image_reader *r, const void *file, size_t n, struct t5g_views *v,
               struct t5g_err *e)
{
    if (n > T5G_PICTURE_FILE_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "%zu bytes, at most %zu", n, T5G_PICTURE_FILE_MAX);
    memcpy(r->file, file, n);
    *r->answer = (struct answer){.n = n, .code = T5G_EX_BUG};
    if (t5g_sandbox_run(r->sandbox, e) < 0)
        return -1;
    struct answer a = *r->answer;
    madvise(r->file, n, MADV_REMOVE); /* free the memory of large files */
    if (a.code != 0) {
        a.msg[sizeof a.msg - 1] = '\0';
        for (char *c = a.msg; *c != '\0'; c++)
            if (*c < ' ' || *c > '~')
                *c = '?';
        return t5g_err_set(e, T5G_EX_DATA, "%s", a.msg);
    }
    if (a.views < 1 || a.views > 1 + r->o.crops.max_crops || a.w == 0 || a.h == 0 ||
        a.w > T5G_PICTURE_SIDE_MAX || a.h > T5G_PICTURE_SIDE_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "decoder gave %zu views of %zu x %zu pixels", a.views,
                           a.w, a.h);
    *v = (struct t5g_views){a.views, a.w, a.h, a.damaged, r->views};
    return 0;
}
