/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/device_columns.h"

#include <string.h>

/* NetAlertX's Devices, in the order of its schema. */
/* clang-format's versions differ about braces in macros. */
/* clang-format off */
/* Declared TEXT there. */
#define TEXT(n) \
    { \
        .name = (n), .kind = SH_COLUMN_TEXT, .text_affinity = true \
    }
/* Declared STRING there, which has numeric affinity. */
#define STRING(n) \
    { \
        .name = (n), .kind = SH_COLUMN_TEXT \
    }
#define INTEGER(n) \
    { \
        .name = (n), .kind = SH_COLUMN_INTEGER \
    }
#define TEXT_OR(n, text) \
    { \
        .name = (n), .kind = SH_COLUMN_TEXT, .not_null = true, .default_kind = SH_DEFAULT_TEXT, \
        .default_text = (text) \
    }
#define NUMBER_OR(n, k, number) \
    { \
        .name = (n), .kind = (k), .not_null = true, .default_kind = SH_DEFAULT_INTEGER, \
        .default_integer = (number) \
    }
#define BOOLEAN_OR(n, number) NUMBER_OR(n, SH_COLUMN_BOOLEAN, number)
#define TIME_OR_NOW(n) \
    { \
        .name = (n), .kind = SH_COLUMN_DATETIME, .not_null = true, .default_kind = SH_DEFAULT_NOW \
    }
/* clang-format on */

const sh_column sh_device_columns[] = {
    {.name = "devMac", .kind = SH_COLUMN_TEXT, .not_null = true, .ignore_case = true},
    TEXT_OR("devName", "(unknown)"),
    TEXT_OR("devOwner", "(unknown)"),
    STRING("devType"),
    STRING("devVendor"),
    BOOLEAN_OR("devFavorite", 0),
    STRING("devGroup"),
    TEXT("devComments"),
    TIME_OR_NOW("devFirstConnection"),
    TIME_OR_NOW("devLastConnection"),
    {.name = "devLastIP",
     .kind = SH_COLUMN_TEXT,
     .not_null = true,
     .ignore_case = true,
     .default_kind = SH_DEFAULT_TEXT},
    TEXT("devPrimaryIPv4"),
    TEXT("devPrimaryIPv6"),
    TEXT("devVlan"),
    TEXT("devForceStatus"),
    BOOLEAN_OR("devStaticIP", 0),
    NUMBER_OR("devScan", SH_COLUMN_INTEGER, 1),
    BOOLEAN_OR("devLogEvents", 1),
    BOOLEAN_OR("devAlertEvents", 1),
    BOOLEAN_OR("devAlertDown", 0),
    NUMBER_OR("devSkipRepeated", SH_COLUMN_INTEGER, 0),
    {.name = "devLastNotification", .kind = SH_COLUMN_DATETIME},
    BOOLEAN_OR("devPresentLastScan", 0),
    BOOLEAN_OR("devIsNew", 1),
    {.name = "devLocation", .kind = SH_COLUMN_TEXT, .ignore_case = true},
    BOOLEAN_OR("devIsArchived", 0),
    TEXT("devParentMAC"),
    INTEGER("devParentPort"),
    TEXT("devParentRelType"),
    TEXT("devIcon"),
    TEXT("devGUID"),
    TEXT("devSite"),
    TEXT("devSSID"),
    TEXT("devSyncHubNode"),
    TEXT("devSourcePlugin"),
    TEXT("devFQDN"),
    TEXT("devMacSource"),
    TEXT("devNameSource"),
    TEXT("devFQDNSource"),
    TEXT("devLastIPSource"),
    TEXT("devVendorSource"),
    TEXT("devSSIDSource"),
    TEXT("devParentMACSource"),
    TEXT("devParentPortSource"),
    TEXT("devParentRelTypeSource"),
    TEXT("devVlanSource"),
    TEXT("devCustomProps"),
    INTEGER("devReqNicsOnline"),
    INTEGER("devCanSleep"),
};

const size_t sh_device_columns_count = sizeof sh_device_columns / sizeof sh_device_columns[0];

const sh_column *sh_device_column_find(const char *name)
{
    for (size_t i = 0; i < sh_device_columns_count; i++) {
        if (strcmp(sh_device_columns[i].name, name) == 0)
            return &sh_device_columns[i];
    }
    return NULL;
}
