/*
 * Only the thread that runs a task can say where it is: its registers are in the CPU. So it is sent
 * a signal, and the handler writes its frames into a slot of the asker's. The signal is SIGURG, as
 * in Go: nobody else sends it to a thread, and who has no handler for it never notices. The handler
 * is installed when somebody first asks, runs on a stack of its own, and hands on what is not for
 * it to the handler that the program had before.
 *
 * A thread that sits in a system call is not disturbed: nanosleep, poll and others would end early,
 * handler or not. The kernel tells where it sits (/proc/self/task/N/syscall), and its frames are
 * looked for above its stack pointer. (Between the look and the signal it may enter one; that call
 * then ends with -EINTR, or is begun anew, as after any signal.)
 *
 * STATE capture slot: free -> claimed by an asker; claimed -> asked by the asker; asked -> filling
 * by the handler, or -> free by an asker whose patience ends; filling -> answered by the handler,
 * or -> left by an asker who waits no longer; answered -> free by the asker, left -> free by the
 * handler. Terminal: none.
 *
 * ORDERING CAPTURE: an answer is whole, and for the question that was asked last.
 *   asker                                    handler, on the thread that was asked
 *   A1 writes the question                   H1 asked -> filling (CAS, acquire); reads the question
 *   A2 asked, release; sends the signal      H2 writes the answer
 *   A3 sees answered, acquire; reads it      H3 filling -> answered (CAS, release), wakes the asker
 * Forbidden: A3 reads what H2 has not written, or of an earlier question; H2 writes into a slot
 *            that another asker has.
 * Because:   A2 and H1, H3 and A3 pair. While the slot is filling or left, only the handler may
 *            free it; an asker who gives up takes his question back first (CAS), and one whose
 *            question is being answered leaves the slot to the handler.
 * Without:   an asker who gives up frees the slot, and the handler answers the next one's question
 *            with the frames of another task.
 * Tested by: tests/unit/capture_test.c, tests/stress/capture.c
 *
 * BOUND slots: eight askers at once; a ninth is told -EBUSY.
 */
#include "runtime/sched/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "runtime/base/clock.h"
#include "runtime/base/sys.h"

enum { slot_count = 8, stack_bytes = 64 * 1024, install_looks = 10000, guess_bytes = 4096 };
enum { handler_number = SIGURG };

enum slot_state { FREE, CLAIMED, ASKED, FILLING, ANSWERED, LEFT };

struct slot {
    _Atomic uint32_t state; /* (a:CAPTURE) futex; enum slot_state */
    _Atomic int thread;
    const struct weft__task *task;
    struct weft__frames frames;
};

static struct slot slots[slot_count];

enum { NOT_INSTALLED, INSTALLING, INSTALLED };
static _Atomic uint32_t installed;
static struct sigaction before; /* (i) once INSTALLED */

static void start_of(const ucontext_t *context, const struct weft__stack *stack,
                     struct weft__walk_start *out_start)
{
#if defined(__x86_64__)
    uintptr_t sp = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
    out_start->pc = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
    out_start->fp = (uintptr_t)context->uc_mcontext.gregs[REG_RBP];
#else
    uintptr_t sp = (uintptr_t)context->uc_mcontext.sp;
    out_start->pc = (uintptr_t)context->uc_mcontext.pc;
    out_start->fp = (uintptr_t)context->uc_mcontext.regs[29];
#endif
    out_start->low = sp;
    out_start->high = (uintptr_t)stack->top;
}

/* H2. The thread may be between two tasks, or on a stack that the program has made. */
static void answer(struct slot *slot, const ucontext_t *context)
{
    const struct weft__task *task = weft__worker_task(weft__self_worker());
    struct weft__walk_start start;

    slot->frames.count = 0;
    slot->frames.end = WEFT__WALK_NONE;
    if (task != slot->task || task == NULL || task->stack == NULL)
        return;
    start_of(context, task->stack, &start);
    if (start.low >= (uintptr_t)task->stack->low && start.low < start.high)
        weft__walk_own(&start, &slot->frames);
}

