/* lines.c: the lines that t5g-frame ls and the cache verbs print. */
#include "verbs.h"
#include "base/units.h"

#include <inttypes.h>
#include <string.h>

void
put_failure(struct t5g_buf *b, const struct t5g_doc *d)
{
    struct t5g_buf reason = {0};
    put_reason(&reason, &d->close);
    put_escaped(b, reason.p, reason.n);
    t5g_buf_free(&reason);
}

void
put_document(struct t5g_buf *b, const struct t5g_doc *d)
{
    put_escaped(b, d->id, d->id_len);
    t5g_buf_addc(b, '\t');
    for (size_t i = 0; i < d->n_items; i++) {
        char name[T5G_FRAME_NAME_MAX + 1];
        t5g_frame_name(&d->items[i], name, sizeof name);
        t5g_buf_adds(b, i > 0 ? ", " : "");
        put_escaped(b, name, strlen(name));
        t5g_buf_adds(b, name[0] != '\0' ? " " : "");
        put_shape(b, &d->items[i]);
    }
    if (d->failed) {
        t5g_buf_adds(b, d->n_items > 0 ? ", failed: " : "failed: ");
        put_failure(b, d);
    }
    t5g_buf_addc(b, '\n');
}

void
put_frame(struct t5g_buf *b, const struct t5g_frame *f)
{
    t5g_buf_printf(b, "%llu\t%c\t%llu\t", (unsigned long long)f->offset, f->kind,
                   (unsigned long long)f->size);
    put_shape(b, f);
    t5g_buf_addc(b, '\t');
    put_escaped(b, f->meta, f->meta_len);
    t5g_buf_addc(b, '\n');
}

static void
put_count(struct t5g_buf *b, uint64_t n, const char *what, const char *after)
{
    t5g_buf_printf(b, "%llu %s%s%s", (unsigned long long)n, what, n == 1 ? "" : "s", after);
}

void
put_totals(struct t5g_buf *b, const struct totals *t)
{
    put_count(b, t->docs, "document", ", ");
    t5g_buf_printf(b, "%llu failed, ", (unsigned long long)t->failed);
    put_count(b, t->frames, "frame", ", ");
    put_count(b, t->bytes, "byte", ", ");
    put_count(b, t->segments, "segment", "\n");
}

static void
put_kind(struct t5g_buf *b, const struct t5g_cache_files *l, enum t5g_cache_kind kind,
         const char *one, const char *many)
{
    char size[T5G_UNITS_MAX];
    t5g_buf_printf(b, "%" PRIu64 " %s, %s; ", l->of[kind].files,
                   l->of[kind].files == 1 ? one : many, t5g_units_size(size, l->of[kind].bytes));
}

void
put_cache(struct t5g_buf *b, const char *dir, const struct t5g_cache_files *l, int64_t now)
{
    char text[T5G_UNITS_MAX];
    put_escaped(b, dir, strlen(dir));
    t5g_buf_adds(b, ": ");
    put_kind(b, l, T5G_CACHE_ENTRY, "entry", "entries");
    put_kind(b, l, T5G_CACHE_TABLE, "compiled tokenizer", "compiled tokenizers");
    put_kind(b, l, T5G_CACHE_NOTE, "note", "notes");
    put_kind(b, l, T5G_CACHE_UNFINISHED, "unfinished", "unfinished");
    t5g_buf_printf(b, "%s in all", t5g_units_size(text, l->bytes));
    if (l->n > l->of[T5G_CACHE_UNFINISHED].files)
        t5g_buf_printf(b, "; oldest unused for %s",
                       t5g_units_time(text, (double)(now - t5g_cache_files_oldest(l, now))));
    t5g_buf_addc(b, '\n');
}

void
put_collected(struct t5g_buf *b, const struct t5g_collected *gone,
              const struct t5g_cache_rules *rules, uint64_t kept)
{
    char size[T5G_UNITS_MAX], left[T5G_UNITS_MAX];
    t5g_buf_printf(b, "%" PRIu64 " %s, %s; %s kept", gone->files,
                   rules->dry_run ? "would be removed" : "removed",
                   t5g_units_size(size, gone->bytes), t5g_units_size(left, kept));
    if (gone->spared > 0)
        t5g_buf_printf(b, "; %" PRIu64 " of them only because they were used within %s (--grace)",
                       gone->spared, t5g_units_time(size, (double)rules->grace));
    t5g_buf_addc(b, '\n');
}
