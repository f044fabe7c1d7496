/* Starting a runtime: topology, plan, workers with their rings. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/dump.h>

#include "numa/memory.h"
#include "runtime/base/chaos.h"
#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/base/fallback.h"
#include "runtime/base/fault.h"
#include "runtime/base/sys.h"
#include "runtime/sched/capture.h"
#include "runtime/sched/error.h"
#include "runtime/sched/halt.h"
#include "runtime/sched/handle.h"
#include "runtime/sched/launch.h"
#include "runtime/sched/notice.h"
#include "runtime/sched/options.h"
#include "runtime/sched/overflow.h"
#include "runtime/sched/patience.h"
#include "runtime/sched/scope.h"
#include "runtime/sched/sleep.h"
#include "runtime/sched/switch.h"
#include "runtime/sched/watchdog.h"
#include "runtime/sim/coroutine.h"

enum { lifo_most = 3 }; /* else two tasks that wake each other keep out all others */
enum { slice_ns = 100000 };

#if defined(__x86_64__)
#define WEFT__SHADOW_STACK_OFF "glibc.cpu.x86_shstk=off"
#else
#define WEFT__SHADOW_STACK_OFF "glibc.cpu.aarch64_gcs=0"
#endif

struct recruit {
    struct weft__worker *worker;
    struct weft__muster *muster;
};

static void note_failure(struct weft__muster *muster, int code, const char *text)
{
    weft__lock_acquire(&muster->lock); /* pairs with weft__lock_release */
    if (muster->error.code == 0) {
        muster->error.code = code;
        (void)snprintf(muster->error.text, sizeof(muster->error.text), "%s", text);
    }
    weft__lock_release(&muster->lock);
}

static void wait_for(_Atomic uint32_t *word, uint32_t value)
{
    uint32_t now;

    while ((now = weft__load_acquire(word)) < value) /* pairs with raise_to */
        (void)weft__sys_futex_wait(word, now, INT64_MAX);
}

static void raise_by(_Atomic uint32_t *word, uint32_t amount)
{
    weft__add_acqrel(word, amount); /* pairs with wait_for */
    (void)weft__sys_futex_wake(word, INT32_MAX);
}

static void init_worker(struct weft__worker *worker)
{
    struct weft__runtime *runtime = worker->runtime;

    weft__self_set(worker);
    weft__store_relaxed(&worker->thread_id, weft__sys_thread_id());
    weft__context_adopt(&worker->loop);
    if (!runtime->topology->synthetic)
        (void)weft__memory_bind_thread(worker->node_index); /* without jemalloc first touch does */
    weft__stack_magazine_init(&worker->stacks, &runtime->depots[worker->node_index]);
    weft__wheel_init(&worker->wheel, weft__clock_now());
    weft__random_init(&worker->random, worker->index + 1u);
    weft__list_init(&worker->room);
    worker->lifo_most = weft__chaos(WEFT__CHAOS_LIFO) || worker->policy != NULL ? 0 : lifo_most;
    worker->stride = 1;
    worker->slice_cycles = weft__clock_cycles_in(slice_ns);
    if (weft__sim_is_on()) {
        worker->spinlocks = WEFT__SWITCH_POINT;
        worker->slice_cycles >>= weft__sim_random(0) % 32; /* some look around after each switch */
    }
    int64_t spin_ns = runtime->options.spin_ns;
    worker->spin_cycles = weft__clock_cycles_in(spin_ns < 0 ? -spin_ns : spin_ns);
}

/* An interactive worker shares the CPUs of the others: it runs on whichever has time. */
static bool is_pinned(const struct weft__worker *worker)
{
    const struct weft__runtime *runtime = worker->runtime;

    return runtime->plan->pinned && !runtime->topology->synthetic &&
           worker->team == &runtime->teams[WEFT__TEAM_NORMAL];
}

static void *worker_main(void *argument)
{
    struct recruit recruit = *(struct recruit *)argument;
    struct weft__worker *worker = recruit.worker;
    struct weft__setup_error error = { 0 };
    struct weft__overflow_stack alternate;

    if (is_pinned(worker))
        worker->pin_error = weft__affinity_pin(worker->cpu); /* it runs where the kernel lets it */
    if (worker->pin_error != 0)
        WEFT__FALLBACK(WORKER_UNPINNED);
    init_worker(worker);
    weft__overflow_enter(worker, &alternate);
    weft__capture_begin(worker);
    int rc = weft__choice_open(&worker->runtime->choice, &worker->runtime->options.engine, worker,
                               &worker->engine, &error);
    if (rc < 0)
        note_failure(recruit.muster, rc, error.text);
    raise_by(&recruit.muster->arrived, 1);
    wait_for(&recruit.muster->go, 1);
    if (weft__load_relaxed(&recruit.muster->go) == 1)
        weft__step_loop(worker);
    weft__stack_magazine_fini(&worker->stacks);
    weft__record_cache_flush(&worker->records);
    weft__capture_end(worker);
    weft__self_set(NULL);
    weft__overflow_leave(&alternate);
    return NULL;
}

