/* stb.c: stb_image, built from the distribution's header with its memory in an arena. */
#include "image/stb.h"

#include <limits.h>
#include <string.h>

static struct t5g_arena *memory;

static void *
grow(void *old, size_t old_size, size_t size)
{
    if (old != NULL && (unsigned char *)old == memory->p + memory->last) {
        if (size > memory->size - memory->last)
            return NULL;
        memory->used = memory->last + size;
        return old;
    }
    void *p = t5g_arena_alloc(memory, size);
    if (p != NULL && old != NULL)
        memcpy(p, old, t5g_min(old_size, size));
    return p;
}

/* Only the latest block comes back; the rest lives as long as the arena. */
static void
give_back(void *p)
{
    if (p != NULL && (unsigned char *)p == memory->p + memory->last)
        memory->used = memory->last;
}

#define STBI_MALLOC(size)                   t5g_arena_alloc(memory, size)
#define STBI_REALLOC_SIZED(p, before, size) grow(p, before, size)
#define STBI_FREE(p)                        give_back(p)
#define STBI_ASSERT(x)                      ((x) ? (void)0 : __builtin_trap())
#define STBI_MAX_DIMENSIONS                 T5G_PICTURE_SIDE_MAX
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
/* Another's code under our warnings. Declared and never defined is told at the end of this file. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <stb_image.h>
#pragma GCC diagnostic pop

int
t5g_stb_decode(const struct t5g_picture *p, const unsigned char *file, size_t n, bool wide,
               struct t5g_arena *a, void **samples, size_t *channels, struct t5g_err *e)
{
    int w = 0, h = 0, c = 0;
    const char *format = p->format == T5G_PICTURE_PNG ? "PNG" : "JPEG";
    if (n > INT_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "%s: %zu bytes", format, n);
    memory = a;
    *samples = wide ? (void *)stbi_load_16_from_memory(file, (int)n, &w, &h, &c, 0)
                    : (void *)stbi_load_from_memory(file, (int)n, &w, &h, &c, 0);
    memory = NULL;
    if (*samples == NULL)
        return t5g_err_set(e, T5G_EX_DATA, "%s: %s", format, stbi_failure_reason());
    if ((size_t)w != p->w || (size_t)h != p->h || c < 1 || c > 4)
        return t5g_err_set(e, T5G_EX_DATA, "%s: decoded as %d x %d with %d channels", format, w, h,
                           c);
    *channels = (size_t)c;
    return 0;
}
