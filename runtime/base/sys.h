/*
 * System calls as functions that return a result or a negative errno. The only file of the tree
 * that reads errno: an errno address may not be kept across a task switch (README, "errno").
 * Each wrapper passes the fault point of its name first.
 */
#ifndef WEFT_BASE_SYS_H
#define WEFT_BASE_SYS_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "runtime/base/fault.h"

struct iovec;
struct statx;

int weft__sys_open(const char *path, int flags, unsigned mode);
int weft__sys_openat(int directory, const char *path, int flags, unsigned mode);
int weft__sys_close(int fd);
ssize_t weft__sys_read(int fd, void *buffer, size_t bytes);
ssize_t weft__sys_write(int fd, const void *buffer, size_t bytes);
int weft__sys_pipe(int ends[2], int flags);
/* How many bytes a pipe holds; @bytes 0 only asks. */
int weft__sys_pipe_capacity(int fd, int bytes);
int weft__sys_eventfd(unsigned initial, int flags);
ssize_t weft__sys_getdents(int fd, void *buffer, size_t bytes);
/* 0, or -EBADF when no file has this number. */
int weft__sys_is_open(int fd);
/* 0 when the file has a position that can be set; -ESPIPE for pipes, sockets and terminals. */
int weft__sys_can_seek(int fd);
/* Where the file stands from now on; as lseek(2). */
int64_t weft__sys_seek(int fd, int64_t offset, int whence);
int weft__sys_set_mode(int fd, unsigned mode);
/* UINT32_MAX leaves user or group as it is. */
int weft__sys_set_owner(int fd, uint32_t user, uint32_t group);
int weft__sys_ftruncate(int fd, int64_t bytes);
int weft__sys_statx(int directory, const char *path, int flags, unsigned mask, struct statx *out);

/*
 * The calls on sockets that never wait; all pass the fault point SOCKET.
 */
int weft__sys_socket(int family, int type);
/* Of the kernel, in a simulation too. */
int weft__sys_socket_real(int family, int type);
int weft__sys_bind_real(int fd, const void *address, uint32_t bytes);
int weft__sys_bind(int fd, const void *address, uint32_t bytes);
int weft__sys_listen(int fd, int backlog);
int weft__sys_shutdown(int fd, int how);
int weft__sys_set_option(int fd, int level, int name, const void *value, uint32_t bytes);
int weft__sys_get_option(int fd, int level, int name, void *value, uint32_t bytes);
/* The address of this end, or with @peer that of the other; @bytes: room, then length. */
int weft__sys_socket_name(int fd, bool peer, void *out_address, uint32_t *bytes);

/* Reads a whole small file (sysfs, procfs) and ends it with a NUL. Returns the bytes read, -E2BIG
 * when @bytes - 1 do not hold it. */
ssize_t weft__sys_read_file(const char *path, char *buffer, size_t bytes);

/* Anonymous private memory, zeroed, not reserved; NULL when refused. */
void *weft__sys_map(size_t bytes);
int weft__sys_unmap(void *address, size_t bytes);
int weft__sys_madvise(void *address, size_t bytes, int advice);
/* The same for several ranges of this process at once; returns the bytes advised. */
/* Advice that is newer than the C library's headers. */
enum {
    WEFT__POPULATE_WRITE = 23, /* maps pages before they are touched, Linux 5.14 */
    WEFT__GUARD_INSTALL = 102  /* Linux 6.13 */
};
ssize_t weft__sys_madvise_row(const struct iovec *ranges, size_t count, int advice);
int weft__sys_mprotect(void *address, size_t bytes, int protection);

/* Mask calls take any size; a mask that is too small for the kernel gives -EINVAL. */
int weft__sys_get_affinity(int thread, size_t mask_bytes, void *mask);
int weft__sys_set_affinity(int thread, size_t mask_bytes, const void *mask);
int weft__sys_getcpu(unsigned *out_cpu, unsigned *out_node);
int weft__sys_thread_id(void);

/*
 * Copies memory of this process that may be unmapped, or change meanwhile: -EFAULT, or the bytes
 * copied, fewer when a part is unmapped. Some seccomp profiles refuse it: -EPERM, -ENOSYS. The
 * other takes the way through a pipe of the caller's, up to a page at a time.
 */
ssize_t weft__sys_peek(const void *from, void *to, size_t bytes);
ssize_t weft__sys_peek_through(const int ends[2], const void *from, void *to, size_t bytes);

int weft__sys_process_id(void);
/* To a thread of this process, with a value that the handler finds in its siginfo_t. */
int weft__sys_signal_thread(int thread, int number, void *value);
/* Where the calling thread's handlers run that ask for a stack of their own; either may be NULL. */
int weft__sys_signal_stack(const stack_t *stack, stack_t *out_before);
int weft__sys_sigaction(int number, const struct sigaction *action, struct sigaction *out_before);
struct pollfd;
/* Waits until one of @files is ready, without a limit; how many are. */
int weft__sys_await_files(struct pollfd *files, unsigned count);
/* Waits until the file takes bytes, up to @ms. 0: it does not. */
int weft__sys_await_room(int fd, int ms);
/* CPU time that a thread of this process has used, in ns. */
int64_t weft__sys_thread_cpu(int thread);

/* Threads of this process. */
int weft__sys_thread_count(void);

/* 1 when the CPU keeps a shadow stack of return addresses for the calling thread, 0 when not or
 * when the kernel knows no such thing. A test pretends one by arming the fault point with 1. */
int weft__sys_shadow_stack(void);

/* A call by its number, past @point; for wrappers of other files of this folder. */
long weft__sys_raw(enum weft__fault_point point, long number, const long arguments[6]);

/*
 * Runs @body in a child process that has a copy of all there is, and returns what it returned, 0 to
 * 255, or -ECHILD when a signal has ended it; or why there is no child. Nobody else's wait sees it,
 * no signal tells of it, no fork handler runs, it leaves no core. @body may make system calls and
 * nothing else.
 */
int weft__sys_in_child(int (*body)(void));

int weft__sys_io_uring_setup(unsigned entries, void *parameters);
int weft__sys_io_uring_enter(int fd, unsigned submit, unsigned wait, unsigned flags, void *argument,
                             size_t argument_bytes);
int weft__sys_io_uring_register(int fd, unsigned opcode, void *argument, unsigned count);

/* Waits while *word == expected; @until_ns is absolute monotonic time, INT64_MAX waits for ever. */
int weft__sys_futex_wait(const _Atomic uint32_t *word, uint32_t expected, int64_t until_ns);
int weft__sys_futex_wake(const _Atomic uint32_t *word, int count);

int weft__sys_get_mempolicy(int *out_mode);
int weft__sys_mbind(void *address, size_t bytes, int mode, const unsigned long *nodes,
                    unsigned long node_bits, unsigned flags);

/* Where the calling thread's errno is, for saving it across a task switch. Never inlined, never
 * merged: a task that may have moved must ask anew. */
int *weft__sys_errno_place(void);
int weft__sys_errno_get(void);
void weft__sys_errno_set(int value);

#endif
