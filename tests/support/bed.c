#include "tests/support/bed.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "tests/support/engines.h"
#include "uring/pool.h"

static const struct bed_variant variants[] = {
    { "all features", 0, false },
    { "no DEFER_TASKRUN", BED_WITHOUT(DEFER_TASKRUN), false },
    { "no SUBMIT_ALL", BED_WITHOUT(SUBMIT_ALL), false },
    { "no MSG_RING", BED_WITHOUT(MSG_RING), false },
    { "no MSG_RING_SYNC", BED_WITHOUT(MSG_RING_SYNC), false },
    { "no messages", BED_WITHOUT(MSG_RING) | BED_WITHOUT(MSG_RING_SYNC), false },
    { "no EXT_ARG", BED_WITHOUT(EXT_ARG), false },
    { "no CQE_SKIP", BED_WITHOUT(CQE_SKIP), false },
    { "no NO_IOWAIT", BED_WITHOUT(NO_IOWAIT), false },
    { "no REGISTERED_RING", BED_WITHOUT(REGISTERED_RING), false },
    { "nothing but NODROP", ~BED_WITHOUT(NODROP), false },
    { "compat", 0, true },
};

const struct bed_variant *bed_variant = &variants[0];

static struct weft__pool *pool; /* of the compat engines */

bool bed_has_ring(void)
{
    const char *why = engines_refusal();

    if (why != NULL)
        fprintf(stderr, "no ring, so that its own part is left out: %s\n", why);
    return why == NULL;
}

struct weft__engine *bed_open(uint32_t sq, uint32_t cq, struct engine_log *log)
{
    return bed_open_for(0, sq, cq, log);
}

struct weft__engine *bed_open_for(uint32_t ops, uint32_t sq, uint32_t cq, struct engine_log *log)
{
    struct weft__engine_config config = { .sq_entries = sq,
                                          .cq_entries = cq,
                                          .op_entries = ops,
                                          .hidden_features = bed_variant->hidden,
                                          .pool = pool };
    struct weft__setup_error error = { 0 };
    struct weft__engine *opened = NULL;

    int rc = bed_variant->compat ? weft__engine_open_compat(&config, log, &opened, &error)
                                 : weft__engine_open_kernel(&config, log, &opened, &error);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", bed_variant->label, error.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return opened;
}

static void each(bool compat, uint32_t sq, uint32_t cq, struct weft__engine **engine,
                 struct engine_log *log, void (*body)(void))
{
    bool ring = bed_has_ring();

    CU_ASSERT_EQUAL_FATAL(weft__pool_open(NULL, &pool), 0);
    for (size_t i = 0; i < WEFT__COUNT(variants); i++) {
        bed_variant = &variants[i];
        if (bed_variant->compat ? !compat : !ring)
            continue;
        *log = (struct engine_log){ 0 };
        *engine = bed_open(sq, cq, log);
        body();
        weft__engine_close(*engine);
    }
    weft__pool_close(pool);
    pool = NULL;
    bed_variant = &variants[0];
}

void bed_each(uint32_t sq, uint32_t cq, struct weft__engine **engine, struct engine_log *log,
              void (*body)(void))
{
    each(true, sq, cq, engine, log, body);
}

void bed_each_ring(uint32_t sq, uint32_t cq, struct weft__engine **engine, struct engine_log *log,
                   void (*body)(void))
{
    each(false, sq, cq, engine, log, body);
}

weft__op_id bed_submit(struct weft__engine *engine, struct weft__request request, void *waiter)
{
    weft__op_id op = 0;

    CHECK(weft__engine_submit(engine, &request, waiter, &op) == 0);
    return op;
}

void bed_drain(struct weft__engine *engine)
{
    while (engine->in_flight > 0 &&
           weft__engine_wait(engine, weft__clock_now() + WEFT__NS_PER_S) > 0)
        continue;
}

struct weft__request bed_poll_in(int fd, bool multishot)
{
    return (struct weft__request){
        .opcode = WEFT__OP_POLL, .fd = fd, .flags = POLLIN, .multishot = multishot
    };
}

void bed_pipe(int ends[2])
{
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
}

void bed_pipe_close(const int ends[2])
{
    (void)close(ends[0]);
    (void)close(ends[1]);
}

void bed_write_byte(int fd)
{
    CHECK(write(fd, "x", 1) == 1);
}
