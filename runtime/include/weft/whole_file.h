/* Whole files in one call: read, write, and replace so that nobody ever meets a half. */
#ifndef WEFT_WHOLE_FILE_H
#define WEFT_WHOLE_FILE_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

/* What weft_file_load has read. It is weft's memory: weft_content_release gives it back. */
typedef struct weft_content {
    char *bytes;  /* with a 0 behind the last one, so that text is a string */
    size_t count; /* without that 0 */
    size_t room;  /* weft's own note */
} weft_content;

#define WEFT_CONTENT_INIT { NULL, 0, 0 }

WEFT_BEGIN

/*
 * weft_file_load - reads a whole file into memory
 * Also one whose length is not known before: of /proc, a pipe with a name, a device that ends.
 * @path:      the file; symbolic links are followed
 * @limit:     at most so many bytes; SIZE_MAX: as many as there are
 * @out_content: gets bytes and count; untouched on error. What it held before is not given back
 * @until:     how long to wait for all
 * Returns:    0
 * Errors:     those of open(2) and read(2), -EFBIG when there are more than limit, -ETIMEDOUT,
 *             -ECANCELED, -EPERM outside a task, -ENOMEM
 * Ownership:  the caller owns the content; end it with weft_content_release
 * Context:    any task    Suspends: until all is read
 * Cancel:     as weft_read; nothing is kept of what was read
 * Ordering:   none
 * Cost:       an open, two reads and a close for up to 4 KiB, a stat and a read more beyond that;
 *             one allocation of 4 KiB and one of the length    Node: local
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_file_load(const char *path, size_t limit, weft_content *out_content,
                                          weft_deadline until);

/*
 * weft_file_load_rest - reads all that comes from an open file, until its end
 * @fd:        the file, from where it stands; a pipe until its writers have closed it
 * @limit:     as weft_file_load
 * @out_content: as weft_file_load
 * @until:     how long to wait for all
 * Returns:    0
 * Errors:     as weft_read, -EFBIG when there are more than limit, -ENOMEM
 * Ownership:  as weft_file_load
 * Context:    any task    Suspends: until the end has come
 * Cancel:     as weft_read; what was read is lost
 * Ordering:   none; each of its reads has a turn of its own
 * Cost:       reads of a growing size, each into an allocation twice as large as the one before
 *             Node: local
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_file_load_rest(weft_fd fd, size_t limit, weft_content *out_content,
                                               weft_deadline until);

/*
 * weft_content_release - gives the memory of a content back
 * @content:   empty afterwards; one that is empty already stays so; NULL: nothing is done
 * Returns:    nothing
 * Errors:     none
 * Ownership:  its bytes are gone
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one free    Node: the memory goes back to its own
 * Since:      0.1    Source: original
 */
WEFT_API void weft_content_release(weft_content *content);

/*
 * weft_file_save - writes a whole file, in place
 * What was there is cut off first: whoever reads meanwhile, or after a crash, may meet a part.
 * @path:      the file; symbolic links are followed
 * @bytes:     what it is to hold; NULL when count is 0
 * @count:     how many bytes
 * @mode:      permission bits when the file is new, less those of the umask
 * @until:     how long to wait for all
 * Returns:    0
 * Errors:     those of open(2) and write(2) (-ENOSPC), -ETIMEDOUT, -ECANCELED, -EPERM outside a
 *             task, -ENOMEM
 * Ownership:  bytes is lent until the return
 * Context:    any task    Suspends: until all is written; not until the disk has it
 * Cancel:     as weft_write_all; a part may be written
 * Ordering:   none
 * Cost:       an open, a write and a close    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_file_save(const char *path, const void *bytes, size_t count,
                                          unsigned mode, weft_deadline until);

/*
 * weft_file_replace - replaces a whole file at once, so that it outlives a crash
 * Whoever opens the path meets the old content or the new one, nothing between. It is written to a
 * new file in the same folder, which then gets the name. What had the name before keeps its content
 * for those who have it open; a symbolic link is replaced itself. A regular file hands on its mode
 * and, where the caller may do that, its user and group: who may not keeps the file, without set-id
 * bits and with no more for its group than for all others. Access lists and other extended
 * attributes are not handed on, nor are further names of the old file.
 * @path:      the file; need not exist
 * @bytes:     what it is to hold; NULL when count is 0
 * @count:     how many bytes
 * @mode:      permission bits when the file is new, less those of the umask
 * @until:     how long to wait for all
 * Returns:    0: the disk has the new content, and the name
 * Errors:     those of open(2), write(2), fsync(2) and rename(2) (-ENOSPC, -EISDIR, -EACCES; the
 *             folder must be readable), -EINVAL for a path that ends with a slash, -ETIMEDOUT,
 *             -ECANCELED, -EPERM outside a task, -ENOMEM; -EAGAIN when there is no helper thread
 *             and none can be started
 * Ownership:  bytes is lent until the return
 * Context:    any task    Suspends: until the disk has all
 * Cancel:     as each step; the new file is removed again. After an error the path has the old
 *             content, unless it came from the last step, the sync of the folder: then it has the
 *             new one, and a crash may bring the old one back
 * Ordering:   none
 * Cost:       seven submissions, two waits for the disk, an allocation for the folder's name; a
 *             call on a helper thread when a mode is handed on    Node: local
 * Since:      0.1    Source: rename(2), fsync(2); A. Pillai et al., "All File Systems Are Not
 *             Created Equal", OSDI 2014
 */
WEFT_API WEFT_MUST_USE int weft_file_replace(const char *path, const void *bytes, size_t count,
                                             unsigned mode, weft_deadline until);

WEFT_END

#endif
