/*
 * Kernel constants that liburing 2.3 does not know. The kernel decides what works, by probe, not
 * the header that happened to be installed, so every such number is written down here under our
 * name.
 */
#ifndef WEFT_URING_COMPAT_SQE_H
#define WEFT_URING_COMPAT_SQE_H

#include <liburing.h>

enum {
    WEFT__REGISTER_SEND_MSG_RING = 31,      /* 6.13: register(-1, this, sqe, 1) */
    WEFT__RING_FEATURE_NO_IOWAIT = 1 << 17, /* 6.15 */
    WEFT__ENTER_NO_IOWAIT = 1 << 7,         /* 6.15 */
    WEFT__KERNEL_FTRUNCATE = 55,            /* 6.9: opcode */
    WEFT__PROBE_OPS_MAX = 256
};

#endif
