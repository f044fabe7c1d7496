#include "runtime/sched/options.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/chaos.h"
#include "runtime/base/clock.h"
#include "runtime/base/sys.h"
#include "runtime/policy/named.h"
#include "uring/faults.h"

enum { workers_max = 1024, spin_us_max = 1000, default_spin_us = 50, entries_max = 32768 };

/* Per worker. More than its completion queue has room for: ten thousand connections wait for bytes
 * that do not come, and those must not keep a busy one waiting. */
enum { ops_in_flight = 1 << 18 };
enum { tiny_sq = 4, tiny_cq = 16 }; /* for WEFT_CHAOS */
enum { helpers_max = 1024 };        /* what the pool takes */
enum { watchdog_ms_max = 3600000, default_watchdog_ms = 20 };

/* A decimal number in [low, high] from the environment; 0: not set, 1: taken, else -EINVAL. */
static int read_number(const char *name, uint32_t low, uint32_t high, uint32_t *out_number,
                       char *out_text, size_t text_bytes)
{
    const char *value = getenv(name);
    char *end = NULL;

    if (value == NULL || value[0] == '\0')
        return 0;
    unsigned long number = strtoul(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || number < low || number > high) {
        (void)snprintf(out_text, text_bytes, "%s is \"%.40s\"; it must be a number from %u to %u",
                       name, value, low, high);
        return -EINVAL;
    }
    *out_number = (uint32_t)number;
    return 1;
}

static int read_smt(bool *smt_off, char *out_text, size_t text_bytes)
{
    const char *value = getenv("WEFT_SMT");

    if (value == NULL || value[0] == '\0')
        return 0;
    if (strcmp(value, "off") != 0 && strcmp(value, "on") != 0) {
        (void)snprintf(out_text, text_bytes, "WEFT_SMT is \"%.40s\"; it must be on or off", value);
        return -EINVAL;
    }
    *smt_off = value[1] == 'f';
    return 0;
}

static int read_policy(const weft_policy **out_policy, char *out_text, size_t text_bytes)
{
    const char *value = getenv("WEFT_POLICY");

    if (value == NULL || value[0] == '\0')
        return 0;
    *out_policy = weft__named_find(value);
    if (*out_policy != NULL)
        return 0;
    (void)snprintf(out_text, text_bytes,
                   "WEFT_POLICY is \"%.40s\"; it must be default, sharded, global or deadline",
                   value);
    return -EINVAL;
}

static int read_engine(enum weft__choice_wish *out_wish, char *out_text, size_t text_bytes)
{
    const char *value = getenv("WEFT_ENGINE");

    if (value == NULL || value[0] == '\0')
        return 0;
    if (strcmp(value, "kernel") == 0)
        *out_wish = WEFT__CHOICE_KERNEL;
    else if (strcmp(value, "compat") == 0)
        *out_wish = WEFT__CHOICE_COMPAT;
    else if (strcmp(value, "sim") == 0)
        *out_wish = WEFT__CHOICE_SIM;
    else {
        (void)snprintf(out_text, text_bytes,
                       "WEFT_ENGINE is \"%.40s\"; it must be kernel, compat or sim", value);
        return -EINVAL;
    }
    return 0;
}

/* A decimal number of 64 bits; 1 when there is none. */
static int read_seed(uint64_t *out_seed, char *out_text, size_t text_bytes)
{
    const char *value = getenv("WEFT_SEED");
    char *end = NULL;

    *out_seed = 1;
    if (value == NULL || value[0] == '\0')
        return 0;
    weft__sys_errno_set(0);
    *out_seed = strtoull(value, &end, 10);
    if (value[0] >= '0' && value[0] <= '9' && *end == '\0' && weft__sys_errno_get() == 0)
        return 0;
    (void)snprintf(out_text, text_bytes, "WEFT_SEED is \"%.40s\"; it must be a number", value);
    return -EINVAL;
}