/* They leave all signals but those that a fault of their own raises to other threads; a worker
 * takes SIGURG, too (capture.c). */
int weft__launch_thread(struct weft__native *out_thread, void *(*body)(void *argument),
                        void *argument, const char *name)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };
    sigset_t blocked;
    sigset_t before;

    (void)sigfillset(&blocked);
    for (size_t i = 0; i < WEFT__COUNT(faults); i++)
        (void)sigdelset(&blocked, faults[i]);
    (void)pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int rc = weft__fault(WEFT__FAULT_THREAD);
    if (rc == 0)
        rc = weft__native_start(out_thread, body, argument, name);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static int start_thread(struct recruit *recruit)
{
    struct weft__worker *worker = recruit->worker;
    char name[16];

    (void)snprintf(name, sizeof(name), "weft-%u", worker->index);
    int rc = weft__launch_thread(&worker->thread, worker_main, recruit, name);
    worker->started = rc == 0;
    return rc;
}

static const char no_thread[] = "a thread can't be started; look at `ulimit -u` and at pids.max of "
                                "the cgroup";

static int start_workers(struct weft__runtime *runtime, struct weft__setup_error *error)
{
    struct weft__muster *muster = &runtime->muster;
    struct recruit recruits[16];
    uint32_t count = 0;
    int rc = 0;

    for (; count < runtime->worker_count && rc == 0; count++) {
        struct recruit *recruit = &recruits[count % WEFT__COUNT(recruits)];
        if (count >= WEFT__COUNT(recruits)) /* its last user has long copied it */
            wait_for(&muster->arrived, count - (uint32_t)WEFT__COUNT(recruits) + 1);
        *recruit = (struct recruit){ .worker = runtime->workers[count], .muster = muster };
        rc = start_thread(recruit);
        if (rc < 0)
            break;
    }
    if (rc < 0)
        note_failure(muster, rc, no_thread);
    wait_for(&muster->arrived, count);
    *error = muster->error;
    raise_by(&muster->go, error->code == 0 ? 1 : 2);
    if (error->code != 0)
        for (uint32_t i = 0; i < count; i++) {
            weft__native_join(&runtime->workers[i]->thread);
            runtime->workers[i]->started = false;
        }
    return error->code;
}

static int level_of(const struct weft__worker *worker, const struct weft__worker *other)
{
    if (worker->node_index != other->node_index)
        return 2;
    return worker->l3 == other->l3 ? 0 : 1;
}

static int order_victims(struct weft__worker *worker)
{
    const struct weft__team *team = worker->team;
    uint32_t own = worker->index - team->workers[0]->index;
    uint32_t count = 0;

    worker->victims = weft__memory_alloc(WEFT__NODE_LOCAL, team->count * sizeof(*worker->victims));
    if (worker->victims == NULL)
        return -ENOMEM;
    for (int level = 0; level < WEFT__VICTIM_LEVELS; level++) {
        for (uint32_t i = 1; i < team->count; i++) {
            const struct weft__worker *other = team->workers[(own + i) % team->count];
            if (level_of(worker, other) == level)
                worker->victims[count++] = other->index;
        }
        worker->level_end[level] = count;
    }
    return 0;
}

static int make_worker(struct weft__runtime *runtime, uint32_t index)
{
    uint32_t planned = runtime->plan->worker_count;
    const struct weft__plan_slot *slot = &runtime->plan->slots[index % planned];
    struct weft__worker *worker = weft__memory_alloc((int)slot->node_index, sizeof(*worker));

    if (worker == NULL)
        return -ENOMEM;
    runtime->workers[index] = worker;
    worker->runtime = runtime;
    worker->team = &runtime->teams[index < planned ? WEFT__TEAM_NORMAL : WEFT__TEAM_INTERACTIVE];
    worker->index = index;
    worker->node_index = slot->node_index;
    worker->cpu = slot->cpu;
    worker->l3 = slot->l3;
    weft__list_init(&worker->offers.list);
    worker->root = weft__scope_make(runtime, NULL);
    if (worker->root == NULL)
        return -ENOMEM;
    worker->root->root = true;
    worker->root->forget = true;
    worker->root->policy = WEFT_RUN_ALL;
    weft__record_unlock(&worker->root->record);
    return 0;
}