static bool serve(struct slot *slot, int thread, const ucontext_t *context)
{
    uint32_t state = ASKED;

    if (weft__load_relaxed(&slot->state) != ASKED || weft__load_relaxed(&slot->thread) != thread ||
        !weft__cas_acqrel(&slot->state, &state, FILLING)) /* CAPTURE H1 */
        return false;
    answer(slot, context);
    state = FILLING;
    if (weft__cas_acqrel(&slot->state, &state, ANSWERED)) /* CAPTURE H3 */
        (void)weft__sys_futex_wake(&slot->state, 1);
    else
        weft__store_release(&slot->state, FREE); /* CAPTURE: it was left */
    return true;
}

static void hand_on(int number, siginfo_t *info, void *context)
{
    if ((before.sa_flags & SA_SIGINFO) != 0)
        before.sa_sigaction(number, info, context);
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
        before.sa_handler(number);
}

static void handle(int number, siginfo_t *info, void *context)
{
    int saved = weft__sys_errno_get();
    int thread = weft__sys_thread_id();
    bool ours = info->si_code == SI_QUEUE && info->si_value.sival_ptr == slots;

    for (int i = 0; i < slot_count; i++)
        if (serve(&slots[i], thread, context))
            ours = true;
    weft__sys_errno_set(saved);
    if (!ours && weft__load_acquire(&installed) == INSTALLED) /* pairs with install */
        hand_on(number, info, context);
}

/* Once; whoever comes meanwhile waits a moment, but not for ever: he may have interrupted the one
 * who does it. */
