/* Whole files: read into memory of weft's, written in place. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <weft/file.h>
#include <weft/transfer.h>
#include <weft/whole_file.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/sched/error.h"
#include "runtime/sched/worker.h"

enum { room_first = 4096 }; /* most files are smaller */

/* Replaces the room by a larger one, of @room bytes. */
static int grow(weft_content *content, size_t room)
{
    char *bytes = weft__memory_alloc(WEFT__NODE_LOCAL, room);

    if (bytes == NULL)
        return -ENOMEM;
    if (content->count > 0)
        memcpy(bytes, content->bytes, content->count);
    weft__memory_free(content->bytes, content->room);
    content->bytes = bytes;
    content->room = room;
    return 0;
}

/* How much room to have when @content has none left: the length that the file says it has, or twice
 * as much; with a byte to see that nothing comes behind, and one for the NUL. */
static size_t next_room(weft_fd fd, const weft_content *content, size_t limit, weft_deadline until)
{
    weft_file_info info = WEFT_FILE_INFO_INIT;
    size_t most = limit < SIZE_MAX / 2 ? limit + 2 : SIZE_MAX / 2;
    size_t room = content->room == 0 ? room_first : 2 * content->room;

    if (content->room == room_first && weft_stat_of(fd, &info, until) == 0 && info.bytes > room)
        room = info.bytes < most ? (size_t)info.bytes + 2 : most;
    return room < most ? room : most;
}

/* Reads until the end of the file, or a byte more than @limit. */
static int fill(weft_fd fd, size_t limit, weft_content *content, weft_deadline until)
{
    ssize_t count = 1;

    while (count > 0 && content->count <= limit) {
        if (content->count + 1 >= content->room) {
            int rc = grow(content, next_room(fd, content, limit, until));
            if (rc < 0)
                return rc;
        }
        count = weft_read(fd, content->bytes + content->count, content->room - content->count - 1,
                          until);
        content->count += count > 0 ? (size_t)count : 0;
    }
    if (count < 0)
        return (int)count;
    return content->count <= limit ? 0 : -EFBIG;
}

int weft_file_load_rest(weft_fd fd, size_t limit, weft_content *out_content, weft_deadline until)
{
    weft_content content = WEFT_CONTENT_INIT;

    WEFT_NEED(out_content);
    if (weft__worker_task(weft__self_worker()) == NULL)
        return weft__error_outside();
    int rc = fill(fd, limit, &content, until);
    if (rc < 0) {
        weft_content_release(&content);
        return rc;
    }
    content.bytes[content.count] = '\0';
    *out_content = content;
    return 0;
}

int weft_file_load(const char *path, size_t limit, weft_content *out_content, weft_deadline until)
{
    WEFT_NEED(path);
    WEFT_NEED(out_content);
    weft_fd fd = weft_open(path, O_RDONLY, 0, until);
    if (fd < 0)
        return (int)fd;
    int rc = weft_file_load_rest(fd, limit, out_content, until);
    (void)weft_close(fd);
    return rc;
}

void weft_content_release(weft_content *content)
{
    if (content == NULL)
        return;
    weft__memory_free(content->bytes, content->room);
    *content = (weft_content)WEFT_CONTENT_INIT;
}

int weft_file_save(const char *path, const void *bytes, size_t count, unsigned mode,
                   weft_deadline until)
{
    WEFT_NEED(path);
    WEFT_NEED_BYTES(bytes, count);
    weft_fd fd = weft_open(path, O_WRONLY | O_CREAT | O_TRUNC, mode, until);
    if (fd < 0)
        return (int)fd;
    int rc = weft_write_all(fd, bytes, count, NULL, until);
    int closed = weft_close(fd);
    return rc < 0 ? rc : closed;
}
