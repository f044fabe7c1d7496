/*
 * Which errors an operation of a simulation may end with by chance, when WEFT_SIM=errors=N asks for
 * some, and how often one comes in comparison to the others; but for operations with errors of the
 * user's, errors=OPERATION:ERROR:1/N, there are those alone. They are those that a program must
 * live through: of the machine, not of its own mistakes. A connection that breaks is the network's
 * affair (cut=N), because it stays broken.
 */
#include <errno.h>

#include "runtime/base/compiler.h"
#include "runtime/base/sim.h"
#include "uring/simulated.h"

struct row {
    uint8_t opcode;
    uint8_t weight;
    int16_t error;
};

/* Sources: the ERRORS of the manual pages of the calls, of Linux. */
static const struct row rows[] = {
    { WEFT__OP_READ, 3, EIO },
    { WEFT__OP_READ, 1, ENOMEM },
    { WEFT__OP_READV, 3, EIO },
    { WEFT__OP_READV, 1, ENOMEM },
    { WEFT__OP_WRITE, 3, ENOSPC },
    { WEFT__OP_WRITE, 1, EIO },
    { WEFT__OP_WRITE, 1, EDQUOT },
    { WEFT__OP_WRITEV, 3, ENOSPC },
    { WEFT__OP_WRITEV, 1, EIO },
    { WEFT__OP_WRITEV, 1, EDQUOT },
    { WEFT__OP_FSYNC, 3, EIO },
    { WEFT__OP_FSYNC, 1, ENOSPC },
    { WEFT__OP_OPENAT, 3, EMFILE },
    { WEFT__OP_OPENAT, 2, EACCES },
    { WEFT__OP_OPENAT, 1, ENFILE },
    { WEFT__OP_OPENAT, 1, ENOMEM },
    { WEFT__OP_STATX, 1, ENOMEM },
    { WEFT__OP_STATX, 1, EACCES },
    { WEFT__OP_RENAMEAT, 2, ENOSPC },
    { WEFT__OP_RENAMEAT, 1, EACCES },
    { WEFT__OP_UNLINKAT, 1, EACCES },
    { WEFT__OP_UNLINKAT, 1, EBUSY },
    { WEFT__OP_MKDIRAT, 2, ENOSPC },
    { WEFT__OP_MKDIRAT, 1, EACCES },
    { WEFT__OP_LINKAT, 2, ENOSPC },
    { WEFT__OP_LINKAT, 1, EMLINK },
    { WEFT__OP_SYMLINKAT, 1, ENOSPC },
    { WEFT__OP_FALLOCATE, 3, ENOSPC },
    { WEFT__OP_FALLOCATE, 1, EFBIG },
    { WEFT__OP_FTRUNCATE, 1, EIO },
    { WEFT__OP_ACCEPT, 3, EMFILE },
    { WEFT__OP_ACCEPT, 2, ECONNABORTED },
    { WEFT__OP_ACCEPT, 1, ENOBUFS },
    { WEFT__OP_CONNECT, 3, ECONNREFUSED },
    { WEFT__OP_CONNECT, 2, ETIMEDOUT },
    { WEFT__OP_CONNECT, 1, ENETUNREACH },
    { WEFT__OP_CONNECT, 1, EADDRNOTAVAIL },
    { WEFT__OP_RECV, 1, ENOMEM },
    { WEFT__OP_RECVMSG, 1, ENOMEM },
    { WEFT__OP_SEND, 1, ENOBUFS },
    { WEFT__OP_SENDMSG, 1, ENOBUFS },
};

static uint32_t weight_of(uint8_t opcode)
{
    uint32_t weight = 0;

    for (size_t i = 0; i < WEFT__COUNT(rows); i++)
        if (rows[i].opcode == opcode)
            weight += rows[i].weight;
    return weight;
}

static int fail(uint8_t opcode, int error)
{
    weft__sim_note("fault", weft__op_name((enum weft__opcode)opcode), -1, error);
    return error;
}

/* One of the table. */
static int draw_error(uint8_t opcode)
{
    uint32_t total = weight_of(opcode);

    if (total == 0)
        return 0;
    uint32_t drawn = (uint32_t)(weft__sim_random(0) % total);
    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        if (rows[i].opcode != opcode)
            continue;
        if (drawn < rows[i].weight)
            return fail(opcode, -rows[i].error);
        drawn -= rows[i].weight;
    }
    return 0;
}

int weft__simulated_error(uint8_t opcode)
{
    const struct weft__sim_ops *sim = weft__sim_here();
    bool named = false;

    for (uint32_t i = 0; sim != NULL && i < sim->error_count; i++) {
        if (sim->errors[i].opcode != opcode)
            continue;
        named = true;
        if (weft__sim_random(0) % sim->errors[i].one_in == 0)
            return fail(opcode, sim->errors[i].error);
    }
    if (sim == NULL || named || sim->error_one_in == 0 ||
        weft__sim_random(0) % sim->error_one_in != 0)
        return 0;
    return draw_error(opcode);
}
