/*
 * heatmap.c: the attention of an answer as SVG.
 *
 *   title
 *   pictures side by side, each under a grid of its rows
 *   the table: tokens of the answer from left to right, rows of the document from top to bottom
 */
#include "convert/heatmap.h"
#include "base/base64.h"
#include "base/escape.h"
#include "base/utf8.h"

#include <string.h>

enum {
    CELL = 18,     /* height of a line, width of a column */
    PICTURE = 384, /* side of a picture */
    LABEL = 220,   /* room for the text of a row */
    TOP = 170,     /* and of a token, above its column */
    MARGIN = 16,
    LETTERS = 24, /* of a text that are shown */
};

/* ---- text ---- */

/* Append s [n] as character data or the value of an attribute. */
static void
put_xml(struct t5g_buf *b, const char *s, size_t n)
{
    struct t5g_buf safe = {0};
    t5g_escape(&safe, s, n, false);
    for (size_t i = 0; i < safe.n; i++) {
        char c = safe.p[i];
        if (c == '&')
            t5g_buf_adds(b, "&amp;");
        else if (c == '<')
            t5g_buf_adds(b, "&lt;");
        else if (c == '>')
            t5g_buf_adds(b, "&gt;");
        else if (c == '"')
            t5g_buf_adds(b, "&quot;");
        else if (strncmp(safe.p + i, "\xef\xbf\xbe", 3) == 0 ||
                 strncmp(safe.p + i, "\xef\xbf\xbf", 3) == 0) { /* not characters of XML */
            t5g_buf_adds(b, "\xef\xbf\xbd");
            i += 2;
        } else
            t5g_buf_addc(b, c);
    }
    t5g_buf_free(&safe);
}

/* A token's text as a label: white space visible, at most LETTERS characters. */
static void
put_label(struct t5g_buf *b, const struct t5g_buf *text)
{
    struct t5g_buf shown = {0};
    size_t letters = 0;
    for (size_t i = 0, len; i < text->n; i += len, letters++) {
        len = t5g_utf8_len((const unsigned char *)text->p + i, text->n - i, NULL);
        len = len > 0 ? len : 1;
        if (letters == LETTERS) {
            t5g_buf_adds(&shown, "\xe2\x80\xa6");
            break;
        }
        if (text->p[i] == '\n')
            t5g_buf_adds(&shown, "\xe2\x86\xb5");
        else if (text->p[i] == '\t')
            t5g_buf_adds(&shown, "\xe2\x87\xa5");
        else if (text->p[i] == ' ')
            t5g_buf_adds(&shown, "\xe2\x90\xa3");
        else
            t5g_buf_add(&shown, text->p + i, len);
    }
    if (shown.n == 0) /* a part of a character, which is with the last one */
        t5g_buf_adds(&shown, "\xc2\xb7");
    put_xml(b, shown.p, shown.n);
    t5g_buf_free(&shown);
}

/* ---- pictures ---- */

/* The type of a file that browsers show, by its first bytes; NULL for any other. */
static const char *
media_type(const unsigned char *p, size_t n)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *type;
    } types[] = {{"\x89PNG\r\n\x1a\n", 8, "image/png"},
                 {"\xff\xd8\xff", 3, "image/jpeg"},
                 {"GIF8", 4, "image/gif"},
                 {"BM", 2, "image/bmp"}};
    for (size_t i = 0; i < T5G_LEN(types); i++)
        if (n >= types[i].n && memcmp(p, types[i].bytes, types[i].n) == 0)
            return types[i].type;
    return n >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0 ? "image/webp"
                                                                                 : NULL;
}

/* Mean weight of a row over all tokens. */
static float
mean(const struct t5g_heatmap *h, size_t row)
{
    float sum = 0;
    for (size_t i = 0; i < h->n_tokens; i++)
        sum += h->weights[i * h->n_rows + row];
    return h->n_tokens > 0 ? sum / (float)h->n_tokens : 0;
}

static void
put_cell(struct t5g_buf *b, double x, double y, double w, double share, const char *colour)
{
    t5g_buf_printf(b,
                   "<rect x=\"%.6g\" y=\"%.6g\" width=\"%.6g\" height=\"%.6g\" fill=\"%s\" "
                   "fill-opacity=\"%.3f\">",
                   x, y, w, w, colour, share);
}

