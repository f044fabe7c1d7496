# NUMA: topology, placement, node memory.

weft_sources += \
    numa/cpuset.h \
    numa/memory.h \
    numa/plan.h \
    numa/topology.h
