#include "core/key_pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { THREAD_STACK = 256 * 1024 }; /* to make a key takes some twenty of it */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    struct signing_key *keys[KEY_POOL_SIZE];
    size_t count;
    bool running, settled; /* there is a thread; it has its priority */
    bool wanted;           /* to be filled */
    atomic_bool stop;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* With the lock. Waits until there is something to do; false: the end. */
static bool work_comes(void)
{
    while (!pool.stop && (!pool.wanted || pool.count == KEY_POOL_SIZE))
        pthread_cond_wait(&pool.changed, &pool.lock);
    return !pool.stop;
}

static void *fill(void *unused)
{
    const struct sched_param none = {0};

    (void)unused;
    /* Of this thread alone. Where it is refused the thread is an ordinary one: still no signature waits for it. */
    sched_setscheduler(0, SCHED_IDLE, &none);
    pthread_mutex_lock(&pool.lock);
    pool.settled = true;
    pthread_cond_broadcast(&pool.changed);
    while (work_comes()) {
        pthread_mutex_unlock(&pool.lock);
        struct signing_key *made = signing_key_generate_unless(&pool.stop, NULL);
        pthread_mutex_lock(&pool.lock);
        if (made)
            pool.keys[pool.count++] = made; /* it alone adds */
        else
            pool.wanted = false; /* until somebody asks again: what failed is not tried on and on */
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

bool key_pool_start(struct fault *fault)
{
    pthread_attr_t attributes;

    if (pthread_attr_init(&attributes) != 0)
        return fault_set(fault, FAULT_SYSTEM, "no thread for keys made ahead");
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    int failed = pthread_create(&pool.thread, &attributes, fill, NULL);
    pthread_attr_destroy(&attributes);
    if (failed)
        return fault_set(fault, FAULT_SYSTEM, "no thread for keys made ahead: %s", strerror(failed));
    pthread_mutex_lock(&pool.lock);
    pool.running = true;
    while (!pool.settled)
        pthread_cond_wait(&pool.changed, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
    return true;
}

void key_pool_fill(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.wanted = true;
    pthread_cond_broadcast(&pool.changed);
    pthread_mutex_unlock(&pool.lock);
}

struct signing_key *key_pool_take(void)
{
    pthread_mutex_lock(&pool.lock);
    struct signing_key *k = pool.count ? pool.keys[--pool.count] : NULL;
    pthread_mutex_unlock(&pool.lock);
    return k;
}

size_t key_pool_count(void)
{
    pthread_mutex_lock(&pool.lock);
    size_t n = pool.count;
    pthread_mutex_unlock(&pool.lock);
    return n;
}

void key_pool_stop(void)
{
    pthread_mutex_lock(&pool.lock);
    bool running = pool.running;
    pool.stop = true;
    pthread_cond_broadcast(&pool.changed);
    pthread_mutex_unlock(&pool.lock);
    if (running)
        pthread_join(pool.thread, NULL);
    while (pool.count)
        signing_key_free(pool.keys[--pool.count]); /* which wipes it */
    pool.stop = false;
    pool.running = pool.settled = pool.wanted = false;
}
