#include "tools/tour/paths.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 * 1024, FIRST_ROOM = 1024 };

struct weft__paths_chunk {
    struct weft__paths_chunk *older;
    size_t used;
    size_t room;
    char text[];
};

static int make_room(struct weft__paths *paths)
{
    if (paths->count < paths->room)
        return 0;
    size_t room = paths->room == 0 ? FIRST_ROOM : paths->room * 2;
    const char **items = reallocarray(paths->items, room, sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    paths->items = items;
    paths->room = room;
    return 0;
}

static char *take_text(struct weft__paths *paths, size_t bytes)
{
    struct weft__paths_chunk *chunk = paths->chunk;

    if (chunk == NULL || chunk->room - chunk->used < bytes) {
        size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        chunk = malloc(sizeof(*chunk) + room);
        if (chunk == NULL)
            return NULL;
        *chunk = (struct weft__paths_chunk){ .older = paths->chunk, .room = room };
        paths->chunk = chunk;
    }
    chunk->used += bytes;
    return chunk->text + chunk->used - bytes;
}

int weft__paths_add(struct weft__paths *paths, const char *folder, const char *name)
{
    size_t folder_bytes = folder == NULL ? 0 : strlen(folder);
    size_t name_bytes = strlen(name) + 1;
    bool slash = folder_bytes > 0 && folder[folder_bytes - 1] != '/';

    int rc = make_room(paths);
    if (rc < 0)
        return rc;
    char *text = take_text(paths, folder_bytes + slash + name_bytes);
    if (text == NULL)
        return -ENOMEM;
    if (folder_bytes > 0)
        memcpy(text, folder, folder_bytes);
    if (slash)
        text[folder_bytes] = '/';
    memcpy(text + folder_bytes + slash, name, name_bytes);
    paths->items[paths->count++] = text;
    return 0;
}

void weft__paths_release(struct weft__paths *paths)
{
    while (paths->chunk != NULL) {
        struct weft__paths_chunk *older = paths->chunk->older;
        free(paths->chunk);
        paths->chunk = older;
    }
    free(paths->items);
    *paths = (struct weft__paths){ .count = 0 };
}
