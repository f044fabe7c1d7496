/*
 * Files, folders and pipes. Each call parks only its task. A weft_fd is a generation handle: once
 * closed it is an error for ever, also when the kernel gives its number to another file.
 */
#ifndef WEFT_FILE_H
#define WEFT_FILE_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

typedef enum weft_file_kind {
    WEFT_FILE_UNKNOWN,
    WEFT_FILE_REGULAR,
    WEFT_FILE_DIRECTORY,
    WEFT_FILE_SYMLINK,
    WEFT_FILE_PIPE,
    WEFT_FILE_SOCKET,
    WEFT_FILE_CHARACTER,
    WEFT_FILE_BLOCK
} weft_file_kind;

typedef struct weft_file_info {
    size_t size; /* sizeof(weft_file_info) of the caller */
    weft_file_kind kind;
    uint32_t mode;  /* permission bits */
    uint64_t bytes; /* length */
    uint64_t inode;
    uint64_t device;
    uint32_t links;
    uint32_t user;
    uint32_t group;
    int64_t modified_ns; /* since the epoch */
} weft_file_info;

#define WEFT_FILE_INFO_INIT { sizeof(weft_file_info), WEFT_FILE_UNKNOWN, 0, 0, 0, 0, 0, 0, 0, 0 }

typedef struct weft_dir_entry {
    weft_file_kind kind; /* WEFT_FILE_UNKNOWN where the file system does not tell: ask weft_stat */
    uint64_t inode;
    char name[256];
} weft_dir_entry;

WEFT_BEGIN

/*
 * weft_open - opens a file
 * @path:      relative to the working directory, or absolute
 * @flags:     as open(2), all of them (O_APPEND, O_EXCL, O_DIRECT, O_PATH, O_TMPFILE); O_CLOEXEC is
 *             always added
 * @mode:      permission bits of a file that is created
 * @until:     how long to wait
 * Returns:    the file; end it with weft_close
 * Errors:     those of open(2), -ETIMEDOUT, -ECANCELED, -EPERM outside a task, -ENOMEM
 * Ownership:  the caller owns the file; a file that is opened after a cancel is closed by weft
 * Context:    any task    Suspends: until the file is open
 * Cancel:     the kernel is asked to stop; the file may have been created
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring OPENAT
 */
WEFT_API WEFT_MUST_USE weft_fd weft_open(const char *path, int flags, unsigned mode,
                                         weft_deadline until);

/*
 * weft_open_at - opens a file by a path that begins in a folder
 * The folder is what it was when it was opened, whatever its name is now.
 * @folder:    opened with weft_open and O_DIRECTORY, or O_PATH as well
 * @path:      relative to folder; an absolute one does not need it
 * @flags:     as weft_open
 * @mode:      as weft_open
 * @until:     how long to wait
 * Returns:    the file; end it with weft_close
 * Errors:     as weft_open; -EBADF, -ENOTDIR for folder
 * Ownership:  as weft_open
 * Context:    any task    Suspends: until the file is open
 * Cancel:     as weft_open
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring OPENAT
 */
WEFT_API WEFT_MUST_USE weft_fd weft_open_at(weft_fd folder, const char *path, int flags,
                                            unsigned mode, weft_deadline until);

/*
 * weft_close - closes a file
 * Operations under way on it end first: new ones get -EBADF, those in flight are asked to end and
 * waited for. Always releases.
 * @fd:        the file
 * Returns:    0, or the error that the kernel met while closing (the file is closed all the same)
 * Errors:     -EBADF when it is closed or not a file
 * Ownership:  the handle is given back
 * Context:    any task, any thread    Suspends: until operations under way have ended
 * Cancel:     neither cancel nor deadline stops it
 * Ordering:   none
 * Cost:       one close(2)    Node: none
 * Since:      0.1    Source: close(2)
 */
WEFT_API int weft_close(weft_fd fd);

/*
 * weft_fsync - waits until the disk has what was written to a file
 * @fd:        the file
 * @until:     how long to wait
 * Returns:    0: data, length and attributes are on the disk
 * Errors:     those of fsync(2) (-EIO, -ENOSPC, -EINVAL for a pipe), -EBADF, -ETIMEDOUT,
 *             -ECANCELED, -EPERM outside a task, -ENOMEM
 * Ownership:  none
 * Context:    any task    Suspends: until the disk has answered
 * Cancel:     asks the kernel; an error says nothing about what is on the disk
 * Ordering:   none
 * Cost:       one submission, and the disk    Node: none
 * Since:      0.1    Source: io_uring FSYNC
 */
