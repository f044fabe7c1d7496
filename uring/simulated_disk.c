/* Operations of the simulation that change files, as its disk lets them: whole, in part, or not. */
#include <errno.h>
#include <sys/uio.h>

#include "runtime/base/sim.h"
#include "uring/simulated.h"

static int64_t bytes_of(const struct weft__request *request)
{
    const struct iovec *parts = request->address;
    int64_t bytes = 0;

    if (request->opcode != WEFT__OP_WRITEV)
        return request->bytes;
    for (uint32_t i = 0; i < request->bytes; i++)
        bytes += (int64_t)parts[i].iov_len;
    return bytes;
}

static struct weft__sim_change name_change(enum weft__sim_change_kind kind,
                                           const struct weft__request *request, const void *path,
                                           const void *other)
{
    return (struct weft__sim_change){
        .kind = kind, .fd = request->fd, .flags = request->flags, .path = path, .other = other
    };
}

static struct weft__sim_change file_change(enum weft__sim_change_kind kind,
                                           const struct weft__request *request, int64_t bytes)
{
    return (struct weft__sim_change){ .kind = kind,
                                      .fd = request->fd,
                                      .flags = request->flags,
                                      .offset = request->offset,
                                      .bytes = bytes };
}

/* False: it changes nothing on a disk. */
static bool describe(const struct weft__request *request, struct weft__sim_change *change)
{
    const void *first = request->address, *second = request->second;

    switch ((unsigned)request->opcode) {
    case WEFT__OP_WRITE:
    case WEFT__OP_WRITEV:
        *change = file_change(WEFT__SIM_WRITE, request, bytes_of(request));
        return true;
    case WEFT__OP_FTRUNCATE:
        *change = file_change(WEFT__SIM_LENGTH, request, request->length);
        return true;
    case WEFT__OP_FALLOCATE:
        *change = file_change(WEFT__SIM_ALLOCATE, request, request->length);
        return true;
    case WEFT__OP_FSYNC: *change = file_change(WEFT__SIM_SYNC, request, 0); return true;
    case WEFT__OP_OPENAT: *change = name_change(WEFT__SIM_OPEN, request, first, NULL); return true;
    case WEFT__OP_RENAMEAT:
        *change = name_change(WEFT__SIM_RENAME, request, first, second);
        return true;
    case WEFT__OP_UNLINKAT:
        *change = name_change(WEFT__SIM_REMOVE, request, first, NULL);
        return true;
    case WEFT__OP_MKDIRAT:
        *change = name_change(WEFT__SIM_FOLDER, request, first, NULL);
        return true;
    case WEFT__OP_LINKAT:
    case WEFT__OP_SYMLINKAT:
        *change = name_change(WEFT__SIM_LINK, request, second, NULL);
        return true;
    default: return false;
    }
}

/* A write of no more than @most bytes. Of parts: those that fit whole, or some of the first one. */
static struct weft__request shortened(const struct weft__request *request, int64_t most)
{
    const struct iovec *parts = request->address;
    struct weft__request made = *request;
    uint32_t whole = 0;

    if (request->opcode == WEFT__OP_WRITE) {
        made.bytes = (uint32_t)most;
        return made;
    }
    for (int64_t sum = 0; whole < request->bytes; whole++) {
        sum += (int64_t)parts[whole].iov_len;
        if (sum > most)
            break;
    }
    made.bytes = whole;
    if (whole == 0 || bytes_of(&made) == 0) { /* those that fit are empty */
        made.opcode = WEFT__OP_WRITE;
        made.address = parts[whole].iov_base;
        made.bytes = (uint32_t)most;
    }
    return made;
}

int64_t weft__simulated_disk_try(const struct weft__request *request)
{
    const struct weft__sim_disk *disk = weft__sim_disk();
    struct weft__sim_change change;

    if (disk == NULL || !describe(request, &change))
        return weft__simulated_try_change(request);
    int64_t rc = disk->begin(&change);
    if (rc < 0)
        return rc;
    struct weft__request allowed = *request;
    if (change.kind == WEFT__SIM_WRITE && rc < change.bytes)
        allowed = shortened(request, rc);
    rc = weft__simulated_try_change(&allowed);
    disk->end(&change, rc);
    return rc;
}
