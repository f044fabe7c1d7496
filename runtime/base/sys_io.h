/*
 * The raw calls of the compat engine and of what goes past the ring. Those named "now" never wait,
 * whatever the flags of the descriptor are; offset -1 is the file's position.
 */
#ifndef WEFT_BASE_SYS_IO_H
#define WEFT_BASE_SYS_IO_H

#include <sys/epoll.h>

#include "runtime/base/sys.h"

struct msghdr;

int weft__sys_io_epoll(void);
/* @operation: EPOLL_CTL_*. */
int weft__sys_io_epoll_set(int epoll, int operation, int fd, uint32_t events, uint64_t data);
/* Waits at most @wait_ns, INT64_MAX for ever; returns how many of @count were filled. */
int weft__sys_io_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t wait_ns);

/* What poll(2) says of one file at this moment; -EBADF. */
int weft__sys_io_poll(int fd, uint32_t events);

/* O_* flags of an open file; the other sets them, for all who share it. */
int weft__sys_io_flags(int fd);
int weft__sys_io_set_flags(int fd, int flags);
/* S_IFMT part of its mode, without asking a server. */
int weft__sys_io_kind(int fd);

/* -EAGAIN: it would wait; -EOPNOTSUPP: the file knows no such question. */
ssize_t weft__sys_io_read_now(int fd, void *buffer, size_t bytes, int64_t offset);
ssize_t weft__sys_io_write_now(int fd, const void *buffer, size_t bytes, int64_t offset);
ssize_t weft__sys_io_read(int fd, void *buffer, size_t bytes, int64_t offset);
ssize_t weft__sys_io_write(int fd, const void *buffer, size_t bytes, int64_t offset);

/* @flags: RWF_*; with RWF_NOWAIT as the two above. */
ssize_t weft__sys_io_readv(int fd, const struct iovec *parts, int count, int64_t offset, int flags);
ssize_t weft__sys_io_writev(int fd, const struct iovec *parts, int count, int64_t offset,
                            int flags);

/* @flags: MSG_*. */
ssize_t weft__sys_io_recv(int fd, void *buffer, size_t bytes, int flags);
ssize_t weft__sys_io_send(int fd, const void *buffer, size_t bytes, int flags);
ssize_t weft__sys_io_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t weft__sys_io_sendmsg(int fd, const struct msghdr *message, int flags);
int weft__sys_io_accept(int fd, void *address, uint32_t *bytes, int flags);
int weft__sys_io_connect(int fd, const void *address, uint32_t bytes);

int weft__sys_io_fsync(int fd, bool data_only);
int weft__sys_io_fallocate(int fd, int mode, int64_t offset, int64_t bytes);
int weft__sys_io_rename(int directory, const char *from, const char *to, unsigned flags);
int weft__sys_io_unlink(int directory, const char *path, int flags);
int weft__sys_io_mkdir(int directory, const char *path, unsigned mode);
int weft__sys_io_link(int directory, const char *from, const char *to, int flags);
int weft__sys_io_symlink(const char *text, int directory, const char *path);
/* The text of a symbolic link, ended by a NUL: 0, or -ENAMETOOLONG when @bytes don't hold it. */
int weft__sys_io_readlink(int directory, const char *path, char *out_text, size_t bytes);

#endif
