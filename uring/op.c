#include "uring/op.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "numa/memory.h"
#include "runtime/base/check.h"

static const char *const names[WEFT__OP_COUNT] = {
    [WEFT__OP_NOP] = "nop",
    [WEFT__OP_READ] = "read",
    [WEFT__OP_WRITE] = "write",
    [WEFT__OP_OPENAT] = "openat",
    [WEFT__OP_CLOSE] = "close",
    [WEFT__OP_STATX] = "statx",
    [WEFT__OP_FSYNC] = "fsync",
    [WEFT__OP_POLL] = "poll",
    [WEFT__OP_RENAMEAT] = "renameat",
    [WEFT__OP_UNLINKAT] = "unlinkat",
    [WEFT__OP_MKDIRAT] = "mkdirat",
    [WEFT__OP_LINKAT] = "linkat",
    [WEFT__OP_SYMLINKAT] = "symlinkat",
    [WEFT__OP_FALLOCATE] = "fallocate",
    [WEFT__OP_FTRUNCATE] = "ftruncate",
    [WEFT__OP_ACCEPT] = "accept",
    [WEFT__OP_CONNECT] = "connect",
    [WEFT__OP_RECV] = "recv",
    [WEFT__OP_SEND] = "send",
    [WEFT__OP_RECVMSG] = "recvmsg",
    [WEFT__OP_SENDMSG] = "sendmsg",
    [WEFT__OP_READV] = "readv",
    [WEFT__OP_WRITEV] = "writev",
};

const char *weft__op_name(enum weft__opcode opcode)
{
    return (unsigned)opcode < WEFT__OP_COUNT ? names[opcode] : "unknown";
}

int weft__op_named(const char *name)
{
    for (int opcode = 0; opcode < WEFT__OP_COUNT; opcode++)
        if (strcmp(weft__op_name((enum weft__opcode)opcode), name) == 0)
            return opcode;
    return -1;
}

static struct weft__op *record_at(const struct weft__op_slab *slab, uint32_t index)
{
    char *chunk = slab->chunks[index / WEFT__OP_CHUNK];
    size_t place = (size_t)(index % WEFT__OP_CHUNK) * slab->record_bytes;

    return (struct weft__op *)(void *)(chunk + place);
}

int weft__op_slab_init(struct weft__op_slab *slab, uint32_t limit)
{
    return weft__op_slab_init_as(slab, limit, sizeof(struct weft__op));
}

int weft__op_slab_init_as(struct weft__op_slab *slab, uint32_t limit, uint32_t record_bytes)
{
    uint32_t chunk_max = (limit + WEFT__OP_CHUNK - 1) / WEFT__OP_CHUNK;
    char **chunks = weft__memory_alloc(WEFT__NODE_LOCAL, chunk_max * sizeof(char *));

    if (chunks == NULL)
        return -ENOMEM;
    *slab = (struct weft__op_slab){
        .chunks = chunks, .record_bytes = record_bytes, .chunk_max = chunk_max, .limit = limit
    };
    return 0;
}

void weft__op_slab_fini(struct weft__op_slab *slab)
{
    for (uint32_t i = 0; i < slab->chunk_count; i++)
        weft__memory_free(slab->chunks[i], WEFT__OP_CHUNK * (size_t)slab->record_bytes);
    weft__memory_free(slab->chunks, slab->chunk_max * sizeof(char *));
    *slab = (struct weft__op_slab){ 0 };
}

/* Adds a chunk and puts its records on the free list, lowest index first. */
static int add_chunk(struct weft__op_slab *slab)
{
    char *chunk = weft__memory_alloc(WEFT__NODE_LOCAL, WEFT__OP_CHUNK * (size_t)slab->record_bytes);

    if (chunk == NULL)
        return -ENOMEM;
    uint32_t first = slab->chunk_count * WEFT__OP_CHUNK;
    slab->chunks[slab->chunk_count++] = chunk;
    for (uint32_t i = WEFT__OP_CHUNK; i-- > 0;) {
        struct weft__op *op = record_at(slab, first + i);
        op->generation = 1;
        op->index = first + i;
        op->next_free = slab->first_free;
        weft__list_init(&op->cancel_link);
        slab->first_free = first + i + 1;
    }
    return 0;
}

int weft__op_take(struct weft__op_slab *slab, struct weft__op **out_op)
{
    if (slab->in_use == slab->limit)
        return -EAGAIN;
    if (slab->first_free == 0) {
        int rc = add_chunk(slab);
        if (rc < 0)
            return rc;
    }
    struct weft__op *op = record_at(slab, slab->first_free - 1);
    slab->first_free = op->next_free;
    slab->in_use++;
    op->in_use = true;
    op->multishot = false;
    op->missed = 0;
    *out_op = op;
    return 0;
}

void weft__op_release(struct weft__op_slab *slab, struct weft__op *op)
{
    WEFT_ASSERT(op->in_use, "op record %u was released twice", op->index);
    weft__list_remove(&op->cancel_link);
    op->in_use = false;
    op->waiter = NULL;
    if (++op->generation == 0)
        op->generation = 1;
    op->next_free = slab->first_free;
    slab->first_free = op->index + 1;
    slab->in_use--;
}

struct weft__op *weft__op_find(const struct weft__op_slab *slab, uint64_t id)
{
    uint32_t index = weft__op_index(id);

    if (index >= slab->chunk_count * WEFT__OP_CHUNK)
        return NULL;
    struct weft__op *op = record_at(slab, index);
    return op->in_use && op->generation == weft__op_generation(id) ? op : NULL;
}

struct weft__op *weft__op_next(const struct weft__op_slab *slab, uint32_t index)
{
    for (; index < slab->chunk_count * WEFT__OP_CHUNK; index++) {
        struct weft__op *op = record_at(slab, index);
        if (op->in_use)
            return op;
    }
    return NULL;
}

uint32_t weft__op_describe(const struct weft__op_slab *slab, char *text, size_t text_bytes)
{
    uint32_t counts[WEFT__OP_COUNT] = { 0 };
    size_t length = 0;

    for (struct weft__op *op = weft__op_next(slab, 0); op != NULL;
         op = weft__op_next(slab, op->index + 1))
        counts[op->opcode]++;
    if (text_bytes > 0)
        text[0] = '\0';
    for (uint32_t i = 0; i < WEFT__OP_COUNT; i++) {
        if (counts[i] == 0 || length >= text_bytes)
            continue;
        int added = snprintf(text + length, text_bytes - length, "%s%u %s", length == 0 ? "" : ", ",
                             counts[i], names[i]);
        length += added > 0 ? (size_t)added : 0;
    }
    return slab->in_use;
}