/* "SIGQUIT" or "QUIT"; the empty word and "off" mean none. */
static int read_signal(int *out_signal, char *out_text, size_t text_bytes)
{
    const char *value = getenv("WEFT_DUMP");

    if (value == NULL || value[0] == '\0' || strcmp(value, "off") == 0)
        return 0;
    const char *name = strncmp(value, "SIG", 3) == 0 ? value + 3 : value;
    for (int number = 1; number < NSIG; number++) {
        const char *known = sigabbrev_np(number);
        if (known == NULL || strcmp(known, name) != 0 || number == SIGKILL || number == SIGSTOP)
            continue;
        *out_signal = number;
        return 0;
    }
    (void)snprintf(
        out_text, text_bytes,
        "WEFT_DUMP is \"%.40s\"; it must be the name of a signal that can be caught, such "
        "as SIGQUIT, or off",
        value);
    return -EINVAL;
}

static int complain(char *out_text, size_t text_bytes, const char *what)
{
    (void)snprintf(out_text, text_bytes, "%s", what);
    return -EINVAL;
}

static bool is_queue_size(uint32_t entries)
{
    return entries <= entries_max && (entries & (entries - 1)) == 0;
}

static int check_given(const weft_runtime_options *given, char *out_text, size_t text_bytes)
{
    if (given->size != sizeof(*given))
        return complain(out_text, text_bytes,
                        "the options have a wrong size; make them with WEFT_RUNTIME_OPTIONS()");
    if (given->workers > workers_max)
        return complain(out_text, text_bytes, "workers must be 0 (choose) to 1024");
    if (given->spin_us != WEFT_SPIN_NONE && given->spin_us > spin_us_max)
        return complain(out_text, text_bytes,
                        "spin_us must be 0 (adaptive) to 1000, or WEFT_SPIN_NONE");
    if (given->watchdog_ms != WEFT_WATCHDOG_OFF && given->watchdog_ms > watchdog_ms_max)
        return complain(out_text, text_bytes,
                        "watchdog_ms must be 0 (20) to 3600000, or WEFT_WATCHDOG_OFF");
    if (given->interactive > workers_max)
        return complain(out_text, text_bytes, "interactive must be 0 to 1024");
    if (given->helpers > helpers_max)
        return complain(out_text, text_bytes, "helpers must be 0 (16) to 1024");
    if (given->policy != NULL && weft__named_fault(given->policy) != NULL)
        return complain(out_text, text_bytes, weft__named_fault(given->policy));
    if (weft__stack_class_of(given->stack_bytes) < 0)
        return complain(out_text, text_bytes, "stack_bytes must be 0 (64 KiB) to 1 MiB");
    if (!is_queue_size(given->sq_entries) || !is_queue_size(given->cq_entries))
        return complain(
            out_text, text_bytes,
            "sq_entries and cq_entries must be 0 (choose) or a power of two up to 32768");
    return 0;
}

static int64_t spin_of(uint32_t spin_us)
{
    if (spin_us == WEFT_SPIN_NONE)
        return 0;
    return spin_us == 0 ? -default_spin_us * WEFT__NS_PER_US : spin_us * WEFT__NS_PER_US;
}

static int64_t watchdog_of(uint32_t watchdog_ms)
{
    if (watchdog_ms == WEFT_WATCHDOG_OFF)
        return 0;
    return (watchdog_ms == 0 ? default_watchdog_ms : watchdog_ms) * WEFT__NS_PER_MS;
}

/* A simulated process has a machine of its own, and no threads that only look on: what they find
 * depends on real time. */
static int simulate(struct weft__options *options, char *out_text, size_t text_bytes)
{
    if (options->wish != WEFT__CHOICE_SIM)
        return 0;
    if (options->topology == NULL || options->topology[0] == '\0') {
        options->topology = "2x2";
        options->topology_origin = "the simulated machine";
    }
    options->task_flags |= WEFT__TASK_SHAKEN;
    options->spin_ns = 0;
    options->watchdog_ns = 0;
    options->overflow_off = true;
    options->trace = getenv("WEFT_TRACE");
    int rc = read_seed(&options->seed, out_text, text_bytes);
    return rc < 0 ? rc : weft__wish_read(getenv("WEFT_SIM"), &options->sim, out_text, text_bytes);
}

