#include "base/clock.h"

#include <stdio.h>

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to the first of March of the era's count; see days_from_civil in the calendar literature. */
static int64_t days(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool time_make(int year, int month, int day, int hour, int minute, int second, int64_t *out)
{
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (year < 1 || year > 9999 || month < 1 || month > 12 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 59)
        return false;
    if (day < 1 || day > length[month - 1] + (month == 2 && leap(year)))
        return false;
    *out = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

static void literal(struct reader *r, char c)
{
    if (rd_u8(r) != (uint8_t)c)
        r->failed = true;
}

bool time_parse(struct bytes text, int64_t *out)
{
    struct reader r = rd_open(text);
    int year = rd_digits(&r, 4);
    literal(&r, '-');
    int month = rd_digits(&r, 2);
    literal(&r, '-');
    int day = rd_digits(&r, 2);
    literal(&r, 'T');
    int hour = rd_digits(&r, 2);
    literal(&r, ':');
    int minute = rd_digits(&r, 2);
    literal(&r, ':');
    int second = rd_digits(&r, 2);
    literal(&r, 'Z');

    return rd_end(&r) && time_make(year, month, day, hour, minute, second, out);
}

void time_format(int64_t t, char out[32])
{
    int64_t day = t >= 0 ? t / 86400 : -((-t + 86399) / 86400), left = t - day * 86400, z = day + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153, d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9;
    int64_t y = yoe + era * 400 + (m <= 2);

    snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)y, (int)m, (int)d, (int)(left / 3600),
             (int)(left / 60 % 60), (int)(left % 60));
}
