/* task_spawn_join: a thousand tasks, each with its own stack, are spawned and joined; again. */
#include "tools/bench/body.h"

#include <weft.h>

#include "tools/bench/checksum.h"

static int count_visit(void *argument)
{
    uint64_t *visits = argument;

    (*visits)++;
    return 0;
}

static int run_batch(uint64_t *visits)
{
    weft_scope scope = weft_scope_open(NULL);

    for (size_t i = 0; i < weft__checksum_batch; i++)
        (void)weft_go(scope, count_visit, &visits[i]);
    return weft_scope_close(scope);
}

int weft__body_spawn_run(void *argument)
{
    static uint64_t visits[weft__checksum_batch];
    struct weft__body_run *run = argument;
    int rc = run_batch(visits); /* the first batch makes the stacks; the figure is that of reuse */

    int64_t start_ns = weft_clock();
    for (uint64_t done = 0; rc == 0 && done < run->count; done += weft__checksum_batch)
        rc = run_batch(visits);
    int64_t elapsed_ns = weft_clock() - start_ns;

    run->value = (double)elapsed_ns / (double)run->count;
    for (uint64_t i = 0; i < weft__checksum_batch; i++)
        run->checksum += (visits[i] - 1) * (i + 1); /* less the first batch */
    return rc;
}