WEFT_API WEFT_MUST_USE int weft_fsync(weft_fd fd, weft_deadline until);

/*
 * weft_fdatasync - as weft_fsync, without attributes that reading the data back does not need
 * @fd:        the file
 * @until:     how long to wait
 * Returns:    0: the data are on the disk, and the length if it has changed
 * Errors:     as weft_fsync
 * Ownership:  none
 * Context:    any task    Suspends: until the disk has answered
 * Cancel:     as weft_fsync
 * Ordering:   none
 * Cost:       one submission, and the disk    Node: none
 * Since:      0.1    Source: io_uring FSYNC
 */
WEFT_API WEFT_MUST_USE int weft_fdatasync(weft_fd fd, weft_deadline until);

/*
 * weft_ftruncate - sets the length of a file
 * What is beyond is lost; what is added reads as zeros. Where the file stands stays.
 * @fd:        a file that is open for writing
 * @bytes:     its new length, >= 0
 * @until:     how long to wait
 * Returns:    0
 * Errors:     those of ftruncate(2) (-EINVAL for a negative length, or no file on a disk; -EFBIG),
 *             -EBADF, -ETIMEDOUT, -ECANCELED, -EPERM outside a task, -ENOMEM; before Linux 6.9
 *             -EAGAIN when there is no helper thread and none can be started
 * Ownership:  none
 * Context:    any task    Suspends: until it is done
 * Cancel:     asks the kernel; an error says that the length is as it was
 * Ordering:   none
 * Cost:       one submission; before Linux 6.9 a call on a helper thread    Node: none
 * Since:      0.1    Source: io_uring FTRUNCATE
 */
WEFT_API WEFT_MUST_USE int weft_ftruncate(weft_fd fd, int64_t bytes, weft_deadline until);

/*
 * weft_fallocate - gets room for a part of a file, so that writes there do not meet a full disk
 * @fd:        a file that is open for writing
 * @mode:      as fallocate(2): 0, or FALLOC_FL_*, which can also punch holes
 * @offset:    where the part begins, in bytes
 * @bytes:     how long it is, > 0; with mode 0 the file is at least so long afterwards
 * @until:     how long to wait
 * Returns:    0
 * Errors:     those of fallocate(2) (-ENOSPC, -EOPNOTSUPP, -ESPIPE, -EINVAL), -EBADF, -ETIMEDOUT,
 *             -ECANCELED, -EPERM outside a task, -ENOMEM
 * Ownership:  none
 * Context:    any task    Suspends: until it is done
 * Cancel:     asks the kernel; a part of the room may have been got
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring FALLOCATE
 */
WEFT_API WEFT_MUST_USE int weft_fallocate(weft_fd fd, int mode, int64_t offset, int64_t bytes,
                                          weft_deadline until);

/*
 * weft_stat - what a path names; a symbolic link is not followed
 * @path:      relative or absolute
 * @out_info:  room, made with WEFT_FILE_INFO_INIT; untouched on error
 * @until:     how long to wait
 * Returns:    0
 * Errors:     those of statx(2), -EINVAL for a wrong size, -ETIMEDOUT, -ECANCELED, -EPERM outside a
 *             task
 * Ownership:  copied out
 * Context:    any task    Suspends: until the answer is there
 * Cancel:     asks the kernel; nothing changes
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring STATX
 */
WEFT_API WEFT_MUST_USE int weft_stat(const char *path, weft_file_info *out_info,
                                     weft_deadline until);

/*
 * weft_stat_of - what an open file is
 * @fd:        the file
 * @out_info:  as weft_stat
 * @until:     how long to wait
 * Returns:    0
 * Errors:     those of statx(2), -EBADF, -EINVAL for a wrong size, -ETIMEDOUT, -ECANCELED, -EPERM
 *             outside a task
 * Ownership:  copied out
 * Context:    any task    Suspends: until the answer is there
 * Cancel:     asks the kernel; nothing changes
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring STATX
 */
WEFT_API WEFT_MUST_USE int weft_stat_of(weft_fd fd, weft_file_info *out_info, weft_deadline until);

