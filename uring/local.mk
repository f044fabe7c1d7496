# The engine seam and the kernel engine, and the pool of helper threads.

weft_sources += \
    %D%/compat_sqe.h \
    %D%/engine.h \
    %D%/kernel.c \
    %D%/kernel.h \
    %D%/kernel_reap.c \
    %D%/kernel_submit.c \
    %D%/message.c \
    %D%/op.c \
    %D%/op.h \
    %D%/pool.c \
    %D%/pool.h \
    %D%/probe.c \
    %D%/probe.h \
    %D%/setup_error.c \
    %D%/setup_error.h \
    %D%/timeout.c

EXTRA_DIST += \
    %D%/README.md