static void
draw_picture(const struct t5g_heatmap *h, const struct t5g_heatmap_picture *p, size_t number,
             size_t x, size_t y, struct t5g_buf *b)
{
    const char *type = p->file != NULL ? media_type(p->file, p->size) : NULL;
    double step = (double)PICTURE / (double)p->side;
    float most = 0;
    t5g_buf_printf(b, "<g class=\"picture\"><text x=\"%zu\" y=\"%zu\">picture %zu</text>\n", x,
                   y + 12, number + 1);
    y += CELL;
    t5g_buf_printf(b,
                   "<rect x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\" fill=\"#fff\" "
                   "stroke=\"#999\"/>\n",
                   x, y, PICTURE, PICTURE);
    if (type != NULL) {
        t5g_buf_printf(b,
                       "<image x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\" "
                       "preserveAspectRatio=\"none\" xlink:href=\"data:%s;base64,",
                       x, y, PICTURE, PICTURE, type);
        t5g_base64(b, p->file, p->size);
        t5g_buf_adds(b, "\"/>\n");
    }
    for (size_t i = 0; i < p->side * p->side; i++)
        most = mean(h, p->first + i) > most ? mean(h, p->first + i) : most;
    for (size_t i = 0; i < p->side * p->side; i++) {
        float m = mean(h, p->first + i);
        put_cell(b, (double)x + step * (double)(i % p->side),
                 (double)y + step * (double)(i / p->side), step,
                 most > 0 ? 0.8 * (double)(m / most) : 0, type != NULL ? "#d00" : "#036");
        t5g_buf_printf(b, "<title>%.4f</title></rect>\n", (double)m);
    }
    t5g_buf_adds(b, "</g>\n");
}

/* ---- the table ---- */

/* A line of the table: rows first..first + n of the document, whose weights are added up if they
 * are a picture, else the largest counts. */
struct line {
    size_t first, n;
    const struct t5g_heatmap_picture *picture;
    size_t number; /* of the picture */
};

/* The lines; *n of them, freed by the caller. */
static struct line *
make_lines(const struct t5g_heatmap *h, size_t *n)
{
    struct line *lines = t5g_alloc(h->n_rows + 1, sizeof *lines);
    size_t texts = h->n_rows, next = 0, room, each;
    for (size_t i = 0; i < h->n_pictures; i++)
        texts -= h->pictures[i].side * h->pictures[i].side;
    room = h->most > h->n_pictures ? h->most - h->n_pictures : 1;
    each = t5g_max((texts + room - 1) / room, 1);
    *n = 0;
    for (size_t row = 0; row < h->n_rows;) {
        const struct t5g_heatmap_picture *p = next < h->n_pictures ? &h->pictures[next] : NULL;
        struct line *l = &lines[(*n)++];
        *l = (struct line){.first = row,
                           .n = t5g_min(each, (p != NULL ? p->first : h->n_rows) - row)};
        if (p != NULL && row == p->first)
            *l = (struct line){row, p->side * p->side, p, next++};
        row += l->n;
    }
    return lines;
}

static float
weight_of(const struct t5g_heatmap *h, const struct line *l, size_t token)
{
    const float *w = h->weights + token * h->n_rows + l->first;
    float all = 0;
    for (size_t i = 0; i < l->n; i++)
        all = l->picture != NULL ? all + w[i] : w[i] > all ? w[i] : all;
    return all;
}

static void
put_line_label(const struct t5g_heatmap *h, const struct line *l, struct t5g_buf *b)
{
    if (l->picture != NULL) {
        t5g_buf_printf(b, "[picture %zu]", l->number + 1);
        return;
    }
    put_label(b, &h->rows[l->first]);
    if (l->n > 1)
        t5g_buf_printf(b, " \xe2\x80\xa6 (%zu)", l->n);
}

