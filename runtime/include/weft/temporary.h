/* Files for a while: without a name, which go with their last handle, and with a name of their own
 * that nobody else has. */
#ifndef WEFT_TEMPORARY_H
#define WEFT_TEMPORARY_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

WEFT_BEGIN

/*
 * weft_temporary_open - opens a new file without a name, for reading and writing
 * Its room on the disk is free again once it is closed, also by the end of the process. Where the
 * file system knows no such files it is made with a name, which is removed at once.
 * @folder:    where; NULL: the folder that TMPDIR names in the environment, else /tmp
 * @until:     how long to wait
 * Returns:    the file, mode 0600; end it with weft_close
 * Errors:     those of open(2) for the folder (-ENOENT, -ENOTDIR, -EACCES, -EMFILE, -ENOSPC),
 *             -EEXIST when 100 names in a row were taken, -ETIMEDOUT, -ECANCELED, -EPERM outside a
 *             task, -ENOMEM
 * Ownership:  the caller owns the file
 * Context:    any task    Suspends: until the file is open
 * Cancel:     asks the kernel; nothing is left behind
 * Ordering:   none
 * Cost:       one submission; without such files two more and an allocation    Node: none
 * Since:      0.1    Source: O_TMPFILE of open(2)
 */
WEFT_API WEFT_MUST_USE weft_fd weft_temporary_open(const char *folder, weft_deadline until);

/*
 * weft_temporary_create - makes a new file with a name that nobody has, for reading and writing
 * @folder:    as weft_temporary_open
 * @prefix:    what the name begins with; 16 letters and digits follow
 * @out_path:  gets the path; untouched on error
 * @path_bytes: room there; folder, prefix and 18 more
 * @until:     how long to wait
 * Returns:    the file, mode 0600; end it with weft_close, and its name with weft_unlink
 * Errors:     as weft_temporary_open, -ENAMETOOLONG when the path has no room
 * Ownership:  the caller owns the file and its name
 * Context:    any task    Suspends: until the file is open
 * Cancel:     asks the kernel; when the file was made all the same, it is removed
 * Ordering:   none
 * Cost:       one submission, one allocation    Node: local
 * Since:      0.1    Source: mkstemp(3)
 */
WEFT_API WEFT_MUST_USE weft_fd weft_temporary_create(const char *folder, const char *prefix,
                                                     char *out_path, size_t path_bytes,
                                                     weft_deadline until);

WEFT_END

#endif
