#include "collateral/throttle.h"

#include <stdio.h>
#include <time.h>

enum { SECONDS_DIGITS = 9, DATE_SIZE = 29 };

void throttle_init(struct throttle *t, int interval)
{
    *t = (struct throttle){.interval = interval};
    pthread_mutex_init(&t->lock, NULL);
}

void throttle_end(struct throttle *t)
{
    pthread_mutex_destroy(&t->lock);
}

void throttle_pace(struct throttle *t, int interval)
{
    pthread_mutex_lock(&t->lock);
    t->interval = interval;
    pthread_mutex_unlock(&t->lock);
}

static void host_of(const char *url, char out[THROTTLE_HOST_NAME])
{
    const char *host = strstr(url, "://");

    host = host ? host + 3 : url;
    snprintf(out, THROTTLE_HOST_NAME, "%.*s", (int)strcspn(host, "/?"), host);
}

/* With the lock held. Of more hosts than there is room for, the one asked longest ago goes. */
static struct throttle_host *find(struct throttle *t, const char *url)
{
    char name[THROTTLE_HOST_NAME];
    struct throttle_host *oldest = t->hosts;

    host_of(url, name);
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->hosts[i].name, name) == 0)
            return &t->hosts[i];
        if (t->hosts[i].next < oldest->next)
            oldest = &t->hosts[i];
    }
    struct throttle_host *h = t->count < THROTTLE_HOSTS ? &t->hosts[t->count++] : oldest;
    *h = (struct throttle_host){0};
    memcpy(h->name, name, sizeof name);
    return h;
}

enum throttle_answer throttle_ask(struct throttle *t, const char *url, int64_t now, int64_t *wait)
{
    enum throttle_answer answer = THROTTLE_GO;

    *wait = 0;
    pthread_mutex_lock(&t->lock);
    struct throttle_host *h = find(t, url);
    if (h->backed_to > now) {
        *wait = h->backed_to - now;
        answer = THROTTLE_BACK_OFF;
    } else if (h->next > now) {
        *wait = h->next - now;
        answer = THROTTLE_PACE;
    } else {
        h->next = now + t->interval;
    }
    pthread_mutex_unlock(&t->lock);
    return answer;
}

void throttle_good(struct throttle *t, const char *url)
{
    pthread_mutex_lock(&t->lock);
    find(t, url)->failures = 0;
    pthread_mutex_unlock(&t->lock);
}

/* The nth failure in a row: 2, 4, 8 … seconds. */
static int64_t own_measure(unsigned failures, uint32_t random)
{
    int64_t pause = THROTTLE_FIRST;

    for (unsigned i = 1; i < failures && pause < THROTTLE_MOST; i++)
        pause *= 2;
    if (pause > THROTTLE_MOST)
        pause = THROTTLE_MOST;
    return pause - (int64_t)((uint64_t)random * (uint64_t)(pause / 2) >> 32);
}

int64_t throttle_bad(struct throttle *t, const char *url, int64_t now, int64_t asked, uint32_t random)
{
    int64_t pause;

    pthread_mutex_lock(&t->lock);
    struct throttle_host *h = find(t, url);
    if (h->failures < 64)
        h->failures++;
    pause = own_measure(h->failures, random);
    if (asked >= 0) {
        int64_t wish = asked > THROTTLE_OBEYED / 1000 ? THROTTLE_OBEYED : asked * 1000;

        if (wish > pause)
            pause = wish + (int64_t)((uint64_t)random * 1000 >> 32); /* all were told the same */
    }
    if (now + pause > h->backed_to)
        h->backed_to = now + pause;
    pthread_mutex_unlock(&t->lock);
    return pause;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", the one form that is to be sent; the locale is "C" in all our programs. */
static int64_t date(struct bytes value)
{
    char text[DATE_SIZE + 1];
    struct tm tm = {0};

    if (value.n != DATE_SIZE)
        return -1;
    memcpy(text, value.p, DATE_SIZE);
    text[DATE_SIZE] = 0;
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    return end && !*end ? (int64_t)timegm(&tm) : -1;
}

int64_t retry_after(struct bytes value, int64_t now)
{
    int64_t seconds = 0, until;

    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9') {
            until = date(value);
            return until < 0 ? -1 : until > now ? until - now : 0;
        }
        if (i < SECONDS_DIGITS)
            seconds = seconds * 10 + (value.p[i] - '0');
    }
    if (value.n > SECONDS_DIGITS)
        seconds = THROTTLE_OBEYED / 1000;
    return value.n ? seconds : -1;
}