static int install(void)
{
    struct sigaction action = { .sa_sigaction = handle,
                                .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
    uint32_t state = NOT_INSTALLED;

    if (weft__load_acquire(&installed) == INSTALLED) /* pairs with the release below */
        return 0;
    if (weft__cas_acqrel(&installed, &state, INSTALLING)) { /* pairs with itself: one does it */
        (void)sigfillset(&action.sa_mask);
        int rc = weft__sys_sigaction(handler_number, &action, &before);
        weft__store_release(&installed, rc == 0 ? INSTALLED : NOT_INSTALLED); /* pairs with above */
        return rc;
    }
    for (int looks = 0; looks < install_looks; looks++) {
        if (weft__load_acquire(&installed) == INSTALLED) /* pairs with the release above */
            return 0;
        weft__pause();
    }
    return -EBUSY;
}

static struct slot *claim(void)
{
    for (int i = 0; i < slot_count; i++) {
        uint32_t state = FREE;
        if (weft__cas_acquire(&slots[i].state, &state, CLAIMED)) /* CAPTURE: pairs with the frees */
            return &slots[i];
    }
    return NULL;
}

/* Waits while the slot is in @state. Whether it no longer is. */
static bool await_change(struct slot *slot, uint32_t state, int64_t until_ns)
{
    while (weft__load_acquire(&slot->state) == state) /* CAPTURE A3 */
        if (weft__sys_futex_wait(&slot->state, state, until_ns) == -ETIMEDOUT)
            return weft__load_acquire(&slot->state) != state; /* CAPTURE A3 */
    return true;
}

/* What comes of a question; the slot is free then, or left to the handler. */
static int await_answer(struct slot *slot, int64_t patience_ns, struct weft__frames *out_frames)
{
    int64_t until_ns = weft__clock_now() + patience_ns;
    uint32_t state = ASKED;

    if (!await_change(slot, ASKED, until_ns) &&
        weft__cas_acqrel(&slot->state, &state, FREE)) /* CAPTURE: taken back */
        return -ETIMEDOUT;
    state = FILLING;
    if (!await_change(slot, FILLING, until_ns + patience_ns) &&
        weft__cas_acqrel(&slot->state, &state, LEFT)) /* CAPTURE: left to the handler */
        return -ETIMEDOUT;
    *out_frames = slot->frames;
    weft__store_release(&slot->state, FREE); /* CAPTURE */
    return out_frames->count > 0 ? 0 : -EAGAIN;
}

static int ask(int thread, const struct weft__task *task, int64_t patience_ns,
               struct weft__frames *out_frames)
{
    int rc = install();
    struct slot *slot = rc == 0 ? claim() : NULL;

    if (slot == NULL)
        return rc < 0 ? rc : -EBUSY;
    slot->task = task;
    weft__store_relaxed(&slot->thread, thread);
    weft__store_release(&slot->state, ASKED); /* CAPTURE A2 */
    rc = weft__sys_signal_thread(thread, handler_number, slots);
    if (rc < 0)
        patience_ns = 0;
    int answered = await_answer(slot, patience_ns, out_frames);
    return rc < 0 ? rc : answered;
}

/* What the kernel says that a thread does. */
struct call {
    int number; /* or WEFT__CALL_NONE, WEFT__CALL_UNKNOWN */
    uintptr_t sp;
    uintptr_t pc;
};

static const char *put_number(char *end, unsigned number)
{
    do
        *--end = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return end;
}

/* The number at @text; of base 16 when it begins so. */
static uintptr_t number_at(const char *text)
{
    unsigned base = text[0] == '0' && text[1] == 'x' ? 16 : 10;
    uintptr_t number = 0;

    for (text += base == 16 ? 2 : 0;; text++) {
        unsigned letter = (unsigned char)*text;
        unsigned digit = letter - '0' <= 9u ? letter - '0' : letter - 'a' + 10u;
        if (digit >= base || (digit > 9 && letter < 'a'))
            return number;
        number = number * base + digit;
    }
}

/* "running", or "230 0x0 ... sp pc" with six arguments, or "-1 sp pc". */
static struct call look_at_call(int thread)
{
    struct call none = { .number = WEFT__CALL_NONE };
    struct call unknown = { .number = WEFT__CALL_UNKNOWN };
    char path[64] = "/proc/self/task/";
    char digits[16] = { 0 };
    char text[256];
    const char *number = put_number(digits + sizeof(digits) - 1, (unsigned)thread);
    size_t length = strlen(path);

    memcpy(path + length, number, strlen(number) + 1);
    length += strlen(number);
    memcpy(path + length, "/syscall", sizeof("/syscall"));
    ssize_t count = weft__sys_read_file(path, text, sizeof(text));
    if (count <= 0)
        return unknown;
    if (text[0] < '0' || text[0] > '9')
        return none;
    const char *pc = strrchr(text, ' ');
    const char *sp = pc != NULL ? memrchr(text, ' ', (size_t)(pc - text)) : NULL;
    if (sp == NULL)
        return unknown;
    return (struct call){ (int)number_at(text), number_at(sp + 1), number_at(pc + 1) };
}

int weft__capture_call(int thread)
{
    return look_at_call(thread).number;
}

/* Whether the instruction before @address is a call. */
static bool is_after_call(struct weft__peek *peek, uintptr_t address)
{
#if defined(__x86_64__)
    enum { longest = 7, direct = 0xE8, indirect = 0xFF };
    unsigned char code[longest + 1];

    if (address < longest ||
        !weft__peek_copy(peek, (const void *)(address - longest), code, longest))
        return false;
    code[longest] = 0;
    if (code[longest - 5] == direct)
        return true;
    for (int bytes = 2; bytes <= longest; bytes++)
        if (code[longest - bytes] == indirect && (code[longest - bytes + 1] >> 3 & 7) == 2)
            return true;
    return false;
#else
    uint32_t code;

    return address % sizeof(code) == 0 && address >= sizeof(code) &&
           weft__peek_copy(peek, (const void *)(address - sizeof(code)), &code, sizeof(code)) &&
           ((code & 0xFC000000u) == 0x94000000u || (code & 0xFFFFFC1Fu) == 0xD63F0000u);
#endif
}

/* The frame pointer of a thread in a system call: the first word above its stack pointer from which
 * the walk comes to the end. 0: none. */
static uintptr_t guess_frame(struct weft__peek *peek, const struct weft__walk_start *start,
                             struct weft__frames *frames)
{
    struct weft__walk_start from = *start;
    uintptr_t words[2];

    for (from.fp = (start->low + 15) & ~(uintptr_t)15;
         from.fp < start->high - sizeof(words) && from.fp - start->low < guess_bytes;
         from.fp += 16) {
        if (!weft__peek_copy(peek, (const void *)from.fp, words, sizeof(words)) ||
            (words[0] != 0 && (words[0] <= from.fp || words[0] >= start->high)))
            continue;
        weft__walk_peek(&from, peek, frames);
        if (frames->end == WEFT__WALK_WHOLE && frames->count > 2)
            return from.fp;
    }
    return 0;
}

/*
 * The frames of a thread in a system call: where it is, whatever looks like a return address from
 * there up to the first frame that is known, and the frames from that on. The C library keeps no
 * frame pointers, and the one who called it would be missing.
 */
static void guess(struct weft__peek *peek, const struct call *call, const struct weft__stack *stack,
                  struct weft__frames *out_frames)
{
    struct weft__walk_start start = { .pc = call->pc, .low = call->sp };
    struct weft__frames known;
    uintptr_t word;

    start.high = (uintptr_t)stack->top;
    if (call->sp < (uintptr_t)stack->low || call->sp >= start.high)
        return;
    uintptr_t frame = guess_frame(peek, &start, &known);
    if (frame == 0)
        return;
    out_frames->at[out_frames->count++] = call->pc;
    for (uintptr_t at = call->sp; at < frame && out_frames->count < WEFT__FRAMES; at += sizeof(at))
        if (weft__peek_copy(peek, (const void *)at, &word, sizeof(word)) &&
            (word < start.low || word >= start.high) && is_after_call(peek, word))
            out_frames->at[out_frames->count++] = word;
    for (uint32_t i = 1; i < known.count && out_frames->count < WEFT__FRAMES; i++)
        out_frames->at[out_frames->count++] = known.at[i];
    out_frames->end = WEFT__WALK_WHOLE;
}

int weft__capture_task(struct weft__peek *peek, int thread, const struct weft__task *task,
                       const struct weft__stack *stack, int64_t patience_ns,
                       struct weft__captured *out_captured)
{
    struct call call = look_at_call(thread);

    out_captured->frames = (struct weft__frames){ .end = WEFT__WALK_NONE };
    out_captured->system_call = call.number;
    if (call.number < 0)
        return ask(thread, task, patience_ns, &out_captured->frames);
    guess(peek, &call, stack, &out_captured->frames);
    struct call again = look_at_call(thread);
    return again.sp == call.sp && again.pc == call.pc ? 0 : -EAGAIN;
}

/* Without a stack of its own the handler would run on that of the task, which may be almost full.
 * One that the thread has already will do. */
void weft__capture_begin(struct weft__worker *worker)
{
    stack_t has;
    sigset_t ours;

    if (weft__sys_signal_stack(NULL, &has) < 0)
        return;
    if ((has.ss_flags & SS_DISABLE) != 0) {
        stack_t made = { .ss_sp = weft__sys_map(stack_bytes), .ss_size = stack_bytes };
        if (made.ss_sp == NULL)
            return;
        if (weft__sys_signal_stack(&made, NULL) < 0) {
            (void)weft__sys_unmap(made.ss_sp, stack_bytes);
            return;
        }
        worker->signal_stack = made.ss_sp;
    }
    (void)sigemptyset(&ours);
    (void)sigaddset(&ours, handler_number);
    (void)pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
}

void weft__capture_end(struct weft__worker *worker)
{
    stack_t has;
    stack_t none = { .ss_flags = SS_DISABLE };
    sigset_t ours;

    (void)sigemptyset(&ours);
    (void)sigaddset(&ours, handler_number);
    (void)pthread_sigmask(SIG_BLOCK, &ours, NULL);
    if (worker->signal_stack == NULL)
        return;
    if (weft__sys_signal_stack(NULL, &has) == 0 && has.ss_sp == worker->signal_stack)
        (void)weft__sys_signal_stack(&none, NULL);
    (void)weft__sys_unmap(worker->signal_stack, stack_bytes);
    worker->signal_stack = NULL;
}
