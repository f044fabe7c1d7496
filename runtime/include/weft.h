/*
 * weft: tasks on pinned workers, with all I/O through io_uring. This is the whole library.
 *
 * A pointer may be NULL only where its docstring says so, or where the bytes that go with it are 0.
 * Anything else ends the process with a sentence that names the call, the argument, and the task.
 */
#ifndef WEFT_H
#define WEFT_H

#include <weft/address.h>
#include <weft/atomic.h>
#include <weft/barrier.h>
#include <weft/base.h>
#include <weft/blocking.h>
#include <weft/chan.h>
#include <weft/chan_typed.h>
#include <weft/condition.h>
#include <weft/counters.h>
#include <weft/defer.h>
#include <weft/dump.h>
#include <weft/error.h>
#include <weft/event.h>
#include <weft/file.h>
#include <weft/for_each.h>
#include <weft/fork.h>
#include <weft/future.h>
#include <weft/local.h>
#include <weft/loop.h>
#include <weft/map.h>
#include <weft/mutex.h>
#include <weft/notifier.h>
#include <weft/once.h>
#include <weft/park.h>
#include <weft/path.h>
#include <weft/pin.h>
#include <weft/pipes.h>
#include <weft/place.h>
#include <weft/policy.h>
#include <weft/print.h>
#include <weft/random.h>
#include <weft/ready.h>
#include <weft/retry.h>
#include <weft/runtime.h>
#include <weft/rwlock.h>
#include <weft/scope.h>
#include <weft/select.h>
#include <weft/semaphore.h>
#include <weft/seqlock.h>
#include <weft/serve.h>
#include <weft/shield.h>
#include <weft/socket.h>
#include <weft/sort.h>
#include <weft/spinlock.h>
#include <weft/task.h>
#include <weft/temporary.h>
#include <weft/time.h>
#include <weft/timer.h>
#include <weft/transfer.h>
#include <weft/whole_file.h>

#endif
