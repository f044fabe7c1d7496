/* A circular doubly linked list whose links live in the elements. An unlinked element points to
 * itself, so removing it twice is harmless. */
#ifndef WEFT_BASE_LIST_H
#define WEFT_BASE_LIST_H

#include <stdbool.h>

#include "runtime/base/compiler.h"

struct weft__list {
    struct weft__list *next;
    struct weft__list *prev;
};

static inline void weft__list_init(struct weft__list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool weft__list_empty(const struct weft__list *list)
{
    return list->next == list;
}

static inline void weft__list_append(struct weft__list *list, struct weft__list *element)
{
    element->prev = list->prev;
    element->next = list;
    list->prev->next = element;
    list->prev = element;
}

static inline void weft__list_remove(struct weft__list *element)
{
    element->prev->next = element->next;
    element->next->prev = element->prev;
    weft__list_init(element);
}

/* The first element, taken out; NULL when the list is empty. */
static inline struct weft__list *weft__list_take(struct weft__list *list)
{
    struct weft__list *first = list->next;
    if (first == list)
        return NULL;
    weft__list_remove(first);
    return first;
}

/* Moves all elements of @from to the empty list @to. */
static inline void weft__list_move(struct weft__list *to, struct weft__list *from)
{
    if (weft__list_empty(from)) {
        weft__list_init(to);
        return;
    }
    to->next = from->next;
    to->prev = from->prev;
    to->next->prev = to;
    to->prev->next = to;
    weft__list_init(from);
}

#endif
