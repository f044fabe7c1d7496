#include "runtime/base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/fault.h"
#include "runtime/base/sim.h"

/* The result of a raw call, errno folded in. */
static long folded(long result)
{
    return result < 0 ? -(long)errno : result;
}

int weft__sys_open(const char *path, int flags, unsigned mode)
{
    return weft__sys_openat(AT_FDCWD, path, flags, mode);
}

int weft__sys_openat(int directory, const char *path, int flags, unsigned mode)
{
    int fault = weft__fault(WEFT__FAULT_OPEN);
    return fault != 0 ? fault : (int)folded(openat(directory, path, flags, mode));
}

int weft__sys_close(int fd)
{
    int fault = weft__fault(WEFT__FAULT_CLOSE);
    const struct weft__sim_net *net = weft__sim_net_of(fd);

    if (fault == 0 && net != NULL)
        net->closing(fd);
    return fault != 0 ? fault : (int)folded(close(fd));
}

ssize_t weft__sys_read(int fd, void *buffer, size_t bytes)
{
    int fault = weft__fault(WEFT__FAULT_READ);
    return fault != 0 ? fault : folded(read(fd, buffer, bytes));
}

ssize_t weft__sys_write(int fd, const void *buffer, size_t bytes)
{
    int fault = weft__fault(WEFT__FAULT_WRITE);
    return fault != 0 ? fault : folded(write(fd, buffer, bytes));
}

int weft__sys_pipe(int ends[2], int flags)
{
    int fault = weft__fault(WEFT__FAULT_PIPE);
    return fault != 0 ? fault : (int)folded(pipe2(ends, flags));
}

int weft__sys_pipe_capacity(int fd, int bytes)
{
    int fault = weft__fault(WEFT__FAULT_FCNTL);
    if (fault != 0)
        return fault;
    return (int)folded(bytes == 0 ? fcntl(fd, F_GETPIPE_SZ) : fcntl(fd, F_SETPIPE_SZ, bytes));
}

int weft__sys_eventfd(unsigned initial, int flags)
{
    int fault = weft__fault(WEFT__FAULT_EVENTFD);
    return fault != 0 ? fault : (int)folded(eventfd(initial, flags));
}

ssize_t weft__sys_getdents(int fd, void *buffer, size_t bytes)
{
    int fault = weft__fault(WEFT__FAULT_GETDENTS);
    return fault != 0 ? fault : folded(syscall(SYS_getdents64, fd, buffer, bytes));
}

int weft__sys_is_open(int fd)
{
    int fault = weft__fault(WEFT__FAULT_FCNTL);
    if (fault != 0)
        return fault;
    return fcntl(fd, F_GETFD) < 0 ? -errno : 0;
}

int weft__sys_can_seek(int fd)
{
    int fault = weft__fault(WEFT__FAULT_STAT);
    if (fault != 0)
        return fault;
    return lseek(fd, 0, SEEK_CUR) < 0 ? -errno : 0;
}

int64_t weft__sys_seek(int fd, int64_t offset, int whence)
{
    int fault = weft__fault(WEFT__FAULT_STAT);
    return fault != 0 ? fault : folded(lseek(fd, offset, whence));
}

int weft__sys_set_mode(int fd, unsigned mode)
{
    int fault = weft__fault(WEFT__FAULT_STAT);
    return fault != 0 ? fault : (int)folded(fchmod(fd, mode));
}

int weft__sys_set_owner(int fd, uint32_t user, uint32_t group)
{
    int fault = weft__fault(WEFT__FAULT_OWNER);
    return fault != 0 ? fault : (int)folded(fchown(fd, user, group));
}

int weft__sys_ftruncate(int fd, int64_t bytes)
{
    int fault = weft__fault(WEFT__FAULT_WRITE);
    return fault != 0 ? fault : (int)folded(ftruncate(fd, bytes));
}

int weft__sys_statx(int directory, const char *path, int flags, unsigned mask, struct statx *out)
{
    int fault = weft__fault(WEFT__FAULT_STAT);
    return fault != 0 ? fault : (int)folded(statx(directory, path, flags, mask, out));
}

int weft__sys_socket_real(int family, int type)
{
    return (int)folded(socket(family, type, 0));
}

int weft__sys_socket(int family, int type)
{
    int fault = weft__fault(WEFT__FAULT_SOCKET);
    const struct weft__sim_net *net = weft__sim_net();

    if (fault != 0)
        return fault;
    return net != NULL ? net->socket(family, type) : weft__sys_socket_real(family, type);
}

