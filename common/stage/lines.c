/* lines.c: lists of texts, one a line: what is in a line that nobody sees. */
#include "stage/lines.h"
#include "cli/message.h"

#include <string.h>

#define MARK "\xef\xbb\xbf"

bool
t5g_line_warns(const char *file, size_t line, const char *text, size_t n, const char *noun)
{
    bool mark = line == 1 && n >= strlen(MARK) && memcmp(text, MARK, strlen(MARK)) == 0;
    if (!mark && (n == 0 || text[n - 1] != '\r'))
        return false;
    t5g_warn("%s: line %zu %s, which is part of the %s: convert the lines if that is not meant",
             file, line, mark ? "begins with a byte order mark" : "ends with a carriage return",
             noun);
    return true;
}
