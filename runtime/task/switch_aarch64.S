/*
 * void *weft__switch(void **save_sp, void *load_sp, void *message)
 *
 * Saves what AAPCS64 lets a function keep (x19-x28, x29, x30, d8-d15, FPCR) on the running stack,
 * stores its pointer, takes the other stack and returns there with @message. The low halves of
 * z8-z15 are the d registers; nothing more of SVE outlives a call. Must not run with SME ZA live.
 */
    .text
    .globl weft__switch
    .hidden weft__switch
    .type weft__switch, %function
    .p2align 4
weft__switch:
    .cfi_startproc
    hint #34                        /* bti c */
    sub sp, sp, #176
    .cfi_adjust_cfa_offset 176
    stp x29, x30, [sp, #160]
    .cfi_rel_offset x29, 160
    .cfi_rel_offset x30, 168
    stp x19, x20, [sp, #0]
    .cfi_rel_offset x19, 0
    .cfi_rel_offset x20, 8
    stp x21, x22, [sp, #16]
    .cfi_rel_offset x21, 16
    .cfi_rel_offset x22, 24
    stp x23, x24, [sp, #32]
    .cfi_rel_offset x23, 32
    .cfi_rel_offset x24, 40
    stp x25, x26, [sp, #48]
    .cfi_rel_offset x25, 48
    .cfi_rel_offset x26, 56
    stp x27, x28, [sp, #64]
    .cfi_rel_offset x27, 64
    .cfi_rel_offset x28, 72
    stp d8, d9, [sp, #80]
    stp d10, d11, [sp, #96]
    stp d12, d13, [sp, #112]
    stp d14, d15, [sp, #128]
    mrs x9, fpcr
    str x9, [sp, #144]
    mov x10, sp
    str x10, [x0]
    mov sp, x1
    mov x0, x2
    ldr x9, [sp, #144]
    msr fpcr, x9
    ldp d14, d15, [sp, #128]
    ldp d12, d13, [sp, #112]
    ldp d10, d11, [sp, #96]
    ldp d8, d9, [sp, #80]
    ldp x27, x28, [sp, #64]
    ldp x25, x26, [sp, #48]
    ldp x23, x24, [sp, #32]
    ldp x21, x22, [sp, #16]
    ldp x19, x20, [sp, #0]
    ldp x29, x30, [sp, #160]
    add sp, sp, #176
    .cfi_adjust_cfa_offset -176
    ret
    .cfi_endproc
    .size weft__switch, .-weft__switch

/*
 * The first instruction of a new stack: calls the function in x19 with the message (x0) and the
 * argument in x20. It must not return. Ends every unwind: x30 undefined, x29 is 0.
 */
    .globl weft__switch_entry
    .hidden weft__switch_entry
    .type weft__switch_entry, %function
    .p2align 4
weft__switch_entry:
    .cfi_startproc
    .cfi_undefined x30
    hint #36                        /* bti j */
    mov x29, xzr
    mov x30, xzr
    mov x1, x20
    blr x19
    brk #0
    .cfi_endproc
    .size weft__switch_entry, .-weft__switch_entry

    .section .note.GNU-stack, "", %progbits
