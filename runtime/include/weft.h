/* weft: tasks on pinned workers, with all I/O through io_uring. This is the whole library. */
#ifndef WEFT_H
#define WEFT_H

#include <weft/base.h>
#include <weft/chan.h>
#include <weft/counters.h>
#include <weft/error.h>
#include <weft/file.h>
#include <weft/place.h>
#include <weft/print.h>
#include <weft/runtime.h>
#include <weft/scope.h>
#include <weft/task.h>
#include <weft/time.h>

#endif
