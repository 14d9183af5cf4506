/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/cron.h"

#include <string.h>
#include <strings.h>

#define MINUTES_PER_DAY (24 * 60)
#define ALL_HOURS 0xFFFFFFU

/*
 * 29 February falls on a given day of the week every 28 years, or after 40 around a century that is
 * not a leap year; and a time zone can have skipped one of these days.
 */
#define SEARCH_DAYS_MAX (90 * 366)

typedef struct {
    const char *name;
    unsigned min, max;
    const char *names; /* names of three letters each; the first stands for first_name */
    unsigned first_name;
} cron_field;

enum { MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, FIELDS };

static const cron_field fields[FIELDS] = {
    {"minute", 0, 59, NULL, 0},
    {"hour", 0, 23, NULL, 0},
    {"day-of-month", 1, 31, NULL, 0},
    {"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", 1},
    {"day-of-week", 0, 7, "SUNMONTUEWEDTHUFRISAT", 0},
};

/* The part of the input that a message repeats. */
#define SHOWN(slice) (int)((slice).len < 40 ? (slice).len : 40), (slice).data

static bool parse_name(const cron_field *field, sh_slice text, unsigned *ret)
{
    if (field->names == NULL || text.len != 3)
        return false;
    unsigned value = field->first_name;
    for (const char *name = field->names; *name != '\0'; name += 3, value++) {
        if (strncasecmp(name, text.data, 3) == 0) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static sh_err parse_value(const cron_field *field, sh_slice text, unsigned *ret, sh_error *error)
{
    uint64_t number;
    if (parse_name(field, text, ret))
        return SH_OK;
    if (!sh_text_to_u64(text, field->max, &number) || number < field->min)
        return sh_fail(error, SH_E_FORMAT, "%s: '%.*s' is not a number from %u to %u%s",
                       field->name, SHOWN(text), field->min, field->max,
                       field->names == NULL ? "" : " or a name of three letters");
    *ret = (unsigned)number;
    return SH_OK;
}

/* Splits *text at the first separator: *text keeps the part before it. False if there is none. */
static bool split_at(sh_slice *text, char separator, sh_slice *after)
{
    const char *found = text->len == 0 ? NULL : memchr(text->data, separator, text->len);
    if (found == NULL)
        return false;
    size_t len = (size_t)(found - text->data);
    *after = (sh_slice){.data = found + 1, .len = text->len - len - 1};
    text->len = len;
    return true;
}

typedef struct {
    unsigned from, to;
} cron_range;

static sh_err parse_range(const cron_field *field, sh_slice text, bool has_step, cron_range *ret,
                          sh_error *error)
{
    if (sh_slice_equals(text, SH_SLICE("*"))) {
        ret->from = field->min;
        ret->to = field == &fields[DAY_OF_WEEK] ? 6 : field->max; /* Sunday once */
        return SH_OK;
    }
    sh_slice last;
    bool is_range = split_at(&text, '-', &last);
    sh_err err = parse_value(field, text, &ret->from, error);
    if (err != SH_OK)
        return err;
    ret->to = ret->from;
    if (is_range)
        err = parse_value(field, last, &ret->to, error);
    else if (has_step) /* `5/10` means `5-59/10` */
        ret->to = field->max;
    if (err != SH_OK)
        return err;
    if (ret->from > ret->to)
        return sh_fail(error, SH_E_FORMAT, "%s: the range %u-%u is reversed%s", field->name,
                       ret->from, ret->to,
                       ret->to == 0 ? "; Sunday at the end of a range is 7, as in 6-7" : "");
    return SH_OK;
}

/* Parses one element of a field's list: `*`, n or n-m, optionally with `/step`. */
static sh_err parse_element(const cron_field *field, sh_slice text, uint64_t *bits, sh_error *error)
{
    sh_slice step_text;
    uint64_t step = 1;
    bool has_step = split_at(&text, '/', &step_text);
    if (has_step && (!sh_text_to_u64(step_text, field->max, &step) || step == 0))
        return sh_fail(error, SH_E_FORMAT, "%s: the step '%.*s' is not a number from 1 to %u",
                       field->name, SHOWN(step_text), field->max);
    cron_range range = {0, 0};
    sh_err err = parse_range(field, text, has_step, &range, error);
    if (err != SH_OK)
        return err;
    for (uint64_t value = range.from; value <= range.to; value += step)
        *bits |= UINT64_C(1) << value;
    return SH_OK;
}

static sh_err parse_field(const cron_field *field, sh_slice text, uint64_t *bits, sh_error *error)
{
    sh_slice after = text;
    bool more = true;
    while (more) {
        text = after;
        more = split_at(&text, ',', &after);
        sh_err err = parse_element(field, text, bits, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Splits text into words; false unless there are exactly FIELDS of them. */
static bool split_fields(sh_slice text, sh_slice words[static FIELDS])
{
    size_t count = 0;
    size_t at = 0;
    for (;;) {
        while (at < text.len && is_blank(text.data[at]))
            at++;
        if (at == text.len)
            return count == FIELDS;
        if (count == FIELDS)
            return false;
        size_t begin = at;
        while (at < text.len && !is_blank(text.data[at]))
            at++;
        words[count++] = (sh_slice){.data = text.data + begin, .len = at - begin};
    }
}

/* If both day fields must match, at least one month must have one of the days. */
static bool can_occur(const sh_cron *cron)
{
    static const unsigned char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!cron->any_day_of_month && !cron->any_day_of_week)
        return true;
    for (unsigned month = 1; month <= 12; month++) {
        uint64_t in_month = (UINT64_C(1) << (days[month - 1] + 1)) - 1;
        if ((cron->months >> month & 1) != 0 && (cron->days_of_month & in_month) != 0)
            return true;
    }
    return false;
}

/* Fails for the nicknames of other crons, with the equivalent five fields. */
static sh_err fail_nickname(sh_slice text, sh_error *error)
{
    static const struct {
        const char *name, *fields;
    } nicknames[] = {
        {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
        {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
        {"@annually", "0 0 1 1 *"},
    };
    for (size_t i = 0; i < sizeof nicknames / sizeof nicknames[0]; i++)
        if (text.len == strlen(nicknames[i].name) &&
            strncasecmp(text.data, nicknames[i].name, text.len) == 0)
            return sh_fail(error, SH_E_FORMAT, "write %s as '%s'", nicknames[i].name,
                           nicknames[i].fields);
    if (text.len == 7 && strncasecmp(text.data, "@reboot", 7) == 0)
        return sh_fail(error, SH_E_FORMAT,
                       "set SYNC_RUN=once to run only at startup; a schedule also runs at startup");
    return sh_fail(error, SH_E_FORMAT,
                   "unknown nickname: write five fields, minute hour day-of-month month "
                   "day-of-week, as in '*/5 * * * *' for every 5 minutes");
}

/* Fails for a text that does not have five fields. */
static sh_err fail_field_count(sh_slice text, sh_error *error)
{
    size_t words = 0;
    if (text.len > 0 && text.data[0] == '@')
        return fail_nickname(text, error);
    for (size_t i = 0; i < text.len; i++)
        words += !is_blank(text.data[i]) && (i == 0 || is_blank(text.data[i - 1]));
    return sh_fail(error, SH_E_FORMAT,
                   "a schedule has five fields: minute hour day-of-month month day-of-week, "
                   "as in '*/5 * * * *'; this has %zu%s",
                   words, words == 6 ? ": omit the seconds" : "");
}

sh_err sh_cron_read(sh_slice text, sh_cron *ret, sh_error *error)
{
    sh_slice words[FIELDS];
    uint64_t bits[FIELDS] = {0};
    text = sh_slice_trim(text);
    if (!split_fields(text, words))
        return fail_field_count(text, error);
    for (size_t i = 0; i < FIELDS; i++) {
        sh_err err = parse_field(&fields[i], words[i], &bits[i], error);
        if (err != SH_OK)
            return err;
    }
    if ((bits[DAY_OF_WEEK] & 1 << 7) != 0) /* 7 is also Sunday */
        bits[DAY_OF_WEEK] |= 1;
    sh_cron cron = {
        .minutes = bits[MINUTE],
        .hours = (uint32_t)bits[HOUR],
        .days_of_month = (uint32_t)bits[DAY_OF_MONTH],
        .months = (uint16_t)bits[MONTH],
        .days_of_week = (uint8_t)(bits[DAY_OF_WEEK] & 0x7F),
        .any_day_of_month = words[DAY_OF_MONTH].data[0] == '*',
        .any_day_of_week = words[DAY_OF_WEEK].data[0] == '*',
    };
    if (!can_occur(&cron))
        return sh_fail(error, SH_E_FORMAT,
                       "this schedule never occurs: none of its months has such a day");
    *ret = cron;
    return SH_OK;
}

static bool day_matches(const sh_cron *cron, const struct tm *day)
{
    bool of_month = (cron->days_of_month >> day->tm_mday & 1) != 0;
    bool of_week = (cron->days_of_week >> day->tm_wday & 1) != 0;
    if ((cron->months >> (day->tm_mon + 1) & 1) == 0)
        return false;
    return cron->any_day_of_month || cron->any_day_of_week ? of_month && of_week
                                                           : of_month || of_week;
}

static bool minute_matches(const sh_cron *cron, int minute_of_day)
{
    return (cron->hours >> (minute_of_day / 60) & 1) != 0 &&
           (cron->minutes >> (minute_of_day % 60) & 1) != 0;
}

/* A number that increases with the date. */
static int64_t date_order(const struct tm *day)
{
    return ((int64_t)day->tm_year * 12 + day->tm_mon) * 31 + day->tm_mday;
}

static int64_t local_date_order(time_t t)
{
    struct tm local;
    return localtime_r(&t, &local) == NULL ? INT64_MAX : date_order(&local);
}

/* The first minute of a local date, or of the next date if the time zone skipped it. */
static time_t day_start(const struct tm *day)
{
    struct tm midnight = {
        .tm_year = day->tm_year, .tm_mon = day->tm_mon, .tm_mday = day->tm_mday, .tm_isdst = -1};
    int64_t wanted = date_order(day);
    time_t t = mktime(&midnight);
    t -= t % 60;
    /* mktime() can return either side of a midnight that is skipped or repeated. */
    for (int i = 0; i < 2 * MINUTES_PER_DAY && local_date_order(t) < wanted; i++)
        t += 60;
    for (int i = 0; i < 2 * MINUTES_PER_DAY && local_date_order(t - 60) >= wanted; i++)
        t -= 60;
    return t;
}

/*
 * The first time of the schedule after `after` on one local date. Walks through the minutes that
 * exist: a skipped minute counts at the next one, a repeated one as described in cron.h.
 */
static bool next_in_day(const sh_cron *cron, const struct tm *day, time_t after, time_t *ret)
{
    int64_t wanted = date_order(day);
    int latest = -1; /* minute of the day; earlier minutes were processed */
    struct tm local;
    for (time_t t = day_start(day);; t += 60) {
        if (localtime_r(&t, &local) == NULL || date_order(&local) != wanted)
            return false;
        int now = local.tm_hour * 60 + local.tm_min;
        bool matches = now <= latest && cron->hours == ALL_HOURS && minute_matches(cron, now);
        for (; latest < now; latest++)
            matches = matches || minute_matches(cron, latest + 1);
        if (matches && t > after) {
            *ret = t;
            return true;
        }
    }
}

time_t sh_cron_next(const sh_cron *cron, time_t after)
{
    struct tm day;
    tzset();
    if (localtime_r(&after, &day) == NULL)
        return (time_t)-1;
    for (int i = 0; i < SEARCH_DAYS_MAX; i++) {
        time_t next;
        /* Use noon in UTC for date arithmetic, which is independent of the time zone. */
        day = (struct tm){.tm_year = day.tm_year,
                          .tm_mon = day.tm_mon,
                          .tm_mday = day.tm_mday + (i > 0),
                          .tm_hour = 12};
        (void)timegm(&day);
        if (day_matches(cron, &day) && next_in_day(cron, &day, after, &next))
            return next;
    }
    return (time_t)-1;
}
