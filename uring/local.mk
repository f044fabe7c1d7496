# The engine seam, the kernel engine, the pool of helper threads.

weft_sources += \
    uring/engine.h \
    uring/pool.h