int weft__sys_bind_real(int fd, const void *address, uint32_t bytes)
{
    return (int)folded(bind(fd, address, bytes));
}

int weft__sys_bind(int fd, const void *address, uint32_t bytes)
{
    int fault = weft__fault(WEFT__FAULT_SOCKET);
    const struct weft__sim_net *net = weft__sim_net_of(fd);

    if (fault != 0)
        return fault;
    return net != NULL ? net->bind(fd, address, bytes) : weft__sys_bind_real(fd, address, bytes);
}

int weft__sys_listen(int fd, int backlog)
{
    int fault = weft__fault(WEFT__FAULT_SOCKET);
    const struct weft__sim_net *net = weft__sim_net_of(fd);

    if (fault != 0)
        return fault;
    return net != NULL ? net->listen(fd, backlog) : (int)folded(listen(fd, backlog));
}

int weft__sys_shutdown(int fd, int how)
{
    int fault = weft__fault(WEFT__FAULT_SOCKET);
    const struct weft__sim_net *net = weft__sim_net_of(fd);

    if (fault != 0)
        return fault;
    return net != NULL ? net->shutdown(fd, how) : (int)folded(shutdown(fd, how));
}

int weft__sys_set_option(int fd, int level, int name, const void *value, uint32_t bytes)
{
    int fault = weft__fault(WEFT__FAULT_SOCKET);
    return fault != 0 ? fault : (int)folded(setsockopt(fd, level, name, value, bytes));
}

int weft__sys_get_option(int fd, int level, int name, void *value, uint32_t bytes)
{
    socklen_t length = bytes;
    int fault = weft__fault(WEFT__FAULT_SOCKET);
    const struct weft__sim_net *net = weft__sim_net_of(fd);

    if (fault != 0)
        return fault;
    if (net != NULL && level == SOL_SOCKET && bytes == sizeof(int) &&
        net->option(fd, name, value) != 0)
        return 0;
    return (int)folded(getsockopt(fd, level, name, value, &length));
}

int weft__sys_socket_name(int fd, bool peer, void *out_address, uint32_t *bytes)
{
    int fault = weft__fault(WEFT__FAULT_SOCKET);
    const struct weft__sim_net *net = weft__sim_net_of(fd);

    if (fault != 0)
        return fault;
    if (net != NULL)
        return net->name(fd, peer, out_address, bytes);
    return (int)folded(peer ? getpeername(fd, out_address, bytes)
                            : getsockname(fd, out_address, bytes));
}

ssize_t weft__sys_read_file(const char *path, char *buffer, size_t bytes)
{
    size_t length = 0;
    ssize_t count;

    int fd = weft__sys_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    do {
        count = weft__sys_read(fd, buffer + length, bytes - 1 - length);
        if (count > 0)
            length += (size_t)count;
    } while ((count > 0 && length < bytes - 1) || count == -EINTR);
    if (count > 0)
        count = weft__sys_read(fd, &(char){ 0 }, 1) == 0 ? 0 : -E2BIG;
    (void)weft__sys_close(fd);
    if (count < 0)
        return count;
    buffer[length] = '\0';
    return (ssize_t)length;
}

void *weft__sys_map(size_t bytes)
{
    if (weft__fault(WEFT__FAULT_MMAP) != 0)
        return NULL;
    void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return address == MAP_FAILED ? NULL : address;
}

int weft__sys_unmap(void *address, size_t bytes)
{
    int fault = weft__fault(WEFT__FAULT_MUNMAP);
    return fault != 0 ? fault : (int)folded(munmap(address, bytes));
}

int weft__sys_madvise(void *address, size_t bytes, int advice)
{
    int fault = weft__fault(WEFT__FAULT_MADVISE);
    return fault != 0 ? fault : (int)folded(madvise(address, bytes, advice));
}

ssize_t weft__sys_madvise_row(const struct iovec *ranges, size_t count, int advice)
{
    enum { this_process = -10000 }; /* PIDFD_SELF; newer than the C library's headers */
    int fault = weft__fault(WEFT__FAULT_MADVISE);
    return fault != 0
               ? fault
               : folded(syscall(SYS_process_madvise, this_process, ranges, count, advice, 0));
}

int weft__sys_mprotect(void *address, size_t bytes, int protection)
{
    int fault = weft__fault(WEFT__FAULT_MPROTECT);
    return fault != 0 ? fault : (int)folded(mprotect(address, bytes, protection));
}

