/* weft bench: our bodies alone, or in pairs with the peers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>

#include "tools/bench/body.h"
#include "tools/bench/load.h"
#include "tools/bench/measure.h"
#include "tools/bench/metric.h"
#include "tools/bench/peers.h"
#include "tools/bench/report.h"
#include "tools/bench/server.h"
#include "tools/bench/statistics.h"
#include "tools/command.h"
#include "tools/common/flags.h"

enum { metrics_max = 64 };

struct request {
    bool help;
    bool list;
    bool json;
    bool body;   /* a run of one body: what the runner starts, once for each sample */
    bool client; /* the same of one that is a server */
    bool peers;
    bool loads; /* an echo server under load */
    struct weft__measure_plan plan;
    struct weft__load_plan load;
    size_t metric_count;
    const struct weft__metric *metrics[metrics_max];
};

static const char usage[] =
    "usage: weft bench [NAME...] [--json] [--quick] [--samples N] [--policy POLICY]\n"
    "       weft bench peers [NAME...] [--json] [--quick] [--pairs N] [--peer PEER] [--peers DIR]\n"
    "                  [--policy POLICY]\n"
    "       weft bench load [--open-loop RATE] [--clients N] [--seconds N] [--json]\n"
    "                  [--policy POLICY]\n"
    "       weft bench --list\n"
    "\n"
    "Measures weft, alone or in interleaved pairs with other runtimes. Each run is a process of "
    "its\n"
    "own and proves its work by a checksum.\n"
    "\n"
    "  --json       one JSON object a line, with the machine in each\n"
    "  --quick      tiny sizes, 3 runs: shows that all works, measures nothing\n"
    "  --samples N  runs of each metric, 1 to 1000 (3 to 15, by the metric)\n"
    "  --pairs N    runs with each peer, 1 to 1000 (15)\n"
    "  --peer PEER  with this peer alone\n"
    "  --policy POLICY  how weft schedules: default, sharded, global or deadline\n"
    "  --peers DIR  where the peers' programs are; else bench-peers/ beside weft, which is built\n"
    "               once (make peers) from what compilers and libraries are here\n"
    "  --list       the metrics\n"
    "  --help       print this\n"
    "\n";

static const char usage_of_load[] =
    "weft bench load puts an echo server under load over TCP on loopback, and shows how long "
    "replies\n"
    "take. The client is a plain thread with sockets, nothing of weft.\n"
    "\n"
    "  --open-loop RATE  requests a second, 1 to 10000000, sent by a schedule whether replies "
    "have\n"
    "                    come or not; times count from the schedule, so that stalls are seen.\n"
    "                    Without it each connection asks again when it has its reply\n"
    "  --clients N       connections, 1 to 512 (64)\n"
    "  --seconds N       how long, 1 to 3600 (5)\n"
    "\n"
    "In `weft bench --body NAME COUNT` the process does one run itself; the other forms start "
    "it.\n"
    "Where the body is a server they start `weft bench --serve NAME COUNT [SERVER]`, which starts "
    "both.\n"
    "\n"
    "Exit status: 0 all is well, 1 a run failed or did not do its work, 2 wrong usage.\n";

/* Reads a number from 1 to @max; 0 says that the text is none. */
static uint64_t parse_number(const char *text, uint64_t max)
{
    char *end;
    uint64_t number = strtoumax(text, &end, 10);

    return *text >= '0' && *text <= '9' && *end == '\0' && number <= max ? number : 0;
}

static bool parse_runs(const char *option, const char *text, struct request *out)
{
    out->plan.runs = (unsigned)parse_number(text, weft__statistics_values_max);
    if (out->plan.runs == 0)
        (void)fprintf(stderr, "weft bench: --%s is 1 to %d, not \"%s\"\n", option,
                      weft__statistics_values_max, text);
    return out->plan.runs != 0;
}