/* The interactive workers come last; their places in the machine are those of the first ones. */
static void make_teams(struct weft__runtime *runtime)
{
    struct weft__team *normal = &runtime->teams[WEFT__TEAM_NORMAL];
    struct weft__team *interactive = &runtime->teams[WEFT__TEAM_INTERACTIVE];

    normal->workers = runtime->workers;
    normal->count = runtime->plan->worker_count;
    interactive->workers = runtime->workers + normal->count;
    interactive->count = runtime->options.interactive;
}

static int make_workers(struct weft__runtime *runtime)
{
    uint32_t nodes = runtime->topology->node_count;
    int rc = 0;

    runtime->worker_count = runtime->plan->worker_count + runtime->options.interactive;
    runtime->depots = weft__memory_alloc(WEFT__NODE_LOCAL, nodes * sizeof(*runtime->depots));
    runtime->workers = weft__memory_alloc(WEFT__NODE_LOCAL, runtime->worker_count * sizeof(void *));
    if (runtime->depots == NULL || runtime->workers == NULL)
        return -ENOMEM;
    make_teams(runtime);
    for (uint32_t i = 0; i < nodes; i++)
        weft__stack_depot_init(&runtime->depots[i], runtime->topology->synthetic || nodes == 1
                                                        ? -1
                                                        : (int)runtime->topology->nodes[i].id);
    for (uint32_t i = 0; i < runtime->worker_count && rc == 0; i++)
        rc = make_worker(runtime, i);
    for (uint32_t i = 0; i < runtime->worker_count && rc == 0; i++)
        rc = order_victims(runtime->workers[i]);
    return rc;
}

static int read_topology(struct weft__runtime *runtime, char *text, size_t text_bytes)
{
    struct weft__topology_error error = { 0 };
    const char *synthetic = runtime->options.topology;
    bool given = synthetic != NULL && synthetic[0] != '\0';

    int rc = given ? weft__topology_parse(synthetic, &runtime->topology, &error)
                   : weft__topology_read("/sys", &runtime->topology, &error);
    if (rc < 0)
        (void)snprintf(text, text_bytes, "%s: %.180s",
                       given ? runtime->options.topology_origin : "topology", error.text);
    return rc;
}

/* A synthetic machine has no real CPUs to be allowed; the real one has. */
static int make_plan(struct weft__runtime *runtime, char *text, size_t text_bytes)
{
    struct weft__cpuset allowed;
    struct weft__plan_options options = { .workers = runtime->options.workers,
                                          .smt_off = runtime->options.smt_off };

    weft__cpuset_init(&allowed);
    if (!runtime->topology->synthetic) {
        (void)weft__cgroup_quota("", &options.quota);
        if (weft__affinity_get(&allowed) >= 0)
            options.allowed = &allowed;
        else
            WEFT__FALLBACK(AFFINITY_UNKNOWN);
    }
    int rc = weft__plan_make(runtime->topology, &options, &runtime->plan);
    weft__cpuset_fini(&allowed);
    if (rc < 0)
        (void)snprintf(text, text_bytes, "no CPU of the topology is allowed to this process");
    return rc;
}

static void *get_self(void)
{
    return weft__self_worker();
}

static void set_self(void *worker)
{
    weft__self_set(worker);
}

static void dump_all(void)
{
    (void)weft_dump(STDERR_FILENO); /* upwards, as a program would call it */
}

/* From here on the threads of the runtime are coroutines of the caller's, if that is wished. */
static int begin_simulation(const struct weft__options *options, char *text, size_t text_bytes)
{
    const struct weft__coroutine_config config = { .seed = options->seed,
                                                   .trace = options->trace,
                                                   .wish = &options->sim,
                                                   .scheduler = { get_self, set_self, dump_all },
                                                   .patience = weft__patience_ops };

    if (options->wish != WEFT__CHOICE_SIM)
        return 0;
    return weft__coroutine_begin(&config, text, text_bytes);
}

static void define_records(void)
{
    weft__record_define(WEFT__KIND_TASK, sizeof(struct weft__task));
    weft__record_define(WEFT__KIND_SCOPE, sizeof(struct weft__scope));
}

/* A task switch returns on another stack than it was called on, which such hardware takes for an
 * attack: the process would end at its first switch. */
