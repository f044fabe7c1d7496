#include "tools/doctor/doctor.h"

#include <stdio.h>
#include <unistd.h>

#include "numa/cpuset.h"
#include "numa/plan.h"
#include "runtime/task/guard.h"
#include "tools/command.h"
#include "tools/common/flags.h"

struct request {
    bool help;
    bool json;
};

static const char usage[] =
    "usage: weft doctor [--json]\n"
    "\n"
    "Says what of this system helps weft and what hinders it: kernel, io_uring, the engine that a\n"
    "runtime takes, limits, cgroups, NUMA, memory. For each problem it says what to change. It\n"
    "works where io_uring is refused, and needs no root. Nothing is changed.\n"
    "\n"
    "  --json  print one JSON object\n"
    "  --help  print this\n"
    "\n"
    "A note is something that could be better; a problem keeps weft, or programs that use it, "
    "from\n"
    "working. What is tried is tried in child processes.\n"
    "\n"
    "Exit status: 0 no problem, 1 problems, 2 wrong usage.\n";

static const struct option flags[] = {
    { "help", no_argument, NULL, 'h' },
    { "json", no_argument, NULL, 'j' },
    { NULL, 0, NULL, 0 },
};

static bool parse(int argc, char **argv, struct request *out)
{
    int flag;

    weft__flags_begin();
    while ((flag = weft__flags_next("doctor", argc, argv, flags)) != -1) {
        switch (flag) {
        case 'h': out->help = true; break;
        case 'j': out->json = true; break;
        default: return false;
        }
    }
    if (optind == argc)
        return true;
    (void)fprintf(stderr, "weft doctor: takes no argument, but got '%s'\n", argv[optind]);
    return false;
}

static int count_cpus(void)
{
    struct weft__cpuset allowed;
    int count = 1;

    weft__cpuset_init(&allowed);
    if (weft__affinity_get(&allowed) >= 0 && weft__cpuset_count(&allowed) > 0)
        count = (int)weft__cpuset_count(&allowed);
    weft__cpuset_fini(&allowed);
    return count;
}

static void read_limits(struct weft__doctor_limits *out)
{
    const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

    *out = (struct weft__doctor_limits){ none, none, none, geteuid() == 0 };
    (void)getrlimit(RLIMIT_NOFILE, &out->files);
    (void)getrlimit(RLIMIT_MEMLOCK, &out->locked);
    (void)getrlimit(RLIMIT_NPROC, &out->tasks);
}

static void examine_rest(struct weft__findings *findings, const struct weft__doctor_start *start)
{
    struct weft__doctor_limits limits;
    struct weft__guard_facts guards;
    int cpus = count_cpus();
    int workers = start->workers > 0 ? start->workers : cpus;

    read_limits(&limits);
    weft__guard_look(&guards);
    weft__doctor_limits(findings, &limits, workers);
    weft__doctor_cgroup(findings, "", cpus, workers);
    weft__doctor_memory(findings, "", weft__guard_has_markers(), &guards, weft__memory_facts());
}

static void examine(struct weft__findings *findings)
{
    static struct weft__doctor_rings rings;
    static struct weft__doctor_start start;
    struct weft__doctor_numa numa;

    weft__doctor_kernel(findings, "");
    weft__doctor_try_rings(&rings);
    weft__doctor_rings(findings, "", &rings);
    weft__doctor_try_start(&start);
    weft__doctor_engine(findings, &start);
    examine_rest(findings, &start);
    weft__doctor_try_numa(&numa);
    weft__doctor_numa(findings, "", &numa);
}

int weft_tool_doctor(int argc, char **argv)
{
    static struct weft__findings findings;
    struct request request = { .help = false };

    if (!parse(argc, argv, &request))
        return WEFT_EXIT_USAGE;
    if (request.help) {
        (void)fputs(usage, stdout);
        return WEFT_EXIT_OK;
    }
    examine(&findings);
    if (request.json)
        weft__findings_print_json(stdout, &findings);
    else
        weft__findings_print_text(stdout, &findings);
    return weft__findings_count(&findings, WEFT__FINDING_PROBLEM) == 0 ? WEFT_EXIT_OK
                                                                       : WEFT_EXIT_WRONG;
}
