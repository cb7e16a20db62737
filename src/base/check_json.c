#include "base/check_json.h"

#include "base/text.h"

static struct json *text_json(struct arena *a, const char *text)
{
    return json_new_text(a, text_clean(a, bytes_text(text)));
}

static struct json *value_json(struct arena *a, const struct check_value *value)
{
    struct writer w = wr_open(a);

    if (value->kind == VALUE_NONE)
        return json_new(a, JSON_NULL);
    wr_check_value(&w, value);
    return json_new_text(a, text_clean(a, wr_done(&w)));
}

struct json *check_json(struct arena *a, const struct trace_entry *e, bool in_detail)
{
    static const char *const results[] = {[CHECK_PASS] = "pass", [CHECK_FAIL] = "fail", [CHECK_SKIP] = "skip"};
    struct json *o = json_new(a, JSON_OBJECT);

    JSON_SET(o, "id", text_json(a, check_table[e->id].id));
    JSON_SET(o, "result", text_json(a, results[e->result]));
    JSON_SET(o, "expected", value_json(a, &e->expected));
    JSON_SET(o, "found", value_json(a, &e->found));
    if (in_detail && e->note)
        JSON_SET(o, "note", text_json(a, e->note));
    if (in_detail && e->setting)
        JSON_SET(o, "setting", text_json(a, e->setting));
    return o;
}
