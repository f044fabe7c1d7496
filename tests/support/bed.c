#include "tests/support/bed.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "runtime/base/clock.h"

static const struct bed_variant variants[] = {
    { "all features", 0 },
    { "no DEFER_TASKRUN", BED_WITHOUT(DEFER_TASKRUN) },
    { "no SUBMIT_ALL", BED_WITHOUT(SUBMIT_ALL) },
    { "no MSG_RING", BED_WITHOUT(MSG_RING) },
    { "no MSG_RING_SYNC", BED_WITHOUT(MSG_RING_SYNC) },
    { "no messages", BED_WITHOUT(MSG_RING) | BED_WITHOUT(MSG_RING_SYNC) },
    { "no EXT_ARG", BED_WITHOUT(EXT_ARG) },
    { "no CQE_SKIP", BED_WITHOUT(CQE_SKIP) },
    { "no NO_IOWAIT", BED_WITHOUT(NO_IOWAIT) },
    { "no REGISTERED_RING", BED_WITHOUT(REGISTERED_RING) },
    { "nothing but NODROP", ~BED_WITHOUT(NODROP) },
};

const struct bed_variant *bed_variant = &variants[0];

struct weft__engine *bed_open(uint32_t sq, uint32_t cq, struct engine_log *log)
{
    struct weft__engine_config config = { .sq_entries = sq,
                                          .cq_entries = cq,
                                          .hidden_features = bed_variant->hidden };
    struct weft__setup_error error = { 0 };
    struct weft__engine *opened = NULL;

    int rc = weft__engine_open_kernel(&config, log, &opened, &error);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", bed_variant->label, error.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return opened;
}

void bed_each(uint32_t sq, uint32_t cq, struct weft__engine **engine, struct engine_log *log,
              void (*body)(void))
{
    for (size_t i = 0; i < WEFT__COUNT(variants); i++) {
        bed_variant = &variants[i];
        *log = (struct engine_log){ 0 };
        *engine = bed_open(sq, cq, log);
        body();
        weft__engine_close(*engine);
    }
    bed_variant = &variants[0];
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
