/*
 * The order of the threads. An execution is a list of decisions: who goes on before an operation,
 * which store a load reads. The list is walked depth first: the next execution takes the same ones
 * up to the last that has an alternative left.
 *
 * Bounds: how often a thread is left that could go on, how often a load reads an old value.
 *
 * Fairness: a thread that has made very many steps in a row, while others could go, lets one of
 * them go, which counts as no preemption: it looks again and again for what another one is about
 * to do.
 *
 * Reduction: once the case where the running thread goes on is explored, and another one runs in
 * its place, it sleeps: it is not chosen again before somebody has done what does not commute with
 * its next operation. What is left out so is the execution in which that operation came at once,
 * and which needs no more of the bound; that is why only a thread that could have gone on without a
 * switch is put to sleep. Source: Godefroid, "Partial-order methods for the verification of
 * concurrent systems", 1996 (sleep sets); Musuvathi and Qadeer, "Iterative context bounding", 2007.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/explore/engine/engine.h"

enum { STACK_BYTES = 128 * 1024, MOST_DECISIONS = 4000, MOST_STEPS = 3000, MOST_IN_A_ROW = 400 };
static const uint64_t most_executions = 20000000;

enum verdict { RUNNING, FINISHED, PRUNED, FAILED };

struct decision {
    uint8_t count;
    uint8_t taken;
};

struct thread threads[ACTORS];
int current;
const struct explore_case *the_case;
const struct explore_plant *the_plant;
uint64_t plant_hits;
int stale_left;
int64_t model_now;
char failure[512];
uint64_t executions;
int deeper;

static struct weft__context engine;
static _Alignas(64) char stacks[ACTORS][STACK_BYTES];
static struct decision decisions[MOST_DECISIONS];
static int decided; /* of this execution */
static int known;   /* how many of them are given */
static int preemptions_left;
static int steps;
static int in_a_row; /* of the running thread */
static bool replays; /* the decisions are given, for one execution */
static enum verdict verdict;

/* ---- decisions ---- */

int schedule_choose(int count)
{
    if (count <= 1)
        return 0;
    if (decided == MOST_DECISIONS || count > UINT8_MAX)
        explore_fail("the explorer: an execution has more decisions than it keeps");
    if (decided == known)
        decisions[known++] = (struct decision){ .count = (uint8_t)count };
    struct decision *decision = &decisions[decided++];
    if (replays && decision->count == 0)
        decision->count = (uint8_t)count;
    if (decision->count != count || decision->taken >= count)
        explore_fail("the case is not the same each time: %d choices became %d", decision->count,
                     count);
    return decision->taken;
}

/* The next list of decisions. False: all have been taken. */
static bool advance(void)
{
    known = decided;
    while (known > 0 && decisions[known - 1].taken + 1 == decisions[known - 1].count)
        known--;
    if (known == 0)
        return false;
    decisions[known - 1].taken++;
    return true;
}

/* The decisions that lead to a failure, as a word that --replay takes: a letter each. */
static void print_path(void)
{
    printf("# replay with: --replay ");
    for (int i = 0; i < decided; i++)
        printf("%c", 'a' + decisions[i].taken);
    printf("\n");
}

void schedule_replay(const char *path)
{
    known = 0;
    replays = true;
    for (; *path >= 'a' && *path <= 'z' && known < MOST_DECISIONS; path++)
        decisions[known++] = (struct decision){ .taken = (uint8_t)(*path - 'a') };
}

/* ---- threads ---- */

int explore_self(void)
{
    return current - 1;
}

int64_t explore_now(void)
{
    return model_now;
}

int explore_choose(int count)
{
    return schedule_choose(count);
}

static bool can_go(struct thread *thread)
{
    return !thread->done &&
           (thread->may_go == NULL || thread->may_go(thread) || thread->until_ns != INT64_MAX);
}

_Noreturn static void leave_for_good(enum verdict how)
{
    verdict = how;
    (void)weft__context_switch(&threads[current].context, &engine, NULL, 0);
    __builtin_unreachable();
}

void explore_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(failure, sizeof(failure), format, arguments);
    va_end(arguments);
    leave_for_good(FAILED);
}

static void say_stuck(void)
{
    size_t used = (size_t)snprintf(failure, sizeof(failure), "nobody can go on:");

    for (int i = 1; i < ACTORS; i++)
        if (!threads[i].done && used < sizeof(failure))
            used += (size_t)snprintf(failure + used, sizeof(failure) - used, " thread %d %s;",
                                     i - 1, threads[i].waits);
}

static bool others_can_go(void)
{
    for (int i = 1; i < ACTORS; i++)
        if (i != current && can_go(&threads[i]))
            return true;
    return false;
}

/* Who goes next; 0: nobody, with the verdict. */
static int decide(void)
{
    struct thread *self = &threads[current];
    int candidates[ACTORS];
    int count = 0;
    bool can_continue = current != 0 && !self->done && (self->may_go == NULL || self->may_go(self));
    bool asleep = false, alive = false;

    bool is_tired = can_continue && in_a_row > MOST_IN_A_ROW && others_can_go();

    can_continue = can_continue && !is_tired;
    if (can_continue)
        candidates[count++] = current;
    for (int i = 1; i < ACTORS; i++) {
        alive |= !threads[i].done;
        if ((i == current && (can_continue || is_tired)) || !can_go(&threads[i]))
            continue;
        if (threads[i].asleep)
            asleep = true;
        else if (!can_continue || preemptions_left > 0)
            candidates[count++] = i;
    }
    if (count == 0) {
        verdict = !alive ? FINISHED : asleep ? PRUNED : FAILED;
        if (verdict == FAILED)
            say_stuck();
        return 0;
    }
    int chosen = candidates[schedule_choose(count)];
    if (can_continue && chosen != current) {
        preemptions_left--;
        self->asleep = true;
    }
    return chosen;
}

