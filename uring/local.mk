# The engine seam, the kernel and the compat engine, and the pool of helper threads.

weft_sources += \
    %D%/choice.c \
    %D%/choice.h \
    %D%/compat.c \
    %D%/compat.h \
    %D%/compat_bell.c \
    %D%/compat_file.c \
    %D%/compat_help.c \
    %D%/compat_reap.c \
    %D%/compat_sqe.h \
    %D%/compat_try.c \
    %D%/compat_vector.c \
    %D%/engine.h \
    %D%/faults.c \
    %D%/faults.h \
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
    %D%/simulated.c \
    %D%/simulated.h \
    %D%/simulated_disk.c \
    %D%/simulated_error.c \
    %D%/simulated_try.c \
    %D%/timeout.c \
    %D%/trial.c \
    %D%/trial.h

EXTRA_DIST += \
    %D%/README.md
