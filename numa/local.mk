# NUMA: topology, placement, node memory.

weft_sources += \
    numa/affinity.c \
    numa/cgroup.c \
    numa/cpuset.c \
    numa/cpuset.h \
    numa/draft.c \
    numa/draft.h \
    numa/mallocx.h \
    numa/memory.c \
    numa/memory.h \
    numa/plan.c \
    numa/plan.h \
    numa/synthetic.c \
    numa/sysfs.c \
    numa/text.c \
    numa/text.h \
    numa/topology.c \
    numa/topology.h

EXTRA_DIST += numa/README.md