int weft__sys_get_affinity(int thread, size_t mask_bytes, void *mask)
{
    int fault = weft__fault(WEFT__FAULT_AFFINITY);
    return fault != 0 ? fault
                      : (int)folded(syscall(SYS_sched_getaffinity, thread, mask_bytes, mask));
}

int weft__sys_set_affinity(int thread, size_t mask_bytes, const void *mask)
{
    int fault = weft__fault(WEFT__FAULT_AFFINITY);
    return fault != 0 ? fault
                      : (int)folded(syscall(SYS_sched_setaffinity, thread, mask_bytes, mask));
}

int weft__sys_getcpu(unsigned *out_cpu, unsigned *out_node)
{
    int fault = weft__fault(WEFT__FAULT_GETCPU);
    return fault != 0 ? fault : (int)folded(getcpu(out_cpu, out_node));
}

int weft__sys_thread_id(void)
{
    return (int)syscall(SYS_gettid);
}

/* The call itself: what sanitizers know of the memory is not asked, for it may belong to another
 * thread, or be a frame that is gone. */
ssize_t weft__sys_peek(const void *from, void *to, size_t bytes)
{
    struct iovec local = { to, bytes };
    struct iovec remote = { (void *)(uintptr_t)from, bytes };
    int fault = weft__fault(WEFT__FAULT_PEEK);

    return fault != 0
               ? fault
               : folded(syscall(SYS_process_vm_readv, getpid(), &local, 1UL, &remote, 1UL, 0UL));
}

ssize_t weft__sys_peek_through(const int ends[2], const void *from, void *to, size_t bytes)
{
    long count = folded(syscall(SYS_write, ends[1], from, bytes));

    return count <= 0 ? count : folded(syscall(SYS_read, ends[0], to, (size_t)count));
}

int weft__sys_process_id(void)
{
    return (int)getpid();
}

int weft__sys_signal_thread(int thread, int number, void *value)
{
    siginfo_t info = { .si_signo = number, .si_code = SI_QUEUE };
    int fault = weft__fault(WEFT__FAULT_SIGNAL);

    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = value;
    return fault != 0
               ? fault
               : (int)folded(syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, number, &info));
}

int weft__sys_signal_stack(const stack_t *stack, stack_t *out_before)
{
    int fault = weft__fault(WEFT__FAULT_SIGNAL);
    return fault != 0 ? fault : (int)folded(sigaltstack(stack, out_before));
}

int weft__sys_sigaction(int number, const struct sigaction *action, struct sigaction *out_before)
{
    int fault = weft__fault(WEFT__FAULT_SIGNAL);
    return fault != 0 ? fault : (int)folded(sigaction(number, action, out_before));
}

/* In a simulation others go on meanwhile; it may come back with none. */
int weft__sys_await_files(struct pollfd *files, unsigned count)
{
    const struct weft__sim_ops *sim = weft__sim_here();

    if (sim == NULL)
        return (int)folded(poll(files, count, -1));
    int found = (int)folded(poll(files, count, 0));
    if (found != 0)
        return found;
    (void)sim->wait(
        &(struct weft__sim_wait){ .files = files, .file_count = count, .until_ns = INT64_MAX });
    return (int)folded(poll(files, count, 0));
}

int weft__sys_await_room(int fd, int ms)
{
    struct pollfd watched = { .fd = fd, .events = POLLOUT };
    return (int)folded(poll(&watched, 1, ms));
}

