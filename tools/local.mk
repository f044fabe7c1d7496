# The weft command, built at the root of the build folder, and what builds and checks the tree.

EXTRA_DIST += \
    tools/check \
    tools/lib \
    tools/lint \
    tools/quickstart
