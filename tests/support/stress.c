#include "tests/support/stress.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/chaos.h"
#include "tests/support/beside.h"

enum {
    round_seconds = STRESS_SANITIZED ? 100 : 30,
    streams = 64,
    failures_shown = 20,
    descriptors_aside = 200, /* rings, files, what else the program has open */
    tsan_live = 4000
};

/* One stream of random numbers per worker, so that they do not share a cache line. */
struct stream {
    WEFT__ALIGNED_LINE _Atomic uint64_t state;
};

static struct {
    const char *name; /* of the present case */
    uint32_t workers; /* of the present case */
    uint64_t seed;
    uint32_t scale;
    _Atomic uint64_t round;
    _Atomic uint64_t begun;    /* rounds, of all cases */
    _Atomic uint32_t failures; /* of the present case */
    _Atomic weft_runtime runtime;
    struct stream random[streams];
} stress = { .scale = 1 };

/* ---- what a round did wrong
 * ---------------------------------------------------------------------- */

void stress_fail(const char *file, int line, const char *condition, int64_t value)
{
    char text[256];

    if (weft__add_relaxed(&stress.failures, 1) >= failures_shown)
        return;
    int length = snprintf(text, sizeof(text),
                          "# %s:%d: %s; got %" PRId64 " (%s, %u workers, round %" PRIu64 ")\n",
                          file, line, condition, value, stress.name, stress.workers,
                          weft__load_relaxed(&stress.round));
    if (length > 0)
        (void)!write(STDERR_FILENO, text, strnlen(text, sizeof(text)));
}

/* ---- the watchdog
 * -------------------------------------------------------------------------------- */

void stress_round(uint64_t round)
{
    weft__store_relaxed(&stress.round, round);
    weft__add_relaxed(&stress.begun, (uint64_t)1);
}

static void print_counters(int worker)
{
    weft_counters c = WEFT_COUNTERS_INIT;

    if (weft_counters_read(weft__load_relaxed(&stress.runtime), worker, &c) < 0)
        return;
    fprintf(stderr,
            "# worker %d: spawned %" PRIu64 ", ended %" PRIu64 ", switches %" PRIu64
            ", waits %" PRIu64 ", parks %" PRIu64 ", steals %" PRIu64 ", remote wakes %" PRIu64
            ", rescued %" PRIu64 "\n",
            worker, c.spawned, c.ended, c.switches, c.waits, c.parks, c.steals, c.remote_wakes,
            c.rescued_wakes);
}

/* Says all that is known. With WEFT_STRESS_HOLD in the environment the program then waits for a
 * debugger. */
static void give_up(void)
{
    fprintf(stderr,
            "# %s, %u workers: round %" PRIu64 " was not done after %d s; WEFT_SEED=%" PRIu64 "\n",
            stress.name, stress.workers, weft__load_relaxed(&stress.round), round_seconds,
            stress.seed);
    print_counters(-1);
    for (int worker = 0; worker < (int)stress.workers; worker++)
        print_counters(worker);
    (void)weft_dump(STDERR_FILENO);
    while (getenv("WEFT_STRESS_HOLD") != NULL)
        (void)pause();
    abort();
}

/* Counts seconds that it has lived through itself: a machine that was stopped for a minute and goes
 * on has lost no round. */
static void *watch(void *argument)
{
    uint64_t begun = 0;
    int seconds = 0;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;

    (void)pthread_mutex_lock(&mutex);
    for (;;) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        (void)pthread_cond_timedwait(&never, &mutex, &until);
        seconds = weft__load_relaxed(&stress.begun) == begun ? seconds + 1 : 0;
        begun = weft__load_relaxed(&stress.begun);
        if (seconds >= round_seconds)
            give_up();
    }
    return argument;
}

/* ---- random numbers
 * ------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static void seed_streams(void)
{
    for (uint64_t i = 0; i < streams; i++)
        weft__store_relaxed(&stress.random[i].state, mix(stress.seed + i * 0x9E3779B97F4A7C15u));
}

uint64_t stress_random(void)
{
    unsigned stream = (unsigned)(weft_worker_self() + 1) % streams; /* -EPERM: not a worker */

    return mix(weft__add_relaxed(&stress.random[stream].state, 0x9E3779B97F4A7C15u));
}

uint32_t stress_below(uint32_t bound)
{
    return (uint32_t)(((stress_random() >> 32) * bound) >> 32);
}

uint64_t stress_compute(uint32_t rounds)
{
    uint64_t x = rounds;

    for (uint32_t i = 0; i < rounds; i++)
        x = mix(x + i);
    __asm__ volatile("" : : "r"(x)); /* the work is done although nobody reads it */
    return x;
}