/* The variables that are numbers, or switches of numbers. */
static int read_environment(struct weft__options *options, char *out_text, size_t text_bytes)
{
    uint32_t spin_us = 0;
    uint32_t watchdog_ms = 0;

    if (read_number("WEFT_WORKERS", 1, workers_max, &options->workers, out_text, text_bytes) < 0 ||
        read_smt(&options->smt_off, out_text, text_bytes) < 0 ||
        read_signal(&options->dump_signal, out_text, text_bytes) < 0 ||
        read_engine(&options->wish, out_text, text_bytes) < 0 ||
        read_policy(&options->policy, out_text, text_bytes) < 0 ||
        weft__chaos_set(getenv("WEFT_CHAOS"), out_text, text_bytes) < 0)
        return -EINVAL;
    int rc = read_number("WEFT_SPIN_US", 0, spin_us_max, &spin_us, out_text, text_bytes);
    if (rc > 0)
        options->spin_ns = spin_us * WEFT__NS_PER_US;
    if (rc >= 0)
        rc = read_number("WEFT_WATCHDOG_MS", 0, watchdog_ms_max, &watchdog_ms, out_text,
                         text_bytes);
    if (rc > 0)
        options->watchdog_ns = watchdog_ms * WEFT__NS_PER_MS;
    if (rc >= 0)
        rc = read_number("WEFT_HELPERS", 1, helpers_max, &options->helpers, out_text, text_bytes);
    if (rc >= 0)
        rc = read_number("WEFT_INTERACTIVE", 0, workers_max, &options->interactive, out_text,
                         text_bytes);
    if (rc >= 0)
        rc = weft__faults_read(getenv("WEFT_FAULT"), getenv("WEFT_SEED"), &options->engine,
                               out_text, text_bytes);
    return rc;
}

int weft__options_resolve(const weft_runtime_options *given, struct weft__options *out_options,
                          char *out_text, size_t text_bytes)
{
    const weft_runtime_options none = { .size = sizeof(none) };
    struct weft__options options = { 0 };

    if (given == NULL)
        given = &none;
    int rc = check_given(given, out_text, text_bytes);
    if (rc < 0)
        return rc;
    options.workers = given->workers;
    options.smt_off = given->smt_off != 0;
    options.task_flags = given->migratable != 0 ? WEFT__TASK_MIGRATABLE : 0;
    options.stack_class = (uint8_t)weft__stack_class_of(
        given->stack_bytes != 0 ? given->stack_bytes : (size_t)64 * 1024);
    options.spin_ns = spin_of(given->spin_us);
    options.watchdog_ns = watchdog_of(given->watchdog_ms);
    options.helpers = given->helpers;
    options.interactive = given->interactive;
    const char *topology = getenv("WEFT_TOPOLOGY");
    bool from_environment = topology != NULL && topology[0] != '\0';
    options.topology = from_environment ? topology : given->topology;
    options.topology_origin = from_environment ? "WEFT_TOPOLOGY" : "the topology option";
    options.engine.sq_entries = given->sq_entries;
    options.engine.cq_entries = given->cq_entries;
    options.engine.op_entries = ops_in_flight;
    options.policy = given->policy;
    options.overflow_off = given->overflow_off != 0;
    options.report = given->report;
    options.report_context = given->report_context;
    rc = read_environment(&options, out_text, text_bytes);
    if (rc >= 0)
        rc = simulate(&options, out_text, text_bytes);
    if (rc >= 0 && options.interactive > 0 && options.policy != NULL && options.policy->put != NULL)
        return complain(out_text, text_bytes,
                        "interactive workers and a scheduling policy do not go together; leave "
                        "one out: interactive (WEFT_INTERACTIVE) or policy (WEFT_POLICY)");
    if (rc < 0)
        return rc;
    if (weft__chaos_is_on(WEFT__CHAOS_YIELD))
        options.task_flags |= WEFT__TASK_SHAKEN;
    if (weft__chaos(WEFT__CHAOS_QUEUE)) {
        options.engine.sq_entries = tiny_sq;
        options.engine.cq_entries = tiny_cq;
    }
    *out_options = options;
    return 0;
}
