/*
 * The floor of a switch between two stacks: saves what the calling convention says, swaps the stack
 * pointer, jumps. No scheduler, no queue, nobody to ask.
 */
#include <sys/mman.h>

#include "tools/bench/checksum.h"
#include "tools/bench/peers/peer.h"

enum { stack_bytes = 65536 };

struct context {
    void *stack_pointer;
};

void peer_switch(struct context *from, const struct context *to);

#if defined(__x86_64__)
/* One word more than is popped: a function is entered 8 bytes off a multiple of 16. */
enum { frame_words = 8, address_word = 6 };
__asm__(".text\n"
        ".globl peer_switch\n"
        ".type peer_switch, @function\n"
        "peer_switch:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq (%rsi), %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    popq %rcx\n"
        "    jmpq *%rcx\n"
        ".size peer_switch, . - peer_switch\n");
#elif defined(__aarch64__)
enum { frame_words = 20, address_word = 11 };
__asm__(".text\n"
        ".globl peer_switch\n"
        ".type peer_switch, %function\n"
        "peer_switch:\n"
        "    sub sp, sp, #160\n"
        "    stp x19, x20, [sp, #0]\n"
        "    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n"
        "    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n"
        "    stp x29, x30, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    mov x9, sp\n"
        "    str x9, [x0]\n"
        "    ldr x9, [x1]\n"
        "    mov sp, x9\n"
        "    ldp x19, x20, [sp, #0]\n"
        "    ldp x21, x22, [sp, #16]\n"
        "    ldp x23, x24, [sp, #32]\n"
        "    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n"
        "    ldp x29, x30, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    add sp, sp, #160\n"
        "    br x30\n"
        ".size peer_switch, . - peer_switch\n");
#endif

static struct context main_context;
static struct context tasks[2];
static uint64_t turns_each;
static uint64_t sum;

/* Task 0 takes the last turn back to main; task 1 is never resumed after its last. */
static void take_turns(uint64_t self)
{
    for (uint64_t i = 0; i < turns_each; i++) {
        sum = weft__checksum_turn(sum, self + 1, i);
        peer_switch(&tasks[self], &tasks[1 - self]);
    }
    peer_switch(&tasks[self], &main_context);
    abort();
}

static void run_first(void)
{
    take_turns(0);
}

static void run_second(void)
{
    take_turns(1);
}

static void make_context(struct context *context, void (*entry)(void))
{
    char *stack = mmap(NULL, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                       0);

    if (stack == MAP_FAILED)
        peer_fail("mmap");
    uintptr_t *top = (uintptr_t *)(void *)(stack + stack_bytes) - frame_words;
    top[address_word] = (uintptr_t)entry;
    context->stack_pointer = top;
}

int main(int argc, char **argv)
{
    struct peer_request request = peer_parse(argc, argv);

    if (!peer_is(&request, "task_switch"))
        return peer_unknown(&request);
    peer_pin(0);
    turns_each = request.count / 2;
    make_context(&tasks[0], run_first);
    make_context(&tasks[1], run_second);

    int64_t start_ns = peer_clock_ns();
    peer_switch(&main_context, &tasks[0]);
    int64_t elapsed_ns = peer_clock_ns() - start_ns;

    return peer_print(&request, (double)elapsed_ns / (double)request.count, sum);
}
