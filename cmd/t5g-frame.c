/* t5g-frame: list, split, join, repair, compare and convert streams.  See t5g-frame(1). */
#include "frame/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} verbs[] = {
    {"ls", verb_ls, "list documents or frames"},
    {"cat", verb_cat, "join streams into one segment"},
    {"head", verb_head, "copy the first documents"},
    {"split", verb_split, "split a stream into files"},
    {"verify", verb_verify, "check every byte"},
    {"quickcheck", verb_quickcheck, "check only the beginning and end of each segment"},
    {"recover", verb_recover, "save the complete documents of a damaged stream"},
    {"diff", verb_diff, "find the first tensor in which two streams differ"},
    {"nearest", verb_nearest, "find the vectors nearest to queries"},
    {"export", verb_export, "convert to npy, safetensors or JSON lines"},
    {"import", verb_import, "convert from npy, safetensors or JSON lines"},
    {"heatmap", verb_heatmap, "draw which parts of a document an answer came from"},
    {"cache-stat", verb_cache_stat, "count the entries of a cache"},
    {"cache-verify", verb_cache_verify, "check the entries of a cache"},
    {"cache-gc", verb_cache_gc, "remove old entries of a cache"},
};

static void
help(void)
{
    puts("usage: t5g-frame VERB [options] [FILE ...]\nWork on t5g streams as files.\n");
    for (size_t i = 0; i < T5G_LEN(verbs); i++)
        printf("  %-14s%s\n", verbs[i].name, verbs[i].summary);
    puts("\n't5g-frame VERB --help' lists the options of a verb.\n\n"
         "Example:\n  t5g-frame ls report.t5g\n\nManual: t5g-frame(1)");
    exit(fflush(stdout) == 0 ? T5G_EX_OK : T5G_EX_IO);
}

int
main(int argc, char **argv)
{
    static char program[64];
    t5g_start("t5g-frame");
    if (argc < 2)
        t5g_usage("a verb is missing");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        help();
    if (strcmp(argv[1], "--version") == 0) {
        printf("t5g-frame (t5g) %s, stream format 1.0\n", T5G_VERSION);
        return fflush(stdout) == 0 ? T5G_EX_OK : T5G_EX_IO;
    }
    for (size_t i = 0; i < T5G_LEN(verbs); i++)
        if (strcmp(argv[1], verbs[i].name) == 0) {
            snprintf(program, sizeof program, "t5g-frame %s", verbs[i].name);
            t5g_start(program);
            return verbs[i].run(argc - 1, argv + 1);
        }
    t5g_usage(argv[1][0] == '-' ? "%s: the verb comes first, then its options"
                                : "'%s' is not a verb",
              argv[1]);
}
