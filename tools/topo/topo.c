#include "tools/topo/topo.h"

#include <stdio.h>

#include "tools/command.h"
#include "tools/common/flags.h"
#include "tools/topo/object.h"
#include "tools/topo/tree.h"

struct request {
    bool help;
    bool json;
    const char *synthetic;
};

static const char usage[] =
    "usage: weft topo [--json] [--synthetic TEXT]\n"
    "\n"
    "Shows this machine as weft sees it: NUMA nodes with their memory and distances, groups of\n"
    "cores that share a last-level cache, cores, CPUs, and on which of them workers would go.\n"
    "\n"
    "  --json            print one JSON object\n"
    "  --synthetic TEXT  a machine that need not exist, such as 2x4 (two nodes of four cores),\n"
    "                    2x4x2 (with two threads each) or \"2x4 mem=8G,0 dist=10,21;21,10 l3=2\";\n"
    "                    the grammar is in weft(1)\n"
    "  --help            print this\n"
    "\n"
    "WEFT_TOPOLOGY, WEFT_WORKERS and WEFT_SMT count as they do when a runtime starts.\n"
    "\n"
    "Exit status: 0 shown, 1 the machine cannot be read, 2 wrong usage or a wrong TEXT.\n";

static const struct option flags[] = {
    { "help", no_argument, NULL, 'h' },
    { "json", no_argument, NULL, 'j' },
    { "synthetic", required_argument, NULL, 's' },
    { NULL, 0, NULL, 0 },
};

static bool parse(int argc, char **argv, struct request *out)
{
    int flag;

    weft__flags_begin();
    while ((flag = weft__flags_next("topo", argc, argv, flags)) != -1) {
        switch (flag) {
        case 'h': out->help = true; break;
        case 'j': out->json = true; break;
        case 's': out->synthetic = optarg; break;
        default: return false;
        }
    }
    if (optind == argc)
        return true;
    (void)fprintf(stderr, "weft topo: takes no argument, but got '%s'\n", argv[optind]);
    return false;
}

int weft_tool_topo(int argc, char **argv)
{
    struct request request = { .help = false };
    struct weft__topo topo = { .synthetic = NULL };

    if (!parse(argc, argv, &request))
        return WEFT_EXIT_USAGE;
    if (request.help) {
        (void)fputs(usage, stdout);
        return WEFT_EXIT_OK;
    }
    int code = weft__topo_look(&topo, request.synthetic);
    if (code == WEFT_EXIT_OK && request.json)
        weft__object_print(stdout, &topo);
    else if (code == WEFT_EXIT_OK)
        weft__tree_print(stdout, &topo);
    weft__topo_fini(&topo);
    return code;
}