/* The clock of a thread is named by its number: clock_getcpuclockid does so for processes. */
int64_t weft__sys_thread_cpu(int thread)
{
    enum { per_thread = 4, scheduled = 2 };
    struct timespec used;
    long rc = folded(
        clock_gettime((clockid_t)(~(unsigned)thread << 3 | per_thread | scheduled), &used));
    return rc < 0 ? rc : (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/* The kernel counts each thread as a link of the folder (fs/proc/base.c, proc_task_getattr).
 * ThreadSanitizer has one of its own. */
int weft__sys_thread_count(void)
{
    enum { own_links = 2 + WEFT__TSAN };
    struct stat folder;
    long rc = folded(stat("/proc/self/task", &folder));
    return rc < 0 ? (int)rc : (int)folder.st_nlink - own_links;
}

/* Linux 6.6 on x86-64, 6.13 on aarch64; both newer than the C library's headers. */
int weft__sys_shadow_stack(void)
{
#if defined(__x86_64__)
    enum { arch_shstk_status = 0x5005, enabled = 1 };
    const long call = SYS_arch_prctl, code = arch_shstk_status;
#else
    enum { pr_get_shadow_stack_status = 74, enabled = 1 };
    const long call = SYS_prctl, code = pr_get_shadow_stack_status;
#endif
    unsigned long status = 0;
    int fault = weft__fault(WEFT__FAULT_SHADOW_STACK);

    if (fault != 0)
        return fault > 0;
    return syscall(call, code, &status, 0UL, 0UL, 0UL) == 0 && (status & enabled) != 0;
}

long weft__sys_raw(enum weft__fault_point point, long number, const long arguments[6])
{
    int fault = weft__fault(point);
    return fault != 0 ? fault
                      : folded(syscall(number, arguments[0], arguments[1], arguments[2],
                                       arguments[3], arguments[4], arguments[5]));
}

/* Without SIGCHLD as its signal at the end, only a wait that asks for all children sees it. */
int weft__sys_in_child(int (*body)(void))
{
    int status = 0;
    int fault = weft__fault(WEFT__FAULT_CHILD);
    long child = fault != 0 ? fault : folded(syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L));
    long rc;

    if (child == 0) {
        (void)syscall(SYS_prctl, PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
        (void)syscall(SYS_exit_group, (long)body());
    }
    if (child < 0)
        return (int)child;
    do
        rc = folded(syscall(SYS_wait4, child, &status, __WALL, NULL));
    while (rc == -EINTR);
    if (rc < 0)
        return (int)rc;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

int weft__sys_io_uring_setup(unsigned entries, void *parameters)
{
    int fault = weft__fault(WEFT__FAULT_RING_SETUP);
    return fault != 0 ? fault : (int)folded(syscall(SYS_io_uring_setup, entries, parameters));
}

int weft__sys_io_uring_enter(int fd, unsigned submit, unsigned wait, unsigned flags, void *argument,
                             size_t argument_bytes)
{
    int fault = weft__fault(WEFT__FAULT_RING_ENTER);
    return fault != 0 ? fault
                      : (int)folded(syscall(SYS_io_uring_enter, fd, submit, wait, flags, argument,
                                            argument_bytes));
}

int weft__sys_io_uring_register(int fd, unsigned opcode, void *argument, unsigned count)
{
    int fault = weft__fault(WEFT__FAULT_RING_REGISTER);
    return fault != 0 ? fault
                      : (int)folded(syscall(SYS_io_uring_register, fd, opcode, argument, count));
}

int weft__sys_futex_wait(const _Atomic uint32_t *word, uint32_t expected, int64_t until_ns)
{
    int fault = weft__fault(WEFT__FAULT_FUTEX);
    const struct weft__sim_ops *sim = weft__sim_here();

    if (fault != 0)
        return fault;
    if (WEFT__UNLIKELY(sim != NULL))
        return sim->wait(
            &(struct weft__sim_wait){ .word = word, .expected = expected, .until_ns = until_ns });
    struct timespec until = { .tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000 };
    return (int)folded(syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected,
                               until_ns == INT64_MAX ? NULL : &until, NULL,
                               FUTEX_BITSET_MATCH_ANY));
}

/* Somebody may be asleep on either side of the simulation. */
int weft__sys_futex_wake(const _Atomic uint32_t *word, int count)
{
    const struct weft__sim_ops *sim = weft__load_relaxed(&weft__sim_on);

    if (WEFT__UNLIKELY(sim != NULL))
        sim->rouse();
    return (int)folded(syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0));
}

int weft__sys_get_mempolicy(int *out_mode)
{
    int fault = weft__fault(WEFT__FAULT_MEMPOLICY);
    return fault != 0 ? fault
                      : (int)folded(syscall(SYS_get_mempolicy, out_mode, NULL, 0UL, NULL, 0UL));
}

int weft__sys_mbind(void *address, size_t bytes, int mode, const unsigned long *nodes,
                    unsigned long node_bits, unsigned flags)
{
    int fault = weft__fault(WEFT__FAULT_MEMPOLICY);
    return fault != 0
               ? fault
               : (int)folded(syscall(SYS_mbind, address, bytes, mode, nodes, node_bits, flags));
}

WEFT__NOIPA int *weft__sys_errno_place(void)
{
    __asm__ volatile("" ::: "memory");
    return &errno;
}

WEFT__NOIPA int weft__sys_errno_get(void)
{
    __asm__ volatile("" ::: "memory");
    return errno;
}

WEFT__NOIPA void weft__sys_errno_set(int value)
{
    __asm__ volatile("" ::: "memory");
    errno = value;
}
