/* select_4: one task puts a message into one of four channels and takes it by a select over all. */
#include "tools/bench/body.h"

#include <weft.h>

enum { chans_count = 4 };

int weft__body_select_run(void *argument)
{
    struct weft__body_run *run = argument;
    weft_chan chans[chans_count];
    uint64_t in[chans_count];
    uint64_t sum = 0;
    int rc = 0;

    for (int i = 0; i < chans_count; i++)
        chans[i] = weft_chan_create(sizeof(uint64_t), 1);
    int64_t start_ns = weft_clock();
    for (uint64_t i = 0; rc == 0 && i < run->count; i++) {
        weft_case cases[chans_count] = {
            WEFT_CASE_TAKE(chans[0], &in[0]),
            WEFT_CASE_TAKE(chans[1], &in[1]),
            WEFT_CASE_TAKE(chans[2], &in[2]),
            WEFT_CASE_TAKE(chans[3], &in[3]),
        };
        rc = weft_chan_put(chans[i % chans_count], &i, WEFT_NEVER);
        if (rc == 0) {
            ssize_t done = weft_select(cases, chans_count, WEFT_NEVER);
            rc = done < 0 ? (int)done : cases[done].result;
            sum += done < 0 ? 0 : in[done];
        }
    }
    run->value = (double)(weft_clock() - start_ns) / (double)run->count;
    run->checksum = sum;
    for (int i = 0; i < chans_count; i++)
        (void)weft_chan_release(chans[i]);
    return rc;
}