static int refuse_shadow_stack(char *text, size_t text_bytes)
{
    if (weft__sys_shadow_stack() == 0)
        return 0;
    (void)snprintf(text, text_bytes,
                   "this thread has a hardware shadow stack, which forbids task switches; "
                   "run the program with GLIBC_TUNABLES=" WEFT__SHADOW_STACK_OFF);
    return -EOPNOTSUPP;
}

/* The engine of all workers, and what it needs. The helper threads of a compat engine are its own:
 * a program's blocking calls must not keep it from reading a file. */
static int choose_engine(struct weft__runtime *runtime, char *text, size_t text_bytes)
{
    const struct weft__pool_config config = { .threads_max = runtime->options.helpers,
                                              .name = "weft-io" };
    struct weft__setup_error error = { 0 };

    int rc = weft__choice_make(runtime->options.wish, &runtime->choice, &error);
    if (rc == 0 && runtime->choice.compat)
        rc = weft__pool_open(&config, &runtime->engine_pool);
    runtime->options.engine.pool = runtime->engine_pool;
    (void)snprintf(text, text_bytes, "%s", error.text);
    return rc;
}

/* All that can fail before threads exist; @text says why when it is more than lack of memory. */
static int prepare(struct weft__runtime *runtime, char *text, size_t text_bytes)
{
    const struct weft__pool_config pool = { .threads_max = runtime->options.helpers };
    int rc = refuse_shadow_stack(text, text_bytes);

    if (rc == 0)
        rc = read_topology(runtime, text, text_bytes);
    if (rc == 0)
        rc = make_plan(runtime, text, text_bytes);
    if (rc == 0)
        rc = make_workers(runtime);
    if (rc == 0)
        rc = weft__policy_start(runtime);
    if (rc == 0)
        rc = weft__pool_open(&pool, &runtime->pool);
    if (rc == 0)
        rc = choose_engine(runtime, text, text_bytes);
    if (rc == 0) {
        for (uint32_t i = 0; i < runtime->worker_count; i++)
            runtime->workers[i]->spins = is_pinned(runtime->workers[i]) &&
                                         runtime->options.spin_ns != 0;
        runtime->handle = weft__handle_make(runtime);
        rc = runtime->handle < 0 ? (int)runtime->handle : 0;
    }
    return rc;
}

static void fill_error(weft_error *out_error, int code, const char *text)
{
    if (out_error == NULL || out_error->size != sizeof(*out_error))
        return;
    out_error->code = code;
    weft__error_text(out_error, text, NULL);
}

/* The options come first: all else is to meet the plan of faults that the environment may have. */
static int make_runtime(const weft_runtime_options *options, struct weft__runtime **out_runtime,
                        char *text, size_t text_bytes)
{
    struct weft__options resolved;
    int rc = weft__options_resolve(options, &resolved, text, text_bytes);

    if (rc == 0)
        rc = begin_simulation(&resolved, text, text_bytes);
    if (rc < 0)
        return rc;
    define_records();
    *out_runtime = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(**out_runtime));
    if (*out_runtime == NULL)
        return -ENOMEM;
    (*out_runtime)->options = resolved;
    return 0;
}

weft_runtime weft_start(const weft_runtime_options *options, weft_error *out_error)
{
    struct weft__setup_error failure = { 0 };
    struct weft__runtime *runtime = NULL;

    weft__launch_once();
    if (weft__load_relaxed(&weft__record_forked)) {
        fill_error(out_error, -EOWNERDEAD, NULL);
        return -EOWNERDEAD;
    }
    int rc = make_runtime(options, &runtime, failure.text, sizeof(failure.text));
    if (rc < 0) {
        fill_error(out_error, rc, failure.text);
        return rc;
    }
    rc = prepare(runtime, failure.text, sizeof(failure.text));
    if (rc == 0 && (rc = weft__overflow_start(runtime)) < 0)
        (void)snprintf(failure.text, sizeof(failure.text), "%s", no_thread);
    if (rc == 0)
        rc = start_workers(runtime, &failure);
    if (rc == 0) {
        rc = weft__watchdog_start(runtime);
        (void)snprintf(failure.text, sizeof(failure.text), "%s", rc == -ENOMEM ? "" : no_thread);
    }
    if (rc < 0) {
        fill_error(out_error, rc, failure.text);
        weft__halt_free(runtime);
        return rc;
    }
    weft__notice_start(runtime);
    if (runtime->options.dump_signal != 0)
        (void)weft_dump_on(runtime->options.dump_signal); /* upwards, as a program would call it */
    return runtime->handle;
}
