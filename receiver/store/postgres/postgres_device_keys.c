/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_device_keys.h"

#include <stdlib.h>

static unsigned char fold(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static int compare(const char *left, const char *right)
{
    while (*left != '\0' && fold(*left) == fold(*right)) {
        left++;
        right++;
    }
    return (int)fold(*left) - (int)fold(*right);
}

static int by_key_and_index(const void *a, const void *b)
{
    const device_key *left = a;
    const device_key *right = b;
    int order = compare(left->mac->text, right->mac->text);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

void device_keys_sort(device_key keys[], size_t count)
{
    qsort(keys, count, sizeof *keys, by_key_and_index);
}

size_t device_keys_find(const device_key keys[], size_t count, const char *text)
{
    size_t low = 0;
    for (size_t high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (compare(keys[middle].mac->text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && compare(keys[low].mac->text, text) == 0 ? low : count;
}

void device_key_fold(const sh_mac *mac, char ret[static SH_MAC_MAX_BYTES])
{
    for (size_t i = 0; i < mac->len; i++)
        ret[i] = (char)fold(mac->text[i]);
}
