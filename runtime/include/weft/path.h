/*
 * Names of files and folders: rename, remove, link, make. Each call parks only its task, while a
 * thread of the kernel does the work. Paths are relative to the working directory, or absolute.
 */
#ifndef WEFT_PATH_H
#define WEFT_PATH_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

WEFT_BEGIN

/*
 * weft_rename - gives a file or folder another name
 * What had the new name is replaced in one step: whoever opens it meets the old or the new one.
 * @from:      its path; a symbolic link is renamed itself
 * @to:        its new path, in the same file system
 * @flags:     as renameat2(2): 0, RENAME_NOREPLACE, RENAME_EXCHANGE
 * @until:     how long to wait
 * Returns:    0
 * Errors:     those of renameat2(2) (-EEXIST, -EXDEV, -ENOTEMPTY), -ETIMEDOUT, -ECANCELED, -EPERM
 *             outside a task, -ENOMEM
 * Ownership:  both paths are the kernel's until the return
 * Context:    any task    Suspends: until it is done
 * Cancel:     asks the kernel; an error says that the names are as they were, a network file system
 *             apart
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring RENAMEAT
 */
WEFT_API WEFT_MUST_USE int weft_rename(const char *from, const char *to, unsigned flags,
                                       weft_deadline until);

/*
 * weft_unlink - removes a name of a file
 * The file itself goes with its last name, once nobody has it open.
 * @path:      the name; a symbolic link is removed itself
 * @until:     how long to wait
 * Returns:    0
 * Errors:     those of unlink(2) (-ENOENT, -EISDIR), -ETIMEDOUT, -ECANCELED, -EPERM outside a task,
 *             -ENOMEM
 * Ownership:  the path is the kernel's until the return
 * Context:    any task    Suspends: until it is done
 * Cancel:     as weft_rename
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring UNLINKAT
 */
WEFT_API WEFT_MUST_USE int weft_unlink(const char *path, weft_deadline until);

/*
 * weft_rmdir - removes a folder that is empty
 * @path:      the folder
 * @until:     how long to wait
 * Returns:    0
 * Errors:     those of rmdir(2) (-ENOENT, -ENOTDIR, -ENOTEMPTY), -ETIMEDOUT, -ECANCELED, -EPERM
 *             outside a task, -ENOMEM
 * Ownership:  the path is the kernel's until the return
 * Context:    any task    Suspends: until it is done
 * Cancel:     as weft_rename
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring UNLINKAT
 */
WEFT_API WEFT_MUST_USE int weft_rmdir(const char *path, weft_deadline until);

/*
 * weft_mkdir - makes a folder
 * @path:      its path; the folders above it exist
 * @mode:      permission bits, less those of the umask
 * @until:     how long to wait
 * Returns:    0
 * Errors:     those of mkdir(2) (-EEXIST, -ENOENT), -ETIMEDOUT, -ECANCELED, -EPERM outside a task,
 *             -ENOMEM
 * Ownership:  the path is the kernel's until the return
 * Context:    any task    Suspends: until it is done
 * Cancel:     as weft_rename
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring MKDIRAT
 */
WEFT_API WEFT_MUST_USE int weft_mkdir(const char *path, unsigned mode, weft_deadline until);

/*
 * weft_link - gives a file one more name
 * @from:      a name of it; of a symbolic link the link itself
 * @to:        the further name, in the same file system; nothing has it yet
 * @until:     how long to wait
 * Returns:    0
 * Errors:     those of link(2) (-EEXIST, -EXDEV), -ETIMEDOUT, -ECANCELED, -EPERM outside a task, or
 *             for a folder; -ENOMEM
 * Ownership:  both paths are the kernel's until the return
 * Context:    any task    Suspends: until it is done
 * Cancel:     as weft_rename
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring LINKAT
 */
WEFT_API WEFT_MUST_USE int weft_link(const char *from, const char *to, weft_deadline until);

/*
 * weft_symlink - makes a symbolic link
 * @text:      what it leads to, a path from the folder of the link; need not exist; not empty
 * @path:      the link itself; nothing has this name yet
 * @until:     how long to wait
 * Returns:    0
 * Errors:     those of symlink(2) (-EEXIST, -ENOENT), -ETIMEDOUT, -ECANCELED, -EPERM outside a
 *             task, -ENOMEM
 * Ownership:  both texts are the kernel's until the return
 * Context:    any task    Suspends: until it is done
 * Cancel:     as weft_rename
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring SYMLINKAT
 */
WEFT_API WEFT_MUST_USE int weft_symlink(const char *text, const char *path, weft_deadline until);

WEFT_END

#endif
