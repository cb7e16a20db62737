#include "evidence/parts/linux_boot.h"

#include "base/text.h"

enum { PCR_COMMANDS = 8, PCR_FILES = 9, PCR_IMAGE = 11, PCR_OVERRIDES = 12, PCR_MOK = 14 };

static const struct {
    const char *word;
    enum linux_kind kind;
} words[] = {
    {"grub_cmd: ", LINUX_GRUB_COMMAND},
    {"kernel_cmdline: ", LINUX_KERNEL_COMMAND_LINE},
    {"module_cmdline: ", LINUX_MODULE_COMMAND_LINE},
    {"grub_cmd ", LINUX_GRUB_COMMAND},
    {"grub_kernel_cmdline ", LINUX_KERNEL_COMMAND_LINE},
};

static const struct {
    uint32_t id;
    const char *name;
} tags[] = {
    {0x8f3b22ec, "Linux initrd"},  {0x8f3b22ed, "LOADED_IMAGE::LoadOptions"},
    {0xf5bc582a, "loader.conf"},   {0x6c46f751, "device tree addon"},
    {0x49dffe0f, "initrd addon"},  {0xdac08e1a, "microcode addon"},
    {0x13aed6db, "UKI profile"},   {0xd5cb7cbc, "SMBIOS type 1"},
    {0xe0d47bc8, "SMBIOS type 2"}, {0xc0b3bd23, "SMBIOS type 11"},
};

const char *linux_tag_name(uint32_t id)
{
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (tags[i].id == id)
            return tags[i].name;
    return NULL;
}

const char *linux_kind_name(enum linux_kind kind)
{
    static const char *const names[] = {"none", "grub command", "kernel command line", "module command line",
                                        "file", "list of shim", "section of an image", "command line of the loader",
                                        "tag",  "text"};

    return names[kind];
}

static bool read_tag(const struct event *e, struct linux_event *out)
{
    struct reader r = rd_open(e->data);
    uint32_t id = rd_u32le(&r);
    struct bytes text = rd_take(&r, rd_u32le(&r));

    if (!rd_end(&r) || !linux_tag_name(id))
        return false;
    *out = (struct linux_event){.kind = LINUX_TAG, .text = bytes_trim_nul(text), .tag = id};
    return utf8_valid(out->text);
}

static bool utf16_text(struct bytes data)
{
    return data.n >= 2 && data.n % 2 == 0 && data.p[0] && data.p[1] == 0;
}

static enum linux_kind kind_in(uint32_t reg, bool wide)
{
    switch (reg) {
    case PCR_COMMANDS: return wide ? LINUX_COMMAND_LINE : LINUX_TEXT;
    case PCR_FILES: return LINUX_FILE;
    case PCR_IMAGE: return wide ? LINUX_SECTION : LINUX_TEXT;
    case PCR_OVERRIDES: return wide ? LINUX_COMMAND_LINE : LINUX_TEXT;
    case PCR_MOK: return LINUX_MOK_LIST;
    default: return LINUX_TEXT;
    }
}

bool linux_event_read(struct arena *a, const struct event *e, struct linux_event *out)
{
    if (e->type == EV_EVENT_TAG)
        return read_tag(e, out);
    if (e->type != EV_IPL || e->data.n == 0)
        return false;
    bool wide = utf16_text(e->data);
    *out = (struct linux_event){.kind = kind_in(e->reg, wide)};
    out->text = wide ? utf16_decode(a, e->data) : bytes_trim_nul(e->data);
    for (size_t i = 0; i < sizeof words / sizeof *words && !wide; i++)
        if (bytes_begin(out->text, words[i].word)) {
            out->kind = words[i].kind;
            out->text = bytes_after(out->text, strlen(words[i].word));
            break;
        }
    return utf8_valid(out->text);
}
