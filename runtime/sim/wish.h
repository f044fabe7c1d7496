/*
 * What a user may ask of a simulation: the words of WEFT_SIM, with commas between them. weft-sim(7)
 * is their manual.
 */
#ifndef WEFT_SIM_WISH_H
#define WEFT_SIM_WISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/sim.h"

enum { WEFT__WISH_ERRORS = 16 };

struct weft__wish {
    bool real_net;         /* sockets are the kernel's */
    uint32_t cut_one_in;   /* connections, torn by chance; 0: none */
    uint32_t short_one_in; /* transfers of sockets, of less than there could be; 0: none */
    uint32_t error_one_in; /* operations that end with an error which they may have; 0: none */
    uint32_t crash_one_in; /* changes of files, at which the power is lost; 0: none */
    uint32_t crash_at;     /* the number of one, at which it is; 0: none */
    uint32_t disk_bytes;   /* room for files, see disk.h; 0: as much as there is */
    struct weft__sim_error errors[WEFT__WISH_ERRORS];
    uint32_t error_count;
    uint32_t patience; /* million points without progress, see patience.h; 0: no end */
};

/* NULL or "": the usual. 0, or -EINVAL with @out_text, which names the word that is wrong. */
int weft__wish_read(const char *value, struct weft__wish *out_wish, char *out_text,
                    size_t text_bytes);

#endif
