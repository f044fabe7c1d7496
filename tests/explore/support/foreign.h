/*
 * Model threads as foreign threads: each has a record such as runtime/sched/thread.c makes, waits
 * through the real thread.c and park.c, and sleeps on the model's futex. And channels for them.
 */
#ifndef TESTS_EXPLORE_SUPPORT_FOREIGN_H
#define TESTS_EXPLORE_SUPPORT_FOREIGN_H

#include <weft/chan.h>

#include "runtime/sched/task.h"
#include "tests/explore/explore.h"

/* Fresh records for the model threads, and no channels. First thing of a setup. */
void foreign_setup(void);

struct weft__task *foreign_task(int thread);

/* Free records of @kind, in chunk @number: from 2 on, foreign_setup has the others. */
void foreign_spare(uint32_t number, void *base, size_t stride, uint32_t count,
                   enum weft__kind kind);

/* A channel for messages of 4 bytes. */
weft_chan foreign_chan(uint32_t depth);

/* What it is at the end of an execution: messages in the buffer; nobody may stand in a line. */
uint32_t foreign_chan_count(weft_chan chan);

#endif