static const struct option options[] = {
    { "help", no_argument, NULL, 'h' },
    { "list", no_argument, NULL, 'l' },
    { "json", no_argument, NULL, 'j' },
    { "quick", no_argument, NULL, 'q' },
    { "body", no_argument, NULL, 'b' },
    { "samples", required_argument, NULL, 's' },
    { "pairs", required_argument, NULL, 'n' },
    { "peer", required_argument, NULL, 'p' },
    { "peers", required_argument, NULL, 'd' },
    { "open-loop", required_argument, NULL, 'o' },
    { "clients", required_argument, NULL, 'c' },
    { "seconds", required_argument, NULL, 't' },
    { "serve", no_argument, NULL, 'e' },
    { "policy", required_argument, NULL, 'y' },
    { NULL, 0, NULL, 0 },
};

/* Of all runs, which are processes of their own. */
static bool choose_policy(const char *name)
{
    if (weft_policy_named(name) != NULL)
        return setenv("WEFT_POLICY", name, 1) == 0;
    (void)fprintf(
        stderr, "weft bench: --policy is default, sharded, global or deadline, not \"%s\"\n", name);
    return false;
}

/* Of a flag of loads; 0 when it is wrong. Such a flag says that a load is meant. */
static bool parse_load(const char *flag, const char *text, uint64_t max, uint64_t *out_number,
                       struct request *out)
{
    *out_number = weft__flags_number("bench", flag, text, 1, max);
    out->loads = true;
    return *out_number != 0;
}

static bool parse_option(int option, struct request *out)
{
    switch (option) {
    case 'h': out->help = true; return true;
    case 'l': out->list = true; return true;
    case 'j': out->json = true; return true;
    case 'q': out->plan.quick = true; return true;
    case 'b': out->body = true; return true;
    case 'e': out->client = true; return true;
    case 's': return parse_runs("samples", optarg, out);
    case 'n': return parse_runs("pairs", optarg, out);
    case 'p': out->plan.only = optarg; return true;
    case 'd': out->plan.folder = optarg; return true;
    case 'y': return choose_policy(optarg);
    case 'o': return parse_load("--open-loop", optarg, weft__load_rate_max, &out->load.rate, out);
    case 'c':
        return parse_load("--clients", optarg, weft__load_clients_max, &out->load.clients, out);
    case 't':
        return parse_load("--seconds", optarg, weft__load_seconds_max, &out->load.seconds, out);
    default: return false; /* it has been said what is wrong */
    }
}

static bool add_metric(const char *name, struct request *out)
{
    const struct weft__metric *metric = weft__metric_find(name);

    if (metric == NULL) {
        (void)fprintf(stderr, "weft bench: there is no metric \"%s\"; there are:\n", name);
        weft__metric_list(stderr);
        return false;
    }
    if (out->metric_count < metrics_max)
        out->metrics[out->metric_count++] = metric;
    return true;
}

static bool is_peer(const char *name)
{
    for (size_t i = 0; i < weft__metric_count(); i++)
        for (const struct weft__metric_peer *peer = weft__metric_at(i)->peers; peer->name != NULL;
             peer++)
            if (strcmp(peer->name, name) == 0)
                return true;
    return false;
}

/* Nothing but "load" goes with the flags of loads. */
static bool parse_words_of_load(int argc, char **argv, struct request *out)
{
    bool named = optind < argc && strcmp(argv[optind], "load") == 0;

    out->loads = true;
    out->load.json = out->json;
    optind += named ? 1 : 0;
    if (optind == argc && !out->body && !out->list && !out->plan.quick && out->plan.runs == 0 &&
        out->plan.only == NULL && out->plan.folder == NULL)
        return true;
    (void)fprintf(
        stderr,
        "weft bench: load takes --open-loop, --clients, --seconds, --policy and --json%s%s\n",
        optind < argc ? ", not " : " alone", optind < argc ? argv[optind] : "");
    return false;
}

