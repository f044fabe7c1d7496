/*
 * The threads of a simulated process: coroutines of the one OS thread that began it.
 *
 * Vocabulary: a *coroutine* is what would be a thread: a worker's loop, a helper, the thread of
 * the program that waits for the runtime. Each has a stack of its own; a worker runs its tasks on
 * theirs, and is left and entered there, too. A *choice* is one draw of the generator: who goes
 * on, how long an operation takes, whether it is short. A *point* (runtime/base/sim.h) is where the
 * running coroutine may be left; between two points it has the process to itself.
 *
 * Life of a coroutine: start -> ready; ready <-> running by choice; running -> waiting in a futex,
 * a condition, or its engine; waiting -> ready by a wake, by the clock, by a real file; running ->
 * ended -> joined, which frees its stack. The coroutine that began the simulation has the thread's
 * own stack and never ends.
 *
 * INVARIANT (checked where it is cheap):
 *   I1 one coroutine is running; all others have their registers on their stacks.
 *   I2 ready holds the running one and all that could run; who waits is in no list.
 *   I3 what belongs to a thread follows the coroutine: the worker that it is (weft__self_worker),
 *      its record as a thread that waits, errno. Nothing else of the library is thread-local.
 *   I4 the clock never goes back. It moves a little at each point and each look, so that deadlines
 *      fire among tasks that run, and jumps to the next waiter's time when nobody is ready.
 *
 * What is deterministic, and why. All that the library does follows from the program, the order of
 * coroutines, the clock, and what operations answer. The order and the clock come from one
 * generator and from counts of points; no address, no time of day, no number of the machine is
 * among its inputs: the topology is synthetic, seeds of weft_random are drawn, cycles are the
 * virtual clock. So one binary with one seed and one description of the machine makes the same
 * choices, and the same trace byte for byte. What the program itself takes from outside is its own
 * affair: real files and pipes, addresses that it compares or prints, the time of day, threads that
 * it has made. Such threads stay correct: their waits are real, and a wake from them ends all
 * sleeps of coroutines, which look again.
 *
 * Sleeps have no upper limit here (runtime/sched/sleep.c naps else): a wake-up that is lost leaves
 * everybody waiting, and that is told as a deadlock.
 *
 * REJECTED threads that pass a baton: the same code, but a hand-over costs 10 us instead of 30 ns,
 * and a thousand workers would be a thousand threads.
 */
#ifndef WEFT_SIM_COROUTINE_H
#define WEFT_SIM_COROUTINE_H

#include <stddef.h>

#include "runtime/sim/hop.h"
#include "runtime/sim/patience.h"
#include "runtime/sim/wish.h"

struct weft__coroutine_config {
    uint64_t seed;
    const struct weft__wish *wish; /* for as long as the call lasts */
    const char *trace;             /* path of a file that gets the trace; NULL or "": none */
    struct weft__hop_config scheduler;
    struct weft__patience_ops patience;
};

/*
 * Begins the simulation of this process on the calling thread; once, later calls by the same thread
 * change nothing. 0; -EBUSY with @text when another thread has begun it, -EOPNOTSUPP in a build
 * that can't, or why the trace can't be written.
 */
int weft__coroutine_begin(const struct weft__coroutine_config *config, char *text,
                          size_t text_bytes);

#endif