static void
draw_column(const struct t5g_heatmap *h, const struct line *lines, size_t n, size_t token,
            float most, size_t x, size_t y, struct t5g_buf *b)
{
    t5g_buf_printf(b, "<text transform=\"translate(%zu,%zu) rotate(-60)\">", x + CELL / 2, y - 4);
    put_label(b, &h->tokens[token]);
    t5g_buf_adds(b, "</text>\n");
    for (size_t i = 0; i < n; i++) {
        float w = weight_of(h, &lines[i], token);
        if (most <= 0 || w < most / 500)
            continue; /* as good as white */
        put_cell(b, (double)x, (double)(y + i * CELL), CELL, (double)(w / most), "#036");
        t5g_buf_adds(b, "<title>");
        put_label(b, &h->tokens[token]);
        t5g_buf_adds(b, " \xe2\x86\x90 ");
        put_line_label(h, &lines[i], b);
        t5g_buf_printf(b, " %.4f</title></rect>\n", (double)w);
    }
}

static void
draw_table(const struct t5g_heatmap *h, const struct line *lines, size_t n, size_t columns,
           size_t y, struct t5g_buf *b)
{
    float most = 0;
    for (size_t k = 0; k < columns; k++)
        for (size_t i = 0; i < n; i++)
            most = weight_of(h, &lines[i], k) > most ? weight_of(h, &lines[i], k) : most;
    y += TOP;
    t5g_buf_adds(b, "<g class=\"table\">\n");
    for (size_t i = 0; i < n; i++) {
        t5g_buf_printf(b, "<text x=\"%d\" y=\"%zu\" text-anchor=\"end\">", MARGIN + LABEL - 6,
                       y + i * CELL + 13);
        put_line_label(h, &lines[i], b);
        t5g_buf_adds(b, "</text>\n");
    }
    for (size_t k = 0; k < columns; k++)
        draw_column(h, lines, n, k, most, (size_t)MARGIN + LABEL + k * CELL, y, b);
    t5g_buf_printf(b,
                   "<rect x=\"%d\" y=\"%zu\" width=\"%zu\" height=\"%zu\" fill=\"none\" "
                   "stroke=\"#999\"/>\n</g>\n",
                   MARGIN + LABEL, y, columns * CELL, n * CELL);
}

void
t5g_heatmap_draw(const struct t5g_heatmap *h, struct t5g_buf *svg)
{
    size_t n, columns = t5g_min(h->n_tokens, t5g_max(h->most, 1)), y = MARGIN, head = 1;
    struct line *lines = make_lines(h, &n);
    for (const char *s = h->title; *s != '\0'; s++)
        head += *s == '\n';
    size_t pictures = h->n_pictures * (PICTURE + MARGIN);
    size_t table = (size_t)MARGIN + LABEL + columns * CELL + LABEL / 2;
    size_t width = t5g_max(t5g_max(pictures + MARGIN, table + MARGIN), 640);
    size_t height = MARGIN + head * CELL + (h->n_pictures > 0 ? PICTURE + 2 * CELL : 0) + TOP +
                    n * CELL + MARGIN;
    t5g_buf_printf(svg,
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" "
                   "xmlns:xlink=\"http://www.w3.org/1999/xlink\" version=\"1.1\" width=\"%zu\" "
                   "height=\"%zu\" viewBox=\"0 0 %zu %zu\" font-family=\"monospace\" "
                   "font-size=\"12\">\n<rect width=\"%zu\" height=\"%zu\" fill=\"#fff\"/>\n",
                   width, height, width, height, width, height);
    for (const char *s = h->title; *s != '\0'; s += *s == '\n') {
        size_t len = strcspn(s, "\n");
        t5g_buf_printf(svg, "<text x=\"%d\" y=\"%zu\">", MARGIN, y + 12);
        put_xml(svg, s, len);
        t5g_buf_adds(svg, "</text>\n");
        y += CELL;
        s += len;
    }
    for (size_t i = 0; i < h->n_pictures; i++)
        draw_picture(h, &h->pictures[i], i, MARGIN + i * (PICTURE + MARGIN), y, svg);
    y += h->n_pictures > 0 ? PICTURE + 2 * CELL : 0;
    draw_table(h, lines, n, columns, y, svg);
    t5g_buf_adds(svg, "</svg>\n");
    t5g_free(lines);
}