static bool parse(int argc, char **argv, struct request *out)
{
    int option;

    out->load.clients = weft__load_clients_usual;
    out->load.seconds = weft__load_seconds_usual;
    weft__flags_begin();
    while ((option = weft__flags_next("bench", argc, argv, options)) != -1)
        if (!parse_option(option, out))
            return false;
    if (out->loads || (optind < argc && strcmp(argv[optind], "load") == 0))
        return parse_words_of_load(argc, argv, out);
    if (out->plan.only != NULL && !is_peer(out->plan.only)) {
        (void)fprintf(stderr, "weft bench: no metric has a peer \"%s\"; see weft bench --list\n",
                      out->plan.only);
        return false;
    }
    out->peers = optind < argc && strcmp(argv[optind], "peers") == 0;
    optind += out->peers ? 1 : 0;
    if (out->body || out->client)
        return true;
    if (!out->peers && (out->plan.only != NULL || out->plan.folder != NULL)) {
        (void)fputs("weft bench: --peer and --peers go with: weft bench peers\n", stderr);
        return false;
    }
    for (int i = optind; i < argc; i++)
        if (!add_metric(argv[i], out))
            return false;
    for (size_t i = 0; optind == argc && i < weft__metric_count(); i++)
        out->metrics[out->metric_count++] = weft__metric_at(i);
    return true;
}

static int run_body(int argc, char **argv)
{
    const struct weft__metric *metric = argc == 2 ? weft__metric_find(argv[0]) : NULL;
    uint64_t count = argc == 2 ? parse_number(argv[1], UINT64_MAX) : 0;

    if (metric == NULL || count == 0) {
        (void)fputs("usage: weft bench --body NAME COUNT\n", stderr);
        return WEFT_EXIT_USAGE;
    }
    return weft__body_main(metric, count);
}

static int run_server(int argc, char **argv)
{
    const struct weft__metric *metric = argc >= 2 ? weft__metric_find(argv[0]) : NULL;
    uint64_t count = argc >= 2 ? parse_number(argv[1], UINT64_MAX) : 0;

    if (metric == NULL || count == 0 || argc > 3 || metric->connections == 0) {
        (void)fputs("usage: weft bench --serve NAME COUNT [SERVER]\n", stderr);
        return WEFT_EXIT_USAGE;
    }
    return weft__server_main(metric, count, argc == 3 ? argv[2] : NULL);
}

/* Peers that are not there yet are built: a newcomer asked for figures, not for an errand. */
static bool find_peers(struct request *request)
{
    if (!request->peers || request->plan.folder != NULL)
        return true;
    request->plan.folder = weft__peers_folder();
    if (request->plan.folder == NULL) {
        bool built = weft__peers_build();
        request->plan.folder = weft__peers_folder();
        if (!built && request->plan.folder != NULL)
            (void)fputs("weft bench: not all peers could be built; going on with the others\n",
                        stderr);
    }
    if (request->plan.folder != NULL)
        return true;
    (void)fputs("weft bench: no peers beside this program, nor what they are built from;\n"
                "run it in its build folder, or name a folder of peers with --peers DIR\n",
                stderr);
    return false;
}

static int measure(struct request *request)
{
    static struct weft__report report; /* too large for a frame */

    if (!find_peers(request))
        return WEFT_EXIT_WRONG;
    report = (struct weft__report){ .json = request->json, .quick = request->plan.quick };
    for (size_t i = 0; i < request->metric_count; i++)
        if (request->peers)
            weft__measure_pairs(request->metrics[i], &request->plan, &report);
        else
            weft__measure_ours(request->metrics[i], &request->plan, &report);
    weft__report_end(&report);
    return report.wrong == 0 ? WEFT_EXIT_OK : WEFT_EXIT_WRONG;
}

int weft_tool_bench(int argc, char **argv)
{
    struct request request = { .help = false };

    if (!parse(argc, argv, &request)) {
        return WEFT_EXIT_USAGE;
    }
    if (request.help) {
        (void)fputs(usage, stdout);
        (void)fputs(usage_of_load, stdout);
        return WEFT_EXIT_OK;
    }
    if (request.loads)
        return weft__load_run(&request.load);
    if (request.list) {
        weft__metric_list(stdout);
        return WEFT_EXIT_OK;
    }
    if (request.client)
        return run_server(argc - optind, argv + optind);
    return request.body ? run_body(argc - optind, argv + optind) : measure(&request);
}
