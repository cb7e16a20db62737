#include "net/http.h"

#include <curl/curl.h>
#include <strings.h>

#include "base/limits.h"
#include "net/address.h"

struct intake {
    struct writer body, header;
    size_t limit;
    bool over;
    bool not_public, not_local; /* an address was refused for that */
};

static size_t receive(char *data, size_t size, size_t count, void *context)
{
    struct intake *in = context;

    if (in->body.n + size * count > in->limit) {
        in->over = true;
        return 0; /* libcurl ends the transfer */
    }
    wr_put(&in->body, bytes_make(data, size * count));
    return size * count;
}

/* Only the last header is the answer's: others are of a proxy, or interim. */
static size_t receive_header(char *data, size_t size, size_t count, void *context)
{
    struct intake *in = context;
    struct bytes line = bytes_make(data, size * count);

    if (bytes_begin(line, "HTTP/"))
        in->header.n = 0;
    if (in->header.n + line.n > LIMIT_HTTP_ANSWER_HEADER) {
        in->over = true;
        return 0;
    }
    wr_put(&in->header, line);
    return size * count;
}

/* libcurl asks for each address that it is about to connect to: nothing is looked up again in between. */
static curl_socket_t open_public(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct intake *in = context;

    if (purpose != CURLSOCKTYPE_IPCXN || !address_is_public(&address->addr, (socklen_t)address->addrlen)) {
        in->not_public = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static curl_socket_t open_local(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct intake *in = context;

    if (purpose != CURLSOCKTYPE_IPCXN || !address_is_local(&address->addr, (socklen_t)address->addrlen)) {
        in->not_local = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool is_plain(const struct http_request *request)
{
    return request->plain_local && strncasecmp(request->url, "http://", 7) == 0;
}

static int stopped(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    const atomic_bool *stop = context;

    (void)total, (void)now, (void)up_total, (void)up_now;
    return atomic_load(stop);
}

/* Where the request may go, and what ends it early. */
static void prepare_way(CURL *c, const struct http_request *request, struct intake *in)
{
    if (request->direct || request->public_only || is_plain(request))
        curl_easy_setopt(c, CURLOPT_PROXY, "");
    else if (request->proxy)
        curl_easy_setopt(c, CURLOPT_PROXY, request->proxy);
    if (is_plain(request)) {
        curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_local);
        curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, in);
    }
    if (request->public_only) {
        curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_public);
        curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, in);
    }
    if (!request->stop)
        return;
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L); /* does not wait for a name that is being looked up */
#endif
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, stopped);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, (void *)(uintptr_t)request->stop);
}

static struct curl_slist *header_lines(const struct http_request *request, struct arena *a)
{
    struct curl_slist *lines = NULL;

    if (request->content_type)
        lines = curl_slist_append(lines, arena_printf(a, "Content-Type: %s", request->content_type));
    lines = curl_slist_append(lines, "Expect:"); /* a pause of a second for nothing */
    for (size_t i = 0; request->headers && request->headers[i]; i++)
        lines = curl_slist_append(lines, request->headers[i]);
    return lines;
}

static bool prepare(CURL *c, const struct http_request *request, struct intake *in, struct curl_slist *lines,
                    char *reason)
{
    bool post = request->body.p != NULL;

    curl_easy_setopt(c, CURLOPT_URL, request->url);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L); /* threads */
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)(request->seconds ? request->seconds : HTTP_SECONDS));
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)HTTP_CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "assay/" ASSAY_VERSION);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, in);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, receive_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, in);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, lines);
    if (post) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, request->body.p);
    }
    if (request->method)
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, request->method);
    if (request->ca_file) {
        curl_easy_setopt(c, CURLOPT_CAINFO, request->ca_file);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL); /* these alone */
    } else if (request->extra_ca_file && *request->extra_ca_file) {
        curl_easy_setopt(c, CURLOPT_CAINFO, request->extra_ca_file); /* the system's stay, by the folder of its roots */
    }
    prepare_way(c, request, in);
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, is_plain(request) ? "http" : "https") == CURLE_OK;
}

static bool explain(CURLcode code, const struct http_request *request, const struct intake *in, const char *reason,
                    struct fault *fault)
{
    if (in->over)
        return fault_set(fault, FAULT_LIMIT, "%s: the answer, or its header, has more than %zu bytes", request->url,
                         in->limit);
    if (in->not_local)
        return fault_set(fault, FAULT_USAGE, "%s: without TLS only loopback and link-local addresses are spoken to",
                         request->url);
    if (in->not_public)
        return fault_set(fault, FAULT_SYSTEM, "%s: the server's address is not a public one", request->url);
    if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT)
        return fault_set(fault, FAULT_USAGE, "%s: no https address", request->url);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return fault_set(fault, FAULT_CRYPTO, "%s: the server's certificate is not trusted: %s", request->url,
                         *reason ? reason : curl_easy_strerror(code));
    return fault_set(fault, FAULT_SYSTEM, "%s: %s", request->url, *reason ? reason : curl_easy_strerror(code));
}

bool http_send(const struct http_request *request, struct arena *a, struct http_answer *answer, struct fault *fault)
{
    struct intake in = {.body = wr_open(a), .header = wr_open(a), .limit = request->answer_limit};
    char reason[CURL_ERROR_SIZE] = "";
    struct curl_slist *lines;
    CURLcode code;
    CURL *c;
    long status = 0;
    char *type = NULL;

    if (in.limit == 0)
        in.limit = LIMIT_HTTP_ANSWER;
    if (!is_plain(request) && strncasecmp(request->url, "https://", 8) != 0)
        return fault_set(fault, FAULT_USAGE, "%s: no https address", request->url);
    c = curl_easy_init();
    if (!c)
        return fault_set(fault, FAULT_SYSTEM, "libcurl cannot be started");
    lines = header_lines(request, a);
    code = prepare(c, request, &in, lines, reason) ? curl_easy_perform(c) : CURLE_UNSUPPORTED_PROTOCOL;
    if (code == CURLE_OK) {
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
        *answer = (struct http_answer){.status = (int)status,
                                       .body = wr_done(&in.body),
                                       .header = wr_done(&in.header),
                                       .content_type = arena_string(a, bytes_text(type ? type : ""))};
    } else {
        explain(code, request, &in, reason, fault);
    }
    curl_slist_free_all(lines);
    curl_easy_cleanup(c);
    return code == CURLE_OK;
}

static struct bytes without_blanks(struct bytes b)
{
    while (b.n && (b.p[0] == ' ' || b.p[0] == '\t'))
        b = bytes_after(b, 1);
    return bytes_trim_end(b);
}

struct bytes http_answer_header(const struct http_answer *answer, const char *name)
{
    struct bytes rest = answer->header;

    while (rest.n) {
        const uint8_t *end = memchr(rest.p, '\n', rest.n), *colon;
        struct bytes line = bytes_first(rest, end ? (size_t)(end - rest.p) : rest.n);

        rest = bytes_after(rest, line.n + 1);
        colon = line.n ? memchr(line.p, ':', line.n) : NULL;
        if (colon && bytes_is_nocase(bytes_first(line, (size_t)(colon - line.p)), name))
            return without_blanks(bytes_after(line, (size_t)(colon - line.p) + 1));
    }
    return BYTES_NONE;
}