void stress_maybe_yield(void)
{
    uint32_t choice = stress_below(64);

    if (choice < 16)
        (void)weft_yield();
    else if (choice < 17)
        (void)!weft_sleep(weft_after(stress_below(300) * WEFT_MICROSECOND));
    else if (choice < 20)
        (void)stress_compute(stress_below(2000));
    else if (choice < 22)
        (void)weft_poll();
}

/* ---- runtimes
 * ------------------------------------------------------------------------------------ */

static void report(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "# notice: %s\n", text);
}

weft_runtime stress_start(uint32_t workers, const weft_runtime_options *options)
{
    weft_runtime_options wanted = options != NULL ? *options : WEFT_RUNTIME_OPTIONS(.workers = 0);
    weft_error error = WEFT_ERROR_INIT;

    wanted.workers = workers;
    wanted.report = report;
    weft_runtime runtime = weft_start(&wanted, &error);
    if (runtime < 0) {
        fprintf(stderr, "# cannot start a runtime: %s\n", error.text);
        exit(99);
    }
    weft__store_relaxed(&stress.runtime, runtime);
    beside_start(runtime);
    return runtime;
}

void stress_stop(weft_runtime runtime)
{
    weft_counters counters = WEFT_COUNTERS_INIT;

    STRESS_EQUAL(weft_counters_read(runtime, -1, &counters), 0);
    STRESS_EQUAL(counters.rescued_wakes, 0);
    if (!weft__chaos_is_on(WEFT__CHAOS_QUEUE))
        STRESS_EQUAL(counters.overflows, 0);
    STRESS_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
    STRESS_EQUAL(weft_stop(runtime, WEFT_NEVER), -ESRCH);
}

void stress_run(uint32_t workers, const weft_runtime_options *options, weft_task_fn body,
                void *argument)
{
    weft_runtime runtime = stress_start(workers, options);

    STRESS_EQUAL(weft_call(runtime, body, argument), 0);
    stress_stop(runtime);
}

/* ---- cases
 * --------------------------------------------------------------------------------------- */

uint32_t stress_size(uint32_t full, uint32_t least)
{
    uint32_t size = full / stress.scale / (STRESS_SANITIZED ? 10 : 1);

    return size > least ? size : least;
}

uint32_t stress_live(uint32_t tasks)
{
    return WEFT__TSAN && tasks > tsan_live ? tsan_live : tasks;
}

uint32_t stress_descriptors(uint32_t wanted, uint32_t each)
{
    struct rlimit limit;
    rlim_t needed = (rlim_t)wanted * each + descriptors_aside;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= needed)
        return wanted;
    uint32_t most = limit.rlim_cur <= descriptors_aside
                        ? 0
                        : (uint32_t)(limit.rlim_cur - descriptors_aside) / each;
    printf("# RLIMIT_NOFILE %" PRIu64 " allows %u, not %u\n", (uint64_t)limit.rlim_cur, most,
           wanted);
    return most;
}

uint32_t stress_open_files(void)
{
    uint32_t count = 0;
    DIR *folder = opendir("/proc/self/fd");

    if (folder == NULL)
        return 0;
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL && *text != '\0' ? strtoull(text, NULL, 0) : otherwise;
}

static bool run_case(const struct stress_case *one, uint32_t workers, unsigned number)
{
    int64_t began = weft_clock();

    stress.name = one->name;
    stress.workers = workers;
    weft__store_relaxed(&stress.failures, 0);
    seed_streams();
    stress_round(0);
    one->run(workers);
    bool good = weft__load_relaxed(&stress.failures) == 0;
    printf("%s %u - %s, %u workers # %" PRId64 " ms\n", good ? "ok" : "not ok", number, one->name,
           workers, (weft_clock() - began) / WEFT_MILLISECOND);
    (void)fflush(stdout);
    return good;
}

int stress_main(int argc, char **argv, const struct stress_case *cases, size_t count)
{
    static const uint32_t worker_counts[] = { 1, 2, 4, 8 };
    uint64_t alone = number_from("WEFT_STRESS_WORKERS", 0);
    unsigned number = 0;
    bool good = true;
    pthread_t watchdog;

    stress.scale = (uint32_t)number_from("WEFT_STRESS_SCALE", 1);
    stress.scale += stress.scale == 0;
    stress.seed = number_from("WEFT_SEED", (uint64_t)weft_clock() / 1000 % 1000000000);
    printf("# WEFT_SEED=%" PRIu64 " replays this run\n", stress.seed);
    stress_round(0);
    if (pthread_create(&watchdog, NULL, watch, NULL) != 0)
        return 99;
    for (size_t i = 0; i < count; i++) {
        if (argc > 1 && strcmp(argv[1], cases[i].name) != 0)
            continue;
        for (size_t w = 0; w < WEFT__COUNT(worker_counts); w++)
            if (alone == 0 || alone == worker_counts[w])
                good = run_case(&cases[i], worker_counts[w], ++number) && good;
    }
    printf("1..%u\n", number);
    return good && number > 0 ? 0 : 1;
}