/*
 * weft_stat_at - what a path names that begins in a folder
 * @folder:    as weft_open_at
 * @path:      as weft_open_at
 * @flags:     0: symbolic links are followed; AT_SYMLINK_NOFOLLOW: not the last one. Others as
 *             statx(2)
 * @out_info:  as weft_stat
 * @until:     how long to wait
 * Returns:    0
 * Errors:     as weft_stat; -EBADF, -ENOTDIR for folder
 * Ownership:  copied out
 * Context:    any task    Suspends: until the answer is there
 * Cancel:     asks the kernel; nothing changes
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring STATX
 */
WEFT_API WEFT_MUST_USE int weft_stat_at(weft_fd folder, const char *path, unsigned flags,
                                        weft_file_info *out_info, weft_deadline until);

/*
 * weft_fd_adopt - makes a handle of a descriptor number
 * @number:    an open descriptor; weft_close closes it
 * Returns:    the file
 * Errors:     -EBADF when it is not open, -EEXIST when it is weft's already: that of a live weft_fd
 *             or weft_dir, or one that weft has opened for itself; -ENOMEM
 * Ownership:  the descriptor is weft's from now on; after an error it is the caller's as before
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       two fcntl(2)    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE weft_fd weft_fd_adopt(int number);

/*
 * weft_fd_number - the descriptor number behind a file, for calls that weft does not have
 * @fd:        the file
 * Returns:    the number; do not close it, and do not use it after weft_close
 * Errors:     -EBADF, also when the number was closed all the same and is another weft_fd's now
 * Ownership:  lent
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       a few loads    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_fd_number(weft_fd fd);

/*
 * weft_pipe - makes a pipe
 * @out_ends:  [0] to read from, [1] to write to; untouched on error
 * Returns:    0
 * Errors:     -EMFILE, -ENFILE, -ENOMEM
 * Ownership:  the caller owns both ends
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one pipe2(2)    Node: none
 * Since:      0.1    Source: pipe(2)
 */
WEFT_API WEFT_MUST_USE int weft_pipe(weft_fd out_ends[2]);

/*
 * weft_dir_open - opens a folder for reading its entries
 * @path:      relative or absolute; a symbolic link is not followed
 * @until:     how long to wait
 * Returns:    the folder; end it with weft_dir_close
 * Errors:     those of open(2) (-ENOTDIR), -ETIMEDOUT, -ECANCELED, -EPERM outside a task, -ENOMEM
 * Ownership:  the caller owns the folder
 * Context:    any task    Suspends: until it is open
 * Cancel:     asks the kernel
 * Ordering:   none
 * Cost:       one submission, one allocation of 32 KiB    Node: local
 * Since:      0.1    Source: io_uring OPENAT
 */
WEFT_API WEFT_MUST_USE weft_dir weft_dir_open(const char *path, weft_deadline until);

/*
 * weft_dir_next - the next entry of a folder; "." and ".." are left out
 * @dir:       the folder
 * @out_entry: room for it; untouched on error and at the end
 * @until:     how long to wait for a helper thread; an entry that has been read is returned at any
 *             time
 * Returns:    1 with an entry, 0 at the end
 * Errors:     those of getdents(2), -EBADF, -EBUSY while another task reads the same folder,
 *             -ETIMEDOUT, -ECANCELED, -EPERM outside a task, -EAGAIN when there is no helper
 *             thread and none can be started
 * Ownership:  copied out
 * Context:    any task    Suspends: for every few hundred entries
 * Cancel:     cancel and deadline end the wait for a helper thread, and no entry is lost. A read
 *             that one has begun is waited for: it can't be asked to stop
 * Ordering:   none
 * Cost:       a call on a helper thread for every 32 KiB of entries    Node: none
 * Since:      0.1    Source: getdents64(2), which has no io_uring operation
 */
WEFT_API WEFT_MUST_USE int weft_dir_next(weft_dir dir, weft_dir_entry *out_entry,
                                         weft_deadline until);

/*
 * weft_dir_close - closes a folder
 * A task that reads it meanwhile gets its entry, or the end, and then gives the folder back in the
 * place of the closer; every other call is told -EBADF from now on. Always releases.
 * @dir:       the folder
 * Returns:    0, or the error that the kernel met while closing (the folder is closed all the same)
 * Errors:     -EBADF when it is closed or not a folder
 * Ownership:  the handle is given back
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one close(2)    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_dir_close(weft_dir dir);

WEFT_END

#endif