static void go_on_with(int next)
{
    struct thread *self = &threads[current];

    if (next == current)
        return;
    if (next == 0)
        leave_for_good(verdict);
    current = next;
    in_a_row = 0;
    if (the_case->resumed != NULL)
        the_case->resumed(next - 1);
    (void)weft__context_switch(&self->context, &threads[next].context, NULL, 0);
}

void schedule_point(const struct step *step)
{
    if (current == 0)
        return;
    threads[current].pending = *step;
    in_a_row++;
    if (++steps > MOST_STEPS)
        explore_fail("it does not come to an end: %d steps", steps);
    go_on_with(decide());
}

static bool commute(const struct step *one, const struct step *other)
{
    if (one->total && other->total)
        return false;
    return one->at != other->at || (!one->writes && !other->writes);
}

void schedule_did(const struct step *step)
{
    if (current == 0)
        return;
    trace_add(current - 1, step);
    for (int i = 1; i < ACTORS; i++)
        if (threads[i].asleep && !commute(&threads[i].pending, step))
            threads[i].asleep = false;
}

void schedule_block(bool (*may_go)(struct thread *), const char *waits, const void *object,
                    uint32_t mark, int64_t until_ns, const struct step *step)
{
    struct thread *self = &threads[current];

    EXPLORE_NEED(current != 0, "setup and judge may not wait");
    self->pending = *step;
    self->may_go = may_go;
    self->waits = waits;
    self->object = object;
    self->mark = mark;
    self->until_ns = until_ns;
    go_on_with(decide());
    self->timed_out = !may_go(self);
    self->may_go = NULL;
    self->until_ns = INT64_MAX;
    if (self->timed_out && until_ns > model_now)
        model_now = until_ns;
}

static bool has_news(struct thread *thread)
{
    return memory_is_newer((int)thread->mark, thread->last_read);
}

void explore_backoff(void)
{
    struct step step = { .operation = "backoff", .text = "", .function = "", .at = &step };

    threads[current].mark = (uint32_t)threads[current].last_location;
    if (!has_news(&threads[current]))
        schedule_block(has_news, "spins", NULL, threads[current].mark, INT64_MAX, &step);
}

void explore_point(void)
{
    struct step step = { .operation = "point", .text = "", .function = "", .at = &step };
    schedule_point(&step);
}

/* ---- executions ---- */

static void body(void *message, void *argument)
{
    struct thread *self = argument;

    (void)message;
    the_case->threads[current - 1]();
    self->done = true;
    go_on_with(decide());
    __builtin_unreachable();
}

static void make(int number)
{
    struct thread *thread = &threads[number];

    memset(thread, 0, sizeof(*thread));
    thread->until_ns = INT64_MAX;
    thread->pending = (struct step){
        .operation = "begin", .text = "", .function = "", .at = thread
    };
    memory_start(number);
    weft__context_make(&thread->context, stacks[number], stacks[number] + STACK_BYTES, body,
                       thread);
}

static void (*case_step)(void);

static void case_body(void *message, void *argument)
{
    (void)message;
    (void)argument;
    case_step();
    leave_for_good(FINISHED);
}

/* Setup or judge, on a stack of its own, so that it can be left when it fails. */
static void run_case(void (*step)(void))
{
    if (step == NULL)
        return;
    current = 0;
    case_step = step;
    if (the_case->resumed != NULL)
        the_case->resumed(-1);
    weft__context_make(&threads[0].context, stacks[0], stacks[0] + STACK_BYTES, case_body, NULL);
    (void)weft__context_switch(&engine, &threads[0].context, NULL, 0);
}

static void run_threads(void)
{
    int count = 0;

    for (int i = 1; i < ACTORS; i++) {
        make(i);
        threads[i].done = the_case->threads[i - 1] == NULL;
        count += !threads[i].done;
    }
    current = 1 + schedule_choose(count);
    in_a_row = 0;
    if (the_case->resumed != NULL)
        the_case->resumed(current - 1);
    (void)weft__context_switch(&engine, &threads[current].context, NULL, 0);
}

static void run_once(void)
{
    memory_reset();
    shadow_reset();
    heap_reset();
    trace_reset();
    memset(&threads[0], 0, sizeof(threads[0]));
    threads[0].clock.at[0] = 1;
    threads[0].until_ns = INT64_MAX;
    decided = 0;
    steps = 0;
    model_now = 1000000;
    preemptions_left = the_case->preemptions + deeper;
    stale_left = the_case->stale + deeper;
    run_case(the_case->setup);
    if (verdict == FINISHED)
        run_threads();
    executions += verdict != PRUNED;
    if (verdict != FINISHED)
        return;
    memory_join();
    run_case(the_case->judge);
}

/* True: nothing was found. False: something, in failure. */
bool schedule_explore(const struct explore_case *one, const struct explore_plant *plant)
{
    the_case = one;
    the_plant = plant;
    plant_hits = 0;
    executions = 0;
    if (!replays)
        known = 0;
    do {
        run_once();
        if (verdict == FAILED) {
            print_path();
            return false;
        }
        if (executions > most_executions) {
            (void)snprintf(failure, sizeof(failure), "more than %llu executions: bound it further",
                           (unsigned long long)most_executions);
            return false;
        }
    } while (!replays && advance());
    return true;
}
